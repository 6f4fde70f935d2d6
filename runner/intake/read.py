"""Reading one CSV file: twice over its rows, once to see which belong together and once to give them out.

A multi-line expense may be scattered over a file of any size, and an expense without an id is told from its
equals only by counting them. So no expense can be given out before the last row has been read; and a file
that cannot be read to its end gives out none, since any of its expenses may lack lines that stand behind the
broken place.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from runner.domain.ids import CompanyId
from runner.intake.codes import Code, Fault
from runner.intake.collect import Collecting
from runner.intake.give import Giving
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.collect import MappedCollecting
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.workbook import is_workbook
from runner.intake.marks import Marks
from runner.intake.parsed import Batch, Broken, Parsed
from runner.intake.receipts import ReceiptFolder
from runner.intake.row import row_error
from runner.intake.scratch import Scratch
from runner.intake.settled import Settled
from runner.intake.sources import Source
from runner.intake.spill import Spill
from runner.intake.text import FileFault, Lines

__all__ = ["Batch", "Broken", "Described", "Options", "Parsed", "Reading", "Source"]

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


@dataclass(frozen=True, slots=True)
class Described:
    """What a file turned out to be; complete once it has been read."""

    delimiter: str = ","
    encoding: str = "utf-8"
    """`utf-8`, or `utf-8-sig` where the file begins with a byte order mark."""
    columns: tuple[str, ...] = ()
    """The known columns that it has, by their canonical names."""
    unknown: tuple[str, ...] = ()
    """Columns that were not read, as written."""
    company: CompanyId | None = None
    """The company that all rows belong to, where the file's name says it."""
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
        self._mapped: MappedCollecting | None = None
        self._collected: Collecting | None = None
        self._aside: tuple[Spill, Marks] | None = None
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
        if self._aside is not None:
            for each in self._aside:
                each.close()
            self._aside = None

    def batches(self) -> Iterator[Batch]:
        """Yield the file's expenses and errors, some 1,000 at a time; empty batches while rows are collected.

        To be called once.
        """
        if self._scratch is None:
            raise RuntimeError("a Reading is used within its with block")
        try:
            for _ in self._collect(self._scratch):
                yield Batch()
        except FileFault as found:
            error = row_error(found.fault, file=self._source.name, line=found.line, company_id=None, own_id="")
            yield Batch(errors=[error])
        else:
            yield from self._given(self._scratch)

    def _given(self, scratch: Scratch) -> Iterator[Batch]:
        for batch in Giving(scratch, file=self._source.name, collected=self._mapped or self._collected).batches():
            if self._mapped is not None:
                batch.errors = [self._mapped.named(error) for error in batch.errors]
            yield batch

    def _collect(self, scratch: Scratch) -> Iterator[int]:
        profile = None if self._options.mapping is None else self._options.mapping.profile_for(self._source)
        if profile is None and is_workbook(self._source.path):
            profile = load_profile("canonical")
        return self._collect_canonical(scratch) if profile is None else self._collect_mapped(scratch, profile)

    def _collect_mapped(self, scratch: Scratch, profile: Profile) -> Iterator[int]:
        stream = self._open()
        receipts = ReceiptFolder(self._receipts_root(), max_bytes=self._options.max_receipt_bytes)
        mappings = self._options.mapping or Mappings(())
        aside = self._aside = Spill(self._options.scratch_dir), Marks(self._options.scratch_dir)
        mapped = self._mapped = MappedCollecting(
            stream,
            profile=profile,
            mappings=mappings,
            source=self._source,
            receipts=receipts,
            scratch=scratch,
            aside=aside,
        )
        try:
            yield from mapped.walk()
        finally:
            receipts.close()
            if self._source.path is not None:
                stream.close()
            self.described = replace(_described(mapped, mapped), skipped=mapped.skipped, mapping=profile.name)

    def _collect_canonical(self, scratch: Scratch) -> Iterator[int]:
        stream = self._open()
        lines = Lines(stream)
        receipts = ReceiptFolder(self._receipts_root(), max_bytes=self._options.max_receipt_bytes)
        spill, marks = self._aside = Spill(self._options.scratch_dir), Marks(self._options.scratch_dir)
        collecting = self._collected = Collecting(
            lines, source=self._source, receipts=receipts, scratch=scratch, spill=spill, marks=marks
        )
        try:
            yield from collecting.walk()
        finally:
            receipts.close()
            if self._source.path is not None:
                stream.close()
            self.described = _described(collecting, lines)

    def _open(self) -> BinaryIO:
        if self._source.path is None:
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


def _described(collecting: Collecting | MappedCollecting, lines: Lines | MappedCollecting) -> Described:
    header = collecting.header
    return Described(
        delimiter=collecting.delimiter,
        encoding=lines.encoding,
        columns=() if header is None else header.columns,
        unknown=() if header is None else header.unknown,
        company=None if header is None else header.company,
        sha256=lines.sha256,
        rows=collecting.rows,
        usable=collecting.complete,
    )
