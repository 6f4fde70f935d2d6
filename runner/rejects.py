"""Rejects: the user's own rows that need a person, as they stood, to be corrected and fed back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from runner.domain.ids import CompanyId, InputNo
from runner.domain.row_key import RowKey, new_key, write_key
from runner.intake.added import ADDED
from runner.intake.lines import Shape, key_of
from runner.journal.journal import Journal
from runner.journal.results import InputRead, Stood
from runner.report.rejected import FOR_A_PERSON, Reason, reason_of
from runner.standing import Again, CannotReadAgain, Row, again, rows_of

PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Form:
    """What rows must have in common to stand in one file."""

    header: tuple[str, ...]
    """The user's own columns."""
    delimiter: str
    encoding: str
    mapping: str | None
    """The mapping profile that the file must be run with."""
    receipts: str | None
    """The folder that its receipts are relative to."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns, and ours behind them."""
        return (*self.header, *ADDED)


@dataclass(frozen=True, slots=True)
class Reject:
    """One row."""

    form: Form
    company_id: CompanyId | None
    own: list[str]
    """The user's cells."""
    added: tuple[str, ...]
    """Ours, one for each of `ADDED`."""


@dataclass(slots=True)
class Rejects:
    """What was found, and what could not be."""

    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows that need no correction, by who can do something."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Files that cannot be read again, by name: why."""
    found: dict[InputNo, int] = field(default_factory=dict)
    """Wrong rows of files that cannot be read again which were found where they first stood."""
    missing: int = 0
    """Expenses that stand in none of the files that could be read."""
    missing_example: tuple[str, int] | None = None
    """File and line of the first of them."""


async def rejects_of(journal: Journal, *, everything: bool, told: Rejects) -> AsyncGenerator[Reject, None]:
    """Yield all rows of all expenses that need a person, file by file; with `everything` those that only wait too.

    Every expense is given once: as it stood where it was last read, or else in the newest file that has it.
    """
    lost: list[InputRead] = []
    readable = await _readable(journal, lost, told)
    seen = _Bits()
    for each in reversed(readable.values()):
        here = _Bits()
        try:
            async with aclosing(rows_of(each, journal)) as rows:
                async for row in rows:
                    reason = _reason(row, each.read.number, readable, seen)
                    if reason is None:
                        continue
                    number = row.stood.stands_for if row.stood.expense_no is None else row.stood.expense_no
                    if number is not None:
                        here.add(number)
                    if row.stood.at is not None and row.stood.at not in readable:
                        told.found[row.stood.at] = told.found.get(row.stood.at, 0) + 1
                    if not everything and reason.who not in FOR_A_PERSON:
                        told.left_out[reason.who.value] = told.left_out.get(reason.who.value, 0) + 1
                        continue
                    told.rows += 1
                    yield _reject(row, each, reason)
        except CannotReadAgain as why:
            told.unreadable[each.source.name] = str(why)
        seen.add_all(here)
    gone = await _count_missing(journal, told, seen, everything=everything)
    for read in lost:
        open_lines = await journal.results.open_lines(read.number)
        if read.name not in gone and told.found.get(read.number, 0) >= open_lines:
            # All that is to be said of its rows is said, of others of the file or of where they first stood.
            told.unreadable.pop(read.name, None)


async def _readable(journal: Journal, lost: list[InputRead], told: Rejects) -> dict[InputNo, Again]:
    """Return the readings to look through, by number: those in trouble, or where they are gone all others."""
    trouble = await journal.results.in_trouble()
    inputs = await journal.results.inputs()
    found: dict[InputNo, Again] = {}
    for read in inputs:
        if read.number in trouble:
            try:
                found[read.number] = again(read)
            except CannotReadAgain as reason:
                lost.append(read)
                told.unreadable[read.name] = str(reason)
    for read in inputs if lost else []:
        if read.number not in trouble and not read.superseded:
            _try(read, found)
    return dict(sorted(found.items()))


def _try(read: InputRead, found: dict[InputNo, Again]) -> None:
    try:
        found[read.number] = again(read)
    except CannotReadAgain:
        return


def _reason(row: Row, number: InputNo, readable: dict[InputNo, Again], seen: "_Bits") -> Reason | None:
    """Return why a row is to be given here; None where it is fine, or given where it stood last."""
    stood = row.stood
    if row.line.skipped is not None or _is_settled(stood):
        return None
    if stood.at is not None and stood.at != number and stood.at in readable:
        return None
    if stood.expense_no is not None and stood.expense_no in seen:
        return None
    return reason_of(stood, row.line.line)


def _is_settled(stood: Stood) -> bool:
    """Say whether what was wrong with a row is told by another reading."""
    return bool(stood.errors) and all(error.settled for error in stood.errors)


def _reject(row: Row, each: Again, reason: Reason) -> Reject:
    line, shape = row.line, row.shape
    form = _form(shape, each)
    stood = row.stood
    company = stood.company_id or line.company_id
    file, at = line.place if line.place is not None and all(line.place) else (each.source.name, str(line.line))
    # A damaged key stays as it is: with a new one the row would come in beside the one that it was.
    damaged = line.key if key_of(line) is None else ""
    added = (
        file, at, reason.stage, reason.who.value, reason.code, reason.message, reason.way_out,
        stood.correlation_id or "", company or "", damaged or write_key(_key(row, each), company),
    )  # fmt: skip
    return Reject(form, company, line.cells + [""] * (len(shape.header) - len(line.cells)), added)


def _form(shape: Shape, each: Again) -> Form:
    profile = None if each.options.mapping is None else each.options.mapping.profile_for(each.source)
    names_receipts = "receipts" in (map(str.lower, shape.header) if profile is None else profile.fields)
    folder = each.read.receipts or str(each.path.parent)
    encoding, delimiter = shape.encoding, shape.delimiter
    if encoding == "xlsx":
        # A workbook's rows come back as CSV, as the profile wants it.
        encoding = (profile and profile.encoding) or "utf-8-sig"
        delimiter = (profile and profile.delimiter) or ","
    return Form(shape.header, delimiter, encoding, each.read.mapping, folder if names_receipts else None)


def _key(row: Row, each: Again) -> RowKey:
    """Return the key that a row comes back with: once given, it stays."""
    stood, before = row.stood, key_of(row.line)
    origin, line = (each.origin, row.line.line) if before is None else (before.origin, before.line)
    if stood.expense_no is None or stood.expense_id is None:
        return before or new_key(origin, line)
    return RowKey(origin, line, known=True, expense_id=stood.expense_id)


async def _count_missing(journal: Journal, told: Rejects, seen: "_Bits", *, everything: bool) -> set[str]:
    """Count the expenses that were not found, and return the names of the files that they came from."""
    after, names = 0, set[str]()
    while page := await journal.results.troubled(after=after, everything=everything, limit=PAGE):
        for number in page:
            if number not in seen:
                told.missing += 1
                place = await journal.results.place_of(number)
                told.missing_example = told.missing_example or place
                names.add(place[0])
        after = page[-1]
    return names


class _Bits:
    """A set of numbers of expenses: one bit each."""

    def __init__(self) -> None:
        self.bits = bytearray()

    def __contains__(self, number: int) -> bool:
        return number >> 3 < len(self.bits) and bool(self.bits[number >> 3] & 1 << (number & 7))

    def add(self, number: int) -> None:
        """Put one in."""
        self._reach((number >> 3) + 1)
        self.bits[number >> 3] |= 1 << (number & 7)

    def add_all(self, other: "_Bits") -> None:
        """Put in all of another one."""
        self._reach(len(other.bits))
        for place, byte in enumerate(other.bits):
            self.bits[place] |= byte

    def _reach(self, size: int) -> None:
        self.bits.extend(bytes(max(0, size - len(self.bits))))
