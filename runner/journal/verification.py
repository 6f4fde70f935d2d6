"""The journal's verbs for comparing it with what Codat says, and for repairing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from sqlite3 import Connection

from runner.domain.expense import MAX_EXPENSES_A_DRAFT
from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import Verdict
from runner.domain.money import join
from runner.domain.states import ExpenseState, SyncState
from runner.journal import drafts
from runner.journal.context import Context
from runner.journal.statements import load

_SQL = load("verification")
_SYNCS = load("syncs")


@dataclass(frozen=True, slots=True)
class Known:
    """One expense as the journal knows it."""

    place: int
    expense_id: ExpenseId
    state: ExpenseState
    currency: str
    gross: Decimal
    on_trust: bool
    """Posted on the word of Codat's duplicate guard alone: no sync that lists it was ever found."""
    sync_state: SyncState | None
    judged_at: datetime | None


class Verification:
    """Reads a company's expenses page by page and takes what was found at Codat."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, company: CompanyId, *, after: int, limit: int) -> list[Known]:
        """Return the company's next expenses, in staging order."""

        def operation(connection: Connection) -> list[Known]:
            rows = connection.execute(_SQL["page"], {"company": company, "after": after, "limit": limit})
            return [
                Known(
                    place,
                    ExpenseId(expense),
                    ExpenseState(state),
                    currency,
                    join(units, nanos),
                    bool(on_trust),
                    None if sync_state is None else SyncState(sync_state),
                    None if judged_at is None else datetime.fromisoformat(judged_at),
                )
                for place, expense, state, currency, units, nanos, on_trust, sync_state, judged_at in rows
            ]

        return await self._context.store.read(operation)

    async def record_found(self, company: CompanyId, verdicts: Mapping[ExpenseId, Verdict], *, kind: str) -> None:
        """Take verdicts on expenses that nothing final, or something else, was known of."""

        def operation(connection: Connection) -> None:
            for expense, verdict in verdicts.items():
                values = {
                    **self._context.stamp(),
                    "company": company,
                    "expense": expense,
                    "state": verdict.state,
                    "code": verdict.code,
                    "message": verdict.message,
                    "evidence": verdict.evidence_sync,
                    "external": int(verdict.external),
                    "kind": kind,
                    "detail": f"{verdict.state}: {verdict.message or 'found at Codat'}",
                }
                _leave_open_draft(connection, company, expense)
                connection.execute(_SQL["found"], values)
                connection.execute(_SQL["event"], values)

        await self._context.store.write(operation)

    async def adopt(self, company: CompanyId, sync_id: SyncId, expenses: Sequence[ExpenseId]) -> None:
        """Take a running sync that was found at Codat, with those staged expenses that it holds."""

        def operation(connection: Connection) -> None:
            for expense in expenses:
                _leave_open_draft(connection, company, expense)
                connection.execute(_SQL["free"], {"company": company, "expense": expense})
            values = {**self._context.stamp(), "company": company, "sync_id": sync_id, "adopted": 1}
            (number,) = connection.execute(_SYNCS["begin"], values).fetchone()
            for start in range(0, len(expenses), MAX_EXPENSES_A_DRAFT):
                draft = drafts.form_alone(connection, company, expenses[start : start + MAX_EXPENSES_A_DRAFT])
                connection.execute(_SYNCS["take_draft"], {"sync": number, "draft": draft.no})
                connection.execute(_SYNCS["send_draft"], {"draft": draft.no})
            connection.execute(_SYNCS["running"], {**values, "sync": number})

        await self._context.store.write(operation)

    async def record_absent(self, company: CompanyId, expenses: Sequence[ExpenseId]) -> None:
        """Record that everything Codat lists was searched for these expenses in doubt, in vain."""
        rows = [{"now": self._context.now(), "company": company, "expense": expense} for expense in expenses]
        await self._context.store.write(lambda connection: connection.executemany(_SQL["absent"], rows).rowcount)


def _leave_open_draft(connection: Connection, company: CompanyId, expense: ExpenseId) -> None:
    for (draft,) in connection.execute(_SQL["close_open_draft"], {"company": company, "expense": expense}).fetchall():
        connection.execute(_SQL["free_draft"], {"draft": draft})
