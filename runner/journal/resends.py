"""The journal's verbs for sending again: whose choice it was, what was known then, and what a look has found since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from sqlite3 import Connection

from runner.domain.ids import CompanyId, ExpenseId, SyncId, SyncNo
from runner.domain.judging import Verdict
from runner.domain.states import ExpenseState
from runner.journal import drafts
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("resends")

SEARCH_COUNTS = timedelta(days=1)
"""How long a search of all that Codat lists says that an expense in doubt is nowhere."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expense that could be sent again."""

    place: int
    expense_id: ExpenseId
    company_id: CompanyId
    state: ExpenseState
    code: str
    absence_checked: bool
    """Whether a search that still counts has found it nowhere at Codat."""
    came_again: bool
    """Whether it was rejected, and an expense that means the same has come in since by another file."""

    @property
    def sendable(self) -> bool:
        """Whether a choice alone lets it be sent again: what is in doubt must have been searched for in vain."""
        return self.state is not ExpenseState.IN_DOUBT or self.absence_checked


@dataclass(frozen=True, slots=True)
class Resend:
    """An expense that is to be looked for before it is sent again, and what was known when that was chosen."""

    place: int
    expense_id: ExpenseId
    chosen: bool
    """False for one in doubt, which is looked for and not sent."""
    known_foreign: int
    """The last sync of others that was known."""
    known: Mapping[SyncId, str]
    """The code that each sync's row of it stood for."""


class Resends(Verbs):
    """Puts expenses back to be sent by the next run, and takes what the look before that finds."""

    async def candidates(
        self, *, company: CompanyId | None = None, code: str | None = None, expense: ExpenseId | None = None
    ) -> list[Candidate]:
        """Return the failed, rejected and doubtful expenses that match, in staging order."""
        now = self._context.clock.now()
        values = {
            "company": company,
            "code": code,
            "expense": expense,
            "now": self._context.now(),
            "day_ago": (now - SEARCH_COUNTS).isoformat(timespec="microseconds"),
        }
        return await self._rows(_candidate, _SQL["candidates"], values)

    async def stage_again(self, chosen: Sequence[Candidate]) -> None:
        """Stage those of them again that are sendable; the next run looks once more where they were before."""
        sendable = [each for each in chosen if each.sendable]
        rows = [
            {**self._context.stamp(), "expense_no": each.place, "detail": f"was {each.state} ({each.code})"}
            for each in sendable
        ]

        def operation(connection: Connection) -> None:
            stage_again(connection, (each.place for each in sendable))
            connection.executemany(_SQL["event"], rows)

        await self._write(operation)

    async def auto_retry(self, number: SyncNo, *, limit: int) -> int:
        """Stage the sync's failed expenses again, each at most `limit` times; return how many."""
        return await self._stage_found("failed_in_sync", {"sync": number, "limit": limit})

    async def auto_retry_earlier(self, company: CompanyId, *, limit: int) -> int:
        """Stage what failed for the company before, whenever that was, each at most `limit` times; return how many."""
        return await self._stage_found("failed_earlier", {"company": company, "limit": limit})

    async def _stage_found(self, statement: str, values: Mapping[str, object]) -> int:
        def operation(connection: Connection) -> int:
            found = [number for (number,) in connection.execute(_SQL[statement], values)]
            stage_again(connection, found)
            return len(found)

        return await self._write(operation)

    async def due(self, company: CompanyId, *, doubts: bool) -> list[Resend]:
        """Return the expenses that this run must look for before it may send them again.

        With `doubts` also those that were put in doubt by such a look.
        """
        values = {"company": company, "run": self._context.run, "doubts": int(doubts)}

        def operation(connection: Connection) -> list[Resend]:
            return [
                Resend(place, ExpenseId(expense), bool(chosen), foreign, _known(connection, place))
                for place, expense, chosen, foreign in connection.execute(_SQL["due"], values).fetchall()
            ]

        return await self._read(operation)

    async def origins(self, company: CompanyId) -> dict[SyncId, int]:
        """Return the company's syncs that need no look: 0 for those started here, their number for those of others."""
        found = await self._rows(lambda sync, number: (SyncId(sync), number), _SQL["origins"], {"company": company})
        return dict(found)

    async def record_look(
        self,
        company: CompanyId,
        *,
        verdicts: Sequence[tuple[Resend, Verdict]],
        seen: Iterable[tuple[Resend, SyncId, str]],
        free: Iterable[Resend],
    ) -> None:
        """Record what a look found: what is not to be sent after all, rows of other syncs, and what is free to go."""
        events = [
            {**self._context.stamp(), "expense_no": each.place, "detail": f"{v.state}: {v.message or 'found at Codat'}"}
            for each, v in verdicts
        ]
        rows = [{"expense_no": each.place, "sync_id": sync, "code": code} for each, sync, code in seen]
        cleared = [{"expense_no": each.place, "run": self._context.run} for each in free]

        def operation(connection: Connection) -> None:
            for each, _ in verdicts:
                drafts.leave_open(connection, company, each.expense_id)
            drafts.judge(connection, company, {each.expense_id: verdict for each, verdict in verdicts})
            for statement in ("verdict_event", "withdraw"):
                connection.executemany(_SQL[statement], events)
            connection.executemany(_SQL["know_row"], rows)
            for statement in ("free", "detach"):
                connection.executemany(_SQL[statement], cleared)

        await self._write(operation)


def stage_again(connection: Connection, places: Iterable[int]) -> None:
    """Stage expenses again and keep what is known of them at this moment, within an operation."""
    rows = [{"expense_no": place} for place in places]
    for statement in ("resend", "know_own_row", "stage_again"):
        connection.executemany(_SQL[statement], rows)


def _known(connection: Connection, place: int) -> dict[SyncId, str]:
    return {SyncId(sync): code for sync, code in connection.execute(_SQL["known_rows"], {"expense_no": place})}


def _candidate(place: int, expense: str, owner: str, state: str, code: str, checked: int, again: int) -> Candidate:
    return Candidate(place, ExpenseId(expense), CompanyId(owner), ExpenseState(state), code, bool(checked), bool(again))
