"""The first walk over a file: every row is checked and put into the scratch table with its key."""

import csv
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from typing import Final

import msgspec

from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.intake.codes import Code, Fault
from runner.intake.header import Header, company_of, detect_delimiter, read_header
from runner.intake.parsed import BATCH
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import RowReader, Wrong
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.sources import Source
from runner.intake.text import MAX_ROW, FileFault, Lines, RowTooLong

_encode = msgspec.msgpack.Encoder().encode


def named_key(company_id: CompanyId, expense_id: ExpenseId) -> bytes:
    """Return the key (16 bytes) that the rows of one expense with an id share."""
    return blake2b(f"id\n{company_id}\n{expense_id}".encode(), digest_size=16).digest()


def content_key(company_id: CompanyId, first_id: ExpenseId) -> bytes:
    """Return the key (16 bytes) that expenses of the same content share, from the id of the first of them.

    Never the key of an expense with an id, even if that is the same one: nothing may be merged into it.
    """
    return blake2b(f"content\n{company_id}\n{first_id}".encode(), digest_size=16).digest()


def suspect_digest(text: str) -> bytes:
    """Return what a text that may be an id is remembered by (16 bytes)."""
    return blake2b(text.lower().encode(), digest_size=16).digest()


class Collecting:
    """The first walk over one file; its attributes say what the file turned out to be, as far as it got."""

    def __init__(self, lines: Lines, *, source: Source, receipts: ReceiptFolder, scratch: Scratch) -> None:
        self._lines = lines
        self._source = source
        self._receipts = receipts
        self._scratch = scratch
        self.delimiter = ","
        self.header: Header | None = None
        self.rows = 0
        self.complete = False

    def walk(self) -> Iterator[int]:
        """Collect all rows, yielding how many there are so far now and then; raises `FileFault`."""
        stored: list[StoredRow] = []
        reader: RowReader | None = None
        for cells, line in self._cells():
            if reader is None:
                self.header = read_header(cells, line=line, named=company_of(self._source.path))
                reader = RowReader(self.header, file=self._source.name, receipts=self._receipts)
                continue
            row = self._stored(reader, cells, line)
            if row is None:
                continue
            self.rows += 1
            stored.append(row)
            if len(stored) >= BATCH:
                self._scratch.add(stored)
                stored.clear()
                yield self.rows
        if reader is None:
            raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
        self._scratch.add(stored)
        yield self.rows
        self._scratch.sort()
        self.complete = True

    def _stored(self, reader: RowReader, cells: list[str], line: int) -> StoredRow | None:
        row = reader.read(cells, line)
        if row is None:
            return None
        if isinstance(row, Wrong):
            if row.suspects:
                self._scratch.suspect(map(suspect_digest, row.suspects), line=line)
            key = named_key(row.company_id, named_id(row.company_id, row.id)) if row.company_id and row.id else None
            return (line, key, Kind.WRONG, _encode(row))
        if row.id:
            expense_id = named_id(row.company_id, row.id)
            return (line, named_key(row.company_id, expense_id), Kind.NAMED, _encode((row, expense_id, b"")))
        content = content_digest(row, (row,))
        expense_id = unnamed_id(row.company_id, content=content, occurrence=1)
        return (
            line,
            content_key(row.company_id, expense_id),
            Kind.UNNAMED,
            _encode((row, expense_id, content)),
        )

    def _cells(self) -> Iterator[tuple[list[str], int]]:
        """Yield each row that is not blank, the header first, with the number of its first line."""
        lines = iter(self._lines)
        line = 1
        try:
            for first in lines:
                if first.strip():
                    break
                line += 1
                self._lines.row_size = 0
            else:
                return
            self.delimiter = detect_delimiter(first)
            skipped = line - 1
            reader = csv.reader(chain((first,), lines), delimiter=self.delimiter, strict=True)
            for cells in reader:
                if cells:
                    yield cells, line
                line = skipped + reader.line_num + 1
                self._lines.row_size = 0
        except csv.Error as error:
            raise FileFault(_quoting(error), line=line) from None
        except RowTooLong:
            fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
            raise FileFault(fault, line=line) from None


_DOUBLED: Final = 'quotation marks that are closed, and doubled ("") inside a quoted value'


def _quoting(error: csv.Error) -> Fault:
    if "field limit" in str(error):
        return Fault(Code.FIELD_TOO_LONG, None, None, f"cells of at most {csv.field_size_limit():,} characters")
    return Fault(Code.QUOTING_BROKEN, None, None, _DOUBLED)
