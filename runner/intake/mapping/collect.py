"""The first walk over a foreign file: its rows are translated, then checked and kept as canonical ones are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, Final, Protocol

import msgspec

from runner.domain.expense import RowError
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.intake.added import restore
from runner.intake.cells import MANY
from runner.intake.codes import Code, Fault
from runner.intake.collect import content_key, named_key, suspect_digest
from runner.intake.header import COLUMNS, Header, company_of
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.finding import too_many
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.recode import Recoded
from runner.intake.mapping.table import CsvTable
from runner.intake.mapping.translate import Canonical, Skipped, Translator
from runner.intake.mapping.workbook import WorkbookTable, is_workbook
from runner.intake.marks import Marks
from runner.intake.parsed import BATCH
from runner.intake.plain import Known, Plain, PlainReader
from runner.intake.receipts import ReceiptFolder
from runner.intake.returning import Returning
from runner.intake.row import MAX_TEXT, Row, RowReader, Wrong, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.sources import Source
from runner.intake.spill import Chunk, Spill
from runner.intake.text import FileFault, Lines

_Cells = tuple[list[str], int]
"""Cells and line."""
_Kept = tuple[int, CompanyId, ExpenseId, bytes, list[str]]
"""Line, company, id, blank, and its canonical texts, a blank one, the file's own cells: as in `Chunk`."""
_OWN: Final = len(COLUMNS) + 1
"""Where the file's own cells begin in a row that is put aside."""
_encode = msgspec.msgpack.Encoder().encode
_MERGED: Final = frozenset({Code.LINES_DISAGREE, Code.VALUE_MISSING, Code.TOO_MANY_LINES, Code.LINES_UNCERTAIN})


class Table(Protocol):
    """The rows of a file, its header first."""

    delimiter: str

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield cells and line numbers; raise `FileFault`."""
        ...


class MappedReader:
    """Reads rows of one foreign file as `RowReader` reads canonical ones; errors name the file's own columns."""

    def __init__(
        self, translator: Translator, profile: Profile, *, file: str, company: CompanyId | None, receipts: ReceiptFolder
    ) -> None:
        self.translator = translator
        self._profile = profile
        self._file = file
        known = tuple(name for name in COLUMNS if name in profile.fields or translator.sources.get(name))
        self.header = Header(
            columns=known,
            unknown=translator.unread,
            width=len(COLUMNS),
            places=tuple(range(len(COLUMNS))),
            company=None if translator.tells_company else company,
        )
        self._rows = RowReader(self.header, file=file, receipts=receipts)
        self.seen: Canonical | Skipped | None = None
        """What became of the last row."""

    @property
    def rows(self) -> RowReader:
        """The reader of canonical rows behind this one."""
        return self._rows

    def translate(self, cells: list[str], line: int) -> Canonical | Wrong | None:
        """Return the canonical texts of these cells (which are changed); None for a blank or skipped row."""
        self.seen = None
        if spare := self.translator.width - len(cells):
            if spare < 0:
                if "".join(cells[spare:]).strip():
                    return self._too_many_cells(cells, line)
                del cells[spare:]
            cells += [""] * spare
        if not any(map(str.strip, cells)):
            return None
        self.seen = found = self.translator.translate(cells)
        return None if isinstance(found, Skipped) else found

    def check(self, found: Canonical, cells: Sequence[str], line: int) -> Row | Wrong:
        """Return the row that canonical texts make, which come of these cells at this line."""
        row = self._rows.read(found.texts.copy(), line)
        if not found.faults and isinstance(row, Row):
            return row
        return self._wrong(row, found, cells, line)

    def _wrong(self, row: Row | Wrong | None, found: Canonical, cells: Sequence[str], line: int) -> Wrong:
        # A row that is blank where the profile reads is still a row: its amount is missing.
        company = None if row is None else row.company_id
        own_id = found.texts[1]
        faults = list(found.faults.values())
        errors = [row_error(each, file=self._file, line=line, company_id=company, own_id=own_id) for each in faults]
        suspects: tuple[str, ...] = () if company or not own_id else (own_id,)
        if isinstance(row, Wrong):
            errors += [self._own(error, found, cells) for error in row.errors if error.column not in found.faults]
            suspects = row.suspects
        return Wrong(company, own_id, tuple(errors), suspects)

    def _own(self, error: RowError, found: Canonical, cells: Sequence[str]) -> RowError:
        """Return an error of a canonical column as one of the file's own column."""
        name = error.column
        if name is None or name not in COLUMNS:
            return error
        place = self._place(name)
        own = self.translator.shown(name, cells)
        if own is None:
            return replace(error, expected=f"{error.expected} ({name} comes from {place})")
        made = found.texts[COLUMNS.index(name)]
        note = f" (for {name}: {place})" if made == own[1] or not made else f" ({place} makes {made[:60]!r} of it)"
        return replace(error, column=own[0], value=own[1], expected=error.expected + note)

    def _place(self, name: str) -> str:
        if name in self._profile.fields:
            return self._profile.fields[name].where
        return self._profile.id.where if name == "id" else self._profile.amounts.where

    def _too_many_cells(self, cells: list[str], line: int) -> Wrong:
        width = self.translator.width
        fault = Fault(
            Code.TOO_MANY_CELLS,
            None,
            f"{len(cells)} cells",
            f"{width} cells as in the header; put values that contain the separator in quotes",
        )
        if self.translator.id_columns > 1:
            # Which expense this was a line of cannot be told, not even by its cells: any may be incomplete.
            raise FileFault(fault, line=line)
        suspects: tuple[str, ...] = ()
        if self.translator.id_columns:
            texts = {" ".join(cell.split()): None for cell in cells}
            suspects = tuple(text for text in texts if text and len(text) <= MAX_TEXT)
        error = row_error(fault, file=self._file, line=line, company_id=None, own_id="")
        return Wrong(None, "", (error,), suspects)


class MappedCollecting:
    """The first walk over one foreign file; its attributes say what the file turned out to be, as far as it got."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        profile: Profile,
        mappings: Mappings,
        source: Source,
        receipts: ReceiptFolder,
        scratch: Scratch,
        aside: tuple[Spill, Marks],
    ) -> None:
        self._profile = profile
        self._mappings = mappings
        self._source = source
        self._receipts = receipts
        self._scratch = scratch
        self._spill, self._marks = aside
        self._pending: list[StoredRow] = []
        self._repeated: set[int] | None = set()
        self._plain: PlainReader | None = None
        self._returning: Returning | None = None
        self._recoded: Recoded | None = None
        self._lines: Lines | None = None
        self._table = self._open(stream)
        self._reader: MappedReader | None = None
        self.rows = 0
        self.complete = False

    def _open(self, stream: BinaryIO) -> Table:
        if is_workbook(self._source.path):
            return WorkbookTable(stream, self._profile)
        encoding = self._profile.encoding
        if encoding is not None:
            self._recoded = Recoded(stream, encoding)
        self._lines = Lines(stream if self._recoded is None else self._recoded)  # type: ignore[arg-type]
        return CsvTable(self._lines, self._profile)

    @property
    def header(self) -> Header | None:
        """The canonical columns that the profile fills."""
        return None if self._reader is None else self._reader.header

    @property
    def delimiter(self) -> str:
        """Between cells; blank in a workbook."""
        return self._table.delimiter

    @property
    def encoding(self) -> str:
        """Of the file."""
        if self._lines is None:
            return "xlsx"
        return self._lines.encoding if self._recoded is None else (self._profile.encoding or "")

    @property
    def sha256(self) -> str | None:
        """Hex digest of the file's bytes; None unless they were read to the end."""
        if isinstance(self._table, WorkbookTable):
            return self._table.sha256
        if self._recoded is not None:
            return self._recoded.sha256
        return None if self._lines is None else self._lines.sha256

    @property
    def skipped(self) -> tuple[tuple[str, int], ...]:
        """How many rows each skip rule skipped, by the rule's file and line."""
        return () if self._reader is None else tuple(self._reader.translator.skipping.counts.items())

    def walk(self) -> Iterator[int]:
        """Collect all rows, yielding how many there are so far now and then; raises `FileFault`."""
        rows = self._table.rows()
        if (header := next(rows, None)) is None:
            raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
        reader = self._reader = self._bound(*header)
        self._plain = PlainReader(reader.header, reader.rows)
        companies: Known[str, CompanyId | None] = Known(reader.rows.company)
        rows = islice(rows, self._mappings.limit)
        while group := list(islice(rows, MANY)):
            if self._returning is None:
                self._take(group, reader, companies)
            else:
                self._take_back(group, reader, self._returning)
            yield self.rows
        yield from self._move()
        self._scratch.add(self._pending)
        self._pending.clear()
        self._scratch.sort()
        self.complete = True

    def _take(self, group: list[_Cells], reader: MappedReader, companies: Known[str, CompanyId | None]) -> None:
        """Put aside the rows of these that most likely stand alone, and check the others."""
        kept: list[_Kept] = []
        watch, translate, seed = self._mappings.watch, reader.translate, reader.translator.seed
        for cells, line in group:
            found = translate(cells, line)
            if watch is not None and reader.seen is not None:
                watch(line, cells, reader.seen)
            if found is None:
                continue
            self.rows += 1
            if isinstance(found, Wrong):
                self._keep(found, cells, line)
                continue
            texts = found.texts
            company = companies[texts[0]]
            if found.faults or company is None or texts[-1]:
                self._keep(reader.check(found, cells, line), cells, line)
                continue
            own_id = texts[1]
            id_ = named_id(company, own_id) if own_id else unnamed_id(company, content=seed(cells), occurrence=1)
            if kept and kept[-1][2] == id_ and kept[-1][1] == company:
                # The next line of the same expense: most files have them one after the other.
                before = kept.pop()
                self._keep(self.checked(before[4], before[0]), before[4][_OWN:], before[0])
                self._keep(reader.check(found, cells, line), cells, line)
            else:
                kept.append((line, company, id_, b"", [*texts, "", *cells]))
        self._marks.add([hash(each[1:3]) for each in kept])
        if kept:
            self._spill.add(_chunk(kept))

    def _take_back(self, group: list[_Cells], reader: MappedReader, returning: Returning) -> None:
        """Check rows that were rejected and come back."""
        for cells, line in group:
            own = list(map(restore, cells))
            found = reader.translate(own, line)
            if found is None:
                continue
            self.rows += 1
            if isinstance(found, Canonical) and not reader.translator.tells_company:
                found.texts[0] = returning.company(own) or found.texts[0]
            row = found if isinstance(found, Wrong) else reader.check(found, own, line)
            self._keep(returning.claim(row, own, file=self._source.name, line=line, seed=self._seed(own)), own, line)

    def _keep(self, row: Row | Wrong, cells: Sequence[str], line: int) -> None:
        """Put a row into the scratch table, and mark its expense: other rows of it may be put aside."""
        if isinstance(row, Wrong):
            if row.suspects:
                self._scratch.suspect(map(suspect_digest, row.suspects), line=line)
            id_ = named_id(row.company_id, row.id) if row.company_id and row.id else None
        else:
            id_ = self._id(row, cells)
        if id_ is not None:
            self._marks.add([hash((row.company_id, id_))])
        self._pending.append(self._stored(row, cells, line))
        if len(self._pending) >= BATCH:
            self._scratch.add(self._pending)
            self._pending.clear()

    def _move(self) -> Iterator[int]:
        """Move rows that were put aside and do not stand alone, or may not, into the scratch table."""
        repeated = self._repeated = self._marks.repeated()
        self._marks.close()
        if repeated is None or repeated:
            for chunk in self._spill.chunks():
                for line, company, id_, cells in zip(chunk.lines, chunk.companies, chunk.ids, chunk.rows, strict=True):
                    if repeated is None or hash((company, id_)) in repeated:
                        self._pending.append(self._stored(self.checked(cells, line), cells[_OWN:], line))
                self._scratch.add(self._pending)
                self._pending.clear()
                yield self.rows

    def alone(self) -> Iterator[tuple[Chunk, list[Plain | None]]]:
        """Yield the rows that stand alone, in file order, and what each of them is if it is plain."""
        repeated = self._repeated
        if self._plain is None or repeated is None:
            return
        for chunk in self._spill.chunks():
            rest = chunk
            if repeated:
                rows = zip(chunk.lines, chunk.companies, chunk.ids, chunk.digests, chunk.rows, strict=True)
                kept = [each for each in rows if hash(each[1:3]) not in repeated]
                if not kept:
                    continue
                rest = _chunk(kept)
            yield rest, self._plain.read(rest)

    def checked(self, cells: list[str], line: int) -> Row | Wrong:
        """Check a row that was put aside."""
        if self._reader is None:
            raise RuntimeError("nothing has been read")
        return self._reader.check(Canonical(cells[: _OWN - 1], {}), cells[_OWN:], line)

    def _bound(self, cells: list[str], line: int) -> MappedReader:
        if (fault := too_many(cells)) is not None:
            raise FileFault(fault, line=line)
        company = company_of(self._source.path)
        translator = Translator(self._profile, cells, line=line)
        self._returning = Returning.of(cells)
        told = translator.tells_company or (self._returning is not None and self._returning.tells_company)
        if company is None and not told:
            wanted = (
                f"the company: name the file <company id>.csv, or say in the mapping profile {self._profile.name} "
                "where company_id comes from"
            )
            raise FileFault(Fault(Code.COLUMN_MISSING, None, "company_id", wanted), line=line)
        translator = Translator(self._profile, cells, line=line)
        return MappedReader(translator, self._profile, file=self._source.name, company=company, receipts=self._receipts)

    def stored(self, row: Row | Wrong, cells: list[str], line: int) -> StoredRow:
        """Return a row that was put aside with these cells as the scratch table takes it."""
        # Its id is made of the file's own cells alone, wherever it is read.
        return self._stored(row, cells[_OWN:], line)

    def _stored(self, row: Row | Wrong, cells: Sequence[str], line: int) -> StoredRow:
        """Return a row with the file's own cells as the scratch table takes it."""
        if isinstance(row, Wrong):
            key = named_key(row.company_id, named_id(row.company_id, row.id)) if row.company_id and row.id else None
            return (line, key, Kind.WRONG, _encode(row))
        expense_id = self._id(row, cells)
        if row.id:
            return (line, named_key(row.company_id, expense_id), Kind.NAMED, _encode((row, expense_id, b"")))
        # Behind the content's digest what further ones of the same cells are told by.
        content = content_digest(row, (row,)) + self._seed(cells)
        return (line, content_key(row.company_id, expense_id), Kind.UNNAMED, _encode((row, expense_id, content)))

    def _id(self, row: Row, cells: Sequence[str]) -> ExpenseId:
        """Return a row's id, or that of the first with its cells.

        It comes from the file's own cells: a corrected profile must not make new expenses of posted ones.
        """
        if row.id:
            return named_id(row.company_id, row.id)
        return unnamed_id(row.company_id, content=self._seed(cells), occurrence=1)

    def _seed(self, cells: Sequence[str]) -> bytes:
        if self._reader is None:
            raise RuntimeError("nothing has been read")
        return self._reader.translator.seed(cells)

    def named(self, error: RowError) -> RowError:
        """Return an error that came of putting rows together with the file's own column in it."""
        translator = None if self._reader is None else self._reader.translator
        if translator is None or error.column is None or error.code not in _MERGED:
            return error
        if error.column not in COLUMNS or translator.has_column(error.column):
            return error
        return replace(error, column=translator.own_column(error.column) or error.column)


def _chunk(kept: Sequence[_Kept]) -> Chunk:
    lines, companies, ids, digests, rows = zip(*kept, strict=True)
    return Chunk(lines, companies, ids, digests, rows, clean=False)
