"""A file's bytes, known by their digest before anything is made of them.

A file that is still being written is not read to an end that is none: the end of a half-written file may be half an
amount, and one that grows faster than it is read would never end. So the digest is taken first, of the file as it stood
when it was opened; standard input is put aside for it.
"""

import errno
import hashlib
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from runner.intake.scratch import no_room
from runner.intake.sources import Source

_CHUNK: Final = 1 << 20


class FileChanging(Exception):
    """The file was written while it was read; says how."""


@dataclass(frozen=True, slots=True)
class Digested:
    """What a file's bytes are."""

    sha256: str
    """Hex digits."""
    size: int
    """Bytes."""
    beginnings: dict[int, str] = field(default_factory=dict)
    """The digests of its first bytes, by how many: of as many as were asked for."""


class Settled(io.RawIOBase):
    """A plain file's bytes; reading raises `OSError` where the file changes while it is read.

    What is no plain file (a pipe, a device) is read as it comes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._plain = stat.S_ISREG(self._status().st_mode)
        self._opened = self._size()
        self._read = 0

    def _status(self) -> os.stat_result:
        return os.fstat(self._stream.fileno())

    def _size(self) -> tuple[int, int]:
        status = self._status()
        return status.st_size, status.st_mtime_ns

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end; raises `OSError`."""
        chunk = self._stream.read(size)
        self._read += len(chunk)
        if self._plain and ((now := self._size()) != self._opened or (not chunk and self._read != now[0])):
            said = f"it is being written: {self._opened[0]:,} bytes when it was opened, {now[0]:,} now"
            raise OSError(errno.EBUSY, said)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


def digest_of(source: Source, stream: BinaryIO | None = None, *, beginnings: Collection[int] = ()) -> Digested | None:
    """Return the digest of a file, and of so many of its first bytes; None where it cannot be read at all.

    `stream` is what is read in its place. Raises `FileChanging`.
    """
    try:
        if stream is not None:
            stream.seek(0)
            return _digest(stream, beginnings)
        if source.path is None:
            return None
        with Settled(source.path.open("rb")) as settled:
            return _digest(settled, beginnings)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise FileChanging(error.strerror or "it is being written") from None
        return None


def _digest(stream: BinaryIO | Settled, beginnings: Collection[int]) -> Digested:
    hashing, size = hashlib.sha256(), 0
    wanted = sorted(set(beginnings), reverse=True)
    found: dict[int, str] = {}
    while chunk := stream.read(_CHUNK):
        while wanted and wanted[-1] <= size + len(chunk):
            upto = wanted.pop()
            part = hashing.copy()
            part.update(chunk[: upto - size])
            found[upto] = part.hexdigest()
        hashing.update(chunk)
        size += len(chunk)
    return Digested(hashing.hexdigest(), size, found)


@contextmanager
def spooled(source: Source, stdin: BinaryIO | None = None) -> Iterator[BinaryIO | None]:
    """Give standard input put aside in a file without a name; None for a file, which can be read twice as it is.

    Raises `RefusedToStart` where there is no room for it.
    """
    if source.path is not None:
        yield None
        return
    with tempfile.TemporaryFile(prefix="expense-runner-") as aside:
        try:
            shutil.copyfileobj(stdin or sys.stdin.buffer, aside, _CHUNK)
            aside.flush()
        except OSError as error:
            raise no_room(error) from None
        yield aside
