"""Opening: creation, pragmas, modes, the lock, migrations, damage, readers and places that cannot be trusted."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import JournalLocked, JournalUnusable
from runner.journal import migrations, opening
from runner.journal.journal import reading, writing
from runner.journal.migrations import APPLICATION_ID, Migration
from runner.journal.opening import open_for_reading
from runner.journal.place import _file_system
from tests.clocks import FakeClock
from tests.journals import new_journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def version_of(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def with_one_more(script):
    known = migrations.available()
    return lambda: [*known, Migration(len(known) + 1, f"{len(known) + 1:04d}_more", script)]


# ---- a fresh file ----


async def test_a_fresh_journal_has_its_marks_its_pragmas_and_is_only_its_owners(path):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")

        def look(connection):
            names = [*opening._PRAGMAS, "application_id", "user_version"]
            return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

        found = await journal._context.store.read(look)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "wal_autocheckpoint": 0,
        "cache_size": -32768,
        "application_id": APPLICATION_ID,
        "user_version": len(migrations.available()),
    }
    assert modes == dict.fromkeys(("journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"), 0o600)


async def test_the_log_is_gone_after_a_clean_end(path):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")

    assert sorted(each.name for each in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]


# ---- what is no journal ----


def test_another_programs_database_is_refused_and_left_alone(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (n)")
    connection.close()
    with pytest.raises(JournalUnusable, match="not a journal"):
        new_journal(path)
    with pytest.raises(JournalUnusable, match="not a journal"):
        open_for_reading(path)
    connection = sqlite3.connect(path)
    assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == ["theirs"]
    connection.close()


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"company_id,id,type\n" * 100)
    with pytest.raises(JournalUnusable, match="not a journal"):
        new_journal(path)


def test_a_folder_that_is_not_there_is_said_to_be_the_reason(tmp_path):
    with pytest.raises(JournalUnusable, match="cannot be opened"):
        new_journal(tmp_path / "nowhere" / "journal.db")


def test_reading_a_journal_that_is_not_there_creates_nothing(path):
    with pytest.raises(JournalUnusable, match="no journal"):
        open_for_reading(path)
    assert not path.exists()


async def test_a_journal_that_cannot_be_opened_leaves_no_lock_behind(path):
    path.write_bytes(b"nonsense" * 1_000)
    for _ in range(2):
        with pytest.raises(JournalUnusable):
            async with writing(path, FakeClock()):
                raise AssertionError("it was opened")


# ---- migrations ----


def test_a_newer_journal_is_refused_untouched(path):
    new_journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalUnusable, match="newer"):
        new_journal(path)
    assert version_of(path) == 99


def test_an_older_journal_is_copied_before_it_is_upgraded(path, monkeypatch):
    connection = new_journal(path)
    connection.execute("INSERT INTO company (company_id) VALUES ('kept')")
    connection.close()
    old = version_of(path)
    monkeypatch.setattr(migrations, "available", with_one_more("CREATE TABLE more (n INTEGER) STRICT;"))

    connection = new_journal(path)
    assert connection.execute("SELECT count(*) FROM more").fetchone() == (0,)
    connection.close()

    copy = path.with_name(f"journal.db.v{old}.bak")
    assert (version_of(path), version_of(copy)) == (old + 1, old)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT company_id FROM company").fetchall() == [("kept",)]
    connection.close()
    assert not list(path.parent.glob("*.partial"))


def test_a_migration_that_breaks_off_leaves_the_old_version_whole(path, monkeypatch):
    new_journal(path).close()
    old = version_of(path)
    with monkeypatch.context() as patched:
        patched.setattr(
            migrations, "available", with_one_more("CREATE TABLE more (n); INSERT INTO nowhere VALUES (1);")
        )
        with pytest.raises(JournalUnusable):
            new_journal(path)

    connection = new_journal(path)
    assert version_of(path) == old
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    connection.close()


DIES_IN_MIGRATION = """
import os, sys
from pathlib import Path
from runner.journal import migrations, opening
known = migrations.available()
script = "CREATE TABLE more (n); SELECT die();"
migrations.available = lambda: [*known, migrations.Migration(len(known) + 1, "x", script)]
import sqlite3
connect = sqlite3.connect
def dying(*args, **options):
    connection = connect(*args, **options)
    connection.create_function("die", 0, lambda: os.kill(os.getpid(), 9))
    return connection
opening.sqlite3.connect = dying
from tests.journals import new_journal
new_journal(Path(sys.argv[1]))
"""


def test_a_process_killed_within_a_migration_leaves_the_old_version_whole(path):
    new_journal(path).close()
    old = version_of(path)

    ended = subprocess.run([sys.executable, "-c", DIES_IN_MIGRATION, str(path)], check=False, timeout=30)

    assert ended.returncode == -signal.SIGKILL
    connection = new_journal(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (old,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    connection.close()


# ---- the lock ----

HOLDS = """
import asyncio, sys
from pathlib import Path
from runner.clock import SystemClock
from runner.journal.journal import writing
async def main():
    async with writing(Path(sys.argv[1]), SystemClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def test_a_second_run_is_told_who_holds_the_journal_until_that_is_killed(path, holder):
    with pytest.raises(JournalLocked) as refused:
        async with writing(path, FakeClock()):
            raise AssertionError("it was opened")
    said = json.loads(path.with_name("journal.db.lock").read_text())
    assert said["pid"] == holder.pid
    assert all(str(said[key]) in refused.value.message for key in ("pid", "host", "since"))

    link = path.with_name("other-name.db")
    link.symlink_to(path)
    with pytest.raises(JournalLocked):
        async with writing(link, FakeClock()):
            raise AssertionError("it was opened")

    with reading(path, FakeClock()) as journal:
        assert (await journal.runs.request_totals()).runs == 1

    holder.kill()
    holder.wait()
    assert path.with_name("journal.db-wal").stat().st_size > 0
    async with writing(path, FakeClock()) as journal:
        assert await journal.ages.since_speaking() == 0.0


async def test_after_an_unclean_end_a_damaged_journal_is_found_out(path, holder):
    holder.kill()
    holder.wait()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))
    path.with_name("journal.db-wal").write_bytes(b"\0" * 32)

    with pytest.raises(JournalUnusable, match="damaged"):
        new_journal(path)


# ---- beside a writer ----


async def test_a_reader_sees_what_is_recorded_and_can_change_nothing(path):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        connection = open_for_reading(path)
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (1,)
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM run")
        await journal.runs.begin(version="2", flow="datasets")
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (2,)
        connection.close()


# ---- where it lies ----

MOUNTS = """/dev/sda1 / ext4 rw 0 0
server:/export /mnt/books nfs4 rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
/dev/sdb1 /mnt/books/local ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/srv/journal.db", "ext4"),
        ("/mnt/books/journal.db", "nfs4"),
        ("/mnt/books/deep/er/journal.db", "nfs4"),
        ("/mnt/with space/journal.db", "cifs"),
        ("/mnt/books/local/journal.db", "ext4"),
        ("/mnt/bookshelf/journal.db", "ext4"),
    ],
)
def test_the_nearest_mount_says_the_kind_of_file_system(place, kind):
    assert _file_system(Path(place), MOUNTS) == kind


async def test_a_network_file_system_is_refused_before_anything_is_created(path):
    with pytest.raises(JournalUnusable, match="network"):
        async with writing(path, FakeClock(), mounts=f"server:/x {path.parent} nfs rw 0 0\n"):
            raise AssertionError("it was opened")
    assert not list(path.parent.iterdir())
