"""The one way to copy a journal: all of one moment, beside a run that may be writing it."""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from runner.errors import NotWritten

T = TypeVar("T")

_PAGES: Final = 4_000
"""Pages copied between two moments in which the process can be interrupted."""


def fill(copy: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """Copy everything into an open database, which needs no file beside it afterwards."""
    # Whoever wants the copy on disk says so at the end, of the whole.
    for setting in ("synchronous = OFF", "locking_mode = EXCLUSIVE", "journal_mode = MEMORY"):
        copy.execute(f"PRAGMA {setting}").fetchall()
    # One read transaction over all steps: otherwise every commit of a run would make the copy begin again.
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    source.backup(copy, pages=_PAGES, progress=lambda *_: None, sleep=0.0)
    source.execute("COMMIT")
    # What was copied is in WAL mode, which needs a name and files beside it.
    copy.execute("PRAGMA journal_mode = MEMORY").fetchall()


def write_copy(source: sqlite3.Connection, target: Path, *, finish: Callable[[sqlite3.Connection], T]) -> T:
    """Copy into a file of mode 0600 that is whole and on disk when it gets its name, or never gets it.

    `finish` has a last word on the copy, and its result is returned. Raises `NotWritten` where the copy is not
    sound, `OSError` and `sqlite3.Error` where it cannot be written.
    """
    folder = target.absolute().parent
    # mkstemp makes it with mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=folder)
    partial = Path(name)
    try:
        with closing(os.fdopen(descriptor, "rb")) as file:
            with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
                fill(copy, source)
                result = finish(copy)
                _require_sound(copy)
            os.fsync(file.fileno())
        partial.rename(target)
        sync_folder(folder)
    finally:
        for beside in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                partial.with_name(f"{partial.name}{beside}").unlink(missing_ok=True)
    return result


def _require_sound(copy: sqlite3.Connection) -> None:
    (answer,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise NotWritten(
            f"The copy is not sound: {answer}.",
            hint="Look at the journal itself with: expense-runner journal check --full",
        )


def sync_folder(folder: Path) -> None:
    """Make a rename or creation in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
