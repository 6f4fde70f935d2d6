"""The journal's verbs for staging: inputs, expenses, row errors, and what intake counted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from runner.domain.expense import RowError
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import split
from runner.domain.states import ExpenseState
from runner.journal.context import Context
from runner.journal.records import Conflict, OpenRowError, StagedBatch, StagedExpense, UnfinishedInput
from runner.journal.statements import insert, load

_SQL = load("staging")

_Row = tuple[int, ExpenseId, InputNo, int, int, bytes, str, int, int]
_Amount = tuple[int, str, int, int]
"""Company, currency, and what `split` makes of the gross amount."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What a file turned out to be."""

    sha256: str | None
    delimiter: str | None
    encoding: str | None
    rows: int
    repeated: int


class Staging:
    """Lets expenses in, each once."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def begin_input(
        self, name: str, *, path: str | None, receipts: str | None, mapping: str | None = None
    ) -> InputNo:
        """Record that a file is about to be read."""
        facts = {**self._context.stamp(), "name": name, "path": path, "receipts": receipts, "mapping": mapping}

        def operation(connection: Connection) -> int:
            (number,) = connection.execute(_SQL["begin_input"], facts).fetchone()
            return int(number)

        return InputNo(await self._context.store.write(operation))

    async def end_input(self, number: InputNo, name: str, facts: InputFacts) -> None:
        """Record that a file was read to its end, and settle the row errors that this reading made obsolete."""
        values = {
            "input": number,
            "name": name,
            "now": self._context.now(),
            "sha256": facts.sha256,
            "delimiter": facts.delimiter,
            "encoding": facts.encoding,
            "rows": facts.rows,
            "repeated": facts.repeated,
        }

        def operation(connection: Connection) -> None:
            for statement in ("end_input", "supersede_inputs", "settle_superseded", "settle_accepted"):
                connection.execute(_SQL[statement], values)

        await self._context.store.write(operation)

    async def unfinished_inputs(self) -> list[UnfinishedInput]:
        """Return the files whose reading was cut off and never repeated."""

        def operation(connection: Connection) -> list[UnfinishedInput]:
            return [UnfinishedInput(*row) for row in connection.execute(_SQL["unfinished_inputs"])]

        return await self._context.store.read(operation)

    async def stage(self, number: InputNo, batch: Sequence[StagedExpense]) -> StagedBatch:
        """Let a batch in: new expenses are added, known ones are not, other content under a known id is a conflict.

        Only an expense that was rejected, so is certainly not in the books, takes new content and is staged again.
        """
        return await self._context.store.write(lambda connection: self._stage(connection, number, batch))

    def _stage(self, connection: Connection, number: InputNo, batch: Sequence[StagedExpense]) -> StagedBatch:
        companies = {
            company: self._company_no(connection, company)
            for company in dict.fromkeys(each.company_id for each in batch)
        }
        (last,) = connection.execute(_SQL["last_expense"]).fetchone()
        rows: list[_Row] = [
            (companies[e.company_id], e.expense_id, number, e.line, e.rows, e.content_hash, e.currency, *split(e.gross))
            for e in batch
        ]
        added = range(last + 1, last + 1 + len(batch))  # all new, and so numbered in their order
        if insert(connection, _SQL["add_expense"], rows) == len(batch):
            self._add_facts(connection, number, batch, rows, added)
            return StagedBatch(len(batch), 0, 0, ())
        found = {
            (company, expense): expense_no
            for expense_no, company, expense in connection.execute(_SQL["added_since"], {"last": last})
        }
        fresh = [place for place, row in enumerate(rows) if row[:2] in found]
        self._add_facts(
            connection,
            number,
            [batch[place] for place in fresh],
            [rows[place] for place in fresh],
            [found[rows[place][:2]] for place in fresh],
        )
        known = [e for e, row in zip(batch, rows, strict=True) if row[:2] not in found]
        return self._meet_known(connection, number, known, companies, accepted=len(fresh))

    def _add_facts(
        self,
        connection: Connection,
        number: InputNo,
        fresh: Sequence[StagedExpense],
        rows: Sequence[_Row],
        numbers: Sequence[int],
    ) -> None:
        insert(connection, _SQL["add_payload"], [(no, e.payload) for no, e in zip(numbers, fresh, strict=True)])
        self._count(connection, number, [(row[0], *row[6:]) for row in rows])
        self._add_receipts(connection, [(no, row[0], e) for no, row, e in zip(numbers, rows, fresh, strict=True)])

    def _meet_known(
        self,
        connection: Connection,
        number: InputNo,
        known: Sequence[StagedExpense],
        companies: dict[CompanyId, int],
        *,
        accepted: int,
    ) -> StagedBatch:
        repeated, corrected, conflicts = 0, 0, []
        for staged in known:
            company_no = companies[staged.company_id]
            row = connection.execute(
                _SQL["known_expense"], {"company_no": company_no, "expense_id": staged.expense_id}
            ).fetchone()
            expense_no, content_hash, state, units, nanos, currency, payload = row
            if content_hash == staged.content_hash:
                repeated += 1
            elif state == ExpenseState.REJECTED:
                corrected += 1
                before = (company_no, currency, -1, -units, -nanos)
                self._correct(connection, number, expense_no, company_no, staged)
                connection.execute(_SQL["count_accepted"], (number, *before))
                self._count(connection, number, [(company_no, staged.currency, *split(staged.gross))])
            else:
                conflicts.append(Conflict(staged, ExpenseState(state), payload))
                continue
            if staged.named:
                # Of equal expenses without ids nobody can say which one a further receipt belongs to.
                self._add_receipts(connection, [(expense_no, company_no, staged)])
        return StagedBatch(accepted, repeated, corrected, tuple(conflicts))

    def _correct(
        self, connection: Connection, number: InputNo, expense_no: int, company_no: int, staged: StagedExpense
    ) -> None:
        units, nanos = split(staged.gross)
        values = {
            **self._context.stamp(),
            "expense_no": expense_no,
            "company_no": company_no,
            "content_hash": staged.content_hash,
            "currency": staged.currency,
            "units": units,
            "nanos": nanos,
            "input": number,
            "line": staged.line,
            "rows": staged.rows,
            "payload": staged.payload,
            "detail": "the rejected row came back with other content",
        }
        for statement in ("correct_expense", "correct_payload", "drop_receipts", "correction_event"):
            connection.execute(_SQL[statement], values)

    def _company_no(self, connection: Connection, company: CompanyId) -> int:
        # Not remembered across operations: one that is rolled back takes its companies with it.
        connection.execute(_SQL["add_company"], {"company": company})
        (number,) = connection.execute(_SQL["company_no"], {"company": company}).fetchone()
        return int(number)

    @staticmethod
    def _count(connection: Connection, number: InputNo, entries: Iterable[_Amount]) -> None:
        sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for company_no, currency, units, nanos in entries:
            entry = sums[company_no, currency]
            entry[0] += 1
            entry[1] += units
            entry[2] += nanos
        connection.executemany(
            _SQL["count_accepted"],
            [(number, company_no, currency, *entry) for (company_no, currency), entry in sums.items()],
        )

    @staticmethod
    def _add_receipts(connection: Connection, entries: list[tuple[int, int, StagedExpense]]) -> None:
        rows = [
            (expense_no, company_no, receipt.root, receipt.path, receipt.size)
            for expense_no, company_no, staged in entries
            for receipt in staged.receipts
        ]
        if rows:
            connection.executemany(_SQL["add_receipt"], rows)

    async def add_row_errors(self, number: InputNo, errors: Sequence[tuple[RowError, ExpenseId | None]]) -> None:
        """Record wrong rows, each with the id its expense would have where that is known."""
        rows = [
            (number, e.company_id, e.expense_key, expense_id, e.line, e.code, e.column, e.value, e.expected)
            for e, expense_id in errors
        ]
        await self._context.store.write(lambda connection: connection.executemany(_SQL["add_row_error"], rows).rowcount)

    async def open_row_errors(self, *, limit: int = -1) -> list[OpenRowError]:
        """Return row errors that no later reading has settled, in file order."""

        def operation(connection: Connection) -> list[OpenRowError]:
            return [OpenRowError(*row) for row in connection.execute(_SQL["open_row_errors"], {"limit": limit})]

        return await self._context.store.read(operation)
