"""One journal, one runner: a lock of the operating system, which cannot go stale."""

import fcntl
import json
import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.errors import JournalLocked, JournalUnusable

_LOOKS, _PAUSE = 50, 0.01
"""How often a holder that has not yet said who it is is looked at again, and the seconds between."""


class Lock:
    """Holds `<journal>.lock` for as long as the process lives or the block lasts.

    The kernel releases it when the process ends, however it ends; the file is never deleted, because deleting
    it would let two processes hold locks on two files of one name.
    """

    def __init__(self, journal: Path, *, now: datetime) -> None:
        self._path = journal.with_name(f"{journal.name}.lock")
        self._now = now
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock or raise `JournalLocked` naming who holds it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnusable(
                f"The journal's lock {self._path} cannot be opened: {error.strerror}.",
                hint="The journal's folder must exist and be writable for this user.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise JournalLocked(
                f"Another run holds this journal: {holder}.",
                hint="Wait for it to end, or stop it with Ctrl-C or SIGTERM; two runs on one journal are never safe.",
            ) from error
        try:
            self._say_who(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise JournalUnusable(
                f"The journal's lock {self._path} cannot be written: {error.strerror}.",
                hint="Look at the disk, make room if it is full, then run the same command again.",
            ) from error
        self._descriptor = descriptor
        return self

    def _say_who(self, descriptor: int) -> None:
        me = {"pid": os.getpid(), "host": os.uname().nodename, "since": self._now.isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(me).encode(), 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        if self._descriptor is not None:
            # Whoever is refused by the next holder shall not be told of this one.
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    for _ in range(_LOOKS):
        try:
            said = json.loads(os.pread(descriptor, 1000, 0))
            return f"process {said['pid']} on {said['host']}, since {said['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            # Whoever has just won the lock says its name a moment later.
            time.sleep(_PAUSE)
    return "a process that has not said which"
