"""The rows of files as the user wrote them: some at a time, compressed."""

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

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
