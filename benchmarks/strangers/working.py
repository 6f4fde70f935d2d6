"""Giving a stranger a job in its own process, and getting its report."""

import json
import subprocess
from pathlib import Path
from typing import Any

from environments import Stranger

SYNC_SECONDS = 60
"""How long one sync may take; the simulator's take less than one."""


class StrangerFailedError(Exception):
    """The stranger did not get through its job."""


def work(
    stranger: Stranger,
    python: Path,
    *,
    url: str,
    batches: list[dict[str, Any]],
    threads: int = 1,
    seconds: float,
) -> dict[str, Any]:
    """Let the stranger take the batches to the simulator at a URL and return its report, as `driving` has them.

    Raises `StrangerFailedError` where it ends with an error, or not within that many seconds: its own retries go on
    for an hour.
    """
    job = {
        "url": url,
        "threads": threads,
        "poll_seconds": 0.05,
        "sync_seconds": SYNC_SECONDS,
        "batches": batches,
    }
    try:
        done = subprocess.run(
            [str(python), str(stranger.program)],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            # Nothing of this shell's: no proxies, no PYTHONPATH, no keys.
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        raise StrangerFailedError(f"did not end within {seconds:g} s") from None
    if done.returncode != 0:
        raise StrangerFailedError(f"ended with status {done.returncode}:\n{done.stderr.strip()}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
