"""How operations reach the one connection: grouped into durable commits, or inline.

An operation is a function of the connection. `write` returns when its effects are on disk; the operations that
queued during one commit share the next one, because a durable commit costs the same for one or a hundred.
An operation that fails is rolled back alone. A commit that fails ends the store: after an I/O error the truth
is on disk, and only the next start reads it.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import aiosqlite

from runner.errors import JournalFailed, JournalUnusable

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

CHECKPOINT_CHANGES = 4_000
"""Changed rows between two explicit checkpoints: about 4 MB of write-ahead log."""

_FATAL = (
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_CANTOPEN",
)


HELD_BY_OTHERS = ("SQLITE_BUSY", "SQLITE_LOCKED")
CLOSE_IT = "Close what has it open, such as a database browser or a copy of it, then run the same command again."


class Store(Protocol):
    """Where the journal's verbs run their operations."""

    async def write(self, operation: Operation[T]) -> T:
        """Run an operation that changes something; return its result once that is on disk."""
        ...

    async def read(self, operation: Operation[T]) -> T:
        """Run an operation that changes nothing."""
        ...


class Pending:
    """One operation on its way through a commit."""

    __slots__ = ("error", "future", "operation", "result")

    def __init__(self, operation: Operation[Any], future: "asyncio.Future[Any] | None" = None) -> None:
        self.operation = operation
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        """Wake whoever waits, unless they have gone."""
        if self.future is None or self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Numbering(Protocol):
    """Numbers durable commits, and is told when one is on disk; the closing of the journal is one of them."""

    def count(self, connection: sqlite3.Connection) -> tuple[str, int, int]:
        """Give the commit that is about to be made its number, within it."""
        ...

    def keep(self, numbered: tuple[str, int, int]) -> None:
        """Note a commit that is on disk; raises `JournalFailed`."""
        ...

    def end(self, connection: sqlite3.Connection) -> None:
        """Record that the journal was closed."""
        ...


def apply(connection: sqlite3.Connection, batch: Sequence[Pending], numbering: Numbering | None = None) -> None:
    """Run a batch of operations in one transaction, each in a savepoint of its own, and commit.

    Raises `JournalUnusable` where the disk or the file is at fault; then nothing of the batch counts as done.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        for pending in batch:
            _attempt(connection, pending)
        numbered = None if numbering is None else numbering.count(connection)
        connection.execute("COMMIT")
        if numbering is not None and numbered is not None:
            numbering.keep(numbered)
    except sqlite3.Error as error:
        _abandon(connection)
        raise _unusable(error) from error
    except JournalUnusable:
        _abandon(connection)
        raise


def _attempt(connection: sqlite3.Connection, pending: Pending) -> None:
    connection.execute("SAVEPOINT operation")
    try:
        pending.result = pending.operation(connection)
    except Exception as error:
        if is_fatal(error):
            raise
        connection.execute("ROLLBACK TO operation")
        pending.error = error
    connection.execute("RELEASE operation")


def _abandon(connection: sqlite3.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        # The connection is given up either way; the file is in the hands of SQLite's recovery.
        return


def is_fatal(error: Exception) -> bool:
    """Say whether an error is the disk's or the file's rather than the operation's."""
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorname", None) or "").startswith(_FATAL)


def _unusable(error: sqlite3.Error) -> JournalFailed:
    name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
    if name.startswith(HELD_BY_OTHERS):
        message = f"Another program holds the journal ({name}); what was recorded before is safe."
        hint = CLOSE_IT
    elif name == "SQLITE_FULL":
        message = "The disk that holds the journal is full; what was recorded before is safe."
        hint = "Make room, then run the same command again: it goes on where this one stopped."
    elif name.startswith("SQLITE_READONLY"):
        message = "The journal cannot be written: the file or its folder is read-only."
        hint = "Give this user write access to the journal and its folder, then run the same command again."
    else:
        message = f"The journal could not be written ({name}: {error}); what was recorded before is safe."
        hint = "Look at the disk, then run the same command again: the journal is checked before anything is sent."
    return JournalFailed(message, hint=hint)


class Inline:
    """Runs each operation at once on a connection of this thread: read-only commands and simulations."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def write(self, operation: Operation[T]) -> T:
        """Run and commit."""
        pending = Pending(operation)
        apply(self._connection, [pending])
        if pending.error is not None:
            raise pending.error
        result: T = pending.result
        return result

    async def read(self, operation: Operation[T]) -> T:
        """Run."""
        return operation(self._connection)


class _Thread:
    """aiosqlite's thread and the connection that was opened in it, asked for whole groups at once.

    One hop into its thread costs 60-180 microseconds: a hundred statements in one call cost it once.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._thread: threading.Thread | None = None
        self._sqlite = aiosqlite.Connection(self._opened, 64)

    def _opened(self) -> sqlite3.Connection:
        self._thread = threading.current_thread()
        self._connection = self._connect()
        return self._connection

    async def open(self) -> None:
        """Open the connection; raises what `connect` raises."""
        try:
            await self._sqlite
        except BaseException:
            if self._thread is not None:
                # It must not call into a loop that has been closed meanwhile.
                await asyncio.to_thread(self._thread.join)
            raise

    async def call(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        # No public way runs a function in its thread; this is the only private name.
        result: T = await self._sqlite._execute(operation, self._connection)  # type: ignore[no-untyped-call] # noqa: SLF001
        return result

    async def close(self) -> None:
        await self._sqlite.close()


class GroupCommit:
    """The one writer of the one connection, in aiosqlite's thread."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], numbering: Numbering | None = None) -> None:
        self._thread = _Thread(connect)
        self._numbering = numbering
        self._queue: list[Pending] = []
        self._awake = asyncio.Event()
        self._closing = False
        self._broken: JournalUnusable | None = None
        self._task: asyncio.Task[None] | None = None
        self._changes = 0

    async def start(self) -> None:
        """Open the connection; raises what `connect` raises."""
        await self._thread.open()
        self._task = asyncio.create_task(self._run(), name="journal")

    async def write(self, operation: Operation[T]) -> T:
        """Queue an operation for the next commit and wait until that is on disk."""
        if self._broken is not None:
            raise self._broken
        if self._closing:
            # Nobody would ever wake the waiter.
            raise JournalUnusable("The journal is being closed: nothing more can be recorded by this run.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(Pending(operation, future))
        self._awake.set()
        return await future

    async def read(self, operation: Operation[T]) -> T:
        """Run an operation between two commits."""
        if self._broken is not None:
            raise self._broken
        return await self._thread.call(operation)

    async def close(self) -> None:
        """Commit what is queued, fold the write-ahead log into the file, and close."""
        self._closing = True
        self._awake.set()
        if self._task is not None:
            await self._task
        try:
            if self._broken is None:
                await self._thread.call(self._fold)
        finally:
            await self._thread.close()

    def _fold(self, connection: sqlite3.Connection) -> None:
        if self._numbering is not None:
            self._numbering.end(connection)
        _truncate(connection)

    async def _run(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                await self._awake.wait()
                self._awake.clear()
                continue
            batch, self._queue = self._queue, []
            await self._commit(batch)

    async def _commit(self, batch: list[Pending]) -> None:
        try:
            await self._thread.call(lambda connection: self._apply(connection, batch))
        except JournalUnusable as error:
            self._broken = error
            # Those that queued meanwhile wait as well: nobody else will ever wake them.
            batch = [*batch, *self._queue]
            self._queue.clear()
            for pending in batch:
                pending.error = error
        for pending in batch:
            pending.settle()

    def _apply(self, connection: sqlite3.Connection, batch: list[Pending]) -> None:
        apply(connection, batch, self._numbering)
        if connection.total_changes - self._changes >= CHECKPOINT_CHANGES:
            self._changes = connection.total_changes
            checkpoint(connection)


def checkpoint(connection: sqlite3.Connection, *, mode: str = "PASSIVE") -> bool:
    """Fold the write-ahead log into the file: as much of it as no reader needs, or with "TRUNCATE" all.

    Returns whether nobody was in the way.
    """
    try:
        (busy, _, _) = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    except sqlite3.Error as error:
        raise _unusable(error) from error
    return not busy


def _truncate(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA optimize").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise _unusable(error) from error
