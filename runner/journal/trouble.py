"""The journal's verb for everything that is wrong, grouped by cause."""

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from runner.domain.ids import CompanyId
from runner.journal.context import Context
from runner.journal.statements import load

_SQL = load("trouble")


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, how often it is there, and one example."""

    about: str
    """`row`, `expense` or `receipt`."""
    state: str
    code: str
    count: int
    company_id: CompanyId | None
    file: str
    line: int
    example: str


class Trouble:
    """Groups what is wrong by its cause."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def causes(self) -> list[Cause]:
        """Return every cause with its count, rows first, the most frequent first."""
        return await self._context.store.read(_causes)


def _causes(connection: Connection) -> list[Cause]:
    causes = []
    for code, count, number in connection.execute(_SQL["rows"]).fetchall():
        company, file, line, *found = connection.execute(_SQL["row_example"], {"number": number}).fetchone()
        causes.append(Cause("row", "rejected", code, count, company, file, line, _row(*found)))
    for about, said in (("expense", _expense), ("receipt", _receipt)):
        causes += _grouped(connection, about, said)
    return causes


def _grouped(connection: Connection, about: str, said: Callable[[Any, Any], str]) -> list[Cause]:
    groups = connection.execute(_SQL[f"{about}s"]).fetchall()
    found = []
    for state, code, count, number in groups:
        row = connection.execute(_SQL[f"{about}_example"], {"number": number}).fetchone()
        company, file, line, *words = row
        found.append(Cause(about, state, code, count, company, file, line, said(*words)))
    return found


def _row(column: str | None, value: str | None, expected: str) -> str:
    what = " ".join(part for part in (column, None if value is None else repr(value)) if part)
    return f"{what}: expected {expected}" if what else f"expected {expected}"


def _expense(expense_id: str, message: str | None) -> str:
    return f"{expense_id}: {message}" if message else expense_id


def _receipt(path: str, message: str | None) -> str:
    return f"{path}: {message}" if message else path
