"""One journal, one runner: locks of the operating system, which cannot go stale."""

import fcntl
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.errors import JournalFailed, JournalLocked, JournalUnusable
from runner.journal.copying import sync_folder
from runner.journal.lock_file import NUMBER_AT, SIZE, LockFile, digits, lock_file_of
from runner.logs import get_log

_LOOKS, _PAUSE = 50, 0.01
"""How often a holder that has not yet said who it is is looked at again, and the seconds between."""
_BY_INODE: Final = Path("/tmp")  # noqa: S108 - the one folder that all names of a file have in common
_HELD: set[tuple[int, int]] = set()
"""Device and inode of what this process holds: to open and close it once more would drop SQLite's own locks."""

HEADER: Final = b"SQLite format 3"


class Lock:
    """Holds the journal and its lock file for as long as the process lives or the block lasts.

    The kernel releases both when the process ends, however it ends. The lock file names the holder and knows how far
    the journal has come; the database file itself is locked because a second name of it (a hard link, a mount)
    leads to another lock file. Its descriptor is opened before SQLite opens the file, and closed after.
    """

    def __init__(self, journal: Path, *, now: datetime, rebuild: bool = False, brief: bool = False) -> None:
        self._journal = journal
        self._path = lock_file_of(journal)
        self.now = now
        self.rebuild = rebuild
        self._brief = brief
        self._descriptor = -1
        self._file = -1
        self._by_inode = -1
        self._key: tuple[int, int] | None = None
        self._to_force = 2
        self.is_new = False
        """Whether the database file was made for this life."""
        self.found: LockFile | None = None
        """What the lock file said before; None where there was none, or none that could be understood."""
        self._says = LockFile()

    def __enter__(self) -> Self:
        """Take the locks or raise `JournalLocked` naming who holds them; `JournalUnusable` where they cannot be had."""
        try:
            self._open_file()
            self._take_lock_file()
            self._take_file()
            self._say_who()
        except OSError as error:
            self._release()
            raise JournalUnusable(
                f"The journal's lock {self._path} cannot be opened: {error.strerror}.",
                hint="The journal's folder must exist and be writable for this user, and its disk have room.",
            ) from error
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        # Whoever is refused by the next holder shall not be told of this one.
        with suppress(OSError):
            os.pwrite(self._descriptor, self._says.let_go().text(), 0)
        self._release()

    def record(self, journal: str, number: int) -> None:
        """Note the number of a commit that is on disk; raises `JournalFailed`.

        Nothing may leave before it is noted. Only the first two are forced to disk: after a power cut the number may be
        behind, but not at the beginning, which is all that the file without its log would have.
        """
        known = self._says.journal == journal
        self._says = replace(self._says, commit=number, journal=journal)
        try:
            if not os.fstat(self._descriptor).st_nlink:
                self._make_again()
            elif known:
                os.pwrite(self._descriptor, digits(number), NUMBER_AT)
            else:
                os.pwrite(self._descriptor, self._says.text(), 0)
            if self._to_force:
                self._to_force -= 1
                self._force()
        except OSError as error:
            raise JournalFailed(
                f"The journal's lock file {self._path} could not be written: {error.strerror}.",
                hint="Look at the disk and the folder, then run the same command again.",
            ) from error

    def _force(self) -> None:
        os.fsync(self._descriptor)
        sync_folder(self._path.parent)

    def _open_file(self) -> None:
        """Open the database file, if it is there, before anything is made beside it."""
        try:
            found = self._journal.stat()
            if (found.st_dev, found.st_ino) in _HELD:
                raise self._locked()
            self._file = os.open(self._journal, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalUnusable(
                f"The journal {self._journal} cannot be opened: {error.strerror}.",
                hint="It must be readable and writable for this user; name another with --journal.",
            ) from error
        if os.pread(self._file, len(HEADER), 0) not in {b"", HEADER}:
            raise JournalUnusable(
                f"{self._journal} is not a journal, or it is damaged: file is not a database.",
                hint="If it is your journal, keep it, put a copy or nothing in its place, and make it whole again "
                "with: expense-runner verify --rebuild FILE… Else name another file with --journal.",
            )

    def _take_lock_file(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._locked() from None
        self.found = LockFile.parse(os.pread(self._descriptor, SIZE, 0))
        self._says = self.found or LockFile()

    def _take_file(self) -> None:
        if self._file < 0:
            if self._says.journal is not None and not self.rebuild:
                raise JournalUnusable(
                    f"The journal {self._journal} is gone: its lock file knows of {self._says.commit:,} commits.",
                    hint="Put it back, or make it again with: expense-runner verify --rebuild FILE… Only to begin "
                    f"another one, which knows nothing of what was sent, remove {self._path}.",
                )
            # First of all the lock file says something: an empty journal without one has lost what it held.
            self._say_who()
            self._force()
            self._file = os.open(self._journal, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self.is_new = True
            sync_folder(self._journal.parent)
        found = os.fstat(self._file)
        key = (found.st_dev, found.st_ino)
        if share_one_table(self._journal.parent):
            name = _BY_INODE / f"expense-runner-{key[0]}-{key[1]}.lock"
            self._by_inode = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file if self._by_inode < 0 else self._by_inode, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalLocked(
                f"Another run holds {self._journal}, under another name or with a lock file that was deleted since: "
                "nothing says which process it is.",
                hint="Wait for it to end, or stop it with Ctrl-C or SIGTERM. The lock file is never to be deleted.",
            ) from None
        self._key = key
        _HELD.add(key)

    def _say_who(self) -> None:
        since = self.now.isoformat(timespec="seconds")
        self._says = self._says.held_by(os.getpid(), os.uname().nodename, since, brief=self._brief)
        os.pwrite(self._descriptor, self._says.text(), 0)

    def _make_again(self) -> None:
        """Put back a lock file that was deleted meanwhile: the database file is locked all the time."""
        made = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Somebody who is about to be refused has it; the next commit tries again.
            os.close(made)
            return
        os.close(self._descriptor)
        self._descriptor = made
        os.pwrite(made, self._says.text(), 0)
        self._force()
        get_log().warning("lock_file_was_deleted", file=str(self._path), now="made again; it is never to be deleted")

    def _locked(self) -> JournalLocked:
        holder = _holder(self._path)
        said = "a process that has not said which"
        if holder is not None:
            said = f"process {holder.pid} on {holder.host}, since {holder.since}"
        return JournalLocked(
            f"Another run holds this journal: {said}.",
            hint="Wait for it to end, or stop it with Ctrl-C or SIGTERM; two runs on one journal are never safe.",
            brief=holder is not None and bool(holder.brief),
        )

    def _release(self) -> None:
        if self._key is not None:
            _HELD.discard(self._key)
            self._key = None
        for descriptor in (self._by_inode, self._file, self._descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._by_inode = self._file = self._descriptor = -1


def share_one_table(folder: Path) -> bool:
    """Say whether a whole-file lock keeps SQLite's own locks away there, as on the BSDs: then it cannot be held."""
    with tempfile.TemporaryFile(dir=folder) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _holder(path: Path) -> LockFile | None:
    for _ in range(_LOOKS):
        with suppress(OSError):
            said = LockFile.parse(path.read_bytes())
            if said is not None and said.pid is not None:
                return said
        # Whoever has just won the lock says its name a moment later.
        time.sleep(_PAUSE)
    return None
