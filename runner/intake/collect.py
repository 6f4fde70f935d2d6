"""The first walk over a file: rows that stand alone are put aside, all others checked and sorted by their keys."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from operator import itemgetter
from typing import Final

import msgspec

from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.intake.added import restore
from runner.intake.cells import CellGroups, Group
from runner.intake.codes import Code, Fault
from runner.intake.header import Header, company_of, read_header
from runner.intake.marks import Marks
from runner.intake.parsed import BATCH
from runner.intake.plain import Known, Plain, PlainReader
from runner.intake.receipts import ReceiptFolder
from runner.intake.returning import Returning
from runner.intake.row import Row, RowReader, Wrong
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.sources import Source
from runner.intake.spill import Chunk, Spill
from runner.intake.text import FileFault, Lines

_encode = msgspec.msgpack.Encoder().encode


def named_key(company_id: CompanyId, expense_id: ExpenseId) -> bytes:
    """Return the key (16 bytes) that the rows of one expense with an id share."""
    return blake2b(f"id\n{company_id}\n{expense_id}".encode(), digest_size=16).digest()


def content_key(company_id: CompanyId, first_id: ExpenseId) -> bytes:
    """Return the key (16 bytes) that expenses of the same content share, from the id of the first of them.

    Never the key of an expense with an id, even if that is the same one: nothing may be merged into it.
    """
    return blake2b(f"content\n{company_id}\n{first_id}".encode(), digest_size=16).digest()


def stored_row(row: Row | Wrong, line: int, expense_id: ExpenseId | None = None) -> StoredRow:
    """Return a row as the scratch table takes it; `expense_id` is that of its id, where it is known already."""
    if row.company_id and row.id and expense_id is None:
        expense_id = named_id(row.company_id, row.id)
    if isinstance(row, Wrong):
        key = named_key(row.company_id, expense_id) if row.company_id and expense_id else None
        return (line, key, Kind.WRONG, _encode(row))
    if expense_id is not None:
        return (line, named_key(row.company_id, expense_id), Kind.NAMED, _encode((row, expense_id, b"")))
    content = content_digest(row, (row,))
    expense_id = unnamed_id(row.company_id, content=content, occurrence=1)
    return (line, content_key(row.company_id, expense_id), Kind.UNNAMED, _encode((row, expense_id, content)))


def suspect_digest(text: str) -> bytes:
    """Return what a text that may be an id is remembered by (16 bytes)."""
    return blake2b(text.lower().encode(), digest_size=16).digest()


class Collecting:
    """The first walk over one file; its attributes say what the file turned out to be, as far as it got.

    Most rows stand alone. Of these no more is learnt than that (their id), and they are put aside as they are; they
    are checked in the second walk, while the journal writes. Rows that belong together, or may, and rows that ask for
    a second look are checked now and go into the scratch table.
    """

    def __init__(
        self, lines: Lines, *, source: Source, receipts: ReceiptFolder, scratch: Scratch, spill: Spill, marks: Marks
    ) -> None:
        self._cells = CellGroups(lines)
        self._source = source
        self._receipts = receipts
        self._scratch = scratch
        self._spill = spill
        self._marks = marks
        self._reader: RowReader | None = None
        self._plain: PlainReader | None = None
        self._returning: Returning | None = None
        self._companies: Known[str, CompanyId | None] = Known(lambda _: None)
        self._last: tuple[str, str] | None = None
        """Company and id of a row that is in the scratch table, and has its mark."""
        self._stored: list[StoredRow] = []
        self._repeated: set[int] | None = set()
        self.header: Header | None = None
        self.rows = 0
        self.complete = False

    @property
    def delimiter(self) -> str:
        """Between cells."""
        return self._cells.delimiter

    def walk(self) -> Iterator[int]:
        """Collect all rows, yielding how many there are so far now and then; raises `FileFault`."""
        for group in self._cells.groups():
            rest = group if self._reader or not group.rows else self._begin(group)
            if self._reader is not None and self._returning is not None:
                self._take_back(rest, self._reader, self._returning)
                yield self.rows
            elif self._reader is not None and self._plain is not None:
                self._take(rest, self._reader, self._plain)
                yield self.rows
        if self._reader is None:
            raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
        yield from self._move(self._reader)
        self._scratch.add(self._stored)
        self._stored.clear()
        self._scratch.sort()
        self.complete = True

    def _begin(self, group: Group) -> Group:
        cells = group.rows[0]
        self._returning = returning = Returning.of(cells)
        cells = cells if returning is None else returning.canonical_header(cells)
        header = read_header(cells, line=group.lines[0], named=company_of(self._source.path))
        self.header = header
        self._reader = RowReader(header, file=self._source.name, receipts=self._receipts)
        self._plain = PlainReader(header, self._reader)
        self._companies = Known(self._reader.company)
        return replace(group, rows=group.rows[1:], lines=group.lines[1:])

    def _take_back(self, group: Group, reader: RowReader, returning: Returning) -> None:
        """Check rows that were rejected and come back."""
        for line, cells in zip(group.lines, group.rows, strict=True):
            own = list(map(restore, cells))
            if (row := reader.read(own.copy(), line)) is not None:
                self.rows += 1
                claimed = returning.claim(row, own, file=self._source.name, line=line, seed=None)
                self._keep(claimed, line, None)

    # In one piece, because calls for each row would cost as much as what is done for it.
    def _take(self, group: Group, reader: RowReader, plain: PlainReader) -> None:
        header = self.header
        if header is None:
            return
        width, companies, marks = header.width, self._companies, list[int]()
        company_at, id_at, receipts_at = header.places[0], header.places[1], header.places[-1]
        kept: list[_Kept] = []
        unnamed: list[_Kept] = []
        for line, cells in zip(group.lines, group.rows, strict=True):
            if len(cells) > width:
                self._check(reader, cells, line, marks)
                continue
            # As many as the header has, and one for the columns that the file does not have.
            cells.extend([""] * (width + 1 - len(cells)))
            company = companies[cells[company_at]]
            own_id = cells[id_at].strip()
            if company is None or cells[receipts_at].strip():
                self._check(reader, cells[:width], line, marks)
            elif not own_id:
                unnamed.append((line, company, _NO_ID, b"", cells))
            else:
                expense_id = named_id(company, own_id)
                key = (company, expense_id)
                if kept and kept[-1][2] == expense_id and kept[-1][1] == company:
                    # The next line of the same expense: most files have them one after the other.
                    self._last = key
                    before = kept.pop()
                    self._check(reader, before[4][:width], before[0], marks, expense_id)
                if key == self._last:
                    self._check(reader, cells[:width], line, marks, expense_id)
                else:
                    kept.append((line, company, expense_id, b"", cells))
                    marks.append(hash(key))
        if unnamed:
            kept += self._told_by_content(unnamed, reader, plain, marks, clean=group.clean)
            kept.sort(key=itemgetter(0))
        self._marks.add(marks)
        if kept:
            self._spill.add(_chunk(kept, clean=group.clean))
            self.rows += len(kept)

    def _told_by_content(
        self,
        unnamed: list["_Kept"],
        reader: RowReader,
        plain: PlainReader,
        marks: list[int],
        *,
        clean: bool,
    ) -> Iterator["_Kept"]:
        """Yield rows without an id with the id that the first of their content has."""
        for (line, company, _, _, cells), found in zip(unnamed, plain.read(_chunk(unnamed, clean=clean)), strict=True):
            if found is None:
                self._check(reader, cells[:-1], line, marks)
                continue
            expense_id = unnamed_id(company, content=found.content_hash, occurrence=1)
            marks.append(_mark(company, expense_id, named=False))
            yield line, company, expense_id, found.content_hash, cells

    def _check(
        self, reader: RowReader, cells: list[str], line: int, marks: list[int], expense_id: ExpenseId | None = None
    ) -> None:
        """Check a row and put it into the scratch table; `expense_id` is that of its id, where it is known already."""
        row = reader.read(cells, line)
        if row is None:
            return
        self.rows += 1
        if row.company_id and row.id:
            expense_id = expense_id or named_id(row.company_id, row.id)
            key = (row.company_id, expense_id)
            if key != self._last:
                marks.append(hash(key))
                self._last = key
        elif isinstance(row, Row):
            first = unnamed_id(row.company_id, content=content_digest(row, (row,)), occurrence=1)
            marks.append(_mark(row.company_id, first, named=False))
        self._keep(row, line, expense_id)

    def _keep(self, row: Row | Wrong, line: int, expense_id: ExpenseId | None) -> None:
        if isinstance(row, Wrong) and row.suspects:
            self._scratch.suspect(map(suspect_digest, row.suspects), line=line)
        self._stored.append(stored_row(row, line, expense_id))
        if len(self._stored) >= BATCH:
            self._scratch.add(self._stored)
            self._stored.clear()

    def _move(self, reader: RowReader) -> Iterator[int]:
        """Move rows that were put aside and do not stand alone, or may not, into the scratch table."""
        self._repeated = self._marks.repeated()
        self._marks.close()
        if self._repeated is None or self._repeated:
            for chunk in self._spill.chunks():
                for line, company, id_, digest, cells in zip(
                    chunk.lines, chunk.companies, chunk.ids, chunk.digests, chunk.rows, strict=True
                ):
                    if self._repeated is None or _mark(company, id_, named=not digest) in self._repeated:
                        self._keep(_found(reader, cells, line), line, None if digest else id_)
                yield self.rows

    def alone(self) -> Iterator[tuple[Chunk, list[Plain | None]]]:
        """Yield the rows that stand alone, in file order, and what each of them is if it is plain."""
        if self._plain is None or self._repeated is None:
            return
        for chunk in self._spill.chunks():
            rest = chunk if not self._repeated else _without(chunk, self._repeated)
            if rest.rows:
                yield rest, self._plain.read(rest)

    def checked(self, cells: list[str], line: int) -> Row | Wrong:
        """Check a row that stands alone and is not plain."""
        if self._reader is None:
            raise RuntimeError("nothing has been read")
        return _found(self._reader, cells, line)

    def stored(self, row: Row | Wrong, _cells: list[str], line: int) -> StoredRow:
        """Return a row that stands alone as the scratch table would give it."""
        return stored_row(row, line)


_Kept = tuple[int, CompanyId, ExpenseId, bytes, list[str]]
"""Line, company, id, digest, cells: as in `Chunk`."""
_NO_ID: Final = ExpenseId("")


def _mark(company: str, expense_id: str, *, named: bool) -> int:
    return hash((company, expense_id)) if named else hash((company, expense_id, 0))


def _chunk(kept: list[_Kept], *, clean: bool) -> Chunk:
    lines, companies, ids, digests, rows = zip(*kept, strict=True)
    return Chunk(lines, companies, ids, digests, rows, clean)


def _without(chunk: Chunk, marks: set[int]) -> Chunk:
    kept = [
        each
        for each in zip(chunk.lines, chunk.companies, chunk.ids, chunk.digests, chunk.rows, strict=True)
        if _mark(each[1], each[2], named=not each[3]) not in marks
    ]
    return _chunk(kept, clean=chunk.clean) if kept else Chunk((), (), (), (), (), chunk.clean)


def _found(reader: RowReader, cells: list[str], line: int) -> Row | Wrong:
    row = reader.read(cells[:-1], line)
    if row is None:
        raise RuntimeError("a row with an id, or with content, is not blank")
    return row
