"""Rows put together: those that belong to one expense, wherever they stand in the file, by their first rows.

A multi-line expense may be scattered over a file of any size, and an expense without an id is told from its equals only
by counting them. So rows are sorted by their keys before the first expense is given out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from runner.domain.expense import MAX_LINES, Expense, Receipt, RowError
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey
from runner.intake.added import KEY
from runner.intake.codes import Code, Fault, cut
from runner.intake.merge import make_expense, merge_head, receipts_of
from runner.intake.row import Row, Wrong, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow

BATCH: Final = 1_000

_encode = msgspec.msgpack.Encoder().encode
_decode_named = msgspec.msgpack.Decoder(tuple[Row, ExpenseId]).decode
_decode_unnamed = msgspec.msgpack.Decoder(tuple[Row, bytes]).decode
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
    named: bool
    """Whether the file gave it an id; equal expenses without one are told apart only by counting them."""

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


@dataclass(slots=True)
class Batch:
    """What came out of some rows, in file order. It may be empty: then reading has only gone on."""

    expenses: list[Parsed] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    returned: list[tuple[RowKey, int]] = field(default_factory=list)
    """Rows that came back and are wrong again, by their keys, and their lines."""

    def is_full(self) -> bool:
        """Say whether it holds as much as a batch should."""
        return len(self.expenses) + len(self.errors) >= BATCH


def stored_row(row: Row | Wrong, line: int, *, seed: bytes) -> StoredRow:
    """Return a row as the scratch table takes it, with the key that the rows of its expense share.

    `seed` is what a row without an id is told by. Its key is never that of an expense with an id, even if it would have
    the same one: nothing may be merged into it.
    """
    if isinstance(row, Wrong):
        own = named_id(row.company_id, row.id) if row.company_id and row.id else None
        return (line, None if own is None else _key(f"id\n{row.company_id}\n{own}"), Kind.WRONG, _encode(row))
    if row.id:
        own = named_id(row.company_id, row.id)
        return (line, _key(f"id\n{row.company_id}\n{own}"), Kind.NAMED, _encode((row, own)))
    return (line, unnamed_key(row.company_id, seed), Kind.UNNAMED, _encode((row, seed)))


def unnamed_key(company_id: CompanyId, seed: bytes) -> bytes:
    """Return the key (16 bytes) that rows without an id share which are told by the same."""
    return _key(f"content\n{company_id}\n{seed.hex()}")


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
            row, seed = _decode_unnamed(stored[3])
            id_ = unnamed_id(row.company_id, content=seed, occurrence=position)
            batch.expenses.append(Parsed(id_, row, (row,), row.line, 1, content_digest(row, (row,)), named=False))
        elif position == 1:
            # The rows of an expense that come later are dealt with here, at its first.
            members = [stored]
            if total > 1 and stored[1] is not None:
                members = self._scratch.members(stored[1], limit=MAX_LINES)
            self._put_together(members, total, batch)

    def _put_together(self, members: Sequence[StoredRow], total: int, batch: Batch) -> None:
        line = members[0][0]
        wrong = [_decode_wrong(member[3]) for member in members if member[2] == Kind.WRONG]
        named = [_decode_named(member[3]) for member in members if member[2] == Kind.NAMED]
        rows = [row for row, _ in named]
        if not rows:
            batch.errors += (error for each in wrong for error in each.errors)
            batch.returned += _returned(wrong)
            return
        head, faults = self._head(rows, line, total=total, complete=not wrong)
        if not (wrong or faults):
            id_, digest = named[0][1], content_digest(head, rows)
            batch.expenses.append(Parsed(id_, head, rows, line, len(rows), digest, named=True))
            return
        errors = [error for each in wrong for error in each.errors]
        errors += (self._error(fault, at, head) for at, fault in faults)
        batch.errors += sorted(errors, key=lambda error: error.line)
        batch.returned += [*_returned(wrong), *_returned(rows)]

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
    if any(row.origin is not None and row.origin.seed is not None for row in rows):
        wanted = "a blank cell in the row that was added: it is an expense of its own"
        return [(row.line, Fault(Code.ROW_KEY_REPEATED, KEY, None, wanted)) for row in rows]
    places = Counter((row.origin.key.origin, row.origin.key.line) for row in rows if row.origin is not None)
    wanted = "each row once; or a blank cell in the one that was added, if it is another line of this expense"
    return [
        (row.line, Fault(Code.ROW_KEY_REPEATED, KEY, None, wanted))
        for row in rows
        if row.origin is not None and places[row.origin.key.origin, row.origin.key.line] > 1
    ]


def _returned(rows: Sequence[Row | Wrong]) -> list[tuple[RowKey, int]]:
    return [(row.origin.key, row.line if isinstance(row, Row) else row.errors[0].line) for row in rows if row.origin]
