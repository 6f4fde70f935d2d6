"""A file's rows again, in order and with the user's own cells: which expense each of them is.

Nothing is judged here: the journal knows what became of each row. A receipt may be gone by now, a rate may have been
added to the profile, and the row is still what it was when it was staged.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from runner.domain.expense import Receipt
from runner.domain.identity import named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey, read_key
from runner.intake.assembly import BATCH, counted, unnamed_key
from runner.intake.codes import Code, Fault
from runner.intake.mapping.translate import Skipped
from runner.intake.read import Options, Source
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import Row, Wrong
from runner.intake.rows import FileRows
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.text import FileFault


class Line(NamedTuple):
    """One row of the file."""

    line: int
    cells: list[str]
    """As the user wrote them, without what a file of rejects adds."""
    company_id: CompanyId | None
    own_id: str
    """The text of its id, blank where it has none."""
    expense_id: ExpenseId | None
    """Of the expense that it belongs to; None where that cannot be told."""
    key: str
    """Its `_row_key`, if it is one of a file that came back."""
    skipped: str | None
    """The rule of the mapping profile that skips it, by file and line."""
    place: tuple[str, str] | None = None
    """File and line that it says it first stood in, if it is one of a file that came back."""


class _Kept(NamedTuple):
    """A line in the scratch file; what its id is derived from, where it has none of its own."""

    line: Line
    seed: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file looks like."""

    header: tuple[str, ...]
    """As written, without what a file of rejects adds."""
    header_line: int
    """Lines above it are titles."""
    delimiter: str
    """Blank for a workbook."""
    encoding: str
    """`xlsx` for a workbook."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class LineReading:
    """One file being read once more: `with LineReading(source, options, wrong=…) as reading: reading.lines()`.

    `wrong` are the lines that were wrong when the file was staged: they have no part in counting equal rows.
    """

    def __init__(self, source: Source, options: Options, *, wrong: Container[int]) -> None:
        self._source = source
        self._options = options
        self._wrong = wrong
        self._scratch: Scratch | None = None
        self.shape: Shape | None = None
        """Known once `lines` has given the first."""

    def __enter__(self) -> Self:
        """Prepare the scratch file; raises `RefusedToStart` where there is no room."""
        self._scratch = Scratch(self._options.scratch_dir)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the scratch file."""
        if self._scratch is not None:
            self._scratch.close()

    def lines(self) -> Iterator[Line]:
        """Yield every row that is not blank, by line. To be called once; raises `FileFault`."""
        scratch = self._scratch
        if scratch is None or self._source.path is None:
            raise RuntimeError("a LineReading is of a file, and used within its with block")
        try:
            stream = self._source.path.open("rb")
        except OSError as error:
            fault = Fault(Code.FILE_UNREADABLE, None, None, f"a file that can be opened ({error.strerror})")
            raise FileFault(fault, line=1) from None
        with stream:
            rows = FileRows(stream, self._source, _AnyReceipt(Path(), max_bytes=0), self._options.mapping)
            for portion in _portions(self._stored(rows)):
                scratch.add(portion)
            self.shape = _shape(rows)
        scratch.sort()
        yield from _counted(scratch)

    def _stored(self, rows: FileRows) -> Iterator[StoredRow]:
        for row, cells, line in rows:
            kept = _look(rows, row, cells, line)
            company = kept.line.company_id
            if kept.seed and company is not None and kept.line.expense_id is None and line not in self._wrong:
                yield (line, unnamed_key(company, kept.seed), Kind.UNNAMED, _encode(kept))
            else:
                yield (line, None, Kind.WRONG, _encode(kept))


def _portions(stored: Iterator[StoredRow]) -> Iterator[list[StoredRow]]:
    while portion := list(islice(stored, BATCH)):
        yield portion


def _counted(scratch: Scratch) -> Iterator[Line]:
    for (_, _, kind, content), position, _ in counted(scratch):
        line, seed = _decode(content)
        if kind == Kind.UNNAMED and line.company_id is not None:
            yield line._replace(expense_id=unnamed_id(line.company_id, content=seed, occurrence=position))
        else:
            yield line


def _look(rows: FileRows, row: Row | Wrong | Skipped, cells: list[str], line: int) -> _Kept:
    """Return what a row is."""
    returning = rows.returning
    own = cells if returning is None else returning.own_cells(cells)
    if isinstance(row, Skipped):
        return _Kept(Line(line, own, None, "", None, "", row.where), b"")
    seed = b"" if isinstance(row, Wrong) or rows.reader is None else rows.reader.seed(row, cells)
    written = "" if returning is None else returning.key(cells)
    company = row.company_id
    expense_id = named_id(company, row.id) if company is not None and row.id else None
    if expense_id is None and written and (key := read_key(written, company)) is not None:
        expense_id = key.expense_id
    place = None if returning is None else returning.place_of(cells)
    return _Kept(Line(line, own, company, row.id, expense_id, written, None, place), seed)


def _shape(rows: FileRows) -> Shape:
    cells, line = rows.header
    ours = frozenset[int]() if rows.returning is None else rows.returning.ours
    own = tuple(cell for place, cell in enumerate(cells) if place not in ours)
    return Shape(own, line, rows.table.delimiter, rows.table.encoding)


class _AnyReceipt(ReceiptFolder):
    """Takes every receipt as it is named: whether it is there was looked at when the file was staged."""

    def find(self, written: str) -> Receipt:
        return Receipt("", written, 1, b"")


def key_of(line: Line) -> RowKey | None:
    """Return the key with which a row came back."""
    return read_key(line.key, line.company_id) if line.key else None
