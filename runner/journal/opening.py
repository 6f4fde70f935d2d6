"""Opening a journal: creation, pragmas that are read back, checks after an unclean end."""

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from runner.errors import JournalUnusable
from runner.journal.identity import Identity, found_by, known, loss, require_own_lock_file
from runner.journal.lock import Lock
from runner.journal.migrations import available, migrate, require_released
from runner.journal.store import CLOSE_IT, HELD_BY_OTHERS
from runner.logs import get_log

_PRAGMAS = {
    "journal_mode": ("wal", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "cell_size_check": ("ON", 1),
    "wal_autocheckpoint": ("0", 0),
    "cache_size": ("-32768", -32768),
}


def open_for_writing(path: Path, lock: Lock, *, check: bool = True) -> sqlite3.Connection:
    """Open the journal for its one writer, at the newest schema; what has lost something is marked in the file.

    `path` is resolved, and `lock` held. With `check` the file is examined; after an unclean end it is in any case.
    Raises `JournalUnusable`.
    """
    found = found_by(lock, path)
    _tighten(path)
    if not os.access(path, os.W_OK):
        # SQLite opens it without a word, and refuses the first write only.
        raise _read_only(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    except sqlite3.Error as error:
        raise JournalUnusable(
            f"The journal {path} cannot be opened: {error}.",
            hint="Its folder must exist and be writable for this user; name another with --journal.",
        ) from error
    try:
        _prepare(connection, path, check=check or found.log)
        if not (check or found.log):
            get_log().warning("journal_not_checked", said="--no-check-journal: its file was not examined")
        before = known(connection)
        require_own_lock_file(before, lock, path)
        migrate(connection, path)
        Identity(lock).begin(connection, loss(before, found))
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the journal beside a running writer, without its lock and without changing anything.

    Raises `JournalUnusable` where there is no journal.
    """
    if not path.is_file():
        raise JournalUnusable(
            f"There is no journal at {path}.",
            hint="Name the one you mean with --journal, or start one with: expense-runner run FILE.csv",
        )
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA busy_timeout = 5000").fetchone()
        connection.execute("SELECT count(*) FROM run").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    if version != (newest := len(available())):
        connection.close()
        older = version < newest
        raise JournalUnusable(
            f"{path} has schema {version}, and this version reads schema {newest}.",
            hint="Bring it up to date with: expense-runner run" if older else "Use the newer version that wrote it.",
        )
    try:
        require_released(connection, path)
    except JournalUnusable:
        connection.close()
        raise
    return connection


def open_scratch() -> sqlite3.Connection:
    """Open a journal that lives as long as its connection; what does not fit into memory goes to a temporary file."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, None)
    return connection


def _tighten(path: Path) -> None:
    """Take a journal that was made readable to others away from them, and say so: it holds the expenses' content."""
    for each in (path, *(path.with_name(f"{path.name}{beside}") for beside in ("-wal", "-shm", ".lock"))):
        with suppress(OSError):
            mode = stat.S_IMODE(each.stat().st_mode)
            if mode & 0o077:
                each.chmod(mode & ~0o077)
                get_log().warning(
                    "journal_mode_tightened", file=str(each), was=f"{mode:04o}", now=f"{mode & ~0o077:04o}"
                )


def _prepare(connection: sqlite3.Connection, path: Path, *, check: bool) -> None:
    connection.execute("PRAGMA busy_timeout = 5000").fetchone()
    for name, (wanted, reads) in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {wanted}").fetchall()
        (got,) = connection.execute(f"PRAGMA {name}").fetchone()
        if got != reads:
            raise JournalUnusable(f"The journal {path} does not take the setting {name} = {wanted} (it says {got}).")
    if check:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise JournalUnusable(
                f"The journal {path} is damaged: {answer}.",
                hint="Keep it, put a copy or nothing in its place, and make it whole again with: "
                "expense-runner verify --rebuild FILE…",
            )


def _unusable(path: Path, error: sqlite3.Error) -> JournalUnusable:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_READONLY"):
        return _read_only(path)
    if name.startswith(HELD_BY_OTHERS):
        return JournalUnusable(f"Another program holds the journal {path} ({name}).", hint=CLOSE_IT)
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return _no_journal(path, str(error))
    if "no such table" in str(error):
        return JournalUnusable(
            f"{path} is an SQLite file, but not a journal of expense-runner.",
            hint="Name another file with --journal.",
        )
    return JournalUnusable(
        f"The journal {path} cannot be used: {error}.",
        hint="Look at the disk, make room if it is full, then run the same command again.",
    )


def _no_journal(path: Path, said: str) -> JournalUnusable:
    return JournalUnusable(
        f"{path} is not a journal, or it is damaged: {said}.",
        hint="If it is your journal, keep it, put a copy or nothing in its place, and make it whole again with: "
        "expense-runner verify --rebuild FILE… Else name another file with --journal.",
    )


def _read_only(path: Path) -> JournalUnusable:
    return JournalUnusable(
        f"The journal {path} cannot be written: the file or its folder is read-only.",
        hint="Give this user write access to the journal and its folder.",
    )
