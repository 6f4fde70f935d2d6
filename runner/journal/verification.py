"""The journal's verbs for comparing it with what Codat says, and for repairing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import Verdict
from runner.domain.money import join
from runner.domain.states import ExpenseState, SyncState
from runner.journal import drafts
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("verification")


@dataclass(frozen=True, slots=True)
class Known:
    """One expense as the journal knows it."""

    place: int
    expense_id: ExpenseId
    state: ExpenseState
    currency: str
    gross: Decimal
    on_trust: bool
    """Posted on the word of Codat's duplicate guard or of a person alone: no sync that lists it was ever found."""
    sync_state: SyncState | None


class Verification(Verbs):
    """Reads a company's expenses page by page and takes what was found at Codat."""

    async def page(self, company: CompanyId, *, after: int, limit: int) -> list[Known]:
        """Return the company's next expenses, in staging order."""
        return await self._rows(_known, _SQL["page"], {"company": company, "after": after, "limit": limit})

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
                drafts.leave_open(connection, company, expense)
                # What was rejected goes nowhere but back: it must have been corrected and sent again since.
                connection.execute(_SQL["unreject"], values)
                connection.execute(_SQL["found"], values)
                connection.execute(_SQL["withdraw"], values)
                connection.execute(_SQL["event"], values)

        await self._write(operation)

    async def doubt_receipts(self, company: CompanyId, *, code: str, message: str) -> None:
        """Put in doubt every receipt that would be attached next: it may be attached already."""
        values = {"company": company, "code": code, "message": message}
        await self._change(_SQL["doubt_receipts"], values)

    async def record_absent(self, company: CompanyId, expenses: Mapping[ExpenseId, tuple[SyncId, str] | None]) -> None:
        """Record that everything Codat lists was searched for these expenses in doubt, in vain.

        With each the last row that it has all the same, and the code that this stands for.
        """
        rows = [{**self._context.stamp(), "company": company, "expense": expense} for expense in expenses]
        seen = [
            {"company": company, "expense": expense, "sync_id": row[0], "code": row[1]}
            for expense, row in expenses.items()
            if row is not None
        ]

        def operation(connection: Connection) -> None:
            connection.executemany(_SQL["absent"], rows)
            connection.executemany(_SQL["know_row"], seen)

        await self._write(operation)


def _known(*row: Any) -> Known:
    place, expense, state, currency, units, nanos, on_trust, sync_state = row
    return Known(
        place,
        ExpenseId(expense),
        ExpenseState(state),
        currency,
        join(units, nanos),
        bool(on_trust),
        None if sync_state is None else SyncState(sync_state),
    )
