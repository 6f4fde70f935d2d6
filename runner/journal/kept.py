"""The rows of files as the user wrote them: some at a time, compressed."""

import zlib
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final, NamedTuple

import msgspec

from runner.domain.ids import InputNo
from runner.journal.statements import load

_SQL = load("kept")

TOGETHER: Final = 256
"""Rows that are compressed together: fewer take more room, more take longer to find one."""


class KeptRow(NamedTuple):
    """One row."""

    line: int
    cells: list[str]
    """The user's own, as written."""
    skipped: str | None = None
    """The rule of the mapping profile that skips it, by file and line."""
    company_id: str | None = None
    own_id: str = ""
    """The text of its id, blank where it has none."""
    damaged_key: str = ""
    """The `_row_key` of a row that came back with one that cannot be read."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[KeptRow]).decode


def pack(rows: Sequence[KeptRow]) -> bytes:
    """Return rows as the journal keeps them."""
    return zlib.compress(_encode(rows), 6)


def unpack(body: bytes) -> list[KeptRow]:
    """Return the rows that `pack` was given."""
    return _decode(zlib.decompress(body))


class KeptRows:
    """Single rows as the user wrote them; the last group that was opened stays open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[str, tuple[bytes, dict[int, KeptRow]]] = {}

    def of(self, number: InputNo, line: int) -> KeptRow | None:
        """Return a row of an earlier reading; None where they are not kept any more."""
        return self._find("of", {"input": number, "line": line})

    def here(self, line: int) -> KeptRow | None:
        """Return a row of the file that is about to come in."""
        return self._find("here", {"line": line})

    def _find(self, statement: str, values: dict[str, int]) -> KeptRow | None:
        found = self._connection.execute(_SQL[statement], values).fetchone()
        if found is None:
            return None
        if statement not in self._open or self._open[statement][0] != found[0]:
            self._open[statement] = found[0], {row.line: row for row in unpack(found[0])}
        return self._open[statement][1].get(values["line"])
