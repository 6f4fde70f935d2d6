"""Adding up expenses in portions gives what adding up all of them at once would, and costs no more as they grow."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator

import pytest

from runner.journal.adding import added_up
from runner.journal.opening import open_scratch

PORTION = 16
STEPS = 100
"""Virtual machine instructions of SQLite's between two calls of the counter."""


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = open_scratch()
    opened.execute("PRAGMA foreign_keys=OFF")
    yield opened
    opened.close()


def fill(connection: sqlite3.Connection, rows: list[tuple[int, int, str, str]]) -> None:
    """Insert (number, company, currency, state), with an amount of its own each."""
    connection.executemany(
        "INSERT INTO expense (expense_no, company_no, expense_id, input_no, line, rows, named, cells, day, short_key,"
        " back, content_hash, currency, units, nanos, state, draft_no, code)"
        " VALUES (:no, :company, :no, 1, 1, 1, 1, 0, '', 0, 0, x'', :coin, :no, -:no, :state, 1, 'c')",
        [dict(zip(("no", "company", "coin", "state"), row, strict=True)) for row in rows],
    )


def at_once(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT company_no, currency, state, count(*), sum(units), sum(nanos) FROM expense"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()


def in_portions(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    counts: Counter[tuple[int, str, str]] = Counter()
    units, nanos = counts.copy(), counts.copy()
    for each in added_up(connection, portion=PORTION):
        counts[each[:3]] += each.expenses
        units[each[:3]] += each.units
        nanos[each[:3]] += each.nanos
    return [(*key, counts[key], units[key], nanos[key]) for key in sorted(counts)]


def drawn(seed: int) -> list[tuple[int, int, str, str]]:
    """Return rows of which stretches are alike, and others take turns; with gaps between their numbers."""
    chance = random.Random(seed)
    number = chance.randrange(1, 100)
    rows: list[tuple[int, int, str, str]] = []
    while len(rows) < 400:
        company, currency, state = chance.randrange(3), chance.choice(["EUR", "GBP"]), chance.choice(["posted", "sent"])
        for _ in range(chance.choice([1, 2, PORTION - 1, PORTION, PORTION + 1, 5 * PORTION])):
            rows.append((number, company, currency, state))
            number += 1
        number += chance.choice([0, 0, 1, PORTION, 40 * PORTION])
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_portions_add_up_to_what_all_expenses_do(connection: sqlite3.Connection, seed: int) -> None:
    fill(connection, drawn(seed))
    assert in_portions(connection) == at_once(connection)


def test_no_expenses_add_up_to_nothing(connection: sqlite3.Connection) -> None:
    assert list(added_up(connection)) == []


@pytest.mark.parametrize("column", ["company_no = 9", "currency = 'USD'", "state = 'posted'"])
def test_one_expense_unlike_all_others_is_told_apart(connection: sqlite3.Connection, column: str) -> None:
    fill(connection, [(number, 1, "EUR", "sent") for number in range(1, 10 * PORTION)])
    connection.execute(f"UPDATE expense SET {column} WHERE expense_no = {5 * PORTION}")
    assert [row[3] for row in in_portions(connection)].count(1) == 1
    assert in_portions(connection) == at_once(connection)


def steps(connection: sqlite3.Connection) -> int:
    """Return how many instructions adding up takes, to a hundred."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection.set_progress_handler(count, STEPS)
    in_portions(connection)
    connection.set_progress_handler(None, 0)
    return counted * STEPS


@pytest.mark.parametrize("companies", [1, 7])
def test_what_adding_up_costs_an_expense_does_not_grow_with_their_number(
    connection: sqlite3.Connection, companies: int
) -> None:
    costs = []
    for size in (2_000, 16_000):
        connection.execute("DELETE FROM expense")
        fill(connection, [(number, number % companies, "EUR", "posted") for number in range(1, size + 1)])
        costs.append(steps(connection) / size)
    small, large = costs
    assert large < small * 1.1
