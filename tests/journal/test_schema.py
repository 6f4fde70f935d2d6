"""What the schema itself refuses, whatever the program might ask of it."""

import sqlite3
from contextlib import closing
from itertools import permutations

import pytest

from runner.domain.states import ExpenseState, ReceiptState, SyncState
from runner.errors import JournalUnusable
from runner.journal.journal import reading, writing
from runner.journal.opening import open_scratch
from tests.clocks import FakeClock

EXPENSE = {
    ("staged", "sent"), ("staged", "posted"), ("staged", "rejected"), ("staged", "failed"), ("staged", "in_doubt"),
    ("sent", "staged"), ("sent", "posted"), ("sent", "rejected"), ("sent", "failed"), ("sent", "in_doubt"),
    ("failed", "staged"), ("failed", "posted"), ("failed", "rejected"), ("failed", "in_doubt"),
    ("in_doubt", "staged"), ("in_doubt", "posted"), ("in_doubt", "rejected"), ("in_doubt", "failed"),
    ("rejected", "staged"), ("rejected", "posted"),
}  # fmt: skip
SYNC = {
    ("starting", "running"), ("starting", "void"), ("running", "finished"), ("finished", "judged"),
    ("running", "forgotten"), ("finished", "forgotten"),
}  # fmt: skip
STORED = [state.value for state in ExpenseState if state is not ExpenseState.HELD]
RECEIPTS = [state.value for state in ReceiptState]

SYNC_COLUMNS = {
    "starting": "sync_id = NULL, status_code = NULL, judged_at = NULL",
    "running": "sync_id = 's', status_code = NULL, judged_at = NULL",
    "finished": "sync_id = 's', status_code = 2000, judged_at = NULL",
    "judged": "sync_id = 's', status_code = 2000, judged_at = 'now'",
    "forgotten": "sync_id = 's', status_code = NULL, judged_at = 'now'",
    "void": "sync_id = NULL, status_code = NULL, judged_at = NULL",
}
ATTEMPT = (
    "INSERT INTO attempt (run_no, company_no, kind, draft_no, sync_no, receipt_no, idempotency_key, body_hash, "
    "first_sent_at, first_boottime, last_run, last_sent_at, last_boottime, outcome) "
    "VALUES (1, 1, {}, {}, {}, {}, 'k', x'00', 't', 1.0, 1, 't', 1.0, {})"
)


@pytest.fixture
def db():
    connection = open_scratch()
    connection.executescript(
        """
        INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot)
        VALUES ('run', 't', '1', 'datasets', 1, 'h', 'b', 1.0, 1.0);
        INSERT INTO company (company_id) VALUES ('c');
        INSERT INTO input (run_no, name, begun_at) VALUES (1, 'a', 't');
        INSERT INTO draft (company_no, expenses) VALUES (1, 1);
        """
    )
    yield connection
    connection.close()


def add_expense(db, state="staged"):
    db.execute(
        "INSERT INTO expense (company_no, expense_id, input_no, line, rows, named, cells, day, short_key, back, "
        "content_hash, currency, units, nanos, state, draft_no, code)"
        " VALUES (1, 'e', 1, 2, 1, 1, 0, '', 0, 0, x'00', 'GBP', 1, 0, ?, 1, 'c')",
        (state,),
    )


def add_sync(db, state, number=1):
    columns = dict(each.split(" = ") for each in SYNC_COLUMNS[state].split(", "))
    names, values = ", ".join(columns), ", ".join(columns.values())
    db.execute(
        f"INSERT INTO sync (sync_no, company_no, run_no, state, begun_at, {names}) "
        f"VALUES ({number}, 1, 1, '{state}', 't', {values})"
    )


@pytest.mark.parametrize(("old", "new"), list(permutations(STORED, 2)))
def test_an_expense_only_goes_where_the_protocol_lets_it(db, old, new):
    add_expense(db, old)
    if (old, new) in EXPENSE:
        db.execute("UPDATE expense SET state = ?", (new,))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="cannot go"):
            db.execute("UPDATE expense SET state = ?", (new,))


@pytest.mark.parametrize(("old", "new"), list(permutations([state.value for state in SyncState], 2)))
def test_a_sync_only_goes_forward(db, old, new):
    add_sync(db, old)
    update = f"UPDATE sync SET state = '{new}', {SYNC_COLUMNS[new]}"
    if (old, new) in SYNC:
        db.execute(update)
    else:
        with pytest.raises(sqlite3.IntegrityError, match="cannot go"):
            db.execute(update)


@pytest.mark.parametrize(("old", "new"), list(permutations(RECEIPTS, 2)))
def test_a_receipt_that_is_attached_stays_so_and_a_rejected_one_only_waits_again(db, old, new):
    add_expense(db)
    mark = {"attached": "'x'"}
    db.execute(
        "INSERT INTO receipt (expense_no, company_no, root, path, size, sha256, state, attachment_id, code) "
        f"VALUES (1, 1, '/', 'p', 1, zeroblob(32), '{old}', {mark.get(old, 'NULL')}, 'c')"
    )
    update = f"UPDATE receipt SET state = '{new}', attachment_id = {mark.get(new, 'NULL')}"
    if old == "attached" or (old == "rejected" and new != "waiting"):
        with pytest.raises(sqlite3.IntegrityError, match="cannot go"):
            db.execute(update)
    else:
        db.execute(update)


@pytest.mark.parametrize("second", ["starting", "running", "void", "judged"])
def test_a_company_has_at_most_one_sync_of_unknown_fate(db, second):
    add_sync(db, "starting")
    if second == "starting":
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            add_sync(db, second, number=2)
    else:
        add_sync(db, second, number=2)


def test_one_sync_of_codats_is_one_sync_of_the_journals(db):
    add_sync(db, "running")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        add_sync(db, "judged", number=2)


@pytest.mark.parametrize(
    "change",
    [
        "run_no = 1",
        "company_no = 1",
        "kind = 'create'",
        "draft_no = NULL",
        "sync_no = NULL",
        "receipt_no = NULL",
        "idempotency_key = 'other'",
        "body_hash = x'01'",
        "first_sent_at = 'later'",
        "first_boottime = 2.0",
        "first_served = 2.0",
    ],
)
def test_what_was_intended_is_never_rewritten(db, change):
    db.execute(ATTEMPT.format("'create'", 1, "NULL", "NULL", "NULL"))
    with pytest.raises(sqlite3.IntegrityError, match="never rewritten"):
        db.execute(f"UPDATE attempt SET {change}")


def test_attempts_are_never_deleted(db):
    db.execute(ATTEMPT.format("'create'", 1, "NULL", "NULL", "NULL"))
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        db.execute("DELETE FROM attempt")


OUTCOMES = ["done", "refused", "not_sent", "unknown", "absent"]


@pytest.mark.parametrize("old", [None, *OUTCOMES])
@pytest.mark.parametrize("new", [None, *OUTCOMES])
def test_a_known_outcome_is_never_rewritten(db, old, new):
    db.execute(ATTEMPT.format("'create'", 1, "NULL", "NULL", "NULL" if old is None else f"'{old}'"))
    if old in {None, "unknown", new}:
        db.execute("UPDATE attempt SET outcome = ?", (new,))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="never rewritten"):
            db.execute("UPDATE attempt SET outcome = ?", (new,))


@pytest.mark.parametrize("kind", ["create", "start", "attach"])
def test_an_attempt_says_what_it_is_about(db, kind):
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        db.execute(ATTEMPT.format(f"'{kind}'", "NULL", "NULL", "NULL", "NULL"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE expense SET state = 'sent', draft_no = NULL",
        "UPDATE expense SET state = 'rejected', code = NULL",
        "UPDATE expense SET state = 'failed', code = NULL",
        "UPDATE expense SET state = 'in_doubt', code = NULL",
        "UPDATE expense SET state = 'lost'",
        "UPDATE expense SET nanos = 1000000000",
        "UPDATE expense SET units = 'many'",
        "UPDATE expense SET draft_no = 99",
        "UPDATE draft SET expenses = 51",
        "UPDATE draft SET expenses = 0",
        "UPDATE draft SET state = 'stored'",
        "UPDATE draft SET state = 'started'",
        "UPDATE company SET hold_code = 'x'",
        "UPDATE run SET ended_at = 't'",
        "UPDATE run SET purpose = 'party'",
        "INSERT INTO sync (company_no, run_no, state, begun_at) VALUES (1, 1, 'running', 't')",
        "INSERT INTO sync (company_no, run_no, state, begun_at, sync_id) VALUES (1, 1, 'finished', 't', 's')",
        (
            "INSERT INTO receipt (expense_no, company_no, root, path, size, sha256, state) "
            "VALUES (1, 1, '/', 'p', 1, zeroblob(32), 'attached')"
        ),
        (
            "INSERT INTO receipt (expense_no, company_no, root, path, size, sha256, state) "
            "VALUES (1, 1, '/', 'p', 1, zeroblob(32), 'in_doubt')"
        ),
    ],
)
def test_a_state_and_its_columns_belong_together(db, statement):
    add_expense(db)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


async def test_a_journal_from_before_the_first_release_is_refused(tmp_path):
    path = tmp_path / "old.db"
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="0", flow="datasets")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE input_row")
    with pytest.raises(JournalUnusable, match="before the first release"):
        async with writing(path, FakeClock()):
            pass
    with pytest.raises(JournalUnusable, match="before the first release"), reading(path, FakeClock()):
        pass
