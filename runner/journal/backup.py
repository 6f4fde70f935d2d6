"""A copy of the journal beside a run that may be at work: whole, verified and marked, or not there at all."""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.errors import NotWritten, RefusedToStart
from runner.journal.migrations import APPLICATION_ID, available, sync_folder
from runner.journal.opening import open_for_reading
from runner.journal.statements import load

_SQL = load("backup")


@dataclass(frozen=True, slots=True)
class Copy:
    """What was written."""

    path: Path
    size: int
    """Bytes."""
    schema: int
    expenses: int


def back_up(path: Path, target: Path, *, force: bool, now: datetime, version: str) -> Copy:
    """Copy the journal to `target`, mode 0600, and mark the copy as one.

    The copy is of one moment. It gets its name only after it was checked and is on disk; `force` lets it replace
    a file, but never a journal that is or was in use. Raises `JournalUnusable` where the journal cannot be read,
    `RefusedToStart` where the target may not be written over, `NotWritten` where there is no room for it.
    """
    with closing(open_for_reading(path)) as source:
        _refuse_target(path, target, force=force)
        partial: Path | None = None
        try:
            descriptor, name = tempfile.mkstemp(
                prefix=f".{target.name}.", suffix=".partial", dir=target.absolute().parent
            )
            partial = Path(name)
            with closing(os.fdopen(descriptor, "rb")) as file:
                expenses = _copy(source, partial, now=now, version=version)
                os.fsync(file.fileno())
            size = partial.stat().st_size
            partial.rename(target)
            partial = None
            sync_folder(target.absolute().parent)
        except (OSError, sqlite3.Error) as error:
            raise NotWritten(
                f"The copy could not be written to {target}: {getattr(error, 'strerror', None) or error}.",
                hint="The journal is untouched. Make room, or name a file elsewhere, then give the same command again.",
            ) from error
        finally:
            if partial is not None:
                _remove(partial)
    return Copy(target, size, len(available()), expenses)


def _refuse_target(path: Path, target: Path, *, force: bool) -> None:
    if not target.exists():
        return
    if target.resolve() == path.resolve():
        raise RefusedToStart(f"{target} is the journal itself.", hint="Name another file.")
    if not force:
        raise RefusedToStart(f"{target} exists.", hint="Name another file, or replace it with --force.")
    for beside in ("-wal", "-shm", ".lock"):
        if target.with_name(f"{target.name}{beside}").exists():
            raise RefusedToStart(
                f"{target} looks like a journal that is in use: {target.name}{beside} lies beside it.",
                hint="A journal is never replaced by a copy of another. Name another file.",
            )


def _copy(source: sqlite3.Connection, partial: Path, *, now: datetime, version: str) -> int:
    """Write the copy, mark and check it; return how many expenses it holds."""
    with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
        # Until it has its name a power cut may have it; then it is on disk as a whole.
        copy.execute("PRAGMA synchronous = OFF").fetchall()
        source.backup(copy)
        # One file, which can be read where nothing may be written beside it.
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        facts = {
            "now": now.isoformat(timespec="microseconds"),
            "version": version,
            "pid": os.getpid(),
            "host": os.uname().nodename,
        }
        copy.execute(_SQL["mark"], facts)
        _check(copy)
        (expenses,) = copy.execute(_SQL["expenses"]).fetchone()
        return int(expenses)


def _check(copy: sqlite3.Connection) -> None:
    wanted = {"integrity_check": "ok", "application_id": APPLICATION_ID, "user_version": len(available())}
    for name, value in wanted.items():
        (got,) = copy.execute(f"PRAGMA {name}").fetchone()
        if got != value:
            raise NotWritten(
                f"The copy is not sound: {name} says {got}.",
                hint="Look at the journal itself with: expense-runner journal check --full",
            )


def _remove(partial: Path) -> None:
    for beside in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):
            partial.with_name(f"{partial.name}{beside}").unlink(missing_ok=True)
