"""Opening a journal: creation, pragmas that are read back, checks after an unclean end."""

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from runner.errors import JournalUnusable
from runner.journal.copying import sync_folder
from runner.journal.migrations import available, migrate
from runner.logs import get_log

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "afs", "ceph", "fuse.glusterfs"})

_PRAGMAS = {
    "journal_mode": ("wal", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "cell_size_check": ("ON", 1),
    "wal_autocheckpoint": ("0", 0),
    "cache_size": ("-32768", -32768),
}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open or create the journal for its one writer, at the newest schema.

    The caller holds the lock. Raises `JournalUnusable`.
    """
    _refuse_network(path)
    try:
        unclean = _create(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    except (OSError, sqlite3.Error) as error:
        raise JournalUnusable(
            f"The journal {path} cannot be opened: {error}.",
            hint="Its folder must exist and be writable for this user; name another with --journal.",
        ) from error
    if not os.access(path, os.W_OK):
        # SQLite opens it without a word, and refuses the first write only.
        connection.close()
        raise _read_only(path)
    try:
        _prepare(connection, path, unclean=unclean)
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
    return connection


def open_scratch() -> sqlite3.Connection:
    """Open a journal that lives as long as its connection; what does not fit into memory goes to a temporary file."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, None)
    return connection


def _create(path: Path) -> bool:
    """Create the file with mode 0600 if it is absent; say whether an earlier life ended without closing it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if _may_be_journal(path):
            _tighten(path)
        log = path.with_name(f"{path.name}-wal")
        return log.exists() and log.stat().st_size > 0
    sync_folder(path.absolute().parent)
    return False


def require_no_other_file(path: Path) -> None:
    """Raise `JournalUnusable` where a file is named that cannot be a journal, before anything is made beside it."""
    if path.is_file() and os.access(path, os.R_OK) and not _may_be_journal(path):
        raise _no_journal(path, "file is not a database")


def _may_be_journal(path: Path) -> bool:
    """Say whether a file is a database or still empty; of another, named by mistake, nothing may be changed."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(15) in {b"", b"SQLite format 3"}
    return False


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


def _prepare(connection: sqlite3.Connection, path: Path, *, unclean: bool) -> None:
    connection.execute("PRAGMA busy_timeout = 5000").fetchone()
    for name, (wanted, reads) in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {wanted}").fetchall()
        (got,) = connection.execute(f"PRAGMA {name}").fetchone()
        if got != reads:
            raise JournalUnusable(f"The journal {path} does not take the setting {name} = {wanted} (it says {got}).")
    if unclean:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise JournalUnusable(
                f"The journal {path} is damaged: {answer}.",
                hint="Restore a copy of it, or rebuild it with: expense-runner verify --rebuild",
            )
    migrate(connection, path)


def _unusable(path: Path, error: sqlite3.Error) -> JournalUnusable:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_READONLY"):
        return _read_only(path)
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
        hint="Restore a copy of it, or name another file with --journal.",
    )


def _read_only(path: Path) -> JournalUnusable:
    return JournalUnusable(
        f"The journal {path} cannot be written: the file or its folder is read-only.",
        hint="Give this user write access to the journal and its folder.",
    )


def _refuse_network(path: Path) -> None:
    """Refuse a network file system: its locks and fsyncs promise less than exactly-once needs."""
    kind = _file_system(path, _mounts())
    if kind in _NETWORK:
        raise JournalUnusable(
            f"The journal {path} would lie on a network file system ({kind}), where locks cannot be trusted.",
            hint="Put it on a local disk with --journal.",
        )


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _file_system(path: Path, mounts: str) -> str | None:
    """Return the kind of file system that the path lies on, from a text like that of `/proc/mounts`."""
    place = path.absolute().parent.resolve()
    best, kind = -1, None
    for mount in mounts.splitlines():
        _, point, fs, *_ = mount.split(" ")
        folder = Path(point.replace("\\040", " "))
        if place.is_relative_to(folder) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fs
    return kind
