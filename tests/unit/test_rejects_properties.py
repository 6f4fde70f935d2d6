"""Whatever is wrong in a file and in whatever order it is mended: every line has one result, the books add up."""

import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import rejecting
from tests.unit.rejecting import Row, World, read, rewrite

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id\n"
KINDS = ("right", "wrong", "refused")
LINE = st.tuples(st.sampled_from(("", "", "A", "B")), st.sampled_from(KINDS), st.sampled_from(("1.00", "2.00")))
# What is refused is refused for its account; a row that is mended is right, and may be equal to any other.
ROUND = st.lists(st.booleans(), min_size=1, max_size=12)


def written(lines: Sequence[tuple[str, str, str]]) -> str:
    """Return a file; rows of one id differ in their accounts, rows without one may be equal."""
    return HEADER + "".join(_row(number, *line) for number, line in enumerate(lines))


def _row(number: int, own_id: str, kind: str, amount: str) -> str:
    amount = "oops" if kind == "wrong" else amount
    account = "closed" if kind == "refused" else "400"
    account += f"-{number}" if own_id else ""
    return f"acme,{own_id},Payment,2024-03-31,EUR,{amount},{account}\n"


def mended(row: Row, amount: str) -> Row:
    return row | {"net_amount": amount, "account_id": row["account_id"].replace("closed", "400")}


@contextmanager
def a_world():  # type: ignore[no-untyped-def] # a generator of one world
    with tempfile.TemporaryDirectory() as folder:
        made = rejecting.world(Path(folder))
        yield next(iter(made))


def refuse_bad_accounts(world: World) -> None:
    """Post what is staged, but for expenses with a line on the account that is closed."""
    world.connection.execute(
        "UPDATE expense SET state = 'rejected', code = 'account_unknown' WHERE state = 'staged' AND EXISTS ("
        "SELECT 1 FROM payload WHERE payload.expense_no = expense.expense_no AND instr(body, 'closed') > 0)"
    )
    world.send()


def check(world: World, original: Path, lines: Sequence[tuple[str, str, str]], mended_lines: set[int]) -> None:
    found = world.results(original)
    assert [each["_line"] for each in found] == list(range(2, len(lines) + 2))
    ids = {own_id: [n for n, each in enumerate(lines, start=2) if each[0] == own_id] for own_id, _, _ in lines}
    amount = Decimal(0)
    for row, (number, (own_id, kind, net)) in zip(found, enumerate(lines, start=2), strict=True):
        whole = ids[own_id] if own_id else [number]
        right = all(n in mended_lines or lines[n - 2][1] == "right" for n in whole)
        assert row["_state"] == ("posted" if right else row["_state"])
        assert (row["_state"] in {"wrong", "rejected"}) is not right, (row, lines, mended_lines)
        amount += Decimal(net) if right else 0
        del kind
    assert sum(world.posted()) == amount
    told = {each["_expense_id"]: Decimal(each["_amount"]) for each in found if each["_state"] == "posted"}
    assert sorted(told.values()) == world.posted()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(lines=st.lists(LINE, min_size=1, max_size=7), rounds=st.lists(ROUND, max_size=3), data=st.data())
def test_every_line_has_one_result_and_the_books_hold_what_is_right(
    lines: list[tuple[str, str, str]], rounds: list[list[bool]], data: st.DataObject
) -> None:
    with a_world() as world:
        original = world.write("a.csv", written(lines))
        world.stage(original)
        refuse_bad_accounts(world)
        mended_lines: set[int] = set()
        check(world, original, lines, mended_lines)
        for number, round_ in enumerate(rounds):
            files = world.rejects(f"rejects{number % 2}.csv", force=True)
            if not files:
                break
            rows = read(files[0].path)
            back = []
            for place, row in enumerate(rows):
                line = int(row["_line"])
                if round_[place % len(round_)]:
                    row = mended(row, lines[line - 2][2])  # noqa: PLW2901 - the row from here on
                    mended_lines.add(line)
                back.append(row)
            world.stage(rewrite(files[0].path, data.draw(st.permutations(back))))
            refuse_bad_accounts(world)
            check(world, original, lines, mended_lines)
            if data.draw(st.booleans()):
                world.stage(original)
                refuse_bad_accounts(world)
                check(world, original, lines, mended_lines)
        right = [(own_id, "right" if n in mended_lines else kind, net)
                 for n, (own_id, kind, net) in enumerate(lines, start=2)]  # fmt: skip
        before = world.posted()
        world.stage(world.write("as_it_should_be.csv", written(right)))
        refuse_bad_accounts(world)
        assert world.posted() == before
