"""A file's rows again, in order and with the user's own cells: which expense each of them is.

Nothing is judged here: the journal knows what became of each row. A receipt may be gone by now, a rate may have been
added to the profile, and the row is still what it was when it was staged.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Protocol, Self

import msgspec

from runner.domain.expense import Receipt
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey, read_key
from runner.intake.added import restore
from runner.intake.cells import CellGroups
from runner.intake.codes import Code, Fault
from runner.intake.collect import content_key
from runner.intake.header import company_of, read_header
from runner.intake.mapping.collect import MappedReader, Table
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.recode import Recoded
from runner.intake.mapping.table import CsvTable
from runner.intake.mapping.translate import Canonical, Skipped, Translator
from runner.intake.mapping.workbook import WorkbookTable, is_workbook
from runner.intake.parsed import BATCH
from runner.intake.read import Options, Source
from runner.intake.receipts import ReceiptFolder
from runner.intake.returning import Returning
from runner.intake.row import Row, RowReader, Wrong
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.text import FileFault, Lines


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
        profile = None if self._options.mapping is None else self._options.mapping.profile_for(self._source)
        if profile is None and is_workbook(self._source.path):
            profile = load_profile("canonical")
        try:
            stream = self._source.path.open("rb")
        except OSError as error:
            fault = Fault(Code.FILE_UNREADABLE, None, None, f"a file that can be opened ({error.strerror})")
            raise FileFault(fault, line=1) from None
        with stream:
            reader = _canonical(stream, self._source) if profile is None else _mapped(stream, self._source, profile)
            self.shape = reader.shape
            stored: list[StoredRow] = []
            for cells, line in reader.rows:
                if (kept := reader.look(cells, line)) is not None:
                    stored.append(self._stored(kept))
                if len(stored) >= BATCH:
                    scratch.add(stored)
                    stored.clear()
            scratch.add(stored)
        scratch.sort()
        yield from _counted(scratch)

    def _stored(self, kept: _Kept) -> StoredRow:
        line = kept.line
        derived = line.company_id and kept.seed and line.expense_id is None and line.line not in self._wrong
        if not derived or line.company_id is None:
            return (line.line, None, Kind.WRONG, _encode(kept))
        first = unnamed_id(line.company_id, content=kept.seed, occurrence=1)
        return (line.line, content_key(line.company_id, first), Kind.UNNAMED, _encode(kept))


def _counted(scratch: Scratch) -> Iterator[Line]:
    repeats = scratch.repeats()
    repeat = next(repeats, None)
    for at, _, kind, content in scratch.rows():
        position = 1
        if repeat is not None and repeat[0] == at:
            position = repeat[1]
            repeat = next(repeats, None)
        line, seed = _decode(content)
        if kind == Kind.UNNAMED and line.company_id is not None:
            yield line._replace(expense_id=unnamed_id(line.company_id, content=seed, occurrence=position))
        else:
            yield line


class _Reader(Protocol):
    """How one kind of file is read."""

    shape: Shape
    rows: Iterator[tuple[list[str], int]]

    def look(self, cells: list[str], line: int) -> _Kept | None:
        """Return what a row is; None for a blank one."""
        ...


class _Canonical:
    def __init__(self, reader: RowReader, own: "_Own", shape: Shape, rows: Iterator[tuple[list[str], int]]) -> None:
        self._reader, self._own, self.shape, self.rows = reader, own, shape, rows

    def look(self, cells: list[str], line: int) -> _Kept | None:
        cells = self._own.restored(cells)
        row = self._reader.read(cells.copy(), line)
        if row is None:
            return None
        seed = b"" if isinstance(row, Wrong) else content_digest(row, (row,))
        return self._own.kept(row, cells, line, seed)


class _Mapped:
    def __init__(self, reader: MappedReader, own: "_Own", shape: Shape, rows: Iterator[tuple[list[str], int]]) -> None:
        self._reader, self._own, self.shape, self.rows = reader, own, shape, rows

    def look(self, cells: list[str], line: int) -> _Kept | None:
        cells = self._own.restored(cells)
        found = self._reader.translate(cells, line)
        if isinstance(self._reader.seen, Skipped):
            return _Kept(Line(line, self._own.cells(cells), None, "", None, "", self._reader.seen.where), b"")
        if found is None:
            return None
        if isinstance(found, Canonical) and not self._reader.translator.tells_company:
            found.texts[0] = self._own.company(cells) or found.texts[0]
        row = found if isinstance(found, Wrong) else self._reader.check(found, cells, line)
        seed = b"" if isinstance(row, Wrong) else self._reader.translator.seed(cells)
        return self._own.kept(row, cells, line, seed)


class _Own:
    """Which cells of a row are the user's."""

    def __init__(self, header: Sequence[str]) -> None:
        self.returning = Returning.of(header)
        ours = frozenset[int]() if self.returning is None else self.returning.ours
        self.header = tuple(cell for place, cell in enumerate(header) if place not in ours)

    def restored(self, cells: list[str]) -> list[str]:
        return cells if self.returning is None else list(map(restore, cells))

    def company(self, cells: Sequence[str]) -> str:
        return "" if self.returning is None else self.returning.company(cells)

    def cells(self, cells: Sequence[str]) -> list[str]:
        """Return the user's cells, as many as there are columns, more only in a row that has too many."""
        if self.returning is None:
            return list(cells)
        return self.returning.own_cells(cells)

    def kept(self, row: Row | Wrong, cells: Sequence[str], line: int, seed: bytes) -> _Kept:
        written = "" if self.returning is None else self.returning.key(cells)
        company = row.company_id
        expense_id = named_id(company, row.id) if company is not None and row.id else None
        if expense_id is None and written and (key := read_key(written, company)) is not None:
            expense_id = key.expense_id
        place = None if self.returning is None else self.returning.place_of(cells)
        return _Kept(Line(line, self.cells(cells), company, row.id, expense_id, written, None, place), seed)


class _AnyReceipt(ReceiptFolder):
    """Takes every receipt as it is named: whether it is there was looked at when the file was staged."""

    def find(self, written: str) -> Receipt:
        return Receipt("", written, 1)


def _canonical(stream: BinaryIO, source: Source) -> _Reader:
    lines = Lines(stream)
    groups = CellGroups(lines)
    rows = ((cells, line) for group in groups.groups() for cells, line in zip(group.rows, group.lines, strict=True))
    header, at = _first(rows)
    own = _Own(header)
    known = header if own.returning is None else own.returning.canonical_header(header)
    read = read_header(known, line=at, named=company_of(source.path))
    reader = RowReader(read, file=source.name, receipts=_AnyReceipt(Path(), max_bytes=0))
    return _Canonical(reader, own, Shape(own.header, at, groups.delimiter, lines.encoding), rows)


def _mapped(stream: BinaryIO, source: Source, profile: Profile) -> _Reader:
    table: Table
    lines: Lines | None = None
    if is_workbook(source.path):
        table = WorkbookTable(stream, profile)
    else:
        recoded = stream if profile.encoding is None else Recoded(stream, profile.encoding)
        lines = Lines(recoded)  # type: ignore[arg-type] # both can be read
        table = CsvTable(lines, profile)
    rows = table.rows()
    header, at = _first(rows)
    encoding = "xlsx" if lines is None else profile.encoding or lines.encoding
    own = _Own(header)
    translator = Translator(profile, header, line=at)
    reader = MappedReader(
        translator,
        profile,
        file=source.name,
        company=company_of(source.path),
        receipts=_AnyReceipt(Path(), max_bytes=0),
    )
    return _Mapped(reader, own, Shape(own.header, at, table.delimiter, encoding), rows)


def _first(rows: Iterator[tuple[list[str], int]]) -> tuple[list[str], int]:
    found = next(rows, None)
    if found is None:
        raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
    return found


def key_of(line: Line) -> RowKey | None:
    """Return the key with which a row came back."""
    return read_key(line.key, line.company_id) if line.key else None
