"""Death and disk errors at the n-th system call of a run, by `strace -e inject`."""

import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

from tests.acceptance.command import look_until
from tests.acceptance.warm import Life

WRITES = ("pwrite64", "fdatasync", "fsync", "ftruncate")
WIRE = ("sendto", "recvfrom")


@cache
def why_not() -> str | None:
    """Say why nothing can be traced here; None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()[:200]}"


class Trace:
    """strace on a life that waits at its gate; the gate opens once it is attached."""

    def __init__(self, life: Life, *options: str, log: Path) -> None:
        self._said = log.with_suffix(".strace")
        with self._said.open("wb") as errors:
            self._process = subprocess.Popen(
                ["strace", "-f", "-qq", "-o", str(log), *options, "-p", str(life.pid)], stderr=errors
            )
        attached = look_until(lambda: _traced(life.pid), process=self._process)
        assert attached, self._said.read_text()
        life.open_gate()

    def wait(self) -> None:
        """Wait until nothing is left to trace."""
        self._process.wait(60)


def _traced(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0\n" not in status


def census(log: Path) -> Counter[str]:
    """Count a traced run's system calls, for each the most that one of its threads made: strace counts so too."""
    by_thread: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        thread, _, rest = line.partition(" ")
        name, bracket, _ = rest.strip().partition("(")
        if bracket and name.isidentifier():
            by_thread[name, thread] += 1
    found: Counter[str] = Counter()
    for (name, _), count in by_thread.items():
        found[name] = max(found[name], count)
    return found


def spread(counts: Counter[str], calls: tuple[str, ...], number: int) -> list[tuple[str, int]]:
    """Choose about `number` (call, n) evenly among all that a run makes."""
    every = [(call, n) for call in calls for n in range(1, counts[call] + 1)]
    if len(every) <= number:
        return every
    return [every[index * len(every) // number] for index in range(number)]
