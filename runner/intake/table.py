"""A file's rows as cells, its header first: text between separators, or a sheet of a workbook."""

import csv
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO, Final, Protocol

from runner.intake.codes import Code, Fault
from runner.intake.header import DELIMITERS, detect_delimiter
from runner.intake.mapping.finding import (
    MAX_TITLE_ROWS,
    Candidate,
    better,
    given_names,
    look_at,
    not_found,
    require_names,
)
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.recode import Recoded
from runner.intake.mapping.workbook import WorkbookTable, is_workbook
from runner.intake.sources import Source
from runner.intake.text import MAX_ROW, FileFault, Lines, RowTooLong

MAX_TITLE: Final = 1 << 18
"""Characters in which the header must be found."""
_STATED: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*[ \r\n]*', re.IGNORECASE)
_QUOTES: Final = 'quotation marks that are closed, and doubled ("") inside a quoted value'


class Table(Protocol):
    """The rows of a file."""

    delimiter: str
    """Between cells; blank in a workbook. Known once the header has been given."""

    @property
    def encoding(self) -> str:
        """Of the file; `xlsx` for a workbook."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hex digest of the file's bytes; None unless they were read to the end."""
        ...

    @property
    def unread_sheets(self) -> tuple[str, ...]:
        """The names of a workbook's sheets that are not read."""
        ...

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield the header and each row that is not blank, with the number of its first line; raise `FileFault`."""
        ...


def open_table(stream: BinaryIO, source: Source, profile: Profile | None) -> Table:
    """Return the rows of a file; without a profile its first line that is not blank is the header."""
    if profile is not None and is_workbook(source.path):
        return WorkbookTable(stream, profile)
    return CsvTable(stream, profile)


class CsvTable:
    """The rows of one CSV file."""

    unread_sheets: tuple[str, ...] = ()

    def __init__(self, stream: BinaryIO, profile: Profile | None) -> None:
        encoding = None if profile is None else profile.encoding
        self._recoded = None if encoding is None else Recoded(stream, encoding)
        self._lines = Lines(self._recoded or stream)  # type: ignore[arg-type] # both can be read
        self._profile = profile
        self._given: list[str] | None = None
        """The names of the columns, where the file has no header."""
        self._reach = 0
        """Cells that the next row has at least, which is the header."""
        self.delimiter = (profile and profile.delimiter) or ","

    @property
    def encoding(self) -> str:
        """Of the file."""
        stated = None if self._profile is None else self._profile.encoding
        return stated or self._lines.encoding

    @property
    def sha256(self) -> str | None:
        """Hex digest of the file's bytes; None unless they were read to the end."""
        return self._lines.sha256 if self._recoded is None else self._recoded.sha256

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield the header and each row that is not blank, with the number of its first line; raise `FileFault`."""
        before, line = 0, 1
        try:
            lines = iter(self._lines)
            ahead, before = self._first(lines) if self._profile is None else self._below_titles(lines, self._profile)
            if self._given is not None:
                yield self._given, 0
            # Only what stands below counts: a title with an odd quotation mark is nobody's row.
            line = before + 1
            reader = csv.reader(chain(ahead, lines), delimiter=self.delimiter, strict=True)
            for cells in reader:
                if cells:
                    yield cells + [""] * (self._reach - len(cells)), line
                    self._reach = 0
                line = before + reader.line_num + 1
                self._lines.row_size = 0
        except csv.Error as error:
            raise FileFault(_quoting(error), line=line) from None
        except RowTooLong:
            fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
            raise FileFault(fault, line=line) from None

    def _first(self, lines: Iterator[str]) -> tuple[list[str], int]:
        """Return the first line that is not blank, and how many stand before it."""
        before, stated = 0, None
        for text in lines:
            self._lines.row_size = 0
            if stated is None and (stated := _stated_delimiter(text)) is not None:
                before += 1
            elif text.strip():
                self.delimiter = stated or detect_delimiter(text)
                return [text], before
            else:
                before += 1
        return [], before

    def _below_titles(self, lines: Iterator[str], profile: Profile) -> tuple[list[str], int]:
        """Return the lines read so far, from that of the header on, and how many stand before it."""
        ahead: list[str] = []
        size = 0
        for text in islice(lines, MAX_TITLE_ROWS):
            ahead.append(text)
            self._lines.row_size = 0
            size += len(text)
            if size > MAX_TITLE:
                break
        first = next((row for row, text in enumerate(ahead) if text.strip() and not _stated_delimiter(text)), None)
        if profile.columns and first is not None:
            return self._named(ahead, first, profile), first
        header = _find_header(ahead, profile)
        require_names(profile, header.cells, line=header.row + 1)
        self._reach = profile.reach
        self.delimiter = header.delimiter
        return ahead[header.row :], header.row

    def _named(self, ahead: list[str], first: int, profile: Profile) -> list[str]:
        """Return the lines from the first row on, of a file whose columns the profile names."""
        delimiters = [profile.delimiter] if profile.delimiter else list(DELIMITERS)
        found = {each: _cells(ahead, first, each) for each in delimiters}
        header = next((each for each, cells in found.items() if given_names(profile, cells) is None), None)
        width = len(profile.columns)
        self.delimiter = header or min(delimiters, key=lambda each: abs(len(found[each]) - width))
        self._given = given_names(profile, found[self.delimiter])
        return ahead[first:]


def _stated_delimiter(text: str) -> str | None:
    """Return the delimiter that a line states for spreadsheets: `sep=;` above everything else."""
    found = _STATED.fullmatch(text)
    return None if found is None else found[1]


def _find_header(ahead: list[str], profile: Profile) -> Candidate:
    best: Candidate | None = None
    delimiters = [profile.delimiter] if profile.delimiter else list(DELIMITERS)
    for row, text in enumerate(ahead):
        if not text.strip():
            continue
        for delimiter in delimiters:
            found = look_at(profile, _cells(ahead, row, delimiter), row=row, delimiter=delimiter)
            if not found.missing:
                return found
            best = better(best, found)
    raise FileFault(not_found(profile, best), line=1 if best is None else best.row + 1)


def _cells(ahead: list[str], row: int, delimiter: str) -> list[str]:
    """Return the cells of the row that begins at a line; a header's names may hold line ends."""
    try:
        return next(csv.reader(ahead[row:], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _quoting(error: csv.Error) -> Fault:
    if "field limit" in str(error):
        return Fault(Code.FIELD_TOO_LONG, None, None, f"cells of at most {csv.field_size_limit():,} characters")
    return Fault(Code.QUOTING_BROKEN, None, None, _QUOTES)
