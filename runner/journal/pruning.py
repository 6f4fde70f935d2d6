"""Making a journal of years smaller without taking from it what protects from doubling."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runner.clock import Clock
from runner.errors import JournalFailed, NotWritten
from runner.journal.identity import Identity
from runner.journal.lock import Lock
from runner.journal.opening import open_for_reading, open_for_writing
from runner.journal.place import mount_table, require_good_place
from runner.journal.statements import load
from runner.journal.store import Numbering, Pending, apply, checkpoint

_SQL = load("pruning")

TOPICS: Final = ("payloads", "rows", "receipts", "attempts", "errors", "events")
"""What can be pruned."""

PORTION: Final = 5_000
"""Rows that one transaction looks at."""

_ROOM: Final = 16 << 20
"""Bytes that shall be left on a disk after a rewriting."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much of one topic went, or would go."""

    topic: str
    rows: int
    bytes: int
    """Of content; the file has more around it."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a pruning came to, or would come to."""

    topics: tuple[Pruned, ...]
    size_before: int
    """Bytes of the journal's file."""
    size_after: int
    free: int
    """Bytes within the file that the next runs fill again."""


def forecast(path: Path, *, before: datetime) -> Pruning:
    """Say what pruning would remove, beside a run that may be at work; raises `JournalUnusable`."""
    with closing(open_for_reading(path)) as connection:
        size = _size(connection)
        return Pruning(_old(connection, before), size, size, _free(connection))


def prune(path: Path, clock: Clock, *, before: datetime, version: str, vacuum: bool, portion: int = PORTION) -> Pruning:
    """Remove what is older than `before` (aware) and protects from nothing; with `vacuum` rewrite the file as well.

    Holds the lock. Each portion is a transaction of its own, so an interruption loses nothing; the same command goes
    on. Raises `JournalLocked`, `JournalUnusable`, and `NotWritten` where there is no room to rewrite the file.
    """
    path = path.resolve()
    require_good_place(path, mount_table())
    with Lock(path, now=clock.now()) as lock, closing(open_for_writing(path, lock)) as connection:
        write = _Writer(connection, Identity(lock))
        size = _size(connection)
        run = _begin(write, clock, version)
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        topics = _old(connection, before)
        for topic in topics:
            if topic.rows:
                _remove(write, topic.topic, before, portion)
        write(_SQL["end"], {"run": run, "now": _moment(clock.now()), "boottime": clock.boottime()})
        write.numbering.end(connection)
        checkpoint(connection, mode="TRUNCATE")
        if vacuum:
            _rewrite(connection, path)
        return Pruning(topics, size, _size(connection), _free(connection))


def _moment(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")


def _old(connection: sqlite3.Connection, before: datetime) -> tuple[Pruned, ...]:
    values = {"before": _moment(before)}
    return tuple(Pruned(topic, *connection.execute(_SQL[f"{topic}_old"], values).fetchone()) for topic in TOPICS)


def _begin(write: "_Writer", clock: Clock, version: str) -> int:
    facts = {
        "now": _moment(clock.now()),
        "version": version,
        "pid": os.getpid(),
        "host": os.uname().nodename,
        "boot_id": clock.boot_id(),
        "boottime": clock.boottime(),
    }
    ((number,),) = write(_SQL["begin"], facts)
    return int(number)


def _remove(write: "_Writer", statement: str, before: datetime, portion: int) -> None:
    after = 0
    while True:
        place = {"after": after, "limit": portion}
        (until,) = write.connection.execute(_SQL[f"{statement}_portion"], place).fetchone()
        if until is None:
            return
        write(_SQL[statement], {"after": after, "until": until, "before": _moment(before)})
        checkpoint(write.connection)
        after = until


@dataclass(frozen=True, slots=True)
class _Writer:
    """Runs one statement in a durable commit of its own."""

    connection: sqlite3.Connection
    numbering: Numbering

    def __call__(self, statement: str, values: dict[str, Any]) -> list[Any]:
        pending = Pending(lambda opened: opened.execute(statement, values).fetchall())
        apply(self.connection, [pending], self.numbering)
        if pending.error is not None:
            raise pending.error
        rows: list[Any] = pending.result
        return rows


def _rewrite(connection: sqlite3.Connection, path: Path) -> None:
    """Give the file's free pages back to the disk: SQLite writes it anew, beside it and into its log."""
    needed = 2 * (_size(connection) - _free(connection)) + _ROOM
    found = shutil.disk_usage(path.parent).free
    if found < needed:
        raise NotWritten(
            f"The journal is pruned, but not made smaller: rewriting it needs {needed:,} bytes free on its disk, "
            f"and {found:,} are.",
            hint="Nothing is lost: later runs fill the room within the file. Or make room and prune again.",
        )
    try:
        # SQLite's temporary files would lie on another disk, perhaps in memory.
        os.environ.setdefault("SQLITE_TMPDIR", str(path.parent))
        connection.execute("VACUUM").fetchall()
        checkpoint(connection, mode="TRUNCATE")
    except (sqlite3.Error, JournalFailed) as error:
        raise NotWritten(
            f"The journal is pruned, but could not be made smaller: {error}.",
            hint="Nothing is lost: later runs fill the room within the file. Or make room and prune again.",
        ) from error


def _size(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    return int(pages) * _page(connection)


def _free(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages) * _page(connection)


def _page(connection: sqlite3.Connection) -> int:
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(size)
