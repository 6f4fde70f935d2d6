"""Numbers that were never amounts: whatever a file says, the journal can be read, for every company."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import pytest

from runner.domain.money import canonical
from runner.outcome import require_balance
from runner.report.amounts import money
from tests.unit import rejecting
from tests.unit.rejecting import World

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id\n"
MOST = "999999999999999"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from rejecting.world(tmp_path)


def test_a_column_of_references_that_was_taken_for_amounts_overflows_nothing(world: World) -> None:
    rows = "".join(f"acme,r{n},Payment,2024-03-31,EUR,{MOST},400\n" for n in range(20_000))
    world.stage(world.write("a.csv", HEADER + rows + "beta,b,Payment,2024-03-31,EUR,1.00,400\n"))
    books = asyncio.run(world.journal.accounts.books())
    require_balance(books)
    (acme, beta) = books.companies
    assert (acme.accepted.amount, beta.accepted.amount) == (Decimal(MOST) * 20_000, Decimal(1))


def test_sums_of_more_digits_than_python_rounds_to_are_exact(world: World) -> None:
    most = f"{MOST}.999999999"
    rows = "".join(f"acme,r{n},Payment,2024-03-31,EUR,{most},400\n" for n in range(20_001))
    world.stage(world.write("a.csv", HEADER + rows))
    turns = cycle([None, "validation_error"])
    world.send(lambda _company, _gross: next(turns))
    books = asyncio.run(world.journal.accounts.books())
    require_balance(books)
    exact = "20000999999999999999.999979999"
    assert canonical(books.companies[0].accepted.amount) == exact
    assert money(books.companies[0].accepted.amount, "EUR").replace(",", "") == exact


def test_one_expense_of_a_hundred_such_lines_overflows_nothing(world: World) -> None:
    lines = "".join(f"acme,x{n},Payment,2024-03-31,EUR,{MOST},{line}\n" for n in range(120) for line in range(100))
    world.stage(world.write("a.csv", HEADER + lines))
    books = asyncio.run(world.journal.accounts.books())
    require_balance(books)
    assert books.companies[0].accepted.amount == Decimal(MOST) * 12_000
    world.send(lambda _company, _gross: "validation_error")
    (written,) = world.rejects()
    back = rejecting.rewrite(written.path, [each | {"net_amount": "1.00"} for each in rejecting.read(written.path)])
    assert world.stage(back).corrected == 120
    require_balance(asyncio.run(world.journal.accounts.books()))
