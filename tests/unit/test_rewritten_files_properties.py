"""A file of rows without ids, written again in another way: what means the same is the same, what does not is not."""

import codecs
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import rejecting
from tests.unit.rejecting import World

PROFILE = """
[fields]
type = { constant = "Payment" }
company_id = { constant = "acme" }
currency = { constant = "EUR" }
merchant_name = { column = "Info" }
account_id = { constant = "400" }

[fields.issue_date]
column = "Date"
format = ["DD.MM.YYYY", "YYYY-MM-DD", "D MMM YYYY"]

[amounts]
gross = "Amount"

[id]
overlap = "yes"
"""
MONTHS = ("Jan", "Feb", "Mar")


class Bought(NamedTuple):
    """One row."""

    month: int
    day: int
    merchant: str
    cents: int


class Writing(NamedTuple):
    """How rows are written: nothing of it changes what they mean."""

    columns: tuple[str, ...]
    delimiter: str
    dates: int
    bare: bool
    """Whether cents that are none are left out."""
    shout: bool
    blanks: bool
    more: bool
    """Whether another column is filled."""
    mark: bool
    shuffle: int


bought = st.builds(
    Bought,
    st.integers(1, 3),
    st.integers(1, 28),
    st.sampled_from(["Café Zoë", "Taxi", "Bus 5"]),
    st.integers(-900, 900),
)
writings = st.builds(
    Writing,
    st.permutations(["Date", "Info", "Amount"]).map(tuple),
    st.sampled_from(",;\t"),
    st.integers(0, 2),
    *[st.booleans()] * 5,
    st.integers(0, 99),
)


def written(rows: list[Bought], how: Writing) -> bytes:
    rows = list(rows)
    if how.shuffle:
        random.Random(how.shuffle).shuffle(rows)
    names = [*how.columns, *(["Balance"] if how.more else [])]
    lines = [how.delimiter.join(names)]
    for place, row in enumerate(rows):
        cents = abs(row.cents)
        amount = f"{'-' if row.cents < 0 else ''}{cents // 100}"
        amount += "" if how.bare and not cents % 100 else f".{cents % 100:02}"
        date = (
            f"{row.day:02}.{row.month:02}.2024",
            f"2024-{row.month:02}-{row.day:02}",
            f"{row.day} {MONTHS[row.month - 1]} 2024",
        )[how.dates]
        merchant = row.merchant.upper() if how.shout else row.merchant
        merchant = f"  {merchant} " if how.blanks else merchant
        cells = {"Date": date, "Info": merchant, "Amount": amount, "Balance": str(place)}
        lines.append(how.delimiter.join(cells[name] for name in names))
    text = "\r\n".join(lines) + "\r\n"
    return (codecs.BOM_UTF8 if how.mark else b"") + text.encode()


@contextmanager
def a_world() -> Iterator[tuple[World, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "bank.toml")
        profile.write_text(PROFILE, encoding="utf-8")
        for made in rejecting.world(Path(folder)):
            yield made, profile


@given(st.lists(bought, min_size=1, max_size=8), writings, writings)
@settings(max_examples=60, deadline=None)
def test_what_means_the_same_is_the_same(rows: list[Bought], first: Writing, second: Writing) -> None:
    with a_world() as (world, profile):
        path = world.folder / "a.csv"
        path.write_bytes(written(rows, first))
        before = world.run(path, mapping=profile)
        assert before.accepted == len(rows)
        path.write_bytes(written(rows, second))
        after = world.run(path, mapping=profile)
        assert (after.accepted, after.asked) == (0, 0)
        # What is posted under another spelling of the merchant is told, and stays as it is.
        assert after.errors == 0 or first.shout != second.shout
        assert len(world.posted()) == len(rows)


@given(st.lists(bought, min_size=1, max_size=8), writings, writings, st.data())
@settings(max_examples=60, deadline=None)
def test_what_means_something_else_is_new_or_a_question(
    rows: list[Bought], first: Writing, second: Writing, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    row = rows[place]
    changed = data.draw(
        st.sampled_from([
            row._replace(day=row.day % 28 + 1),
            row._replace(cents=row.cents + 1),
            row._replace(cents=-row.cents - 1),
            row._replace(merchant=f"{row.merchant} GmbH"),
        ])
    )  # fmt: skip
    with a_world() as (world, profile):
        path = world.folder / "a.csv"
        path.write_bytes(written(rows, first))
        world.run(path, mapping=profile)
        path.write_bytes(written([*rows[:place], changed, *rows[place + 1 :]], second))
        after = world.run(path, mapping=profile)
        assert after.accepted + after.asked == 1, after
        cents = sum(abs(each.cents) for each in rows) + (abs(changed.cents) if after.accepted else 0)
        assert sum(world.posted()) * 100 == cents
