"""The journal's verbs for comparing it with what Codat says, and for repairing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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

    expense_id: ExpenseId
    state: ExpenseState
    currency: str
    gross: Decimal
    on_trust: bool
    """Posted on the word of Codat's duplicate guard or of a person alone: no sync that lists it was ever found."""
    sync_state: SyncState | None
    posted_by: SyncId | None
    """The sync that is known to have posted it, or would have; None where it is posted on trust."""


class Verification(Verbs):
    """Reads a company's expenses page by page and takes what was found at Codat."""

    async def page(self, company: CompanyId, *, after: ExpenseId, limit: int) -> list[Known]:
        """Return the company's next expenses, in the order of their ids."""
        return await self._rows(_known, _SQL["page"], {"company": company, "after": after, "limit": limit})

    async def has_unnamed_to_send(self, company: CompanyId) -> bool:
        """Say whether rows of the company without ids of their own are yet to be sent."""
        return bool(await self._row(int, _SQL["unnamed_to_send"], {"company": company}))

    async def agreed_to(self, company: CompanyId) -> datetime | None:
        """Return Codat's time up to which the last comparison that agreed has read the company's syncs.

        None where there was none, and where anything is in doubt.
        """
        return await self._row(datetime.fromisoformat, _SQL["agreed_to"], {"company": company})

    async def record_agreed(self, company: CompanyId, to: datetime | None) -> None:
        """Record how far a comparison that agreed has read for good."""
        values = {"company": company, "to": None if to is None else to.isoformat()}
        await self._change(_SQL["agreed"], values)

    async def to_be_listed(self, company: CompanyId) -> frozenset[SyncId]:
        """Return the company's own syncs that Codat has to list."""
        return frozenset(await self._rows(SyncId, _SQL["to_be_listed"], {"company": company}))

    async def to_compare_again(self, company: CompanyId, *, since: datetime) -> frozenset[SyncId]:
        """Return the company's own syncs that were begun since, and those of expenses that may be sent again."""
        values = {"company": company, "since": since.astimezone(UTC).isoformat(timespec="microseconds")}
        return frozenset(await self._rows(SyncId, _SQL["to_compare_again"], values))

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
    expense, state, currency, units, nanos, on_trust, sync_state, posted_by = row
    return Known(
        ExpenseId(expense),
        ExpenseState(state),
        currency,
        join(units, nanos),
        bool(on_trust),
        None if sync_state is None else SyncState(sync_state),
        None if posted_by is None or on_trust else SyncId(posted_by),
    )
