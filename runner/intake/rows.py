"""A file's rows, checked one by one, in file order: the cells of its table, and what the reader of its columns makes.

Files with canonical columns and files that need a mapping profile differ in nothing else than that reader.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, Final, Protocol

from runner.domain.expense import RowError
from runner.domain.identity import CellsDigest
from runner.intake.added import restore
from runner.intake.codes import Code, Fault
from runner.intake.header import Header, company_of, read_header
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.finding import too_many
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.reader import MappedReader
from runner.intake.mapping.translate import Skipped
from runner.intake.mapping.workbook import is_workbook
from runner.intake.receipts import ReceiptFolder
from runner.intake.returning import Returning
from runner.intake.row import Row, RowReader, Wrong
from runner.intake.sources import Source
from runner.intake.table import open_table
from runner.intake.text import FileFault

AHEAD: Final = 10
"""Rows that are looked at before the first is read."""


class Reader(Protocol):
    """What makes rows of cells."""

    header: Header

    @property
    def whole_company(self) -> str:
        """The company that all rows belong to, where no cell says it; blank where one does."""
        ...

    @property
    def skipped(self) -> tuple[tuple[str, int], ...]:
        """How many rows each rule skipped, by the rule's file and line."""
        ...

    def read(self, cells: list[str], line: int) -> Row | Wrong | Skipped | None:
        """Return the row that these cells make at this line; None for a blank one."""
        ...

    def key_texts(self, row: Row, cells: Sequence[str]) -> tuple[str, ...]:
        """Return what a row's key has beside what every row has: the card or account, and what a profile adds."""
        ...

    def named(self, error: RowError) -> RowError:
        """Return an error of a canonical column as one of the file's own column."""
        ...


class FileRows:
    """The rows of one file; `reader` and what it says of the header are known once the first row has been asked for."""

    def __init__(self, stream: BinaryIO, source: Source, receipts: ReceiptFolder, mappings: Mappings | None) -> None:
        self._source = source
        self._receipts = receipts
        self._mappings = mappings or Mappings(())
        self.profile = profile_for(source, self._mappings)
        self.table = open_table(stream, source, self.profile)
        self.reader: Reader | None = None
        self.returning: Returning | None = None
        """What there is beside the user's own columns in a file of rejects that comes back."""
        self.header: tuple[list[str], int] = ([], 1)
        """Its cells as written, and its line."""
        self.digest = CellsDigest(())

    def __iter__(self) -> Iterator[tuple[Row | Wrong | Skipped, list[str], int]]:
        """Yield each row that is not blank with the user's own cells and its line; raise `FileFault`."""
        rows = self.table.rows()
        header = next(rows, None)
        if header is None:
            raise FileFault(Fault(Code.NO_HEADER, None, None, "a first line that names the columns"), line=1)
        self.header = header
        self.returning = Returning.of(header[0])
        ahead = list(islice(rows, AHEAD))
        self.reader = reader = self._bound(header[0], max(1, header[1]), spare=_spare(ahead, len(header[0])))
        came_back = self.returning is not None
        # A workbook's rows end with the last cell that is not blank.
        filled = len(header[0]) if is_workbook(self._source.path) else 0
        self.digest = CellsDigest(self.own_header, company=reader.whole_company)
        for cells, line in islice(chain(ahead, rows), self._mappings.limit):
            own = list(map(restore, cells)) if came_back else cells
            own += [""] * (filled - len(own))
            row = reader.read(own, line)
            if row is not None:
                yield row, own, line

    @property
    def own_header(self) -> list[str]:
        """The header's cells that are the user's own, as written."""
        cells, _ = self.header
        return cells if self.returning is None else self.returning.own_cells(cells)

    def _bound(self, cells: list[str], line: int, *, spare: int) -> Reader:
        """Return the reader of the columns that a header names; all rows may have some spare cells."""
        if self.profile is None:
            known = cells if self.returning is None else self.returning.canonical_header(cells)
            header = read_header(known, line=line, named=company_of(self._source.path))
            key_at = 0 if self.returning is None else self.returning.key_at
            return RowReader(header, file=self._source.name, receipts=self._receipts, key_at=key_at)
        if (fault := too_many(cells)) is not None:
            raise FileFault(fault, line=line)
        reader = MappedReader(
            self.profile,
            cells,
            line=line,
            source=self._source,
            receipts=self._receipts,
            returning=self.returning,
            watch=self._mappings.watch,
        )
        reader.spare = spare
        return reader


def _spare(ahead: Sequence[tuple[list[str], int]], width: int) -> int:
    """Return how many blank cells all rows have behind those that the header names, as a habit of their program.

    In a single row they may as well come of a separator within a value, behind which each cell stands one too far.
    """
    filled = [cells for cells, _ in ahead if any(map(str.strip, cells))]
    return max(0, min(map(len, filled)) - width) if len(filled) > 1 else 0


def profile_for(source: Source, mappings: Mappings) -> Profile | None:
    """Return the profile that a file is read with; None where it has canonical columns."""
    profile = mappings.profile_for(source)
    return load_profile("canonical") if profile is None and is_workbook(source.path) else profile
