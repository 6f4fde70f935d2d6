"""A private scratch table: which rows belong together anywhere in a file of any size, in bounded memory.

Rows go in as they are read and come out in the same order; in between SQLite sorts their keys on disk. The
table lives in a file that has no name any more once it is open, so that not even a killed process leaves it
behind.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Final

from runner.errors import RefusedToStart


class Kind(IntEnum):
    """What a stored row is, and so what its key was made from."""

    UNNAMED = 0
    """A good row without an id; its key is made from its content."""
    NAMED = 1
    """A good row with an id; its key is made from that."""
    WRONG = 2
    """A wrong row; its key is made from its id, and it has none where that cannot be told."""


StoredRow = tuple[int, bytes | None, int, bytes]
"""Line, key, kind, row."""
Repeat = tuple[int, int, int]
"""Line, its position among the rows with its key (from 1), how many of them there are."""

_SETTINGS: Final = (
    # Nothing here outlives the process: no journal, no syncing. The cache bounds the memory.
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA temp_store = FILE",
    "PRAGMA cache_size = -16000",
)
_CREATE: Final = """
CREATE TABLE row (line INTEGER PRIMARY KEY, key BLOB, kind INTEGER NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TABLE suspect (digest BLOB PRIMARY KEY, line INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE repeat (line INTEGER PRIMARY KEY, position INTEGER NOT NULL, total INTEGER NOT NULL) STRICT;
"""
_ADD: Final = "INSERT INTO row (line, key, kind, content) VALUES (?, ?, ?, ?)"
_AT_ONCE: Final = 50
"""Rows that one INSERT takes: every execution of a statement has a price of its own."""
_SUSPECT: Final = "INSERT OR IGNORE INTO suspect (digest, line) VALUES (?, ?)"
_INDEX: Final = "CREATE INDEX row_key ON row (key, line) WHERE key IS NOT NULL"
_FIND_REPEATS: Final = """
INSERT INTO repeat (line, position, total)
SELECT row.line, row_number() OVER (PARTITION BY row.key ORDER BY row.line), often.total
FROM (SELECT key, count(*) AS total FROM row WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1) AS often
CROSS JOIN row ON row.key = often.key
WHERE row.key IS NOT NULL
"""
_ROWS: Final = "SELECT line, key, kind, content FROM row ORDER BY line"
_REPEATS: Final = "SELECT line, position, total FROM repeat ORDER BY line"
_MEMBERS: Final = "SELECT line, key, kind, content FROM row WHERE key = ? ORDER BY line LIMIT ?"
_IS_SUSPECT: Final = "SELECT line FROM suspect WHERE digest = ?"


class Scratch:
    """The scratch table of one file. Not for two threads at once, but for one after the other.

    Every method raises `RefusedToStart` where there is no room for it.
    """

    def __init__(self, folder: Path | None) -> None:
        # SQLite keeps a database without a name in memory until it outgrows the cache, then in an unnamed
        # file.
        name = "" if folder is None else _file_in(folder)
        self._database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                self._database.execute(setting).fetchall()
            self._database.executescript(_CREATE)
            self._database.execute("BEGIN")
        except sqlite3.Error as error:
            self._database.close()
            raise no_room(error) from None
        finally:
            if name:
                Path(name).unlink()
        self.has_suspects = False

    def add(self, rows: Sequence[StoredRow]) -> None:
        """Store rows; lines rise."""
        try:
            for start in range(0, len(rows), _AT_ONCE):
                part = rows[start : start + _AT_ONCE]
                self._database.execute(_ADD + ", (?, ?, ?, ?)" * (len(part) - 1), tuple(chain.from_iterable(part)))
        except sqlite3.Error as error:
            raise no_room(error) from None

    def suspect(self, digests: Iterable[bytes], *, line: int) -> None:
        """Note that the row at this line may be a line of any expense whose id has one of these digests."""
        self.has_suspects = True
        try:
            self._database.executemany(_SUSPECT, [(digest, line) for digest in digests])
        except sqlite3.Error as error:
            raise no_room(error) from None

    def sort(self) -> None:
        """Find out which keys repeat, after the last row was added."""
        try:
            self._database.execute(_INDEX)
            self._database.execute(_FIND_REPEATS)
        except sqlite3.Error as error:
            raise no_room(error) from None

    def rows(self) -> Iterator[StoredRow]:
        """Yield all rows by line."""
        return iter(self._database.execute(_ROWS))

    def repeats(self) -> Iterator[Repeat]:
        """Yield the rows whose key stands in several, by line."""
        return iter(self._database.execute(_REPEATS))

    def members(self, key: bytes, *, limit: int) -> list[StoredRow]:
        """Return the rows with this key by line, at most `limit` of them."""
        return self._database.execute(_MEMBERS, (key, limit)).fetchall()

    def suspected_at(self, digest: bytes) -> int | None:
        """Return the line of a row that may belong to the expense with this digest of its id."""
        found: tuple[int] | None = self._database.execute(_IS_SUSPECT, (digest,)).fetchone()
        return None if found is None else found[0]

    def close(self) -> None:
        """Forget everything."""
        self._database.close()


def _file_in(folder: Path) -> str:
    try:
        descriptor, name = tempfile.mkstemp(prefix=".intake-", suffix=".scratch", dir=folder)
    except OSError as error:
        raise no_room(error) from None
    os.close(descriptor)
    return name


def no_room(error: Exception) -> RefusedToStart:
    """Return what to raise where rows cannot be put aside."""
    return RefusedToStart(
        f"The scratch file that sorts the rows cannot be written: {error}.",
        hint="Reading needs about three times the file's size in temporary space (TMPDIR says where).",
    )
