"""The rows of a CSV file, its header first: title lines above it are left out."""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from runner.intake.codes import Code, Fault
from runner.intake.header import DELIMITERS
from runner.intake.mapping.finding import MAX_TITLE_ROWS, Candidate, better, look_at, not_found
from runner.intake.mapping.profile import Profile
from runner.intake.text import MAX_ROW, FileFault, Lines, RowTooLong

MAX_TITLE: Final = 1 << 18
"""Characters in which the header must be found."""
_QUOTES: Final = 'quotation marks that are closed, and doubled ("") inside a quoted value'


class CsvTable:
    """The rows of one CSV file."""

    def __init__(self, lines: Lines, profile: Profile) -> None:
        self._lines = lines
        self._profile = profile
        self.delimiter = profile.delimiter or ","

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield the header and each row that is not blank, with the number of its first line; raise `FileFault`."""
        line = 1
        try:
            lines = iter(self._lines)
            ahead = self._ahead(lines)
            header = self._header(ahead)
            self.delimiter = header.delimiter
            # Only what stands below counts: a title with an odd quotation mark is nobody's row.
            line = header.row + 1
            reader = csv.reader(chain(ahead[header.row :], lines), delimiter=header.delimiter, strict=True)
            for cells in reader:
                if cells:
                    yield cells, line
                line = header.row + reader.line_num + 1
                self._lines.row_size = 0
        except csv.Error as error:
            raise FileFault(_quoting(error), line=line) from None
        except RowTooLong:
            fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
            raise FileFault(fault, line=line) from None

    def _ahead(self, lines: Iterator[str]) -> list[str]:
        ahead: list[str] = []
        size = 0
        for text in islice(lines, MAX_TITLE_ROWS):
            ahead.append(text)
            self._lines.row_size = 0
            size += len(text)
            if size > MAX_TITLE:
                break
        return ahead

    def _header(self, ahead: list[str]) -> Candidate:
        best: Candidate | None = None
        delimiters = [self._profile.delimiter] if self._profile.delimiter else list(DELIMITERS)
        for row, text in enumerate(ahead):
            if not text.strip():
                continue
            for delimiter in delimiters:
                found = look_at(self._profile, _first(ahead, row, delimiter), row=row, delimiter=delimiter)
                if not found.missing:
                    return found
                best = better(best, found)
        raise FileFault(not_found(self._profile, best), line=1 if best is None else best.row + 1)


def _first(ahead: list[str], row: int, delimiter: str) -> list[str]:
    """Return the cells of the row that begins at a line; a header's names may hold line ends."""
    try:
        return next(csv.reader(ahead[row:], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _quoting(error: csv.Error) -> Fault:
    if "field limit" in str(error):
        return Fault(Code.FIELD_TOO_LONG, None, None, f"cells of at most {csv.field_size_limit():,} characters")
    return Fault(Code.QUOTING_BROKEN, None, None, _QUOTES)
