"""Who holds a journal, by what the holder wrote into its lock: looked at without touching the lock."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import JournalUnusable
from runner.journal.lock_file import LockFile, lock_file_of

_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has said that it holds the journal, and not yet that it let go."""

    pid: int
    host: str
    since: str
    """ISO 8601 in UTC."""

    @property
    def lives(self) -> bool:
        """Whether there is such a process; one on another machine is taken to live."""
        return self.host != os.uname().nodename or _exists(self.pid)


def holder_of(journal: Path) -> Holder | None:
    """Return who holds the journal; None where nobody says so.

    To try the lock would be more certain, and would refuse a run that begins at this moment.
    Raises `JournalUnusable` where the lock cannot be read.
    """
    path = journal.resolve()
    try:
        with lock_file_of(path).open("rb") as file:
            said = file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalUnusable(f"The lock of {journal} cannot be read: {error.strerror}.") from None
    facts = LockFile.parse(said)
    if facts is None or facts.pid is None:
        return None
    return Holder(int(facts.pid), str(facts.host), str(facts.since))


def worker_of(journal: Path) -> Holder | None:
    """Return who is at work on the journal: a holder that lives. Raises as `holder_of` does.

    To be asked before the journal is read: who has ended meanwhile has left its facts there.
    """
    holder = holder_of(journal)
    return holder if holder is not None and holder.lives else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
