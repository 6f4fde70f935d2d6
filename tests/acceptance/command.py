"""The command as a user starts it: a process with arguments, an environment, two streams and an exit code."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.acceptance.simulated import clean_environment

KEY = "acceptance-Key-5d1f77f0"
QUICK = ("--poll-interval", "0.05", "--max-rpm", "0")
KEYS = {"exit_code", "outcomes", "expenses", "receipts", "requests", "seconds", "resume"}
_PATIENCE = 120.0
_LOOKS = 3000


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    """Negative for a signal."""
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The last line of stdout as JSON."""
        value: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return value

    def expect(self, code: int) -> "Ended":
        """Assert the exit code, and that a person can read what was said."""
        assert self.code == code, f"exit {self.code} instead of {code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        assert "Traceback" not in self.out, self.out
        return self


@dataclass(frozen=True)
class Command:
    """`expense-runner` with one journal and one Codat."""

    folder: Path
    url: str
    options: tuple[str, ...] = QUICK
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    @property
    def env(self) -> dict[str, str]:
        own = {"CODAT_API_KEY": KEY, "CODAT_BASE_URL": self.url, "EXPENSE_RUNNER_JOURNAL": str(self.journal)}
        return clean_environment(**{**own, **self.environment})

    def arguments(self, *inputs: str | Path, options: Sequence[str] = ()) -> list[str]:
        """Return the arguments of a run."""
        return ["run", "--json", *self.options, *options, *map(str, inputs)]

    def run(self, *inputs: str | Path, options: Sequence[str] = (), **how: Any) -> Ended:
        """Run to the end."""
        return self.call(*self.arguments(*inputs, options=options), **how)

    def call(self, *arguments: str, **how: Any) -> Ended:
        """Call any command and wait for its end."""
        return finish(self.start(arguments, **how))

    def start_run(self, *inputs: str | Path, options: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Start a run and return at once."""
        return self.start(self.arguments(*inputs, options=options))

    def start(self, arguments: Sequence[str], **how: Any) -> "subprocess.Popen[bytes]":
        """Start any command and return at once."""
        return start(arguments, folder=self.folder, env=self.env, **how)

    def attempts(self) -> list[tuple[str, str | None]]:
        """Return kind and outcome of every attempt in the journal."""
        return self.query("SELECT kind, outcome FROM attempt ORDER BY attempt_no")

    def query(self, statement: str) -> list[Any]:
        """Ask the journal's file, beside whoever writes it."""
        with closing(sqlite3.connect(f"{self.journal.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(statement).fetchall()


def start(
    arguments: Sequence[str],
    *,
    folder: Path,
    env: dict[str, str],
    program: Sequence[str] = (sys.executable, "-m", "runner"),
    stdin: int = subprocess.DEVNULL,
    **how: Any,
) -> "subprocess.Popen[bytes]":
    """Start the program in a session of its own, so that a signal meets it alone."""
    return subprocess.Popen(
        [*program, *arguments],
        cwd=folder,
        env=env,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **how,
    )


def finish(
    process: "subprocess.Popen[bytes]", *, given: bytes | None = None, patience: float | None = _PATIENCE
) -> Ended:
    """Wait for the end; one that never comes is a failure."""
    try:
        out, err = process.communicate(given, timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it never ended\n{out.decode()}\n{err.decode()}") from None
    return Ended(process.returncode, out.decode(), err.decode())


def kill(process: "subprocess.Popen[bytes]") -> Ended:
    """End a process the way a power cut does."""
    process.send_signal(signal.SIGKILL)
    return finish(process)


class Process(Protocol):
    """Something that ends."""

    def poll(self) -> int | None:
        """Return None for as long as it lives."""
        ...


def look_until(fact: Callable[[], bool], *, process: Process | None = None) -> bool:
    """Look again and again until a fact holds; False where the process ended before it did."""
    for _ in range(_LOOKS):
        if fact():
            return True
        if process is not None and process.poll() is not None:
            return False
        time.sleep(0.01)
    raise AssertionError("what was waited for never came to be")
