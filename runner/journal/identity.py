"""A journal knows what it is: its id, the number of its last durable commit, and whether it is open.

The lock file keeps the id and the number as well. A file that is behind its lock file, or was left open and has lost
its log, is not the whole journal: it is marked, and nothing is sent from it before `verify --rebuild` has ended.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from runner.errors import JournalUnusable
from runner.journal.lock import Lock
from runner.journal.lock_file import LockFile, lock_file_of
from runner.journal.statements import load
from runner.journal.store import Pending, apply, checkpoint
from runner.logs import get_log

_SQL = load("identity")

_OLDER: Final = "It was moved without its -wal file, cut, damaged, or an older copy was put in its place."


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of itself."""

    journal: str
    commits: int
    open_run: int | None
    """The run that has it open, or had, if it did not end cleanly."""
    lost: str | None
    """Why it is not to be trusted before a rebuild has ended."""


@dataclass(frozen=True, slots=True)
class Found:
    """How the files lay there before SQLite opened them."""

    existed: bool
    """Whether there was a database file."""
    log: bool
    """Whether there was a -wal file with anything in it."""
    lock_file: LockFile | None
    """What it said; None where there was none."""

    @property
    def commit(self) -> int:
        """The commit that the lock file knows of."""
        return 0 if self.lock_file is None else self.lock_file.commit

    @property
    def journal(self) -> str | None:
        """The id that the lock file knows."""
        return None if self.lock_file is None else self.lock_file.journal


def known(connection: Connection) -> Known | None:
    """Return what the database says of itself; None where it has no schema."""
    (made,) = connection.execute(_SQL["is_made"]).fetchone()
    return Known(*connection.execute(_SQL["known"]).fetchone()) if made else None


def loss(facts: Known | None, found: Found) -> str | None:
    """Return what a journal has lost, as a sentence; None where it is whole as far as can be proved."""
    if facts is None:
        return _loss_of_all(found)
    if found.journal not in {None, facts.journal}:
        return "This journal was put in the place of another one, to which the lock file belongs."
    if facts.commits < found.commit:
        return f"This journal has {facts.commits:,} commits, and its lock file knows of {found.commit:,}. {_OLDER}"
    return None if facts.open_run is None else _loss_of_open(facts, found)


def _loss_of_open(facts: Known, found: Found) -> str | None:
    said = f"This journal was left open by run {facts.open_run}"
    if found.journal is None:
        # A copy of a journal in use looks like this: it may be older than reality, however whole it is.
        return f"{said}, and its lock file is gone: it was moved or copied without it, and nothing proves it whole."
    # The last commit may have been made, and the life have ended before the lock file was told.
    if not found.log and facts.commits - found.commit not in {0, 1}:
        return f"{said}, and its -wal file is gone. {_OLDER}"
    return None


def require_own_lock_file(facts: Known | None, lock: Lock, path: Path) -> None:
    """Raise `JournalUnusable` where another journal, closed in order, was put in the place of the lock file's own."""
    if facts is None or lock.found is None or lock.found.journal in {None, facts.journal}:
        return
    if facts.open_run is None and not lock.rebuild:
        raise JournalUnusable(
            f"{lock_file_of(path)} belongs to another journal: {path} was put in the place of that one.",
            hint="Put the right one back, or rebuild this one: expense-runner verify --rebuild FILE… Only where it was "
            "moved here on purpose, after a clean end, remove the lock file and run again.",
        )


def _loss_of_all(found: Found) -> str | None:
    if found.journal is not None:
        return f"There was nothing in this file, and its lock file knows of {found.commit:,} commits. {_OLDER}"
    if found.existed and found.lock_file is None:
        return f"There was nothing in this file when it was first opened. {_OLDER}"
    # A life was cut off while it made the journal: nothing was sent from it yet.
    return None


class Identity:
    """Counts the durable commits of an open journal, and tells its lock file of each."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def count(self, connection: Connection) -> tuple[str, int, int]:
        """Give the commit that is about to be made its number, within it."""
        numbered: tuple[str, int, int] = connection.execute(_SQL["count"]).fetchone()
        return numbered

    def keep(self, numbered: tuple[str, int, int]) -> None:
        """Tell the lock file of a commit that is on disk; raises `JournalFailed`."""
        journal, number, whole = numbered
        if whole:
            self._lock.record(journal, number)

    def begin(self, connection: Connection, lost: str | None) -> None:
        """Mark a journal that has lost something, before anything else; then say in the file that it is open."""
        if lost is not None:
            now = self._lock.now.isoformat(timespec="microseconds")
            self._write(connection, "lives_lost", "mark", reason=lost, commit=self._known.commit, now=now)
        self._write(connection, "open")
        if not checkpoint(connection, mode="TRUNCATE"):
            # The lock file's number stands for it meanwhile.
            get_log().warning("journal_read_meanwhile", said="that it is open stands in its log alone")

    def end(self, connection: Connection) -> None:
        """Say in the file that it was closed; to be folded into it afterwards."""
        self._write(connection, "close")

    @property
    def _known(self) -> LockFile:
        return self._lock.found or LockFile()

    def _write(self, connection: Connection, *statements: str, **values: object) -> None:
        """Run statements in one durable commit: what is marked in it is not told to the lock file."""

        def operation(opened: Connection) -> None:
            for statement in statements:
                opened.execute(_SQL[statement], values)

        pending = Pending(operation)
        apply(connection, [pending], self)
        if pending.error is not None:
            raise pending.error


def found_by(lock: Lock, path: Path) -> Found:
    """Say how the files lay there, before SQLite opens them: it removes a log that it has taken in."""
    return Found(not lock.is_new, has_log(path), lock.found)


def has_log(path: Path) -> bool:
    """Say whether a life ended, or goes on, without having folded its log into the file."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def doubt_of(connection: Connection, path: Path, *, log: bool) -> str | None:
    """Say why a journal that nobody holds is not to be trusted, for whoever reads it; None where nothing is known."""
    facts = known(connection)
    if facts is not None and facts.lost is not None:
        return facts.lost
    said: LockFile | None = None
    with suppress(OSError):
        said = LockFile.parse(lock_file_of(path).read_bytes())
    return loss(facts, Found(existed=True, log=log, lock_file=said))
