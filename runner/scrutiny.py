"""Scrutiny: what is odd about rows that are right, so that a person looks before they are sent."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from runner.codat.draining import Draining
from runner.codat.readback import looks_of
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.odd_rows import OddRows
from runner.domain.suspicion import LARGE_RECEIPT, NEAR_DAYS, Oddity, Usual, odd_things
from runner.journal.checking import Checking, Place, ReceiptTotals, Twins

EXAMPLES = 3
"""Expenses that a warning names; it counts them all."""


@dataclass(frozen=True, slots=True)
class Example:
    """One suspicious expense."""

    place: Place
    column: str
    value: str


@dataclass(slots=True)
class Warned:
    """All expenses that are odd in the same way."""

    oddity: Oddity
    count: int = 0
    examples: list[Example] = field(default_factory=list)
    """The first of them."""

    def add(self, example: Example) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


async def scrutinize(checking: Checking, receipts: ReceiptTotals, *, now: datetime, draining: Draining) -> list[Warned]:
    """Return what is odd about all that was staged to be checked, in the order of `Oddity`.

    Memory does not grow with the number of expenses; `now` is aware. Raises what draining was started with.
    """
    usual = {company: Usual.of(habits) for company, habits in (await checking.habits()).items()}
    found = {oddity: Warned(oddity) for oddity in Oddity}
    async with aclosing(checking.staged()) as pages:
        async for page in pages:
            # A journal that is forgotten answers without waiting: only here is a signal heard.
            await asyncio.sleep(0)
            draining.check()
            for row in page:
                for odd in odd_things(looks_of(row.payload), usual[row.company_no], now=now):
                    found[odd.oddity].add(Example(row.place, odd.column, odd.value))
    twins = await checking.near_duplicates(days=NEAR_DAYS, examples=EXAMPLES)
    found[Oddity.NEAR_DUPLICATE] = Warned(Oddity.NEAR_DUPLICATE, twins.count, list(_twins(twins)))
    if receipts.example is not None:
        place, path, size = receipts.example
        example = Example(place, "receipts", f"{path} ({size / 1_000_000:.1f} MB)")
        found[Oddity.RECEIPT_LARGE] = Warned(Oddity.RECEIPT_LARGE, receipts.large, [example])
    return [warned for warned in found.values() if warned.count]


def seen_in(inputs: Iterable[tuple[str, Sequence[OddRows]]]) -> list[Warned]:
    """Return what was odd about the rows of files beside one another, all files together."""
    found: dict[Oddity, Warned] = {}
    for file, kinds in inputs:
        for kind in kinds:
            warned = found.setdefault(kind.oddity, Warned(kind.oddity))
            warned.count += kind.count
            for row in kind.examples[: EXAMPLES - len(warned.examples)]:
                place = Place(CompanyId(row.company), ExpenseId(row.expense), file, row.line)
                warned.examples.append(Example(place, row.column, row.value))
    return list(found.values())


async def receipts_of(checking: Checking) -> ReceiptTotals:
    """Return the receipts of all that was staged to be checked."""
    return await checking.receipts(large=LARGE_RECEIPT)


def _twins(twins: Twins) -> Iterator[Example]:
    for later, earlier in twins.examples:
        yield Example(later, "merchant_name", f"as {earlier.file}:{earlier.line}")
