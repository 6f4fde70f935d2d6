"""What a journal's lock file says: which journal it belongs to, how far that has come, and who holds it.

The file is never deleted and never truncated, and has one size: a number is written over a number.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

SIZE: Final = 512
NUMBER_AT: Final = len(b'{"commit": "')
"""Where the number stands: it is written over after every durable commit."""

_DIGITS: Final = 20
_KNOWN: Final = ("journal", "pid", "host", "since", "brief")


def lock_file_of(journal: Path) -> Path:
    """Return where a journal's lock file is; the path must be resolved."""
    return journal.with_name(f"{journal.name}.lock")


def digits(number: int) -> bytes:
    """Return a commit's number as it stands in the file."""
    return f"{number:0{_DIGITS}d}".encode()


@dataclass(frozen=True, slots=True)
class LockFile:
    """The facts of a lock file."""

    commit: int = 0
    """Number of the last durable commit that it was told of: it may be behind, never ahead."""
    journal: str | None = None
    """Id of the journal; None until there is one."""
    pid: int | None = None
    host: str | None = None
    since: str | None = None
    """ISO 8601 in UTC; None, like the two above, where nobody holds it."""
    brief: bool | None = None
    """Whether it is held for a moment only, to write down what notices told."""

    @classmethod
    def parse(cls, said: bytes) -> "LockFile | None":
        """Return what a file says; None where it cannot be understood."""
        with suppress(ValueError, TypeError, AttributeError, RecursionError):
            facts: dict[str, Any] = json.loads(said)
            known = {name: facts.get(name) for name in _KNOWN}
            return cls(int(facts.get("commit", 0)), **known)
        return None

    def held_by(self, pid: int, host: str, since: str, *, brief: bool = False) -> "LockFile":
        """Return what the file says while somebody holds it."""
        return replace(self, pid=pid, host=host, since=since, brief=brief or None)

    def let_go(self) -> "LockFile":
        """Return what the file says when nobody holds it any more."""
        return replace(self, pid=None, host=None, since=None, brief=None)

    def text(self) -> bytes:
        """Return the whole file."""
        facts = {"commit": digits(self.commit).decode(), **{name: getattr(self, name) for name in _KNOWN}}
        return json.dumps(facts).encode().ljust(SIZE - 1) + b"\n"
