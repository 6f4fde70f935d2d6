"""Rejects: the user's own rows that need a person, as they stood, to be corrected and fed back."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.domain.ids import CompanyId, InputNo
from runner.domain.row_key import RowKey, new_key, origin_of, write_key
from runner.errors import ConfigurationWrong
from runner.intake.added import ADDED
from runner.intake.mapping.choose import read_mappings
from runner.intake.mapping.profile import Profile
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.journal.results import WRONG, InputRead, RowStood
from runner.report.rejected import FOR_A_PERSON, Reason, reason_of

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
    """Files that were refused as a whole, by name: why."""
    missing: int = 0
    """Expenses whose rows have been pruned from the journal."""
    missing_example: tuple[str, int] | None = None
    """File and line of the first of them."""


async def rejects_of(journal: Journal, *, everything: bool, told: Rejects) -> AsyncGenerator[Reject, None]:
    """Yield all rows of all expenses that need a person, file by file; with `everything` those that only wait too.

    Every row is given once: as it stood where it was last read.
    """
    for name, expected in await journal.results.refused():
        told.unreadable[name] = f"it was refused as a whole: correct the file itself and run it again ({expected})"
    trouble = await journal.results.in_trouble()
    inputs = [each for each in await journal.results.inputs() if each.kept]
    seen = _Bits()
    for each in sorted(inputs, key=lambda read: (read.number not in trouble, -read.number)):
        if each.number not in trouble and not await _is_any_missing(journal, seen, everything=everything):
            break
        form, here, after = _form(each), _Bits(), 0
        while (group := await journal.results.groups(each.number, after=after)) is not None:
            rows, after = group
            for row in rows:
                reason = _reason(row, each.number, seen)
                if reason is None:
                    continue
                if row.stood.expense_no is not None:
                    here.add(row.stood.expense_no)
                elif row.stood.stands_for is not None:
                    here.add(row.stood.stands_for)
                if not everything and reason.who not in FOR_A_PERSON:
                    told.left_out[reason.who.value] = told.left_out.get(reason.who.value, 0) + 1
                    continue
                told.rows += 1
                yield _reject(row, each, form, reason)
        seen.add_all(here)
    await _count_missing(journal, told, seen, everything=everything)


def _reason(found: RowStood, number: InputNo, seen: "_Bits") -> Reason | None:
    """Return why a row is to be given here; None where it is fine, or given where it stood last."""
    stood = found.stood
    if stood.state == WRONG:
        if all(error.settled for error in stood.errors) or stood.at != number:
            return None
    elif found.row.skipped is not None and stood.expense_no is None:
        return None
    if stood.expense_no is not None and stood.expense_no in seen:
        return None
    return reason_of(stood, found.row.line)


def _reject(found: RowStood, each: InputRead, form: Form, reason: Reason) -> Reject:
    row, stood, first = found.row, found.stood, found.first
    company = stood.company_id or (None if row.company_id is None else CompanyId(row.company_id))
    file, at = (first.name, first.line) if each.came_back else (each.name, row.line)
    origin = origin_of(first.sha256)
    if stood.expense_no is None or stood.expense_id is None:
        key = new_key(origin, first.line)
    else:
        key = RowKey(origin, first.line, known=True, expense_id=stood.expense_id)
    # A damaged key stays as it is: with a new one the row would come in beside the one that it was.
    written = row.damaged_key or write_key(key, company)
    added = (
        file, str(at), reason.stage, reason.who.value, reason.code, reason.message, reason.way_out,
        stood.correlation_id or "", company or "", written,
    )  # fmt: skip
    return Reject(form, company, row.cells + [""] * (len(form.header) - len(row.cells)), added)


def _form(read: InputRead) -> Form:
    profile = _profile(read)
    names_receipts = "receipts" in (map(str.lower, read.header) if profile is None else profile.fields)
    folder = read.receipts or (None if read.path is None else str(Path(read.path).parent))
    encoding, delimiter = read.encoding, read.delimiter
    if encoding == "xlsx":
        # A workbook's rows come back as CSV, as the profile wants it.
        encoding = (profile and profile.encoding) or "utf-8-sig"
        delimiter = (profile and profile.delimiter) or ","
    return Form(read.header, delimiter, encoding, read.mapping, folder if names_receipts else None)


def _profile(read: InputRead) -> Profile | None:
    """Return the profile that a file was read with, as far as it is still there."""
    if read.mapping is None:
        return None
    try:
        mappings = read_mappings([read.mapping])
    except ConfigurationWrong:
        return None
    return None if mappings is None else mappings.profile_for(Source(read.name, None))


async def _is_any_missing(journal: Journal, seen: "_Bits", *, everything: bool) -> bool:
    after = 0
    while page := await journal.results.troubled(after=after, everything=everything, limit=PAGE):
        if any(number not in seen for number in page):
            return True
        after = page[-1]
    return False


async def _count_missing(journal: Journal, told: Rejects, seen: "_Bits", *, everything: bool) -> None:
    """Count the expenses that were not found."""
    after = 0
    while page := await journal.results.troubled(after=after, everything=everything, limit=PAGE):
        for number in page:
            if number not in seen:
                told.missing += 1
                told.missing_example = told.missing_example or await journal.results.place_of(number)
        after = page[-1]


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
