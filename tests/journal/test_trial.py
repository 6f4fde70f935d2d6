"""A copy of the journal: made beside a writer, changed freely, never seen again."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from runner.errors import JournalUnusable
from runner.journal.journal import reading, writing
from runner.journal.trial import copied
from tests.clocks import FakeClock


async def begin(journal):
    return await journal.runs.begin(version="1", flow="datasets")


@pytest.fixture
async def path(tmp_path):
    path = tmp_path / "journal.db"
    async with writing(path, FakeClock()) as journal:
        await begin(journal)
    return path


def runs(path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM run").fetchone()[0]


async def test_a_copy_knows_what_the_journal_knows_and_changing_it_leaves_the_journal_alone(path):
    before = path.read_bytes()
    with copied(path, FakeClock(), room=0) as copy:
        assert await begin(copy) == 2
        assert await begin(copy) == 3

    assert path.read_bytes() == before
    assert runs(path) == 1


async def test_a_failed_statement_in_a_copy_is_undone_alone(path):
    with copied(path, FakeClock(), room=0) as copy:
        with pytest.raises(sqlite3.IntegrityError):
            await copy.runs.begin(version="1", flow="none")
        assert await begin(copy) == 2


async def test_a_copy_has_no_name_while_it_is_used_and_leaves_no_file(path):
    names = {each.name for each in path.parent.iterdir()}
    with copied(path, FakeClock(), room=0) as copy:
        await begin(copy)
        assert not [each for each in path.parent.iterdir() if "plan" in each.name]
    assert {each.name for each in path.parent.iterdir()} - names <= {"journal.db-wal", "journal.db-shm"}


async def test_a_copy_is_made_beside_a_writer_that_goes_on(path):
    async with writing(path, FakeClock()) as journal:
        await begin(journal)
        with copied(path, FakeClock(), room=0) as copy:
            await begin(journal)
            assert await begin(copy) == 3
    assert runs(path) == 3


async def test_what_a_killed_copy_left_behind_is_cleared_away_and_one_in_the_making_is_not(path):
    left = path.with_name(".journal.db.plan-killed")
    left.write_bytes(b"x")
    with copied(path, FakeClock(), room=0):
        assert not left.exists()


async def test_nothing_is_copied_where_there_is_no_room(path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(JournalUnusable, match="1 MB free of the 1,064 MB"), copied(path, FakeClock(), room=10**9):
        pass


async def test_a_file_that_is_no_journal_is_refused(tmp_path):
    (tmp_path / "other.db").write_text("no database")
    with pytest.raises(JournalUnusable), copied(tmp_path / "other.db", FakeClock(), room=0):
        pass


async def test_the_journal_can_still_be_read_while_a_copy_is_open(path):
    with copied(path, FakeClock(), room=0), reading(path, FakeClock()) as journal:
        assert await asyncio.wait_for(journal.runs.request_totals(), 5)
