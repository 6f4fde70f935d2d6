"""A journal with as many companies as wanted and every kind of outcome, written straight into the tables.

Used by the tests of the report and by its benchmark: to walk so many companies would take hours.
"""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

from tests.journals import new_journal

BEGIN = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
CURRENCIES = ("EUR", "GBP", "USD", "JPY", "SEK")
_SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
HOSTILE = (
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=document.title='broken'>",
    "\u202egnp.tpiecer \u05e9\u05dc\u05d5\u05dd",
    '=HYPERLINK("http://127.0.0.1/")',
    "a|b`c`\nnew line\x07\x1b[31m",
)
MESSAGES = (
    "The account 410 does not exist in the company's chart of accounts.",
    "The tax rate INPUT2 cannot be used with this account.",
    "The period is closed: transactions before 2026-10-01 are not accepted.",
    *HOSTILE,
)
HOLDS = (
    ("no_connection", "Codat refused the request with 422: The company has no valid connections set up.",
     "The company's owner must reconnect the accounting software in Codat."),
    ("configuration_error", "The sync ended with 4000: No bank account is configured.", None),
    ("billing_expired", "The sync ended with 4260.", None),
)  # fmt: skip


def company_id(number: int) -> str:
    return str(uuid5(_SPACE, f"company {number}"))


def write(path: Path, *, companies: int, each: int = 24, nights: int = 3) -> None:
    """Write a finished journal: most expenses posted, some companies with something of everything."""
    connection = new_journal(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    _runs(connection, nights)
    books = _Writing(connection, each, nights)
    for number in range(1, companies + 1):
        books.company(number)
    books.flush()
    connection.execute("COMMIT")
    connection.close()


def _runs(connection: sqlite3.Connection, nights: int) -> None:
    for night in range(1, nights + 1):
        begin = BEGIN + timedelta(days=night - 1)
        connection.execute(
            "INSERT INTO run VALUES (?, 'run', ?, ?, 7, '0.1.0', 'datasets', 1, 'host', 'boot', 1.0, 1.0, NULL,"
            " ?, 17, 3, 1)",
            (night, _at(begin), _at(begin + timedelta(minutes=41)), 9_431),
        )
        connection.execute(
            "INSERT INTO input (input_no, run_no, name, sha256, delimiter, encoding, rows, repeated, begun_at,"
            " staged_at) VALUES (?, ?, ?, ?, ',', 'utf-8', 48000, ?, ?, ?)",
            (night, night, f"expenses/2026-11-{19 + night}.csv", f"{night:064x}", (night - 1) * 16_000, _at(begin),
             _at(begin + timedelta(minutes=1))),
        )  # fmt: skip


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


class _Writing:
    """Gathers rows and writes them in one go."""

    def __init__(self, connection, each, nights):
        self.connection = connection
        self.each = each
        self.nights = nights
        self.rows = {name: [] for name in (
            "company", "sync", "draft", "expense", "payload", "receipt", "attempt", "row_error", "accepted"
        )}  # fmt: skip
        self.expenses = self.syncs = self.receipts = 0

    def flush(self):
        inserts = {
            "company": "(company_no, company_id, hold_code, hold_message, hold_hint, held_at) VALUES (?,?,?,?,?,?)",
            "sync": "(sync_no, company_no, run_no, state, sync_id, status_code, error, begun_at, running_at,"
            " finished_at, judged_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            "draft": "(draft_no, company_no, expenses, state, sync_no) VALUES (?,?,?,?,?)",
            "expense": "(expense_no, company_no, expense_id, input_no, line, rows, named, cells, day, short_key, back,"
            " content_hash, currency, units, nanos, state, draft_no, code, message)"
            " VALUES (?,?,?,?,?,1,1,0,'2026-11-03',0,0,x'00',?,?,?,?,?,?,?)",
            "payload": "(expense_no, body) VALUES (?,?)",
            "receipt": "(receipt_no, expense_no, company_no, root, path, size, sha256, state, attachment_id,"
            " code, message) VALUES (?,?,?,'',?,1,zeroblob(32),?,?,?,?)",
            "attempt": "(run_no, company_no, kind, receipt_no, idempotency_key, body_hash, first_sent_at, last_sent_at,"
            " last_run, first_boottime, last_boottime, outcome, ended_at)"
            " VALUES (?,?,'attach',?,'k',x'00',?,?,1,1.0,1.0,'done',?)",
            "row_error": "(input_no, company_id, expense_key, expense_id, line, code, column_name, value, expected)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            "accepted": "VALUES (?,?,?,?,0,?,?)",
        }
        for table, rows in self.rows.items():
            self.connection.executemany(f"INSERT INTO {table} {inserts[table]}", rows)

    def company(self, number):
        troubled = number % 5 == 0
        hold = HOLDS[number // 25 % len(HOLDS)] if number % 25 == 0 else (None, None, None)
        held_at = _at(BEGIN) if hold[0] else None
        self.rows["company"].append((number, company_id(number), *hold, held_at))
        currencies = CURRENCIES[number % 5 :][:2]
        sums = {}
        for night in range(1, self.nights + 1):
            begun = BEGIN + timedelta(days=night - 1, seconds=60 + number * 2_300 / max(1, 2_000) + number % 7)
            states = self._night(number, night, troubled=troubled, held=hold[0] is not None)
            draft = self._sync(number, night, begun, states)
            for place, (state, code, message) in enumerate(states):
                currency = currencies[place % len(currencies)]
                self._expense(number, night, place, begun, currency, (state, code, message), draft)
                units = 10 + (number * 7 + place * 13) % 900
                count, total = sums.get((night, currency), (0, 0))
                sums[night, currency] = count + 1, total + units
        for (night, currency), (count, units) in sums.items():
            self.rows["accepted"].append((night, number, currency, count, units, count * 500_000_000))
        if troubled:
            self._wrong_rows(number)

    def _night(self, number, night, *, troubled, held):
        count = max(1, self.each // self.nights)
        last = night == self.nights
        states = [("posted", None, None)] * count
        message = MESSAGES[number // 5 % len(MESSAGES)]
        if troubled and last:
            found = [
                ("rejected", "validation_error", message),
                ("failed", "push_error", "The accounting software did not answer in time."),
                ("rejected", "refused", None),
            ]
            if number % 10 == 0:
                found.append(("in_doubt", "absent" if number % 20 else "pending", None))
            states[: len(found)] = found[:count]
        if held and last:
            states[-count // 2 :] = [("staged", None, None)] * (count // 2)
        elif last and number % 41 == 0:
            states = [("sent", None, None)] * count
        return states

    def _sync(self, number, night, begun, states):
        if all(state == "staged" for state, _, _ in states):
            return None
        self.syncs += 1
        took = timedelta(seconds=2 + number % 50)
        sync_id = str(uuid5(_SPACE, f"sync {self.syncs}"))
        if any(state == "sent" for state, _, _ in states):
            starting = number % 2 == 0
            row = ("starting", None) if starting else ("running", sync_id)
            ends = (None, None, _at(begun), None, None, None)
        else:
            codes = {"failed": 5130, "in_doubt": 5000, "rejected": 5120}
            bad = [codes[state] for state, _, _ in states if state in codes]
            code = bad[number % len(bad)] if bad else 2000
            error = None if code == 2000 else "One or more transactions could not be processed."
            row, ends = ("judged", sync_id), (code, error, _at(begun), _at(begun), _at(begun + took), _at(begun + took))
        self.rows["sync"].append((self.syncs, number, night, *row, *ends))
        count = sum(1 for state, _, _ in states if state != "staged")
        closed = "closed" if row[0] == "judged" else "started"
        self.rows["draft"].append((self.syncs, number, count, closed, self.syncs))
        return self.syncs

    def _expense(self, number, night, place, begun, currency, standing, draft):
        self.expenses += 1
        no = self.expenses
        state, code, message = standing
        units = 10 + (number * 7 + place * 13) % 900
        expense_id = str(uuid5(_SPACE, f"expense {no}"))
        line = 2 + (no % 48_000)
        in_draft = None if state == "staged" else draft
        self.rows["expense"].append(
            (no, number, expense_id, night, line, currency, units, 500_000_000, state, in_draft, code, message)
        )
        body = {"id": expense_id, "issueDate": "2026-11-03T00:00:00+00:00", "merchantName": f"Merchant {no % 97}",
                "reference": f"CARD-{no}"}  # fmt: skip
        self.rows["payload"].append((no, json.dumps(body).encode()))
        if place % 4 == 3 and state == "posted":
            self._receipt(no, number, night, begun, place)

    def _receipt(self, expense, number, night, begun, place):
        self.receipts += 1
        kinds = [("attached", "attachment", None, None)] * 6 + [
            ("in_doubt", None, "unanswered", None),
            ("rejected", None, "refused", "The file is larger than the accounting software takes."),
            ("waiting", None, None, None),
        ]
        state, attachment, code, message = kinds[(number // 5 + place) % 9 if number % 5 == 0 else 0]
        self.rows["receipt"].append(
            (self.receipts, expense, number, f"receipts/{expense}.pdf", state, attachment, code, message)
        )
        if state == "attached":
            moment = _at(begun + timedelta(seconds=70 + number % 40))
            self.rows["attempt"].append((night, number, self.receipts, moment, moment, moment))

    def _wrong_rows(self, number):
        key = f"row {number}"
        self.rows["row_error"].append(
            (self.nights, company_id(number), key, None, number + 2, "date_unreadable", "issue_date",
             HOSTILE[number // 5 % len(HOSTILE)], "a date as year-month-day, such as 2024-03-31")
        )  # fmt: skip
