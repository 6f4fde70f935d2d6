"""A copy of the journal beside a run that may be at work: whole, verified and marked, or not there at all."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.errors import NotWritten, RefusedToStart
from runner.journal.copying import write_copy
from runner.journal.migrations import available
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
        try:
            expenses = write_copy(source, target, finish=lambda copy: _mark(copy, now=now, version=version))
            size = target.stat().st_size
        except (OSError, sqlite3.Error) as error:
            raise NotWritten(
                f"The copy could not be written to {target}: {getattr(error, 'strerror', None) or error}.",
                hint="The journal is untouched. Make room, or name a file elsewhere, then give the same command again.",
            ) from error
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


def _mark(copy: sqlite3.Connection, *, now: datetime, version: str) -> int:
    """Mark the copy as one; return how many expenses it holds."""
    facts = {
        "now": now.isoformat(timespec="microseconds"),
        "version": version,
        "pid": os.getpid(),
        "host": os.uname().nodename,
    }
    copy.execute(_SQL["lives_lost"], facts)
    made = f"{now:%Y-%m-%d %H:%M} UTC by expense-runner {version} on {os.uname().nodename}"
    copy.execute(_SQL["mark"], {"reason": f"This journal is a copy, made {made}."})
    (expenses,) = copy.execute(_SQL["expenses"]).fetchone()
    return int(expenses)
