"""The bundled simulator as a process of its own: the judge that outlives every client that is killed."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
QUICK = "sync_seconds = [0.01, 0.04]\nlimits = false"
LISTING = f"{QUICK}\nusual_options = true"
"""Companies say what they accept, so that nothing is left to warn of."""
_PATIENCE = 20.0
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


def clean_environment(**values: str) -> dict[str, str]:
    """Return this process's environment without anything that configures the program, and with `values`."""
    dropped = ("CODAT_", "EXPENSE_RUNNER_", "PYTHONDONTWRITEBYTECODE", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONPATH": str(ROOT), **values}


def end_with_parent() -> None:
    """Let the kernel end this process when the one that started it is gone, however that ended."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


@dataclass(frozen=True)
class Ledger:
    """What the simulator's ledger says at one moment."""

    entries: list[dict[str, Any]]
    attachments: list[dict[str, Any]]

    def postings(self, companies: set[str]) -> dict[tuple[str, str], list[Decimal]]:
        """Return the gross amounts of each (company, expense) posted, one for each time."""
        found: dict[tuple[str, str], list[Decimal]] = {}
        for each in self.entries:
            if each["company"] in companies:
                gross = Decimal(each["net"]) + Decimal(each["tax"])
                found.setdefault((each["company"], each["expense"]), []).append(gross)
        return found

    def attached(self, companies: set[str]) -> dict[tuple[str, str, str], int]:
        """Return how often each (company, expense, sha256 of the file) was attached."""
        found: dict[tuple[str, str, str], int] = {}
        for each in self.attachments:
            if each["company"] in companies:
                what = (each["company"], each["expense"], each["sha256"])
                found[what] = found.get(what, 0) + 1
        return found


class Simulator:
    """`python -m runner simulate` on a free port, until the block ends."""

    def __init__(self, folder: Path, *, behaviour: str = QUICK, scenario: str = "", seed: int = 0) -> None:
        self._folder = folder
        file = folder / "scenario.toml"
        file.write_text(f"[behaviour]\n{behaviour}\n{scenario}", encoding="utf-8")
        self._arguments = ["simulate", "--port", "0", "--scenario", str(file), "--seed", str(seed)]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        with (self._folder / "simulator.err").open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runner", *self._arguments],
                cwd=self._folder,
                env=clean_environment(PYTHONUNBUFFERED="1"),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        found = re.search(r"http://\S+", first)
        assert found is not None, f"{first!r} {(self._folder / 'simulator.err').read_text()}"
        self.url = found[0]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()

    def ledger(self) -> Ledger:
        """Return the ledger as it stands."""
        said = self._ask("GET", "ledger")
        return Ledger(said["entries"], said["attachments"])

    def posts(self) -> int:
        """Return how many POSTs reached the service so far."""
        number: int = self._ask("GET", "requests")["posts"]
        return number

    def requests(self, *, method: str | None = None, route: str = "") -> int:
        """Return how many requests there were, lost ones included, of a method and a part of a route."""
        rows = self._ask("GET", "requests")["requests"]
        return sum(
            row["count"] for row in rows if (method is None or row["method"] == method) and route in row["route"]
        )

    def add_faults(self, *faults: dict[str, Any]) -> None:
        """Let things go wrong from now on."""
        self._ask("POST", "faults", list(faults))

    def _ask(self, method: str, what: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/{what}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return json.load(answer)
