"""The journal's verbs for staging: inputs, expenses, row errors, and what intake counted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from runner.domain.expense import RowError
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import split
from runner.domain.row_key import RowKey
from runner.domain.states import ExpenseState
from runner.journal import returned
from runner.journal.context import Context, Verbs
from runner.journal.cut_off import CutOffs
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


class Staging(Verbs):
    """Lets expenses in, each once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._cut_offs: dict[InputNo, CutOffs] = {}

    async def begin_input(
        self, name: str, *, path: str | None, receipts: str | None, mapping: str | None = None
    ) -> InputNo:
        """Record that a file is about to be read."""
        facts = {**self._context.stamp(), "name": name, "path": path, "receipts": receipts, "mapping": mapping}

        def operation(connection: Connection) -> int:
            (number,) = connection.execute(_SQL["begin_input"], facts).fetchone()
            self._cut_offs[InputNo(number)] = CutOffs(connection, InputNo(number))
            return int(number)

        return InputNo(await self._write(operation))

    async def end_input(self, number: InputNo, name: str, facts: InputFacts, *, only_same: bool = False) -> None:
        """Record that a file was read to its end, and settle the row errors that this reading made obsolete.

        With `only_same` another file that had this name, with other bytes, keeps its own. A reading that was cut off
        is settled where this one holds all the expenses that it had let in, whatever the name.
        """
        values = {
            "input": number,
            "name": name,
            "now": self._context.now(),
            "sha256": facts.sha256,
            "delimiter": facts.delimiter,
            "encoding": facts.encoding,
            "rows": facts.rows,
            "repeated": facts.repeated,
            "only_same": int(only_same),
        }

        def operation(connection: Connection) -> None:
            for statement in ("end_input", "supersede_inputs", "settle_superseded"):
                connection.execute(_SQL[statement], values)
            if number in self._cut_offs:
                self._cut_offs[number].settle(connection, name, facts.sha256)
            returned.end_reading(connection, values)
            connection.execute(_SQL["settle_accepted"], values)

        await self._write(operation)
        self._cut_offs.pop(number, None)

    async def unfinished_inputs(self) -> list[UnfinishedInput]:
        """Return the files whose reading was cut off and never repeated."""
        return await self._rows(UnfinishedInput, _SQL["unfinished_inputs"])

    async def is_read_since(self, number: InputNo, *, sha256: str) -> bool:
        """Say whether these bytes were read to their end after a reading was begun."""
        return bool(await self._value(_SQL["read_since"], {"input": number, "sha256": sha256}))

    async def stage(
        self,
        number: InputNo,
        batch: Sequence[StagedExpense],
        *,
        wrong_again: Sequence[tuple[RowKey, int]] = (),
        sha256: str | None = None,
    ) -> StagedBatch:
        """Let a batch in: new expenses are added, known ones are not, other content under a known id is a conflict.

        Only an expense that was rejected, so is certainly not in the books, takes new content and is staged again.
        `wrong_again` are rows that came back and are wrong, with their lines. `sha256`, given once, is what the file
        is known by should the reading be cut off.
        """

        def operation(connection: Connection) -> StagedBatch:
            if sha256 is not None:
                connection.execute(_SQL["know_content"], {"input": number, "sha256": sha256})
            back, fresh = _told_apart(batch)
            staged = self._stage(connection, number, *self._without_known(connection, number, fresh))
            for each in back:
                staged = self._take_back(connection, number, each, staged)
            if back or wrong_again:
                returned.mark(connection, number)
            for key, line in wrong_again:
                returned.record(connection, number, key, line, expense_no=None, changed=False)
            return staged

        return await self._write(operation)

    def _without_known(
        self, connection: Connection, number: InputNo, batch: Sequence[StagedExpense]
    ) -> tuple[Sequence[StagedExpense], StagedBatch]:
        """Return those that do not stand for a corrected row, and what became of those that do."""
        if not returned.has_aliases(connection):
            return batch, StagedBatch(0, 0, 0, ())
        rest, repeated, conflicts = [], 0, []
        for each in batch:
            alias = None
            if not each.named:
                company_no = self._company_no(connection, each.company_id)
                alias = returned.alias_of(connection, company_no, each.expense_id, number=number)
            if alias is None:
                rest.append(each)
                continue
            self._meet(connection, number, alias.expense_no, each)
            if alias.came_at is not None:
                # Both stand in this file, so they are two; but this one has no id to be told by.
                conflicts.append(Conflict(each, ExpenseState.STAGED, None, ("", alias.came_at)))
            elif alias.content_hash == each.content_hash or returned.is_replaced(
                connection, alias.expense_no, each.content_hash
            ):
                repeated += 1
            else:
                conflicts.append(Conflict(each, ExpenseState.STAGED, None))
        return rest, StagedBatch(0, repeated, 0, tuple(conflicts))

    def _take_back(
        self, connection: Connection, number: InputNo, staged: StagedExpense, so_far: StagedBatch
    ) -> StagedBatch:
        """Let an expense in whose rows were rejected and came back; return what became of all so far."""
        company_no = self._company_no(connection, staged.company_id)
        values = {"company_no": company_no, "expense_id": staged.expense_id}
        known = connection.execute(_SQL["known_expense"], values).fetchone()
        expense_no: int | None = None if known is None else known[0]
        further = None
        is_new = known is None or (known[1] != staged.content_hash and known[2] == ExpenseState.REJECTED)
        if is_new:
            further = returned.further_id(
                connection, staged.company_id, company_no, staged.returned[0][0], number=number, expense_no=expense_no
            )
        if (other := _came_in_as_another(connection, staged)) is not None:
            found = StagedBatch(0, 0, 0, (Conflict(staged, ExpenseState.STAGED, None, came_in_as=other),))
            further = None
        elif isinstance(further, returned.Elsewhere):
            found = StagedBatch(0, 0, 0, (Conflict(staged, ExpenseState.STAGED, None, further),))
        elif known is None:
            found = self._stage(connection, number, [staged], StagedBatch(0, 0, 0, ()))
            (expense_no,) = connection.execute(_SQL["known_expense"], values).fetchone()[:1]
        else:
            companies = {staged.company_id: company_no}
            found = self._meet_known(connection, number, [staged], companies, so_far=StagedBatch(0, 0, 0, ()))
            if found.corrected:
                returned.replace(connection, known[0], before=known[1])
        if isinstance(further, str) and expense_no is not None:
            returned.add_alias(connection, company_no, further, expense_no=expense_no)
        for origin, line in staged.returned:
            changed = is_new or not origin.key.known
            held = None if found.conflicts else expense_no
            returned.record(connection, number, origin.key, line, expense_no=held, changed=changed)
        return _together(so_far, found)

    def _stage(
        self, connection: Connection, number: InputNo, batch: Sequence[StagedExpense], so_far: StagedBatch
    ) -> StagedBatch:
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
            return _together(so_far, StagedBatch(len(batch), 0, 0, ()))
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
        return self._meet_known(
            connection, number, known, companies, so_far=_together(so_far, StagedBatch(len(fresh), 0, 0, ()))
        )

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
        so_far: StagedBatch,
    ) -> StagedBatch:
        repeated, corrected, conflicts = 0, 0, []
        for staged in known:
            company_no = companies[staged.company_id]
            row = connection.execute(
                _SQL["known_expense"], {"company_no": company_no, "expense_id": staged.expense_id}
            ).fetchone()
            expense_no, content_hash, state, units, nanos, currency, payload = row
            self._meet(connection, number, expense_no, staged)
            if content_hash == staged.content_hash:
                repeated += 1
            elif not staged.returned and returned.is_replaced(connection, expense_no, staged.content_hash):
                repeated += 1
                continue
            elif state == ExpenseState.REJECTED:
                corrected += 1
                self._meet(connection, number, expense_no, staged, corrected=True)
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
        return _together(so_far, StagedBatch(0, repeated, corrected, tuple(conflicts)))

    def _meet(
        self,
        connection: Connection,
        number: InputNo,
        expense_no: int,
        staged: StagedExpense,
        *,
        corrected: bool = False,
    ) -> None:
        if number in self._cut_offs:
            self._cut_offs[number].meet(connection, expense_no, back=bool(staged.returned), corrected=corrected)

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
            (expense_no, company_no, receipt.root, receipt.path, receipt.size, receipt.sha256)
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
        await self._change_each(_SQL["add_row_error"], rows)

    async def open_row_errors(self, *, limit: int = -1) -> list[OpenRowError]:
        """Return row errors that no later reading has settled, in file order."""
        return await self._rows(OpenRowError, _SQL["open_row_errors"], {"limit": limit})


def _told_apart(batch: Sequence[StagedExpense]) -> tuple[list[StagedExpense], Sequence[StagedExpense]]:
    """Return those whose rows were rejected and came back, and the others."""
    back = [each for each in batch if each.returned]
    return back, [each for each in batch if not each.returned] if back else batch


def _came_in_as_another(connection: Connection, staged: StagedExpense) -> tuple[CompanyId, ExpenseId] | None:
    """Return the expense that a row of this one has been before, if that is another one: no row is two expenses."""
    own = (staged.company_id, staged.expense_id)
    before = (returned.came_in_as(connection, origin.key) for origin, _ in staged.returned)
    return next((each for each in before if each is not None and each != own), None)


def _together(one: StagedBatch, other: StagedBatch) -> StagedBatch:
    return StagedBatch(
        one.accepted + other.accepted,
        one.repeated + other.repeated,
        one.corrected + other.corrected,
        (*one.conflicts, *other.conflicts),
    )
