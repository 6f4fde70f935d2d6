"""Reading one CSV file: every row is checked and put aside, sorted by what it belongs to, and then put together.

A multi-line expense may be scattered over a file of any size, and an expense without an id is told from its
equals only by counting them. So no expense can be given out before the last row has been read; and a file
that cannot be read to its end gives out none, since any of its expenses may lack lines that stand behind the
broken place.
"""

import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from runner.domain.expense import RowError
from runner.intake.assembly import BATCH, Assembly, Batch, Parsed, RowMarks, RowRead, stored_row, suspect_digest
from runner.intake.codes import Code, Fault
from runner.intake.digested import Settled
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.profile import Overlap
from runner.intake.mapping.translate import Skipped
from runner.intake.mapping.workbook import is_workbook
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import Wrong, row_error
from runner.intake.rows import FileRows
from runner.intake.scratch import Scratch, StoredRow
from runner.intake.sources import Source
from runner.intake.text import FileFault

__all__ = ["Batch", "Described", "Options", "Parsed", "Reading", "RowRead", "Source"]

MAX_RECEIPT_BYTES: Final = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """How to read."""

    receipts_dir: Path | None = None
    """What receipts are relative to; None is the file's own folder, for standard input the current one."""
    max_receipt_bytes: int = MAX_RECEIPT_BYTES
    scratch_dir: Path | None = None
    """Where rows are sorted; None is the system's place for temporary files."""
    mapping: Mappings | None = None
    """How files with other columns are read; None where all have the canonical ones."""
    overlap: Overlap | None = None
    """Whether files with canonical columns and without ids overlap; None where nobody has said."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a file turned out to be; complete once it has been read."""

    delimiter: str = ","
    encoding: str = "utf-8"
    """`utf-8`, or `utf-8-sig` where the file begins with a byte order mark."""
    unknown: tuple[str, ...] = ()
    """Columns that were not read, as written."""
    sha256: str | None = None
    """Hex digest of the bytes; None where the file could not be read to its end."""
    rows: int = 0
    """Rows with something in them, the header not counted."""
    usable: bool = False
    """False where the file as a whole was refused: none of its rows became an expense."""
    skipped: tuple[tuple[str, int], ...] = ()
    """How many rows each rule of the mapping profile skipped, by the rule's file and line."""
    mapping: str | None = None
    """The mapping profile that the file was read with."""
    header: tuple[str, ...] = ()
    """The user's own columns, as written."""
    header_line: int = 1
    came_back: bool = False
    """Whether it is a file of rejects."""
    whole_company: str = ""
    """The company that all rows belong to, where no cell says it."""
    refusal: RowError | None = None
    """Why the file as a whole was refused."""
    unread_sheets: tuple[str, ...] = ()
    """The names of a workbook's sheets that are not read."""


class Reading:
    """One file being read: `with Reading(source, options) as reading: for batch in reading.batches(): ...`.

    Entering raises `RefusedToStart` where the scratch file cannot be made, and so may every batch. All that
    is wrong with the CSV file itself comes as `RowError`s. Batches may be taken by different threads, one
    after the other. `described` is complete after the last batch.
    """

    def __init__(self, source: Source, options: Options, *, stdin: BinaryIO | None = None) -> None:
        self._source = source
        self._options = options
        self._stdin = stdin
        self._scratch: Scratch | None = None
        self.described = Described()

    def __enter__(self) -> Self:
        """Prepare the scratch file."""
        self._scratch = Scratch(self._options.scratch_dir)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the scratch file."""
        self.close()

    def close(self) -> None:
        """Remove the scratch file; nothing can be read after this."""
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None

    def batches(self) -> Iterator[Batch]:
        """Yield the file's expenses and errors, some 1,000 at a time; empty batches while rows are collected.

        To be called once.
        """
        if self._scratch is None:
            raise RuntimeError("a Reading is used within its with block")
        try:
            rows = yield from self._collect(self._scratch)
        except FileFault as found:
            error = row_error(found.fault, file=self._source.name, line=found.line, company_id=None, own_id="")
            self.described = replace(self.described, refusal=error)
            yield Batch(errors=[error])
        else:
            named = rows.reader.named if rows.reader is not None else lambda error: error
            yield from Assembly(self._scratch, file=self._source.name, named=named).batches()

    def _collect(self, scratch: Scratch) -> Generator[Batch, None, FileRows]:
        """Put every row of the file aside, and sort them; raises `FileFault`."""
        stream = self._open()
        receipts = ReceiptFolder(self._receipts_root(), max_bytes=self._options.max_receipt_bytes)
        rows = FileRows(stream, self._source, receipts, self._options.mapping)
        count, complete = 0, False
        try:
            for stored, read in _portions(rows, scratch, file=self._source.name):
                count += len(stored)
                scratch.add(stored)
                yield Batch(lines=read)
            scratch.sort()
            complete = True
        finally:
            receipts.close()
            if self._stdin is None and self._source.path is not None:
                stream.close()
            self.described = _described(rows, count, complete=complete)
        return rows

    def _open(self) -> BinaryIO:
        if self._source.path is None or self._stdin is not None:
            return self._stdin or sys.stdin.buffer
        try:
            stream = self._source.path.open("rb")
            # A workbook is read in any order, and its checksums tell whether it is whole.
            return stream if is_workbook(self._source.path) else Settled(stream)  # type: ignore[return-value]
        except OSError as error:
            fault = Fault(Code.FILE_UNREADABLE, None, None, f"a file that can be opened ({error.strerror})")
            raise FileFault(fault, line=1) from None

    def _receipts_root(self) -> Path:
        if self._options.receipts_dir is not None:
            return self._options.receipts_dir
        return Path() if self._source.path is None else self._source.path.parent


def _portions(rows: FileRows, scratch: Scratch, *, file: str) -> Iterator[tuple[list[StoredRow], list[RowRead]]]:
    """Yield the rows of a file as the scratch table takes them and as the user wrote them, some at a time."""
    stored: list[StoredRow] = []
    read: list[RowRead] = []
    for found, cells, line in rows:
        reader, returning = rows.reader, rows.returning
        if reader is None:
            continue
        own = cells if returning is None else returning.own_cells(cells)
        digest = rows.digest.of(own)
        if isinstance(found, Skipped):
            read.append(RowRead(line, digest, own, skipped=found.where))
        else:
            row = found if returning is None else returning.claim(found, cells, file=file, line=line)
            if isinstance(row, Wrong):
                marks = RowMarks(digest)
                if row.suspects:
                    scratch.suspect(map(suspect_digest, row.suspects), line=line)
            else:
                marks = RowMarks(digest, reader.key_texts(row, cells))
            stored.append(stored_row(row, line, marks))
            damaged = returning.key(cells) if returning is not None and row.key is None else ""
            read.append(RowRead(line, digest, own, None, row.company_id, row.id, row.key, damaged))
        if len(read) >= BATCH:
            yield stored, read
            stored, read = [], []
    yield stored, read


def _described(rows: FileRows, count: int, *, complete: bool) -> Described:
    header = None if rows.reader is None else rows.reader.header
    return Described(
        delimiter=rows.table.delimiter,
        encoding=rows.table.encoding,
        unknown=() if header is None else header.unknown,
        sha256=rows.table.sha256,
        rows=count,
        usable=complete,
        skipped=() if rows.reader is None else rows.reader.skipped,
        mapping=None if rows.profile is None else rows.profile.name,
        header=tuple(rows.own_header),
        header_line=rows.header[1],
        came_back=rows.returning is not None,
        whole_company="" if rows.reader is None else rows.reader.whole_company,
        unread_sheets=rows.table.unread_sheets,
    )
