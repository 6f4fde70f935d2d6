"""Files of rejects that come back: the user's own rows, with a key each, and cells that a spreadsheet cannot run.

What reports add to the user's columns begins with an underscore. A file is one that comes back if it has `_row_key`;
no other file is read in any other way than before.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from runner.domain.identity import named_id
from runner.domain.row_key import RowKey, read_key
from runner.intake.added import ADDED, COMPANY, FILE, KEY, LINE
from runner.intake.codes import Code, Fault, cut
from runner.intake.row import Row, Wrong, expense_key, row_error


class Returning:
    """What a file that comes back has beside the user's own columns."""

    def __init__(self, header: Sequence[str]) -> None:
        self._names = [cell.strip().lower() for cell in header]
        self.key_at = self._names.index(KEY)
        self._company_at = self._names.index(COMPANY) if COMPANY in self._names else None
        self.ours = frozenset(place for place, name in enumerate(self._names) if name in ADDED)
        """The places of the columns that are not the user's."""

    @classmethod
    def of(cls, header: Sequence[str]) -> "Returning | None":
        """Return what there is of it in a file with this header; None for a file that is not one that comes back."""
        return cls(header) if KEY in (cell.strip().lower() for cell in header) else None

    @property
    def tells_company(self) -> bool:
        """Whether rows say their company, for files that say it in their names or not at all."""
        return self._company_at is not None

    def canonical_header(self, header: Sequence[str]) -> list[str]:
        """Return a canonical file's header in which a company_id column is there if rows say it at all."""
        cells = list(header)
        if self._company_at is not None and "company_id" not in self._names:
            cells[self._company_at] = "company_id"
        return cells

    def company(self, cells: Sequence[str]) -> str:
        """Return the company that a row names in our column; blank where there is none."""
        return "" if self._company_at is None else self._cell(cells, self._company_at)

    def key(self, cells: Sequence[str]) -> str:
        """Return a row's key as written; blank where there is none."""
        return self._cell(cells, self.key_at)

    def own_cells(self, cells: Sequence[str]) -> list[str]:
        """Return the user's own cells of a row."""
        moved = max(0, len(cells) - len(self._names))
        places = {place + moved for place in self.ours}
        return [cell for place, cell in enumerate(cells) if place not in places]

    def place_of(self, cells: Sequence[str]) -> tuple[str, str]:
        """Return file and line that a row says it first stood in."""
        file, line = (self._names.index(each) if each in self._names else None for each in (FILE, LINE))
        return (
            "" if file is None else self._cell(cells, file),
            "" if line is None else self._cell(cells, line),
        )

    def _cell(self, cells: Sequence[str], place: int) -> str:
        # In a row with too many cells ours, which stand last, have moved.
        place += max(0, len(cells) - len(self._names))
        return cells[place].strip() if place < len(cells) else ""

    def claim(self, row: Row | Wrong, cells: Sequence[str], *, file: str, line: int) -> Row | Wrong:
        """Return a row with the identity that its key gives it, or what is wrong with the key."""
        written = self.key(cells)
        if not written:
            return row
        key = read_key(written, row.company_id)
        if key is None:
            wanted = "the key as it was written, and the company as it was; or a blank cell for a new expense"
            return _with_fault(row, written, wanted, file=file, line=line)
        if not row.id:
            if isinstance(row, Wrong):
                return _named(row, key)
            return msgspec.structs.replace(row, id=key.expense_id, key=key)
        if key.known and row.company_id is not None and named_id(row.company_id, row.id) != key.expense_id:
            wanted = "the id as it was; or a blank cell for a new expense"
            return _with_fault(row, written, wanted, file=file, line=line)
        key = key._replace(own_id=True)
        return replace(row, key=key) if isinstance(row, Wrong) else msgspec.structs.replace(row, key=key)


def _named(row: Wrong, key: RowKey) -> Wrong:
    own_id = key.expense_id
    errors = tuple(replace(each, expense=own_id, expense_key=expense_key(own_id, each.line)) for each in row.errors)
    return replace(row, id=own_id, errors=errors, key=key)


def _with_fault(row: Row | Wrong, written: str, wanted: str, *, file: str, line: int) -> Wrong:
    # Without a place to come from: whatever it was is still to be corrected.
    fault = Fault(Code.ROW_KEY_WRONG, KEY, cut(written), wanted)
    error = row_error(fault, file=file, line=line, company_id=row.company_id, own_id=row.id)
    if isinstance(row, Wrong):
        return replace(row, errors=(*row.errors, error))
    return Wrong(row.company_id, row.id, (error,), ())
