"""The journal's verbs for `check`: what is wrong and what is odd in rows that were staged only to be looked at.

They look at all that is staged, so they belong to a journal that is forgotten afterwards.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final

from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.suspicion import Habits
from runner.journal.context import Verbs
from runner.journal.records import OpenRowError
from runner.journal.statements import load

_SQL = load("checking")
PAGE: Final = 2_000
"""Rows that are in memory at the same time."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Row errors of one cause in one column."""

    code: str
    column: str | None
    count: int
    example: OpenRowError
    """The first of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expense was read from."""

    company_id: CompanyId
    expense_id: ExpenseId
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class StagedRow:
    """An expense as it was staged."""

    place: Place
    company_no: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Twins:
    """Expenses that may be another one once more."""

    count: int
    examples: tuple[tuple[Place, Place], ...]
    """The first of them, each with the one that it may repeat."""


@dataclass(frozen=True, slots=True)
class ReceiptTotals:
    """The receipts of all that is staged."""

    count: int
    size: int
    """Bytes."""
    large: int
    """How many are larger than asked for."""
    example: tuple[Place, str, int] | None
    """The first large one: its expense, path and bytes."""


class Checking(Verbs):
    """Looks at what was staged to be checked."""

    async def error_groups(self) -> list[ErrorGroup]:
        """Return the row errors by code and column, the most frequent first, each with its first."""
        return await self._read(_error_groups)

    async def errors(self) -> AsyncGenerator[OpenRowError, None]:
        """Yield all row errors in file order; only a page of them is in memory."""
        last = (0, 0, 0)
        while True:
            values = {"input": last[0], "line": last[1], "number": last[2], "limit": PAGE}
            page = await self._rows(_as_it_is, _SQL["errors_after"], values)
            for row in page:
                yield OpenRowError(*row[3:])
            if len(page) < PAGE:
                return
            last = page[-1][:3]

    async def habits(self) -> dict[int, Habits]:
        """Return what is usual in each company, by the company's number."""

        def operation(connection: Connection) -> dict[int, Habits]:
            found: dict[int, Habits] = defaultdict(Habits)
            for company, currency, units, count in connection.execute(_SQL["sizes"]):
                found[company].count(currency, units, count)
            return found

        return await self._read(operation)

    async def staged(self) -> AsyncGenerator[list[StagedRow], None]:
        """Yield all expenses in staging order, a page at a time."""
        last = 0
        while True:
            values = {"after": last, "limit": PAGE}
            rows = await self._rows(_as_it_is, _SQL["staged_after"], values)
            if not rows:
                return
            yield [StagedRow(Place(*row[2:6]), row[1], row[6]) for row in rows]
            last = rows[-1][0]

    async def near_duplicates(self, *, days: int, examples: int) -> Twins:
        """Return the expenses that equal an earlier one of up to so many days before in merchant, type and amount."""

        def operation(connection: Connection) -> Twins:
            count = 0
            first: list[tuple[int, int]] = []
            for pair in connection.execute(_SQL["near_duplicates"], {"days": days}):
                count += 1
                if len(first) < examples:
                    first.append(pair)
            return Twins(count, tuple((_place(connection, one), _place(connection, other)) for one, other in first))

        return await self._read(operation)

    async def receipts(self, *, large: int) -> ReceiptTotals:
        """Return how many receipts there are, their bytes, and how many are larger than `large` bytes."""

        def operation(connection: Connection) -> ReceiptTotals:
            count, size = connection.execute(_SQL["receipts"]).fetchone()
            over, number = connection.execute(_SQL["large_receipts"], {"size": large}).fetchone()
            example = None
            if number is not None:
                expense, path, bytes_ = connection.execute(_SQL["receipt"], {"number": number}).fetchone()
                example = (_place(connection, expense), path, bytes_)
            return ReceiptTotals(count, size, over, example)

        return await self._read(operation)


def _as_it_is(*row: Any) -> tuple[Any, ...]:
    return row


def _error_groups(connection: Connection) -> list[ErrorGroup]:
    groups = connection.execute(_SQL["error_groups"]).fetchall()
    return [
        ErrorGroup(code, column, count, OpenRowError(*connection.execute(_SQL["error"], {"number": number}).fetchone()))
        for code, column, count, number in groups
    ]


def _place(connection: Connection, number: int) -> Place:
    return Place(*connection.execute(_SQL["place"], {"number": number}).fetchone())
