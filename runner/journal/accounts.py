"""The journal's accounts: every expense in exactly one state, in count and in money."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from typing import Any

from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.money import NOTHING, Sum, join, whole_units
from runner.domain.resolution import RESOLVED
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.adding import added_up
from runner.journal.context import Verbs
from runner.journal.holder import Holder
from runner.journal.records import Books, CompanyBooks, Dismissed, Hold, Listed, Standing
from runner.journal.runs import run_at_work
from runner.journal.statements import load

_SQL = load("accounts")
_RECEIPTS = load("receipts")
_STAGING = load("staging")
_COMPANIES = load("companies")

_Key = tuple[int, str]


class Accounts(Verbs):
    """Adds up the journal."""

    async def books(self, *, worker: Holder | None = None) -> Books:
        """Return the accounts as they stand, all of one moment.

        Two states are derived, not stored: a staged expense of a held company is held, and an expense whose
        sync was begun without a known outcome is in doubt. Where another process is at work (`worker`), what it
        has just begun is sent: it waits for the answer.
        """
        return await self._read(lambda connection: books_of(connection, worker=worker))

    async def attention(self, *, limit: int = -1) -> list[Standing]:
        """Return the expenses that need somebody's attention, by company and in staging order."""
        return await self._rows(_standing, _SQL["attention"], {"limit": limit})

    async def count_attention(self) -> int:
        """Return how many expenses `attention` has in all."""
        return int(await self._value(_SQL["count_attention"]))

    async def may_be_retried(self, *, limit: int) -> bool:
        """Say whether any failed expense has been sent again fewer than `limit` times."""
        return bool(await self._value(_SQL["may_be_retried"], {"limit": limit}))

    async def listing(self, *, limit: int) -> list[Listed]:
        """Return expenses with where they stand, by company and in staging order: for journals of a size to read."""
        return await self._rows(_listed, _SQL["listing"], {"limit": limit})


def _standing(company: str, expense: str, state: str, *rest: Any) -> Standing:
    return Standing(CompanyId(company), ExpenseId(expense), ExpenseState(state), *rest)


def _listed(*row: Any) -> Listed:
    *standing, currency, units, nanos, attached = row
    return Listed(_standing(*standing), currency, join(units, nanos), attached)


def books_of(connection: Connection, *, worker: Holder | None = None) -> Books:
    """Add up the journal, within an operation; see `Accounts.books`."""
    with _one_moment(connection):
        return _books_of(connection, run_at_work(connection, worker))


@contextmanager
def _one_moment(connection: Connection) -> Iterator[None]:
    """Let all that is read stand as it stood at one time, even beside a run that is writing."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _books_of(connection: Connection, at_work: int | None) -> Books:
    companies = {no: (CompanyId(name), hold) for no, name, hold in connection.execute(_SQL["companies"])}
    held = {no for no, (_, hold) in companies.items() if hold is not None}
    standing = _sums(connection, held, at_work)
    accepted = {
        (company, currency): Sum(count, join(whole_units(billions, units), nanos))
        for company, currency, count, billions, units, nanos in connection.execute(_SQL["accepted"])
    }
    errors, broken, dismissed_errors, dismissed_broken, questions = connection.execute(
        _STAGING["count_row_errors"]
    ).fetchone()
    (dismissed_receipts,) = connection.execute(_SQL["dismissed_receipts"]).fetchone()
    resolved, dismissed = _by_word(connection)
    (attachable,) = connection.execute(_SQL["attachable"]).fetchone()
    (open_syncs,) = connection.execute(_SQL["open_syncs"]).fetchone()
    return Books(
        companies=tuple(
            CompanyBooks(companies[key[0]][0], key[1], standing.get(key, {}), accepted.get(key, NOTHING))
            for key in sorted(standing.keys() | accepted.keys())
        ),
        receipts={ReceiptState(state): count for state, count in connection.execute(_RECEIPTS["counts"])},
        attachable=attachable,
        broken=broken,
        row_errors=errors,
        questions=questions,
        open_syncs=open_syncs,
        holds=tuple(Hold(*row) for row in connection.execute(_COMPANIES["holds"], {"limit": -1})),
        resolved=resolved,
        dismissed=Dismissed(dismissed + dismissed_broken, dismissed_errors, dismissed_receipts),
    )


def _by_word(connection: Connection) -> tuple[dict[str, Sum], int]:
    """Return what is posted by somebody's word, by currency, and how many expenses are dismissed."""
    resolved: dict[str, Sum] = {}
    dismissed = 0
    for code, currency, count, billions, units, nanos in connection.execute(_SQL["by_word"]):
        if code == RESOLVED:
            resolved[currency] = Sum(count, join(whole_units(billions, units), nanos))
        else:
            dismissed += count
    return resolved, dismissed


def _sums(connection: Connection, held: set[int], at_work: int | None) -> dict[_Key, dict[ExpenseState, Sum]]:
    standing: dict[_Key, dict[ExpenseState, Sum]] = defaultdict(lambda: defaultdict(lambda: NOTHING))
    sums: dict[tuple[int, str, str], tuple[int, int, int]] = {}
    for each in added_up(connection):
        count, units, nanos = sums.get(each[:3], (0, 0, 0))
        sums[each[:3]] = (count + each.expenses, units + each.units, nanos + each.nanos)
    for (company, currency, state), (count, units, nanos) in sums.items():
        stands = ExpenseState(state)
        if stands is ExpenseState.STAGED and company in held:
            stands = ExpenseState.HELD
        standing[company, currency][stands] += Sum(count, join(units, nanos))
    starting = connection.execute(_SQL["in_starting_syncs"], {"at_work": at_work})
    for company, currency, count, billions, units, nanos in starting:
        amount = join(whole_units(billions, units), nanos)
        standing[company, currency][ExpenseState.SENT] += Sum(-count, amount.copy_negate())
        standing[company, currency][ExpenseState.IN_DOUBT] += Sum(count, amount)
    return {key: {state: value for state, value in states.items() if value.count} for key, states in standing.items()}
