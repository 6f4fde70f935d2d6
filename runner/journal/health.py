"""The journal's verb for a report of everything: bounded, and all of one moment."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from sqlite3 import Connection
from typing import Any, Final

from runner.domain.ids import CompanyId
from runner.domain.money import added, join, whole_units
from runner.domain.states import ReceiptState, SyncState
from runner.journal.accounts import books_of
from runner.journal.context import Verbs
from runner.journal.health_records import (
    NO_FACTS,
    CauseFacts,
    CompanyFacts,
    Health,
    InputFacts,
    Part,
    RunFacts,
    SyncFacts,
    Times,
    TroubleFacts,
)
from runner.journal.holder import Holder
from runner.journal.records import Books, RequestTotals
from runner.journal.runs import run_at_work
from runner.journal.statements import load
from runner.journal.trouble import Reader

_SQL = load("health")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a report takes in; what is beyond is counted."""

    a_company: int = 25
    """Expenses, wrong rows and receipts that need attention, each, of one company."""
    troubles: int = 40_000
    """Of all companies together; with more, every company gets fewer, and at least one."""
    syncs: int = 40_000
    inputs: int = 2_000
    runs: int = 200


OF_ALL: Final = Bounds()
OF_ONE: Final = Bounds(a_company=5_000)
_Values = Mapping[str, Any]


class Healths(Verbs):
    """Tells how everything stands."""

    async def of(
        self,
        company: CompanyId | None = None,
        *,
        bounds: Bounds | None = None,
        worker: Holder | None = None,
        read: Reader = lambda *_: None,
    ) -> Health | None:
        """Return how all companies stand, or one alone; None where the journal does not know that one.

        What is told of one company holds nothing of any other: no counts, no inputs without it, no requests.
        What a process at work (`worker`) has just begun is sent, and not in doubt. Expenses and receipts of one
        code are told apart by what `read` makes of their messages as well; it must give few answers.
        """
        limits = bounds or (OF_ALL if company is None else OF_ONE)
        now = self._context.now()

        def operation(connection: Connection) -> Health | None:
            with _one_moment(connection):
                return _health(connection, company, limits, now, worker, read)

        return await self._read(operation)

    async def runs(self) -> tuple[RunFacts, ...]:
        """Return the latest runs, the latest first."""
        return await self._read(lambda connection: _runs(connection, OF_ALL))

    async def company_ids(self) -> frozenset[CompanyId]:
        """Return the ids of all companies."""
        return await self._read(
            lambda connection: frozenset(CompanyId(name) for (name,) in connection.execute(_SQL["company_ids"]))
        )


@contextmanager
def _one_moment(connection: Connection) -> Iterator[None]:
    """Let all that is read stand as at one moment, whatever a run writes meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _health(
    connection: Connection, company: CompanyId | None, limits: Bounds, now: str, worker: Holder | None, read: Reader
) -> Health | None:
    number = None
    if company is not None:
        row = connection.execute(_SQL["company_no"], {"company": company}).fetchone()
        broken = connection.execute(_SQL["broken_by_company"], {"company": company}).fetchone()
        if row is None and broken is None:
            return None
        # A company of whom only wrong rows are known has no number yet.
        number = -1 if row is None else row[0]
    values = {"no": number, "company": company, "at_work": run_at_work(connection, worker)}
    facts = _facts(connection, values)
    books = books_of(connection, worker=worker)
    causes = tuple(_causes(connection, values, read))
    contents = {no: (count, posted) for no, count, posted in connection.execute(_SQL["contents_of_syncs"], values)}
    return Health(
        taken_at=now,
        company=company,
        books=books if company is None else _books_of_one(books, company, facts.get(company, NO_FACTS)),
        facts=facts,
        requests=_requests(connection) if company is None else RequestTotals(0, 0, 0, 0),
        runs=_runs(connection, limits) if company is None else (),
        syncs=_syncs(connection, values, contents, limits),
        causes=causes,
        troubles=_troubles(connection, values, limits, total=sum(cause.number for cause in causes)),
        inputs=_inputs(connection, values, limits),
        times=_times(connection, values, contents),
    )


def _requests(connection: Connection) -> RequestTotals:
    total, retried, rate_limited, runs, unended = connection.execute(_SQL["request_totals"]).fetchone()
    return RequestTotals(total, retried, rate_limited, runs, bool(unended))


def _books_of_one(books: Books, company: CompanyId, facts: CompanyFacts) -> Books:
    return replace(
        books,
        companies=tuple(each for each in books.companies if each.company_id == company),
        receipts=facts.receipts or {},
        attachable=facts.missing,
        broken=facts.broken,
        row_errors=facts.row_errors,
        open_syncs=facts.open_syncs,
        holds=tuple(hold for hold in books.holds if hold.company_id == company),
    )


def _facts(connection: Connection, values: _Values) -> dict[CompanyId, CompanyFacts]:
    found: dict[str | None, dict[str, Any]] = defaultdict(dict)
    for company, count, _, code, begun in connection.execute(_SQL["last_syncs"], values):
        found[company] |= {
            "syncs": count,
            "last_code": code,
            "last_begun": begun,
        }
    for company, count in connection.execute(_SQL["open_syncs_by_company"], values):
        found[company]["open_syncs"] = count
    for company, state, missing, count in connection.execute(_SQL["receipts_by_company"], values):
        receipts = found[company].setdefault("receipts", {})
        receipts[ReceiptState(state)] = receipts.get(ReceiptState(state), 0) + count
        if missing:
            found[company]["missing"] = count
    for company, errors, broken in connection.execute(_SQL["broken_by_company"], values):
        found[company] |= {"row_errors": errors, "broken": broken}
    return {CompanyId(company): CompanyFacts(**facts) for company, facts in found.items() if company is not None}


def _runs(connection: Connection, limits: Bounds) -> tuple[RunFacts, ...]:
    return tuple(RunFacts(*row) for row in connection.execute(_SQL["runs"], {"limit": limits.runs}))


def _syncs(
    connection: Connection, values: _Values, contents: Mapping[int, tuple[int, int]], limits: Bounds
) -> Part[SyncFacts]:
    (total,) = connection.execute(_SQL["sync_count"], values).fetchone()
    shown = []
    for row in connection.execute(_SQL["syncs"], {**values, "limit": limits.syncs}):
        number, company, sync_id, state, code, error, adopted, begun, ended, run = row
        shown.append(
            SyncFacts(
                company, sync_id, SyncState(state), code, error, bool(adopted), begun, ended, run,
                *contents.get(number, (0, 0)),
            )
        )  # fmt: skip
    return Part(tuple(sorted(shown, key=lambda sync: sync.begun_at, reverse=True)), total)


class _Group:
    """What has one cause: how much, of which companies, in what money."""

    __slots__ = ("companies", "count", "money")

    def __init__(self) -> None:
        self.count = 0
        self.companies: set[int] = set()
        self.money: dict[str, Decimal] = {}


def _causes(connection: Connection, values: _Values, read: Reader) -> Iterator[CauseFacts]:
    groups: dict[tuple[str, str, str | None], _Group] = defaultdict(_Group)
    for state, code, message, company, currency, units, nanos in connection.execute(_SQL["expense_causes"], values):
        group = groups[state, code, read("expense", state, message)]
        group.count += 1
        group.companies.add(company)
        group.money[currency] = added(group.money.get(currency, Decimal(0)), join(units, nanos))
    for (state, code, accounting), group in groups.items():
        money = tuple(sorted(group.money.items()))
        yield CauseFacts("expense", state, code, group.count, len(group.companies), money, accounting)
    yield from _unanswered(connection, values)
    for code, count, companies in connection.execute(_SQL["row_causes"], values):
        yield CauseFacts("row", "rejected", code, count, companies)
    receipts: dict[tuple[str, str, str | None], _Group] = defaultdict(_Group)
    for state, code, message, company in connection.execute(_SQL["receipt_causes"], values):
        group = receipts[state, code, read("receipt", state, message)]
        group.count += 1
        group.companies.add(company)
    for (state, code, accounting), group in receipts.items():
        yield CauseFacts("receipt", state, code, group.count, len(group.companies), accounting=accounting)


def _unanswered(connection: Connection, values: _Values) -> Iterator[CauseFacts]:
    parts = list(connection.execute(_SQL["unanswered_causes"], values))
    if parts:
        money = tuple((currency, join(whole_units(*sums), nanos)) for _, _, *sums, nanos, currency in parts)
        # A company with several currencies is in several parts; the largest part never tells too many.
        companies = max(part[1] for part in parts)
        yield CauseFacts("expense", "in_doubt", "start_unanswered", sum(part[0] for part in parts), companies, money)


def _troubles(connection: Connection, values: _Values, limits: Bounds, *, total: int) -> Part[TroubleFacts]:
    each = limits.a_company
    if values["company"] is None and total > limits.troubles:
        concerned = sum(1 for _ in connection.execute(_SQL["company_ids"]))
        each = max(1, min(each, limits.troubles // max(1, concerned)))
    bound = {**values, "each": each, "described": values["company"] is not None}
    shown = (
        *(_expense(row) for row in connection.execute(_SQL["expenses"], bound)),
        *(_row(row) for row in connection.execute(_SQL["row_errors"], bound)),
        *(_receipt(row) for row in connection.execute(_SQL["receipts"], bound)),
    )
    return Part(shown, total)


def _expense(row: tuple[Any, ...]) -> TroubleFacts:
    company, expense, state, code, message, file, line, currency, units, nanos, sync_id, body = row
    described = {} if body is None else json.loads(body)
    return TroubleFacts(
        "expense", company, expense, state, code, message, file, line, currency, join(units, nanos), sync_id,
        date=described.get("issueDate"), merchant=described.get("merchantName"), reference=described.get("reference"),
    )  # fmt: skip


def _row(row: tuple[Any, ...]) -> TroubleFacts:
    company, expense, code, column, value, expected, file, line = row
    what = " ".join(part for part in (column, None if value is None else repr(value)) if part)
    message = f"{what}: expected {expected}" if what else f"expected {expected}"
    return TroubleFacts("row", company, expense, "rejected", code, message, file, line, None, None)


def _receipt(row: tuple[Any, ...]) -> TroubleFacts:
    company, expense, state, code, message, path, file, line, currency, units, nanos = row
    amount = join(units, nanos)
    return TroubleFacts("receipt", company, expense, state, code, message, file, line, currency, amount, receipt=path)


def _inputs(connection: Connection, values: _Values, limits: Bounds) -> Part[InputFacts]:
    (total,) = connection.execute(_SQL["input_count"], values).fetchone()
    alone = values["company"] is not None
    shown = []
    for row in connection.execute(_SQL["inputs"], {**values, "limit": limits.inputs}):
        name, sha256, rows, repeated, expenses, mapping, begun, staged, superseded, run = row
        # Of a file that several companies share, one company learns neither its size nor its hash.
        facts = InputFacts(name, sha256, rows, repeated, expenses, mapping, begun, staged, bool(superseded), run)
        shown.append(facts._replace(sha256=None, rows=None, repeated=None) if alone else facts)
    return Part(tuple(shown), total)


def _times(connection: Connection, values: _Values, contents: Mapping[int, tuple[int, int]]) -> Times:
    posted: dict[str, int] = defaultdict(int)
    for number, judged in connection.execute(_SQL["judged_times"], values):
        if count := contents.get(number, (0, 0))[1]:
            posted[judged[:19]] += count
    return Times(tuple(sorted(posted.items())), tuple(sorted(connection.execute(_SQL["attached_times"], values))))
