"""A file as it stood when it was opened: one that is still being written is not read to an end that is none.

The end of a half-written file may be half an amount; and one that grows faster than it is read would never end.
"""

import errno
import io
import os
import stat
from typing import BinaryIO


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
