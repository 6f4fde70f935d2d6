"""A journal that has lived for years, written by SQL into tables that the real migrations have made.

A year of nights: in each some companies had one sync of a few expenses, which are posted; one in a thousand was
rejected, one company in a hundred is held. As with `--payloads hash`, what is posted has no payload any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from sqlite3 import Connection
from uuid import UUID

from runner.codat.payload import encode_expense
from runner.domain.expense import Expense, ExpenseLine, ExpenseType
from runner.domain.ids import CompanyId, ExpenseId

NIGHTS = 365
EXPENSES_A_SYNC = 3
_AMOUNT = 10
_SYNC, _EXPENSE, _DATASET = 1 << 100, 2 << 100, 3 << 100
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Lived:
    """How much has come together, up to the night before `until`."""

    companies: int
    expenses: int
    until: datetime
    """Aware, in UTC."""

    @property
    def syncs_a_company(self) -> int:
        """Return how many syncs each company has had, at least one."""
        return max(1, self.expenses // self.companies // EXPENSES_A_SYNC)

    @property
    def syncs(self) -> range:
        """Return the numbers of all syncs, company by company."""
        return range(1, self.companies * self.syncs_a_company + 1)

    def company_of(self, sync: int) -> int:
        """Return the number of the company that a sync was for."""
        return (sync - 1) // self.syncs_a_company + 1

    def syncs_of(self, company: int) -> range:
        """Return the numbers of a company's syncs, oldest first."""
        first = (company - 1) * self.syncs_a_company + 1
        return range(first, first + self.syncs_a_company) if 1 <= company <= self.companies else range(0)

    def night_of(self, sync: int) -> int:
        """Return the number of the night of a sync, from 1; that of a company's first one differs by company."""
        apart = NIGHTS // self.syncs_a_company
        return 1 + (sync - 1) % self.syncs_a_company * apart + self.company_of(sync) % max(1, apart)

    def begun(self, night: int) -> datetime:
        """Return when a night's work began."""
        return self.until - timedelta(days=NIGHTS + 1 - night)


def company_id(number: int) -> CompanyId:
    """Return the id of the company of that number."""
    return CompanyId(str(UUID(int=number)))


def sync_id(number: int) -> str:
    """Return the id of the sync of that number."""
    return str(UUID(int=_SYNC + number))


def number_of(sync: str) -> int:
    """Return the number of a sync by its id."""
    return UUID(sync).int - _SYNC


def expense_ids(sync: int) -> list[str]:
    """Return the ids of the expenses of a sync."""
    return [str(UUID(int=_EXPENSE + (sync - 1) * EXPENSES_A_SYNC + place)) for place in range(1, EXPENSES_A_SYNC + 1)]


def fill(connection: Connection, lived: Lived) -> None:
    """Write the years into an empty journal."""
    connection.execute("BEGIN")
    for statement, rows in (
        (_RUN, (_run(lived, night) for night in range(1, NIGHTS + 1))),
        (_COMPANY, (_company(lived, number) for number in range(1, lived.companies + 1))),
        (_INPUT, ((night, night, f"night-{night}.csv", _text(lived.begun(night))) for night in range(1, NIGHTS + 1))),
        (_SYNCS, (_sync(lived, number) for number in lived.syncs)),
        (_DRAFT, ((each, lived.company_of(each), str(UUID(int=_DATASET + each)), each) for each in lived.syncs)),
        (_EXPENSE_ROW, (row for number in lived.syncs for row in _expenses(lived, number))),
        (_INPUT_ROW, ((lived.night_of(sync), place) for sync in lived.syncs for place, _ in _places(sync))),
        (_ACCEPTED, ((lived.night_of(each), lived.company_of(each)) for each in lived.syncs)),
        (_ATTEMPT, (row for number in lived.syncs for row in _attempts(lived, number))),
    ):
        connection.executemany(statement, rows)
    connection.execute("COMMIT")


def open_work(connection: Connection, lived: Lived, companies: int, *, failed: bool = False) -> None:
    """Add three expenses each to the last companies: to be sent, or `failed` in a sync of their own.

    Held companies are left out.
    """
    open_ones = [number for number in range(lived.companies, 0, -1) if not _held(number)][:companies]
    connection.execute("BEGIN")
    # Never the same expenses: the service remembers what another journal had posted there.
    first = lived.syncs[-1] + 1 + failed * companies
    for sync, company in enumerate(open_ones, first):
        if failed:
            connection.execute(_SYNCS, (sync, company, NIGHTS, sync_id(sync), _text(lived.begun(NIGHTS))))
            connection.execute(_DRAFT, (sync, company, str(UUID(int=_DATASET + sync)), sync))
        state = ("failed", sync, "push_error") if failed else ("staged", None, None)
        for place, identity in _places(sync):
            connection.execute(_EXPENSE_ROW, (place, company, identity, NIGHTS, _hash(place), *state))
            connection.execute(_INPUT_ROW, (NIGHTS, place))
            connection.execute(_PAYLOAD, (place, _body(company, identity)))
        connection.execute(_ACCEPTED, (NIGHTS, company))
    connection.execute("COMMIT")


def agreed(connection: Connection, lived: Lived) -> None:
    """Let all companies have been compared, and have agreed, after the last night."""
    connection.execute("UPDATE company SET compared_to = ?", (lived.until.isoformat(),))


_RUN = """INSERT INTO run (run_no, purpose, started_at, ended_at, exit_code, version, flow, pid, host, boot_id,
    started_boot, alive_boot) VALUES (?, 'run', ?, ?, 0, '0', 'datasets', 1, 'lived', 'lived', ?, ?)"""
_COMPANY = """INSERT INTO company (company_no, company_id, owner, epoch, served_run, hold_code, hold_message, held_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_INPUT = "INSERT INTO input (input_no, run_no, name, begun_at, staged_at) VALUES (?1, ?2, ?3, ?4, ?4)"
_SYNCS = """INSERT INTO sync (sync_no, company_no, run_no, state, sync_id, status_code, begun_at, running_at,
    finished_at, judged_at) VALUES (?1, ?2, ?3, 'judged', ?4, 2000, ?5, ?5, ?5, ?5)"""
_DRAFT = f"""INSERT INTO draft (draft_no, company_no, expenses, state, dataset_id, sync_no)
    VALUES (?, ?, {EXPENSES_A_SYNC}, 'closed', ?, ?)"""
_EXPENSE_ROW = f"""INSERT INTO expense (expense_no, company_no, expense_id, input_no, line, rows, named, cells, day,
    short_key, back, content_hash, currency, units, nanos, state, draft_no, code)
    VALUES (?1, ?2, ?3, ?4, ?1, 1, 1, ?1, '2026-03-01', ?1, 0, ?5, 'EUR', {_AMOUNT}, 0, ?6, ?7, ?8)"""
_INPUT_ROW = "INSERT INTO input_row (input_no, line, cells, kind, expense_no) VALUES (?1, ?2, ?2, 0, ?2)"
_ACCEPTED = f"""INSERT INTO accepted (input_no, company_no, currency, expenses, billions, units, nanos)
    VALUES (?, ?, 'EUR', {EXPENSES_A_SYNC}, 0, {EXPENSES_A_SYNC * _AMOUNT}, 0)
    ON CONFLICT DO UPDATE SET expenses = expenses + excluded.expenses, units = units + excluded.units"""
_ATTEMPT = """INSERT INTO attempt (run_no, company_no, kind, draft_no, sync_no, idempotency_key, body_hash,
    first_sent_at, first_boottime, last_run, last_sent_at, last_boottime, outcome, received, http_status, ended_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?1, ?8, ?9, 'done', 1, 200, ?8)"""
_PAYLOAD = "INSERT INTO payload (expense_no, body) VALUES (?, ?)"


def _run(lived: Lived, night: int) -> Row:
    at = lived.begun(night)
    return night, _text(at), _text(at + timedelta(hours=1)), night * 86_400.0, night * 86_400.0 + 3_600.0


def _company(lived: Lived, number: int) -> Row:
    last = lived.night_of(lived.syncs_of(number)[-1])
    held = ("no_connection", "Not connected.", _text(lived.until)) if _held(number) else (None, None, None)
    return number, company_id(number), last, lived.syncs_a_company, last, *held


def _sync(lived: Lived, number: int) -> Row:
    night = lived.night_of(number)
    return number, lived.company_of(number), night, sync_id(number), _text(lived.begun(night))


def _expenses(lived: Lived, sync: int) -> Iterator[Row]:
    for place, identity in _places(sync):
        state, code = ("posted", None) if place % 1_000 else ("rejected", "validation_error")
        night = lived.night_of(sync)
        yield place, lived.company_of(sync), identity, night, _hash(place), state, sync, code


def _attempts(lived: Lived, number: int) -> Iterator[Row]:
    night = lived.night_of(number)
    at = _text(lived.begun(night))
    for kind, draft, sync, key in (("create", number, None, 2 * number), ("start", None, number, 2 * number + 1)):
        yield (
            night,
            lived.company_of(number),
            kind,
            draft,
            sync,
            str(UUID(int=key)),
            _hash(number),
            at,
            night * 86_400.0,
        )


def _places(sync: int) -> Iterator[tuple[int, str]]:
    return enumerate(expense_ids(sync), 1 + (sync - 1) * EXPENSES_A_SYNC)


def _held(company: int) -> bool:
    return company % 100 == 0


def _hash(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _body(company: int, identity: str) -> bytes:
    expense = Expense(
        company_id=company_id(company),
        id=ExpenseId(identity),
        type=ExpenseType.PAYMENT,
        issue_date=datetime(2026, 3, 1, tzinfo=UTC),
        currency="EUR",
        lines=(ExpenseLine(Decimal(8), "400", Decimal(2), "tax-20"),),
    )
    return encode_expense(expense)
