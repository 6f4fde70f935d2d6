"""The second walk over a file: rows that belong together become expenses, by their first rows."""

from collections.abc import Iterator, Sequence

import msgspec

from runner.domain.expense import MAX_LINES
from runner.domain.identity import content_digest, named_id, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.intake.codes import Code, Fault, cut
from runner.intake.collect import suspect_digest
from runner.intake.merge import merge_head
from runner.intake.parsed import Batch, Broken, Parsed
from runner.intake.row import Row, Wrong, expense_key, row_error
from runner.intake.scratch import Kind, Scratch, StoredRow

_decode_row = msgspec.msgpack.Decoder(tuple[Row, ExpenseId, bytes]).decode
_decode_wrong = msgspec.msgpack.Decoder(Wrong).decode


class Giving:
    """The second walk over one file."""

    def __init__(self, scratch: Scratch, *, file: str) -> None:
        self._scratch = scratch
        self._file = file

    def batches(self) -> Iterator[Batch]:
        """Yield all that the file holds."""
        batch = Batch()
        repeats = self._scratch.repeats()
        repeat = next(repeats, None)
        for stored in self._scratch.rows():
            position = total = 1
            if repeat is not None and repeat[0] == stored[0]:
                _, position, total = repeat
                repeat = next(repeats, None)
            if stored[2] == Kind.UNNAMED:
                batch.expenses.append(_unnamed(stored, occurrence=position))
            elif total == 1 and stored[2] == Kind.NAMED and (parsed := self._single(stored)):
                batch.expenses.append(parsed)
            elif position == 1:
                # The rows of an expense that come later are dealt with here, at its first.
                self._named(stored, total, batch)
            if batch.is_full():
                yield batch
                batch = Batch()
        yield batch

    def _single(self, stored: StoredRow) -> Parsed | None:
        """Return the expense of a row that stands alone; None where there is more to look at, or something to say."""
        row, expense_id, _ = _decode_row(stored[3])
        if self._scratch.has_suspects or not (row.type and row.issued and row.currency):
            return None
        return Parsed(expense_id, row, (row,), stored[0], 1, content_digest(row, (row,)), named=True)

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
            batch.broken.append(_broken(wrong[0].company_id, wrong[0].id, line, total))
            return
        head, faults = merge_head(rows, complete=not wrong)
        if total > MAX_LINES:
            wanted = f"at most {MAX_LINES} rows with one id"
            faults.insert(0, (line, Fault(Code.TOO_MANY_LINES, "id", cut(head.id), wanted)))
        if self._scratch.has_suspects and (suspect := self._scratch.suspected_at(suspect_digest(head.id))):
            wanted = f"line {suspect} corrected first: it may be a line of this expense"
            faults.insert(0, (line, Fault(Code.LINES_UNCERTAIN, "id", cut(head.id), wanted)))
        if not (wrong or faults):
            batch.expenses.append(_expense(head, rows, line))
            return
        errors = [error for each in wrong for error in each.errors]
        errors += (
            row_error(fault, file=self._file, line=at, company_id=head.company_id, own_id=head.id)
            for at, fault in faults
        )
        batch.errors += sorted(errors, key=lambda error: error.line)
        batch.broken.append(_broken(head.company_id, head.id, line, total))


def _unnamed(stored: StoredRow, *, occurrence: int) -> Parsed:
    row, expense_id, content = _decode_row(stored[3])
    if occurrence > 1:
        # A mapped row is told by its own cells, whose digest stands behind that of its content.
        expense_id = unnamed_id(row.company_id, content=content[32:] or content, occurrence=occurrence)
    return Parsed(expense_id, row, (row,), stored[0], 1, content[:32], named=False)


def _expense(head: Row, rows: Sequence[Row], line: int) -> Parsed:
    expense_id = named_id(head.company_id, head.id)
    return Parsed(expense_id, head, rows, line, len(rows), content_digest(head, rows), named=True)


def _broken(company_id: CompanyId | None, own_id: str, line: int, rows: int) -> Broken:
    return Broken(expense_key(own_id, line), company_id, line, rows)
