"""A copy of the journal to try something on: made beside a running writer, forgotten at the end.

It lies in the journal's own folder, because that is where room for a journal was provided for. Once the copy is
made it has no name any more, so that not even a killed process leaves it behind; one that was killed while it
copied does, and the next copy clears it away.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from runner.clock import Clock
from runner.errors import JournalUnusable
from runner.journal.copying import fill
from runner.journal.journal import Journal
from runner.journal.opening import open_for_reading
from runner.journal.store import Inline

SPARE: Final = 64_000_000
"""Bytes that stay free whatever is copied: a run may be writing to the same disk."""


@contextmanager
def copied(path: Path, clock: Clock, *, room: int) -> Iterator[Journal]:
    """Give a copy of the journal as it stands, which may be changed and is forgotten at the end.

    `room`: bytes that will be added to it. Neither the journal nor a run that is writing it is disturbed. Raises
    `JournalUnusable` where there is no journal, or no room for the copy.
    """
    path = path.resolve()
    _require_room(path, room)
    _clear_away(path)
    try:
        connection = _copy(path)
    except (OSError, sqlite3.Error) as error:
        raise JournalUnusable(
            f"No copy of the journal could be made in {path.parent}: {error}.",
            hint="Planning with files changes a copy of the journal: its folder must be writable and have room.",
        ) from error
    with closing(connection):
        yield Journal(Inline(connection), clock)


def _require_room(path: Path, room: int) -> None:
    log = path.with_name(f"{path.name}-wal")
    needed = sum(each.stat().st_size for each in (path, log) if each.exists()) + room + SPARE
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise JournalUnusable(
            f"Planning with files changes a copy of the journal, and {path.parent} has {free / 1e6:,.0f} MB free of "
            f"the {needed / 1e6:,.0f} MB that this may take.",
            hint="Make room, or plan on a copy of the journal on another disk, named with --journal.",
        )


def _copy(path: Path) -> sqlite3.Connection:
    with closing(open_for_reading(path)) as source:
        # mkstemp makes it with mode 0600.
        number, name = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
        try:
            # Whoever holds this lock is alive: `_clear_away` leaves such a file alone.
            fcntl.flock(number, fcntl.LOCK_EX)
            connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
            try:
                fill(connection, source)
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("SELECT count(*) FROM run").fetchone()
            except BaseException:
                connection.close()
                raise
        finally:
            Path(name).unlink()
            os.close(number)
    return connection


def _clear_away(path: Path) -> None:
    for old in path.parent.glob(f"{_prefix(path)}*"):
        with suppress(OSError), old.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for each in (old, old.with_name(f"{old.name}-wal"), old.with_name(f"{old.name}-journal")):
                each.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name}.plan-"
