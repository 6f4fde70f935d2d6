"""A journal knows what it is: what it has lost, by itself and by its lock file."""

import os

import pytest

from runner.errors import JournalLocked, JournalUnusable
from runner.journal import lock
from runner.journal.identity import Found, Known, loss
from runner.journal.journal import reading, writing
from runner.journal.lock import Lock
from runner.journal.lock_file import SIZE, LockFile, lock_file_of
from runner.journal.place import require_good_place, several_names
from tests.clocks import FakeClock

OPEN = Known("a", 7, 3, None)
CLOSED = Known("a", 7, None, None)


def knows(commit, journal="a"):
    return LockFile(commit, journal)


@pytest.mark.parametrize(
    ("facts", "log", "lock_file", "said"),
    [
        (CLOSED, False, knows(7), None),
        (CLOSED, False, knows(6), None),
        (CLOSED, False, knows(8), "knows of 8"),
        (CLOSED, False, None, None),  # moved after a clean end
        (CLOSED, False, knows(2, "b"), "another one"),
        (OPEN, True, knows(7), None),
        (OPEN, True, knows(6), None),
        (OPEN, True, knows(8), "knows of 8"),
        (OPEN, True, None, "lock file is gone"),
        (OPEN, False, knows(7), None),  # another program has folded the log in
        (OPEN, False, knows(6), None),  # and the life ended between commit and number
        (OPEN, False, knows(5), "-wal file is gone"),
        (OPEN, False, None, "lock file is gone"),
        (None, False, knows(1), "knows of 1"),
        (None, False, None, "nothing in this file"),
        (None, False, LockFile(0, None), None),  # cut off while it was made
    ],
)
def test_what_has_lost_something_is_told_by_its_number_its_log_and_its_lock_file(facts, log, lock_file, said):
    found = loss(facts, Found(existed=True, log=log, lock_file=lock_file))
    assert (found is None) == (said is None), found
    assert said is None or said in found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


async def live(path, **how):
    async with writing(path, FakeClock(), **how) as journal:
        await journal.runs.begin(version="1", flow="datasets", purpose="rebuild" if how.get("rebuild") else "run")
        lost = await journal.runs.open_rebuild()
        await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)
        return lost


async def test_the_lock_file_knows_each_commit_and_never_changes_its_size(path):
    await live(path)
    before = LockFile.parse(lock_file_of(path).read_bytes())
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        during = LockFile.parse(lock_file_of(path).read_bytes())
    after = LockFile.parse(lock_file_of(path).read_bytes())

    assert before.commit < during.commit < after.commit
    assert (before.pid, during.pid, after.pid) == (None, os.getpid(), None)
    assert lock_file_of(path).stat().st_size == SIZE


async def test_an_older_copy_in_the_journals_place_is_marked_until_a_rebuild_has_ended(path):
    await live(path)
    older = path.read_bytes()
    await live(path)
    path.write_bytes(older)
    knew = lock_file_of(path).read_bytes()[:40]

    assert "its lock file knows of" in await live(path)
    assert "its lock file knows of" in await live(path)
    assert lock_file_of(path).read_bytes()[:40] == knew
    with reading(path, FakeClock()) as journal:
        assert await journal.runs.open_rebuild()

    await live(path, rebuild=True)
    assert await live(path) is None


async def test_a_journal_that_was_moved_after_a_clean_end_goes_on(path, tmp_path):
    await live(path)
    other = tmp_path / "other" / "journal.db"
    other.parent.mkdir()
    path.rename(other)
    assert await live(other) is None


async def test_a_journal_that_is_gone_is_not_begun_anew(path):
    await live(path)
    path.unlink()
    with pytest.raises(JournalUnusable, match="is gone"):
        await live(path)
    assert not path.exists()
    assert "nothing in this file" in await live(path, rebuild=True)
    assert await live(path) is None


async def test_another_journal_in_its_place_is_refused_and_not_marked(path, tmp_path):
    other = tmp_path / "other.db"
    await live(path)
    await live(other)
    other.replace(path)
    with pytest.raises(JournalUnusable, match="belongs to another journal"):
        await live(path)
    lock_file_of(path).unlink()
    assert await live(path) is None


def test_a_second_name_of_a_held_file_meets_the_same_lock(path, tmp_path):
    # The check of names is left out: a link may be made at any time.
    link = tmp_path / "link.db"
    with Lock(path, now=FakeClock().now()):
        os.link(path, link)
        held, lock._HELD = lock._HELD, set()
        try:
            with pytest.raises(JournalLocked, match="another name"), Lock(link, now=FakeClock().now()):
                raise AssertionError("it was taken")
        finally:
            lock._HELD = held


def test_where_locks_share_one_table_the_inode_is_locked_under_a_name_of_its_own(path, tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "share_one_table", lambda _: True)
    monkeypatch.setattr(lock, "_BY_INODE", tmp_path)
    link = tmp_path / "link.db"
    with Lock(path, now=FakeClock().now()):
        os.link(path, link)
        monkeypatch.setattr(lock, "_HELD", set())
        with pytest.raises(JournalLocked), Lock(link, now=FakeClock().now()):
            raise AssertionError("it was taken")


@pytest.mark.parametrize("name", ["journal.db", "with space.db", "tab\tname.db"])
def test_a_mount_point_of_its_own_is_refused(tmp_path, name):
    path = tmp_path / name
    point = str(path).replace(" ", "\\040").replace("\t", "\\011")
    mounts = f"/dev/sda1 / ext4 rw 0 0\n/dev/sda1 {point} ext4 rw 0 0\n"
    with pytest.raises(JournalUnusable, match="single file"):
        require_good_place(path, mounts)
    require_good_place(tmp_path / "beside.db", mounts)


def test_a_file_of_two_names_is_refused(path, tmp_path):
    path.touch()
    assert several_names(path, "") is None
    os.link(path, tmp_path / "link.db")
    with pytest.raises(JournalUnusable, match="hard links"):
        require_good_place(path, "")


async def test_a_lock_file_deleted_meanwhile_is_made_again(path):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        lock_file_of(path).unlink()
        await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)
        made = LockFile.parse(lock_file_of(path).read_bytes())
    assert made.pid == os.getpid()
    assert made.journal is not None
    assert await live(path) is None
