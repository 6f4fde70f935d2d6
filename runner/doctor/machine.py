"""The machine: versions, optional parts, and room on the disk."""

import platform
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from runner import __version__
from runner.doctor.findings import Finding, problem, warning, well
from runner.errors import ExitCode
from runner.journal import sqlite

EXTRAS: Final = {"xlsx": "openpyxl", "webhooks": "standardwebhooks"}
"""The name of each optional part, and the package that it brings."""
LITTLE: Final = 1_000_000_000
NOTHING: Final = 100_000_000
"""Bytes."""


def versions() -> Sequence[Finding]:
    """Say which versions are at work."""
    said = f"expense-runner {__version__}, Python {platform.python_version()}, SQLite {sqlite.VERSION}."
    if not sqlite.IS_NEW_ENOUGH:
        return [problem("versions", said, "Use a Python with SQLite 3.37 or later.", ExitCode.REFUSED)]
    return [well("versions", said)]


def extras() -> Sequence[Finding]:
    """Say which optional parts are installed."""
    here = [name for name, package in EXTRAS.items() if find_spec(package) is not None]
    absent = [name for name in EXTRAS if name not in here]
    return [well("extras", f"Installed: {', '.join(here) or 'none'}. Not installed: {', '.join(absent) or 'none'}.")]


def disk(journal: Path) -> Sequence[Finding]:
    """Say how much room the journal has."""
    folder = journal.resolve().parent
    if not folder.is_dir():
        return [problem("disk", f"There is no folder {folder} for the journal.", f"mkdir {folder}", ExitCode.REFUSED)]
    free = shutil.disk_usage(folder).free
    size = journal.stat().st_size if journal.exists() else 0
    said = f"{free / 1_000_000_000:,.1f} GB free in {folder}."
    if free < NOTHING:
        return [problem("disk", said, "Make room before anything is sent.", ExitCode.REFUSED)]
    if free < max(LITTLE, size):
        return [warning("disk", said, "Make room: the journal grows with every file.")]
    return [well("disk", said)]
