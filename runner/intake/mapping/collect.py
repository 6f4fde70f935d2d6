"""The first walk over a foreign file: its rows are translated, then checked and kept as canonical ones are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, Protocol

import msgspec

from runner.domain.expense import RowError
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId
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
from runner.intake.parsed import BATCH
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import MAX_TEXT, Row, RowReader, Wrong, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.sources import Source
from runner.intake.text import FileFault, Lines

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

    def read(self, cells: list[str], line: int) -> Row | Wrong | None:
        """Return the row that these cells (which are changed) make at this line; None for a blank or skipped one."""
        self.seen = None
        spare = self.translator.width - len(cells)
        if spare < 0:
            if "".join(cells[spare:]).strip():
                return self._too_many_cells(cells, line)
            del cells[spare:]
        cells += [""] * spare
        if not "".join(cells).strip():
            return None
        self.seen = found = self.translator.translate(cells)
        if isinstance(found, Skipped):
            return None
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
    ) -> None:
        self._profile = profile
        self._mappings = mappings
        self._source = source
        self._receipts = receipts
        self._scratch = scratch
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
        stored: list[StoredRow] = []
        watch, limit = self._mappings.watch, self._mappings.limit
        looked_at = 0
        for cells, line in self._table.rows():
            if self._reader is None:
                self._reader = self._bound(cells, line)
                continue
            if limit is not None and looked_at >= limit:
                break
            looked_at += 1
            row = self._reader.read(cells, line)
            if watch is not None and self._reader.seen is not None:
                watch(line, cells, self._reader.seen)
            if row is None:
                continue
            self.rows += 1
            stored.append(self._stored(self._reader, row, cells, line))
            if len(stored) >= BATCH:
                self._scratch.add(stored)
                stored.clear()
                yield self.rows
        if self._reader is None:
            raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
        self._scratch.add(stored)
        yield self.rows
        self._scratch.sort()
        self.complete = True

    def _bound(self, cells: list[str], line: int) -> MappedReader:
        if (fault := too_many(cells)) is not None:
            raise FileFault(fault, line=line)
        company = company_of(self._source.path)
        translator = Translator(self._profile, cells, line=line)
        if company is None and not translator.tells_company:
            wanted = (
                f"the company: name the file <company id>.csv, or say in the mapping profile {self._profile.name} "
                "where company_id comes from"
            )
            raise FileFault(Fault(Code.COLUMN_MISSING, None, "company_id", wanted), line=line)
        translator = Translator(self._profile, cells, line=line)
        return MappedReader(translator, self._profile, file=self._source.name, company=company, receipts=self._receipts)

    def _stored(self, reader: MappedReader, row: Row | Wrong, cells: Sequence[str], line: int) -> StoredRow:
        if isinstance(row, Wrong):
            if row.suspects:
                self._scratch.suspect(map(suspect_digest, row.suspects), line=line)
            key = named_key(row.company_id, named_id(row.company_id, row.id)) if row.company_id and row.id else None
            return (line, key, Kind.WRONG, _encode(row))
        if row.id:
            expense_id = named_id(row.company_id, row.id)
            return (line, named_key(row.company_id, expense_id), Kind.NAMED, _encode((row, expense_id, b"")))
        # The id comes from the file's own cells: a corrected profile must not make new expenses of posted ones.
        seed = reader.translator.seed(cells)
        content = content_digest(row, (row,)) + seed
        expense_id = unnamed_id(row.company_id, content=seed, occurrence=1)
        return (line, content_key(row.company_id, expense_id), Kind.UNNAMED, _encode((row, expense_id, content)))

    def named(self, error: RowError) -> RowError:
        """Return an error that came of putting rows together with the file's own column in it."""
        translator = None if self._reader is None else self._reader.translator
        if translator is None or error.column is None or error.code not in _MERGED:
            return error
        if error.column not in COLUMNS or translator.has_column(error.column):
            return error
        return replace(error, column=translator.own_column(error.column) or error.column)
