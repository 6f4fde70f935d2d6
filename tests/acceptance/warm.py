"""Runs of the program forked from a process that has imported it already.

Importing takes half a second, a small run a tenth of that: with it, hundreds of real kills fit into a test
command. What runs is the program's own `main`, in a process, with descriptors and files of its own.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.acceptance.command import Command, Ended
from tests.acceptance.simulated import ROOT, clean_environment

_PR_SET_PTRACER = 0x59616D61
_TRACED = 60.0


@dataclass
class Life:
    """One run that has been forked."""

    pid: int
    out: Path
    err: Path
    gate: Path | None

    def open_gate(self) -> None:
        """Let it begin, now that whoever wants to trace it does."""
        assert self.gate is not None
        self.gate.write_bytes(b"go")

    def kill(self) -> None:
        """End it the way a power cut does; its id is its own until it is waited for."""
        os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        """Say whether it has ended: None if not."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return 0 if state == "Z" else None


class Warm:
    """A process that has imported the program and forks runs of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lives = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.warm"],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(_TRACED)
        self._process.stdout.close()

    def start(self, command: Command, arguments: Sequence[str], *, gated: bool = False) -> Life:
        """Fork one run."""
        self._lives += 1
        out, err = (self._folder / f"{self._lives}.{each}" for each in ("out", "err"))
        # It may die before it has opened them.
        out.touch()
        err.touch()
        gate = None
        if gated:
            gate = self._folder / f"{self._lives}.gate"
            os.mkfifo(gate)
        asked = {
            "argv": list(arguments),
            "env": command.env,
            "cwd": str(command.folder),
            "out": str(out),
            "err": str(err),
            "gate": None if gate is None else str(gate),
        }
        return Life(self._ask(asked)["pid"], out, err, gate)

    def finish(self, life: Life) -> Ended:
        """Wait for a run's end."""
        code = self._ask({"wait": life.pid})["code"]
        return Ended(code, life.out.read_text(), life.err.read_text())

    def run(self, command: Command, *inputs: str | Path, options: Sequence[str] = ()) -> Ended:
        """Run to the end."""
        return self.finish(self.start(command, command.arguments(*inputs, options=options)))

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def serve() -> None:
    """Fork and wait as asked, a line of JSON each, until the input ends."""
    import runner.cli  # noqa: PLC0415 - tests import this module and have no use for the program
    import runner.codat.transport  # noqa: PLC0415

    # Every fork has them then, and none loads them again.
    runner.cli.cli.load_all()

    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                _live(runner.cli.main, asked)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)  # noqa: T201 - its answer


def _live(main: Any, asked: dict[str, Any]) -> None:
    os.setsid()
    signal.alarm(int(_TRACED))
    # Where the kernel restricts tracing to descendants, this one may be traced by its user's processes.
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, -1, 0, 0, 0)
    for path, number in ((asked["out"], 1), (asked["err"], 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    if asked["gate"]:
        Path(asked["gate"]).read_bytes()
    code = 1
    try:
        main(asked["argv"])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
