"""The one writer: groups, savepoints, durability, and what a full disk does."""

import asyncio
import inspect
import sqlite3
import threading
from contextlib import closing

import aiosqlite
import pytest

from runner.errors import JournalFailed, JournalUnusable
from runner.journal.store import GroupCommit, Pending, apply


class Traced:
    """A store on a real file that tells which transactions it made."""

    def __init__(self, path):
        self.path = path
        self.statements = []
        self.store = GroupCommit(self._connect)

    def _connect(self):
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS fact (n INTEGER PRIMARY KEY, body BLOB)")
        connection.set_trace_callback(self.statements.append)
        return connection

    def commits(self):
        return self.statements.count("COMMIT")

    def on_disk(self):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return [n for (n,) in connection.execute("SELECT n FROM fact ORDER BY n")]
        finally:
            connection.close()


@pytest.fixture
async def traced(tmp_path):
    made = Traced(tmp_path / "facts.db")
    await made.store.start()
    yield made
    await made.store.close()


def add(n, body=b""):
    return lambda connection: connection.execute("INSERT INTO fact VALUES (?, ?)", (n, body)).rowcount


async def test_operations_that_queue_together_share_one_commit(traced):
    await asyncio.gather(*(traced.store.write(add(n)) for n in range(50)))

    assert traced.commits() == 1
    assert traced.on_disk() == list(range(50))


async def test_operations_that_queue_during_a_commit_share_the_next_one(traced):
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection):
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(5)
        return add(0)(connection)

    first = asyncio.ensure_future(traced.store.write(slow))
    await begun.wait()
    others = [asyncio.ensure_future(traced.store.write(add(n))) for n in range(1, 20)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *others)

    assert traced.commits() == 2
    assert traced.on_disk() == list(range(20))


async def test_an_operation_that_fails_is_rolled_back_alone_and_its_waiter_gets_the_error(traced):
    def half(connection):
        add(7)(connection)
        raise LookupError("wrong")

    results = await asyncio.gather(
        traced.store.write(add(1)),
        traced.store.write(half),
        traced.store.write(add(1)),
        traced.store.write(add(2)),
        return_exceptions=True,
    )

    assert results[0] == results[3] == 1
    assert isinstance(results[1], LookupError)
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert traced.on_disk() == [1, 2]
    assert traced.commits() == 1


async def test_what_is_acknowledged_is_already_there_for_another_connection(traced):
    for n in range(5):
        await traced.store.write(add(n))
        assert traced.on_disk() == list(range(n + 1))


async def test_nothing_is_acknowledged_before_its_commit(traced):
    seen = []
    await traced.store.write(lambda _: seen.append(traced.commits()))
    assert seen == [0]
    assert traced.commits() == 1


async def test_a_waiter_that_goes_away_does_not_disturb_the_others(traced):
    gone = asyncio.ensure_future(traced.store.write(add(1)))
    stays = asyncio.ensure_future(traced.store.write(add(2)))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 1
    assert 2 in traced.on_disk()


async def fill(traced):
    def limit(connection):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    await traced.store.read(limit)


async def test_a_full_disk_breaks_the_store_for_all_who_wait_and_for_later_calls(traced):
    await traced.store.write(add(1))
    await fill(traced)

    async with asyncio.timeout(5):
        results = await asyncio.gather(
            traced.store.write(add(2)),
            traced.store.write(add(3, b"x" * 100_000)),
            traced.store.write(add(4)),
            return_exceptions=True,
        )
    assert all(isinstance(each, JournalUnusable) for each in results)
    with pytest.raises(JournalUnusable, match="full"):
        await traced.store.write(add(5))
    with pytest.raises(JournalUnusable):
        await traced.store.read(lambda _: None)
    assert traced.on_disk() == [1]


async def test_who_queued_during_the_failing_commit_is_told_as_well(traced):
    await fill(traced)
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def fails(connection):
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(5)
        return add(1, b"x" * 100_000)(connection)

    first = asyncio.ensure_future(traced.store.write(fails))
    await begun.wait()
    later = asyncio.ensure_future(traced.store.write(add(2)))
    await asyncio.sleep(0)
    go_on.set()

    async with asyncio.timeout(5):
        with pytest.raises(JournalUnusable):
            await first
        with pytest.raises(JournalUnusable):
            await later


async def test_closing_commits_what_is_queued_and_does_not_hang(tmp_path):
    made = Traced(tmp_path / "facts.db")
    await made.store.start()
    waiting = asyncio.ensure_future(made.store.write(add(1)))
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await made.store.close()
        assert await waiting == 1
    assert made.on_disk() == [1]


async def test_closing_folds_the_log_into_the_file(tmp_path):
    made = Traced(tmp_path / "facts.db")
    await made.store.start()
    await made.store.write(add(1))
    await made.store.close()

    assert not (tmp_path / "facts.db-wal").exists()
    assert made.on_disk() == [1]


async def test_a_closed_store_refuses_instead_of_letting_anybody_wait_for_ever(tmp_path):
    made = Traced(tmp_path / "facts.db")
    await made.store.start()
    await made.store.close()

    async with asyncio.timeout(5):
        with pytest.raises(JournalUnusable):
            await made.store.write(add(1))


async def test_the_one_private_name_of_aiosqlite_runs_a_function_in_its_thread(traced):
    """`store._Thread.call` rests on it: a version of aiosqlite without it must not get into a release."""
    assert inspect.iscoroutinefunction(aiosqlite.Connection._execute)

    here = threading.get_ident()
    there, again = await traced.store.read(thread_of), await traced.store.read(thread_of)

    assert here != there == again


def thread_of(connection):
    """Where an operation runs; the connection is the one that was opened, and no stand-in."""
    assert type(connection) is sqlite3.Connection
    return threading.get_ident()


def test_a_journal_that_another_program_holds_is_not_blamed_on_the_disk(tmp_path):
    with closing(sqlite3.connect(tmp_path / "j.db", isolation_level=None, timeout=0)) as ours:
        ours.execute("CREATE TABLE t (a)")
        with closing(sqlite3.connect(tmp_path / "j.db", isolation_level=None, timeout=0)) as theirs:
            theirs.execute("BEGIN EXCLUSIVE")
            with pytest.raises(JournalFailed, match="Another program holds") as refused:
                apply(ours, [Pending(lambda connection: connection.execute("INSERT INTO t VALUES (1)"))])

    assert "disk" not in f"{refused.value} {refused.value.hint}"
