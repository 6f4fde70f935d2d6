"""Rows put together: those that belong to one expense, wherever they stand in the file, by their first rows.

A multi-line expense may be scattered over a file of any size, and an expense without an id is told from its equals only
by counting them. So rows are sorted by their keys before the first expense is given out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from runner.domain.expense import MAX_LINES, Expense, Receipt, RowError
from runner.domain.identity import cells_of_rows, content_digest, meaning_key, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey
from runner.intake.added import KEY
from runner.intake.codes import Code, Fault, cut
from runner.intake.merge import make_expense, merge_head, receipts_of
from runner.intake.row import Row, Wrong, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow

BATCH: Final = 1_000


class RowMarks(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a right row is known by beside its id."""

    cells: int
    """As `CellsDigest` gives it."""
    texts: tuple[str, ...] = ()
    """What its key has beside what every row has: the card or account, and what a profile adds."""


_encode = msgspec.msgpack.Encoder().encode
_decode_right = msgspec.msgpack.Decoder(tuple[Row, ExpenseId | None, RowMarks]).decode
_decode_wrong = msgspec.msgpack.Decoder(Wrong).decode


class Parsed(NamedTuple):
    """An expense and where it was found: not yet an `Expense`, because millions of them are only passed on."""

    id: ExpenseId
    head: Row
    """What all its lines share; without gaps."""
    members: Sequence[Row]
    """Its lines."""
    line: int
    """Of its first row."""
    rows: int
    content_hash: bytes
    """SHA-256 of its content, as `runner.domain.identity.content_digest` gives it."""
    key: bytes
    """What it means, as `runner.domain.identity.meaning_key` gives it."""
    cells: int
    """The digest of the cells of all its rows."""
    named: bool
    """Whether the file gave it an id; equal expenses without one are told apart only by counting them."""
    repeated_line: int | None = None
    """A line that says the same as an earlier one of the same id, cell by cell."""

    @property
    def expense(self) -> Expense:
        """The expense itself."""
        return make_expense(self.head, self.members, expense_id=self.id)

    @property
    def gross(self) -> Decimal:
        """Net plus tax over all lines, as `Expense.gross`."""
        first, *others = self.members
        gross = first.net_amount + first.tax_amount
        for row in others:
            gross += row.net_amount + row.tax_amount
        return gross

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts of all its rows, each once."""
        return receipts_of(self.head, self.members)


class RowRead(NamedTuple):
    """One row of a file as the user wrote it, whatever becomes of it."""

    line: int
    cells: int
    """Its digest, as `CellsDigest` gives it."""
    own: Sequence[str]
    """The user's own cells."""
    skipped: str | None = None
    """The rule of the mapping profile that skips it, by file and line."""
    company_id: CompanyId | None = None
    own_id: str = ""
    """The text of its id, blank where it has none."""
    key: RowKey | None = None
    """Which row it was before, if it was rejected and came back."""
    damaged_key: str = ""
    """Its `_row_key`, where that cannot be read."""


@dataclass(slots=True)
class Batch:
    """What came out of some rows, in file order. It may be empty: then reading has only gone on."""

    expenses: list[Parsed] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    lines: list["RowRead"] = field(default_factory=list)
    """The rows that were read, in file order; they come before what is made of them."""

    def is_full(self) -> bool:
        """Say whether it holds as much as a batch should."""
        return len(self.expenses) + len(self.errors) >= BATCH


def stored_row(row: Row | Wrong, line: int, marks: RowMarks) -> StoredRow:
    """Return a row as the scratch table takes it, with the key that the rows of its expense share, if it has an id."""
    if isinstance(row, Wrong):
        own = named_id(row.company_id, row.id) if row.company_id and row.id else None
        return (line, None if own is None else _key(f"{row.company_id}\n{own}"), Kind.WRONG, _encode(row))
    if row.id:
        own = named_id(row.company_id, row.id)
        return (line, _key(f"{row.company_id}\n{own}"), Kind.NAMED, _encode((row, own, marks)))
    return (line, None, Kind.UNNAMED, _encode((row, None, marks)))


def suspect_digest(text: str) -> bytes:
    """Return what a text that may be an id is remembered by (16 bytes)."""
    return _key(text.lower())


def _key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


class Assembly:
    """The expenses and errors of one file, whose rows have been sorted."""

    def __init__(self, scratch: Scratch, *, file: str, named: Callable[[RowError], RowError]) -> None:
        self._scratch = scratch
        self._file = file
        self._own_column = named

    def batches(self) -> Iterator[Batch]:
        """Yield all that the file holds."""
        batch = Batch()
        for stored, position, total in counted(self._scratch):
            self._give(stored, position, total, batch)
            if batch.is_full():
                yield batch
                batch = Batch()
        yield batch

    def _give(self, stored: StoredRow, position: int, total: int, batch: Batch) -> None:
        if stored[2] == Kind.UNNAMED:
            row, _, marks = _decode_right(stored[3])
            batch.expenses.append(_parsed(None, row, (row,), (marks,)))
        elif position == 1:
            # The rows of an expense that come later are dealt with here, at its first.
            members = [stored]
            if total > 1 and stored[1] is not None:
                members = self._scratch.members(stored[1], limit=MAX_LINES)
            self._put_together(members, total, batch)

    def _put_together(self, members: Sequence[StoredRow], total: int, batch: Batch) -> None:
        line = members[0][0]
        wrong = [_decode_wrong(member[3]) for member in members if member[2] == Kind.WRONG]
        named = [_decode_right(member[3]) for member in members if member[2] == Kind.NAMED]
        rows = [row for row, _, _ in named]
        if not rows:
            batch.errors += (replace(error, rows=total) for each in wrong for error in each.errors)
            return
        head, faults = self._head(rows, line, total=total, complete=not wrong)
        if not (wrong or faults):
            batch.expenses.append(_parsed(named[0][1], head, rows, [marks for _, _, marks in named]))
            return
        errors = [error for each in wrong for error in each.errors]
        errors += (self._error(fault, at, head) for at, fault in faults)
        errors.sort(key=lambda error: error.line)
        batch.errors += (replace(error, rows=total) for error in errors)

    def _head(
        self, rows: Sequence[Row], line: int, *, total: int, complete: bool
    ) -> tuple[Row, list[tuple[int, Fault]]]:
        """Return what all rows of an expense share, and what is wrong with them together."""
        head, faults = merge_head(rows, complete=complete)
        if total > MAX_LINES:
            wanted = f"at most {MAX_LINES} rows with one id"
            faults.insert(0, (line, Fault(Code.TOO_MANY_LINES, "id", cut(head.id), wanted)))
        if self._scratch.has_suspects and (suspect := self._scratch.suspected_at(suspect_digest(head.id))):
            wanted = f"line {suspect} corrected first: it may be a line of this expense"
            faults.insert(0, (line, Fault(Code.LINES_UNCERTAIN, "id", cut(head.id), wanted)))
        return head, faults + _copies(rows)

    def _error(self, fault: Fault, line: int, head: Row) -> RowError:
        error = row_error(fault, file=self._file, line=line, company_id=head.company_id, own_id=head.id)
        return self._own_column(error)


def counted(scratch: Scratch) -> Iterator[tuple[StoredRow, int, int]]:
    """Yield the rows of the scratch table by line, each with its position among those of its key and how many."""
    repeats = scratch.repeats()
    repeat = next(repeats, None)
    for stored in scratch.rows():
        position = total = 1
        if repeat is not None and repeat[0] == stored[0]:
            _, position, total = repeat
            repeat = next(repeats, None)
        yield stored, position, total


def _copies(rows: Sequence[Row]) -> list[tuple[int, Fault]]:
    """Return what is wrong with rows that share what only their `_row_key` tells: they are not lines of one expense.

    Nor is a row that stands twice, whatever id it has.
    """
    if len(rows) < 2:
        return []
    if any(row.key is not None and not row.key.own_id for row in rows):
        wanted = "a blank cell in the row that was added: it is an expense of its own"
        return [(row.line, Fault(Code.ROW_KEY_REPEATED, KEY, None, wanted)) for row in rows]
    places = Counter((row.key.origin, row.key.line) for row in rows if row.key is not None)
    wanted = "each row once; or a blank cell in the one that was added, if it is another line of this expense"
    return [
        (row.line, Fault(Code.ROW_KEY_REPEATED, KEY, None, wanted))
        for row in rows
        if row.key is not None and places[row.key.origin, row.key.line] > 1
    ]


def _parsed(own_id: ExpenseId | None, head: Row, rows: Sequence[Row], marks: Sequence[RowMarks]) -> Parsed:
    """Return the expense of these rows; `head` has no gaps."""
    gross = sum((row.net_amount + row.tax_amount for row in rows), _ZERO)
    back = head.type is not None and head.type.money_back
    texts = (head.merchant_name, head.reference, *marks[0].texts)
    key = meaning_key(head.company_id, (head.issued or "")[:10], -gross if back else gross, head.currency or "", texts)
    id_ = own_id or unnamed_id(head.company_id, key=key, number=1)
    cells = [each.cells for each in marks]
    return Parsed(
        id_, head, rows, rows[0].line, len(rows), content_digest(head, rows), key, cells_of_rows(cells),
        named=own_id is not None and not any(row.key is not None and not row.key.own_id for row in rows),
        repeated_line=_repeated(rows, cells),
    )  # fmt: skip


def _repeated(rows: Sequence[Row], cells: Sequence[int]) -> int | None:
    """Return the line of the first row that is an earlier one once more, cell by cell."""
    if len(rows) == len(set(cells)):
        return None
    seen: set[int] = set()
    for row, digest in zip(rows, cells, strict=True):
        if digest in seen:
            return row.line
        seen.add(digest)
    return None


_ZERO: Final = Decimal(0)
