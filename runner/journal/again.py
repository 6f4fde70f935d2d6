"""The journal's verbs for sending again: a person's informed choice, never the program's."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.states import ExpenseState
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("again")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expense that could be sent again."""

    place: int
    expense_id: ExpenseId
    company_id: CompanyId
    state: ExpenseState
    code: str
    absence_checked: bool


class Again(Verbs):
    """Puts expenses back to be sent by the next run."""

    async def candidates(
        self, *, company: CompanyId | None = None, code: str | None = None, expense: ExpenseId | None = None
    ) -> list[Candidate]:
        """Return the failed, rejected and doubtful expenses that match, in staging order."""
        values = {"company": company, "code": code, "expense": expense}
        return await self._rows(_candidate, _SQL["candidates"], values)

    async def stage_again(self, chosen: Sequence[Candidate]) -> None:
        """Stage expenses again; the next run looks once more at where they were before it sends them."""
        rows = [
            {**self._context.stamp(), "expense_no": each.place, "detail": f"was {each.state} ({each.code})"}
            for each in chosen
        ]

        def operation(connection: Connection) -> None:
            connection.executemany(_SQL["stage_again"], rows)
            connection.executemany(_SQL["event"], rows)

        await self._write(operation)


def _candidate(place: int, expense: str, owner: str, state: str, code: str, checked: int) -> Candidate:
    return Candidate(place, ExpenseId(expense), CompanyId(owner), ExpenseState(state), code, bool(checked))
