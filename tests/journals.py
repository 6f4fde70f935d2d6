"""A new journal to be filled at once, past its verbs."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from runner.journal.lock import Lock
from runner.journal.opening import open_for_writing


def new_journal(path: Path) -> sqlite3.Connection:
    """Return the connection of a writer that goes on without its lock: nobody else knows the file."""
    path = path.resolve()
    with Lock(path, now=datetime(2026, 1, 5, tzinfo=UTC)) as lock:
        return open_for_writing(path, lock)
