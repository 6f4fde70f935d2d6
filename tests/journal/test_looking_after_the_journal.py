"""Looking after a journal: checked, copied, pruned, read out, told to a supporter."""

import csv
import json
import os
import sqlite3
import stat
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from runner.cli import main
from runner.errors import JournalUnusable, NotWritten, RefusedToStart
from runner.journal.backup import back_up
from runner.journal.integrity import RULES
from runner.journal.journal import reading, writing
from runner.journal.pruning import TOPICS, forecast, prune
from tests.clocks import FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import World, staged
from tests.simulator_client import expense_id

YEARS = 800 * 86_400


@pytest.fixture
async def world():
    made = World()
    await made.stage(1, receipts=("a.pdf",))
    await made.stage(2, 3)
    assert await made.live() == 0
    await made.journal.runs.end(exit_code=0, requests=1, retried=0, rate_limited=0)
    yield made
    made.close()


@pytest.fixture
def path(world, tmp_path):
    return saved(world, tmp_path / "journal.db")


def saved(world, path):
    """The world's journal as a file."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path)) as copy:
        world.connection.backup(copy)
    return path


def query(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def change(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


def call(capsys, *arguments):
    """The command in this process: its exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def checked(capsys, path, *more):
    code, out, _ = call(capsys, "journal", "check", "--json", "--journal", path, *more)
    return code, [each["rule"] for each in json.loads(out)["violations"]]


# ---- check ----


def test_a_journal_that_was_used_as_it_should_be_is_sound(path, capsys):
    assert checked(capsys, path) == (0, [])
    assert checked(capsys, path, "--full") == (0, [])


_BREAKS = {
    "sent_without_open_sync": "UPDATE expense SET state = 'sent' WHERE expense_no = 2",
    "started_draft_without_open_sync": "UPDATE draft SET state = 'started'",
    "draft_too_full": "UPDATE draft SET expenses = 2",
    "posted_without_evidence": "UPDATE expense SET draft_no = NULL WHERE expense_no = 2",
    "payload_missing": "UPDATE expense SET state = 'rejected', code = 'x' WHERE expense_no = 2;DELETE FROM payload",
    "attached_to_unposted": "UPDATE expense SET state = 'rejected', code = 'x' WHERE expense_no = 1",
    "attempt_left_open": "UPDATE attempt SET outcome = NULL WHERE attempt_no = 1",
    "running_sync_without_start": "DELETE FROM attempt",
    "of_two_companies": "INSERT INTO company (company_no, company_id) VALUES (9, 'other');"
    "UPDATE receipt SET company_no = 9",
    "amount_of_two_signs": "UPDATE expense SET units = 16, nanos = -500000000 WHERE expense_no = 2;"
    "UPDATE expense SET units = 14, nanos = 500000000 WHERE expense_no = 3",
    "foreign_keys": "PRAGMA foreign_keys = OFF;UPDATE attempt SET run_no = 77",
    "accounts": "UPDATE expense SET units = units + 1 WHERE expense_no = 2",
}


def test_every_rule_has_a_break_that_shows_it():
    assert set(_BREAKS) == {*RULES, "foreign_keys", "accounts"}


@pytest.mark.parametrize("rule", _BREAKS)
def test_a_rule_that_is_broken_by_hand_is_named_and_no_other(rule, path, capsys):
    change(path, *_BREAKS[rule].split(";"))

    code, rules = checked(capsys, path)

    assert code == 1
    assert rules == [rule]


def test_a_damaged_file_is_said_to_be_damaged(path, capsys):
    ((page,),) = query(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'receipt'")
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xff" * 4096)

    code, out, err = call(capsys, "journal", "check", "--journal", path)

    assert code == 1
    assert "file: The file is damaged." in out
    assert "verify --rebuild" in err


# ---- backup ----


async def test_a_backup_beside_a_run_is_whole_private_and_marked(path, tmp_path, capsys):
    target = tmp_path / "copy.db"
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        code, out, err = call(capsys, "journal", "backup", target, "--json", "--journal", path)
    assert code == 0, err
    assert json.loads(out)["expenses"] == 3
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert query(target, "SELECT count(*) FROM expense") == [(3,)]
    async with writing(target, FakeClock()) as copy:
        assert await copy.runs.open_rebuild()
    with reading(path, FakeClock()) as original:
        assert not await original.runs.open_rebuild()


async def test_a_copy_may_send_again_once_it_was_rebuilt(path, tmp_path):
    target = tmp_path / "copy.db"
    back_up(path, target, force=False, now=FakeClock().now(), version="1")
    async with writing(target, FakeClock()) as copy:
        await copy.runs.begin(version="1", flow="datasets", purpose="rebuild")
        assert await copy.runs.open_rebuild()
        await copy.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)
        assert not await copy.runs.open_rebuild()


def test_a_run_from_a_copy_is_refused(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CODAT_API_KEY", "key")
    target = tmp_path / "copy.db"
    back_up(path, target, force=False, now=FakeClock().now(), version="1")
    code, _, err = call(capsys, "run", "--journal", target, "--base-url", "http://127.0.0.1:9")
    assert code == 6
    assert "This journal is a copy" in err


def test_a_backup_replaces_a_file_only_when_forced_and_a_journal_never(path, tmp_path):
    target, now = tmp_path / "copy.db", FakeClock().now()
    target.write_bytes(b"precious")
    with pytest.raises(RefusedToStart, match="exists"):
        back_up(path, target, force=False, now=now, version="1")
    assert target.read_bytes() == b"precious"
    assert back_up(path, target, force=True, now=now, version="1").expenses == 3
    (tmp_path / "copy.db.lock").touch()
    with pytest.raises(RefusedToStart, match="in use"):
        back_up(path, target, force=True, now=now, version="1")
    with pytest.raises(RefusedToStart, match="journal itself"):
        back_up(path, path, force=True, now=now, version="1")


_FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from runner.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("arguments", "size"),
    [(["backup", "copy.db"], 40_000), (["export", "--out", "out"], 300), (["prune", "--older-than", "0"], 5_000)],
)
def test_a_full_disk_leaves_nothing_half_and_says_so(arguments, size, path, capsys):
    before = sorted(path.parent.iterdir())
    ended = subprocess.run(
        [sys.executable, "-c", _FULL.format(size=size), "journal", *arguments, "--journal", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in {1, 6}, ended
    assert "Traceback" not in ended.stderr
    assert "oom" in ended.stderr
    left = {each for each in path.parent.iterdir() if not each.name.startswith("journal.db")}
    assert left == {each for each in before if not each.name.startswith("journal.db")}
    assert checked(capsys, path) == (0, [])
    assert query(path, "SELECT count(*) FROM expense") == [(3,)]


# ---- prune ----


async def test_prune_takes_what_was_forecast_and_leaves_what_protects(path):
    clock = FakeClock()
    clock.advance(YEARS)
    before = clock.now() - timedelta(days=400)
    kept = "SELECT expense_id, content_hash, state, units, nanos, draft_no FROM expense"
    attempts = "SELECT attempt_no, kind, idempotency_key, body_hash, outcome FROM attempt"
    facts = query(path, kept), query(path, attempts), query(path, "SELECT path, state, attachment_id FROM receipt")
    wanted = forecast(path, before=before)
    assert query(path, "SELECT count(*) FROM payload") == [(3,)]

    done = prune(path, clock, before=before, version="1", vacuum=True, portion=1)

    assert done.topics == wanted.topics
    assert {each.topic: each.rows for each in done.topics} == {
        **dict.fromkeys(TOPICS, 0),
        "payloads": 3,
        "rows": 2,
        "receipts": 1,
    }
    assert query(path, "SELECT count(*) FROM payload") == [(0,)]
    assert facts == (
        query(path, kept),
        query(path, attempts),
        query(path, "SELECT path, state, attachment_id FROM receipt"),
    )
    assert forecast(path, before=before).topics == tuple(type(t)(t.topic, 0, 0) for t in wanted.topics)


async def test_prune_leaves_what_is_not_old_and_what_is_not_finished(world, tmp_path):
    world.clock.advance(YEARS)
    await world.begin()
    await file_in(world.journal, [staged(9)], name="new.csv")
    world.connection.execute(
        "INSERT INTO event (run_no, at, company_no, expense_no, kind) VALUES (1, ?, 1, 2, 'verified')",
        (world.clock.now().isoformat(timespec="microseconds"),),
    )
    path = saved(world, tmp_path / "journal.db")

    done = prune(
        path, world.clock, before=world.clock.now() - timedelta(days=400), version="1", vacuum=False, portion=2
    )

    # Something has happened to 2 of late, and 9 is not in the books.
    assert query(path, "SELECT expense_no FROM payload ORDER BY 1") == [(2,), (4,)]
    assert next(each.rows for each in done.topics if each.topic == "events") == 0


async def test_a_file_fed_again_after_pruning_posts_nothing(path, world):
    clock = FakeClock()
    clock.advance(YEARS)
    prune(path, clock, before=clock.now(), version="1", vacuum=False)
    async with writing(path, clock) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        again = await file_in(journal, [staged(1, receipts=("a.pdf",)), staged(2), staged(3, net="99.00")])
        assert (again.accepted, again.repeated, len(again.conflicts)) == (0, 2, 1)
        assert await journal.companies.page_with_open_work(after=0, limit=9) == []


def test_a_rewriting_without_room_is_said_after_the_pruning(path, monkeypatch):
    clock = FakeClock()
    clock.advance(YEARS)
    monkeypatch.setattr("runner.journal.pruning._ROOM", 1 << 60)
    with pytest.raises(NotWritten, match="is pruned, but not made smaller"):
        prune(path, clock, before=clock.now(), version="1", vacuum=True)
    assert query(path, "SELECT count(*) FROM payload") == [(0,)]


def test_pruning_where_there_is_no_journal_makes_none(tmp_path, capsys):
    code, _, err = call(capsys, "journal", "prune", "--older-than", "1d", "--journal", tmp_path / "none.db")
    assert (code, list(tmp_path.iterdir())) == (6, [])
    assert "no journal" in err


# ---- payloads ----


async def test_only_payloads_of_what_is_posted_and_settled_are_dropped():
    world = World()
    await world.stage(1, receipts=("a.pdf",))
    await world.stage(2)
    await world.live()
    await world.stage(3, 4)
    await world.journal.drafts.take(staged(3).company_id, limit=1)

    assert await world.journal.retention.drop_settled(portion=1) == 2
    assert await world.journal.retention.drop_settled(portion=1) == 0

    assert world.connection.execute("SELECT expense_no FROM payload ORDER BY 1").fetchall() == [(3,), (4,)]
    assert await world.live() == 0
    assert [world.posted(number) for number in (1, 2, 3, 4)] == [1, 1, 1, 1]
    world.close()


# ---- export ----


def test_an_export_has_every_table_and_cells_that_no_spreadsheet_runs(path, tmp_path, capsys):
    change(
        path,
        "UPDATE expense SET message = '=HYPERLINK(\"x\")', units = -16 WHERE expense_no = 1",
        "UPDATE expense SET message = '@SUM(1)' WHERE expense_no = 2",
        "UPDATE expense SET message = '-2+3' WHERE expense_no = 3",
    )
    code, _, err = call(capsys, "journal", "export", "--out", tmp_path / "out", "--journal", path)
    assert code == 0, err
    tables = {name for (name,) in query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")} - {"kept_rows"}
    assert {each.stem for each in (tmp_path / "out").iterdir()} == tables
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "out").iterdir()} == {0o600}
    with (tmp_path / "out" / "expense.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["message"] for row in rows] == ['\'=HYPERLINK("x")', "'@SUM(1)", "'-2+3"]
    assert rows[0]["units"] == "-16"
    assert bytes.fromhex(rows[0]["content_hash"])


def test_an_export_of_named_tables_as_json_lines(path, tmp_path, capsys):
    out = tmp_path / "out"
    code, _, err = call(
        capsys,
        "journal",
        "export",
        "--out",
        out,
        "--tables",
        "v_expenses,payload",
        "--format",
        "json",
        "--journal",
        path,
    )
    assert code == 0, err
    assert sorted(each.name for each in out.iterdir()) == ["payload.jsonl", "v_expenses.jsonl"]
    first = json.loads((out / "v_expenses.jsonl").read_text().splitlines()[0])
    assert (first["amount"], first["units"], first["nanos"], first["state"]) == ("15.00", 15, 0, "posted")
    assert json.loads(json.loads((out / "payload.jsonl").read_text().splitlines()[0])["body"])["id"] == expense_id(1)
    assert call(capsys, "journal", "export", "--out", out, "--journal", path)[0] == 6
    assert call(capsys, "journal", "export", "--out", f"{out}2", "--tables", "nope", "--journal", path)[0] == 6
    assert not Path(f"{out}2").exists()


@pytest.mark.parametrize(
    ("units", "nanos", "text"),
    [
        (0, 0, "0.00"),
        (12, 500_000_000, "12.50"),
        (-3, -1, "-3.000000001"),
        (0, -50_000_000, "-0.05"),
        (7, 125_000_000, "7.125"),
    ],
)
def test_amounts_of_the_views_are_decimal_text(units, nanos, text, path):
    change(path, f"UPDATE expense SET units = {units}, nanos = {nanos} WHERE expense_no = 1")
    assert query(path, f"SELECT amount FROM v_expenses WHERE expense_id = '{expense_id(1)}'") == [(text,)]


# ---- support bundle ----

CANARY = "Zyxcanary"


def poison(path):
    """Put a canary into every text of the journal that may hold one, and into the amounts."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = [
            (table, column, number)
            for table in tables
            for number, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
            if kind == "TEXT"
            and (table, column) not in {("attempt", "kind"), ("attempt", "outcome"), ("run", "flow")}
            and column not in {"state", "purpose"}
        ]
        names = {f"{table}.{column}" for table, column, _ in columns}
    change(
        path,
        "INSERT INTO row_error (input_no, expense_key, line, code, value, expected) VALUES (1, 'k', 1, 'c', 'v', 'e')",
        "INSERT INTO event (run_no, at, company_no, expense_no, kind, detail) VALUES (1, 't', 1, 1, 'k', 'd')",
        "UPDATE expense SET state = 'rejected', code = 'c', message = 'm' WHERE expense_no = 2",
        "UPDATE company SET hold_code = 'h', hold_message = 'm', held_at = 't'",
        "UPDATE receipt SET state = 'rejected', attachment_id = NULL, code = 'c', message = 'm'",
        *(
            f"UPDATE {table} SET {column} = '{CANARY}{place}9' || hex(randomblob(4)) || ' ' || '{CANARY} Ltd'"
            for place, (table, column, _) in enumerate(columns)
            if table not in {"accepted", "foreign_sync"}
        ),
        "UPDATE expense SET units = 987654321",
    )
    return names


def test_a_support_bundle_has_nothing_of_what_any_text_column_holds(path, tmp_path, capsys, monkeypatch):
    columns = poison(path)
    assert len(columns) > 40
    monkeypatch.setenv("CODAT_API_KEY", f"{CANARY}key")
    monkeypatch.setenv("EXPENSE_RUNNER_RECEIPTS_DIR", f"/{CANARY}")
    monkeypatch.setenv("EXPENSE_RUNNER_MAX_RPM", "900")
    log, config, out = tmp_path / "log", tmp_path / "c.toml", tmp_path / "bundle.zip"
    config.write_text('flow = "direct"\nreceipts-dir = "31415"\n[run]\nwait = "2h"\n', encoding="utf-8")
    facts = {"event": "company_held", "level": "warning", "timestamp": "2026-01-05T09:00:00Z", "company": CANARY}
    log.write_text(
        json.dumps(
            {**facts, "message": f"The account of {CANARY} was not found: 987654321", "merchant": CANARY, CANARY: 1}
        )
        + f"\n{json.dumps({'event': CANARY.lower(), 'x': [CANARY]})}\n{CANARY} 987654321\n",
        encoding="utf-8",
    )
    arguments = [
        "--config",
        config,
        "journal",
        "support-bundle",
        "--out",
        out,
        "--log",
        log,
        "--show",
        "--journal",
        path,
    ]

    code, shown, _ = call(capsys, *arguments, "--yes")

    assert code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {
        "program.json", "journal.json", "runs.json", "companies.json", "errors.json", "settings.json", "log.txt"
    }  # fmt: skip
    for name, text in texts.items():
        assert text.strip() in shown
        for secret in (
            CANARY.lower(),
            "987654321",
            "31415",
            "canary",
            os.uname().nodename.lower(),
            str(tmp_path).lower(),
        ):
            assert secret not in text.lower(), (name, secret)
    assert "The account of … was not found: #" in texts["log.txt"]
    assert json.loads(texts["settings.json"])["file"] == {
        "flow": "direct",
        "receipts-dir": "(left out)",
        "run.wait": "2h",
    }
    assert json.loads(texts["settings.json"])["environment"]["EXPENSE_RUNNER_MAX_RPM"] == "900"
    (company,) = json.loads(texts["companies.json"])
    assert company["company"].startswith("company-")
    assert company["hold"] == "(other)"


def test_a_support_bundle_is_not_written_unless_somebody_agrees(path, tmp_path, capsys):
    out = tmp_path / "bundle.zip"
    code, said, err = call(capsys, "journal", "support-bundle", "--out", out, "--journal", path)
    assert (code, out.exists()) == (6, False)
    assert "errors.json" in said
    assert "--yes" in err


def test_a_support_bundle_is_made_of_a_journal_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / "journal.db").write_bytes(b"nonsense" * 1_000)
    out = tmp_path / "bundle.zip"
    code, _, _ = call(capsys, "journal", "support-bundle", "--out", out, "--yes", "--journal", tmp_path / "journal.db")
    assert code == 0
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("journal.json"))["unusable"] == "journal_unusable"


# ---- modes ----


async def test_a_journal_that_others_could_read_is_taken_from_them_with_a_word(path, capsys):
    path.chmod(0o664)
    async with writing(path, FakeClock()):
        modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}
    assert "journal_mode_tightened" in capsys.readouterr().err


async def test_a_file_that_is_no_journal_keeps_its_mode(tmp_path):
    named_by_mistake = tmp_path / "cards.csv"
    named_by_mistake.write_text("company_id,id\n")
    named_by_mistake.chmod(0o644)
    with pytest.raises(JournalUnusable):
        async with writing(named_by_mistake, FakeClock()):
            pass
    assert stat.S_IMODE(named_by_mistake.stat().st_mode) == 0o644


# ---- what the reference says ----

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")


def documented(heading):
    """The JSON that the reference shows below a heading."""
    return json.loads(REFERENCE.split(f"\n### `{heading}`\n")[1].split("```json\n")[1].split("```")[0])


def test_the_json_of_the_commands_is_as_documented(path, tmp_path, capsys):
    change(path, "UPDATE draft SET expenses = 2")
    _, out, _ = call(capsys, "journal", "check", "--json", "--journal", path)
    found, said = json.loads(out), documented("journal check --json")
    assert found.keys() == said.keys()
    assert found["violations"][0].keys() == said["violations"][0].keys()
    assert all(f"`{rule}`" in REFERENCE for rule in (*RULES, "file", "foreign_keys", "accounts"))
    _, out, _ = call(capsys, "journal", "backup", tmp_path / "copy.db", "--json", "--journal", path)
    assert json.loads(out).keys() == documented("journal backup --json").keys()
    _, out, _ = call(capsys, "journal", "prune", "--older-than", "1d", "--dry-run", "--json", "--journal", path)
    found, said = json.loads(out), documented("journal prune --json")
    assert found.keys() == said.keys()
    assert found["pruned"].keys() == said["pruned"].keys() == set(TOPICS)


# ---- settings ----


async def test_pruning_needs_the_journal_for_itself(path, capsys):
    async with writing(path, FakeClock()):
        code, _, err = call(capsys, "journal", "prune", "--older-than", "0", "--journal", path)
    assert code == 8
    assert "Another run holds this journal" in err
    assert query(path, "SELECT count(*) FROM payload") == [(3,)]


def test_the_journal_of_the_configuration_is_that_of_every_command_of_the_group(path, tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(f'journal = "{path}"\n', encoding="utf-8")
    assert call(capsys, "--config", config, "journal", "check")[0] == 0
