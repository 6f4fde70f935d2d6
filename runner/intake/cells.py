"""A CSV file's rows, many at a time: the csv module where there are quotation marks, plain splitting where not."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from runner.intake.codes import Code, Fault
from runner.intake.header import detect_delimiter
from runner.intake.row import MAX_TEXT
from runner.intake.text import MAX_ROW, FileFault, Lines, RowTooLong, separate

MANY: Final = 500
"""Rows that are given out together."""

_PLAIN: Final = bytes(each for each in range(0x20, 0x7F) if each not in b'"\\') + b"\r\n"
_DOUBLED: Final = 'quotation marks that are closed, and doubled ("") inside a quoted value'


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that follow one another; blank ones are left out."""

    rows: list[list[str]]
    lines: Sequence[int]
    """The number of each row's first line, in the file."""
    clean: bool = False
    """Whether it is known that no cell has a character that cannot be printed, a quotation mark or a backslash, and
    that no row is longer than `MAX_TEXT`."""


class CellGroups:
    """The rows of a CSV file, the header first."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._blocks = lines.blocks()
        self._line = 1
        self._at_row_end = True
        self.delimiter = ","

    def groups(self) -> Iterator[Group]:
        """Yield the rows; raises `FileFault`, after all that stand before the faulty one."""
        try:
            if (block := self._first()) is None:
                return
            yield from self._given(block)
            for each in self._blocks:
                yield from self._given(each)
        except RowTooLong:
            fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
            raise FileFault(fault, line=self._line) from None

    def _first(self) -> str | None:
        """Return the first block from the header on, None where all is blank."""
        for block in self._blocks:
            lines = separate(block)
            if block.isspace():
                # Millions of blank lines are soon passed.
                self._line += len(lines)
                self._lines.row_size = 0
                continue
            for place, text in enumerate(lines):
                if text.strip():
                    self.delimiter = detect_delimiter(text)
                    return "".join(lines[place:])
                self._line += 1
                self._lines.row_size = 0
        return None

    def _given(self, block: str) -> Iterator[Group]:
        rows = split_plain(block, self.delimiter)
        if rows is None:
            yield from self._parsed(block)
            return
        lines: Sequence[int] = range(self._line, self._line + len(rows))
        self._line += len(rows)
        self._lines.row_size = 0
        if [""] in rows:
            lines = [line for line, cells in zip(lines, rows, strict=True) if cells != [""]]
            rows = [cells for cells in rows if cells != [""]]
        clean = is_clean(block, self.delimiter)
        for start in range(0, len(rows), MANY):
            yield Group(rows[start : start + MANY], lines[start : start + MANY], clean)

    def _parsed(self, block: str) -> Iterator[Group]:
        """Parse one block, and on to the end of the row in which it ends."""
        reader = csv.reader(self._fed(block), delimiter=self.delimiter, strict=True)
        before = self._line - 1
        rows: list[list[str]] = []
        lines: list[int] = []
        while True:
            self._at_row_end = True
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Group(rows, lines)
                raise FileFault(_quoting(error), line=self._line) from None
            except (FileFault, RowTooLong):
                yield Group(rows, lines)
                raise
            if cells is None:
                break
            if cells:
                rows.append(cells)
                lines.append(self._line)
            self._line = before + reader.line_num + 1
            self._lines.row_size = 0
            if len(rows) >= MANY:
                yield Group(rows, lines)
                rows, lines = [], []
        yield Group(rows, lines)

    def _fed(self, block: str) -> Iterator[str]:
        while True:
            for line in separate(block):
                self._at_row_end = False
                yield line
            if self._at_row_end:
                return
            following = next(self._blocks, None)
            if following is None:
                return
            block = following


def split_plain(block: str, delimiter: str) -> list[list[str]] | None:
    """Return the rows of whole lines as the csv module would, in less than half its time; None where it is needed.

    A blank line is a row of one blank cell. Without a quotation mark every line is a row, and every delimiter
    ends a cell.
    """
    if '"' in block or not block.endswith("\n") or len(block) > csv.field_size_limit():
        return None
    end = "\n"
    if "\r" in block:
        end = "\r\n"
        if not block.count("\r") == block.count("\n") == block.count(end):
            return None
    lines = block.split(end)
    del lines[-1]
    return [line.split(delimiter) for line in lines]


def is_clean(block: str, delimiter: str) -> bool:
    """Say whether all that stands between delimiters and line ends is what `Group.clean` promises."""
    if block.isascii():
        # Deleting all that is allowed is five times as quick as str.isprintable.
        if block.encode("ascii").translate(None, _PLAIN + delimiter.encode("ascii")):
            return False
    elif "\\" in block or '"' in block or not _only_text(block, delimiter).isprintable():
        return False
    return max(map(len, block.split("\n"))) <= MAX_TEXT


def _only_text(block: str, delimiter: str) -> str:
    return block.replace("\r", "").replace("\n", "").replace(delimiter, "")


def _quoting(error: csv.Error) -> Fault:
    if "field limit" in str(error):
        return Fault(Code.FIELD_TOO_LONG, None, None, f"cells of at most {csv.field_size_limit():,} characters")
    return Fault(Code.QUOTING_BROKEN, None, None, _DOUBLED)
