"""The second walk over a file: rows that belong together become expenses, by their first rows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from runner.domain.expense import MAX_LINES
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey
from runner.intake.added import KEY
from runner.intake.codes import Code, Fault, cut
from runner.intake.collect import suspect_digest
from runner.intake.merge import merge_head
from runner.intake.parsed import Batch, Broken, Whole
from runner.intake.plain import Plain
from runner.intake.row import Row, Wrong, expense_key, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow
from runner.intake.spill import Chunk

_decode_row = msgspec.msgpack.Decoder(tuple[Row, ExpenseId, bytes]).decode
_decode_wrong = msgspec.msgpack.Decoder(Wrong).decode


class Collected(Protocol):
    """What the first walk put aside."""

    def alone(self) -> Iterator[tuple[Chunk, list[Plain | None]]]: ...  # noqa: D102 -- as in Collecting
    def checked(self, cells: list[str], line: int) -> Row | Wrong: ...  # noqa: D102
    def stored(self, row: Row | Wrong, cells: list[str], line: int, /) -> StoredRow: ...  # noqa: D102


class Giving:
    """The second walk over one file."""

    def __init__(self, scratch: Scratch, *, file: str, collected: Collected | None = None) -> None:
        self._scratch = scratch
        self._file = file
        self._collected = collected

    def batches(self) -> Iterator[Batch]:
        """Yield all that the file holds."""
        batch = Batch()
        sorted_ = self._sorted()
        upcoming = next(sorted_, None)
        for chunk, found in () if self._collected is None else self._collected.alone():
            last = chunk.lines[-1]
            if (upcoming is None or upcoming[0][0] > last) and None not in found and not self._scratch.has_suspects:
                while len(found) > (room := batch.room()):
                    batch.expenses += found[:room]  # type: ignore[arg-type] # none of them is None
                    del found[:room]
                    yield batch
                    batch = Batch()
                batch.expenses += found  # type: ignore[arg-type] # as above
            else:
                for place, line in enumerate(chunk.lines):
                    while upcoming is not None and upcoming[0][0] < line:
                        self._give(*upcoming, batch)
                        upcoming = next(sorted_, None)
                        if batch.is_full():
                            yield batch
                            batch = Batch()
                    self._give_alone(chunk, place, found[place], batch)
            if batch.is_full():
                yield batch
                batch = Batch()
        while upcoming is not None:
            self._give(*upcoming, batch)
            upcoming = next(sorted_, None)
            if batch.is_full():
                yield batch
                batch = Batch()
        yield batch

    def _sorted(self) -> Iterator[tuple[StoredRow, int, int]]:
        """Yield the rows of the scratch table by line, each with its position among those of its key and how many."""
        repeats = self._scratch.repeats()
        repeat = next(repeats, None)
        for stored in self._scratch.rows():
            position = total = 1
            if repeat is not None and repeat[0] == stored[0]:
                _, position, total = repeat
                repeat = next(repeats, None)
            yield stored, position, total

    def _give(self, stored: StoredRow, position: int, total: int, batch: Batch) -> None:
        if stored[2] == Kind.UNNAMED:
            batch.expenses.append(_unnamed(stored, occurrence=position))
        elif total == 1 and stored[2] == Kind.NAMED and (parsed := self._single(stored)):
            batch.expenses.append(parsed)
        elif position == 1:
            # The rows of an expense that come later are dealt with here, at its first.
            self._named(stored, total, batch)

    def _give_alone(self, chunk: Chunk, place: int, plain: Plain | None, batch: Batch) -> None:
        suspicious = self._scratch.has_suspects
        if plain is not None and not (plain.named and suspicious):
            batch.expenses.append(plain)
        elif self._collected is not None:
            line, id_ = chunk.lines[place], chunk.ids[place]
            row = self._collected.checked(chunk.rows[place], line)
            if suspicious or isinstance(row, Wrong) or not (row.id and row.type and row.issued and row.currency):
                self._give(self._collected.stored(row, chunk.rows[place], line), 1, 1, batch)
            else:
                batch.expenses.append(Whole(id_, row, (row,), line, 1, content_digest(row, (row,)), named=True))

    def _single(self, stored: StoredRow) -> Whole | None:
        """Return the expense of a row that stands alone; None where there is more to look at, or something to say."""
        row, expense_id, _ = _decode_row(stored[3])
        if self._scratch.has_suspects or not (row.type and row.issued and row.currency):
            return None
        return Whole(expense_id, row, (row,), stored[0], 1, content_digest(row, (row,)), named=True)

    def _named(self, stored: StoredRow, total: int, batch: Batch) -> None:
        key = stored[1]
        members = [stored]
        if total > 1 and key is not None:
            members = self._scratch.members(key, limit=MAX_LINES)
        wrong = [_decode_wrong(member[3]) for member in members if member[2] == Kind.WRONG]
        rows = [_decode_row(member[3])[0] for member in members if member[2] == Kind.NAMED]
        line = stored[0]
        if not rows:
            batch.errors += (error for each in wrong for error in each.errors)
            batch.returned += _returned(wrong)
            batch.broken.append(_broken(wrong[0].company_id, wrong[0].id, line, total))
            return
        head, faults = merge_head(rows, complete=not wrong)
        if total > MAX_LINES:
            wanted = f"at most {MAX_LINES} rows with one id"
            faults.insert(0, (line, Fault(Code.TOO_MANY_LINES, "id", cut(head.id), wanted)))
        if self._scratch.has_suspects and (suspect := self._scratch.suspected_at(suspect_digest(head.id))):
            wanted = f"line {suspect} corrected first: it may be a line of this expense"
            faults.insert(0, (line, Fault(Code.LINES_UNCERTAIN, "id", cut(head.id), wanted)))
        faults += _copies(rows)
        if not (wrong or faults):
            batch.expenses.append(_expense(head, rows, line))
            return
        errors = [error for each in wrong for error in each.errors]
        errors += (
            row_error(fault, file=self._file, line=at, company_id=head.company_id, own_id=head.id)
            for at, fault in faults
        )
        batch.errors += sorted(errors, key=lambda error: error.line)
        batch.returned += [*_returned(wrong), *_returned(rows)]
        batch.broken.append(_broken(head.company_id, head.id, line, total))


def _unnamed(stored: StoredRow, *, occurrence: int) -> Whole:
    row, expense_id, content = _decode_row(stored[3])
    if occurrence > 1:
        # A mapped row is told by its own cells, whose digest stands behind that of its content.
        expense_id = unnamed_id(row.company_id, content=content[32:] or content, occurrence=occurrence)
    return Whole(expense_id, row, (row,), stored[0], 1, content[:32], named=False)


def _expense(head: Row, rows: Sequence[Row], line: int) -> Whole:
    expense_id = named_id(head.company_id, head.id)
    return Whole(expense_id, head, rows, line, len(rows), content_digest(head, rows), named=True)


def _broken(company_id: CompanyId | None, own_id: str, line: int, rows: int) -> Broken:
    return Broken(expense_key(own_id, line), company_id, line, rows)


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
