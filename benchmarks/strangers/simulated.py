"""The bundled simulator as a process of its own, and its ledger over HTTP."""

import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environments import NotReadyError

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
ANNOUNCED = "Simulated Codat at "


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulator that listens."""

    url: str

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """Return `{"entries": […], "attachments": […]}`."""
        ledger: dict[str, list[dict[str, Any]]] = self._ask("GET", "ledger")
        return ledger

    def reset(self) -> None:
        """Let it begin anew with an empty ledger."""
        self._ask("POST", "reset")

    def _ask(self, method: str, what: str) -> Any:
        # Not urllib: that would look for a proxy first.
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, f"/_simulator/{what}")
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            raise NotReadyError(f"the simulator cannot be asked for {what}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise NotReadyError(f"the simulator answered {answer.status} to {method} {what}")
        return json.loads(body)


@contextmanager
def simulator(*options: str) -> Iterator[Simulated]:
    """Run `python -m runner simulate` on a free port of loopback while the block runs.

    Raises `NotReadyError` where it does not start.
    """
    # Unbuffered, or the line with the address would stay in the pipe.
    command = [sys.executable, "-u", "-m", "runner", "simulate", "--port", "0", *options]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            line = _first_line(process)
            if not line.startswith(ANNOUNCED):
                process.kill()
                process.wait()
                errors.seek(0)
                raise NotReadyError(f"the simulator did not start: {line}{errors.read()}")
            yield Simulated(line.removeprefix(ANNOUNCED).strip())
        finally:
            _end(process)


def _first_line(process: "subprocess.Popen[str]") -> str:
    if process.stdout is None:
        return ""
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    return process.stdout.readline() if ready else ""


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
