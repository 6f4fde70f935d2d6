"""A file that grows by a line of JSON for each message."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from runner.delivery.message import Message, NotDelivered


@dataclass(frozen=True, slots=True)
class ToFile:
    """Appends to a file, which is created with mode 0600."""

    path: Path
    name: str = "file"

    @property
    def shown(self) -> str:
        """Where it is."""
        return str(self.path)

    def deliver(self, message: Message) -> None:
        """Append one line, on disk when this returns; raise `NotDelivered`, and then nothing is appended."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(self.path, flags, 0o600)
            try:
                _append(descriptor, message.json + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NotDelivered(f"It could not be written: {error.strerror or error}.") from error


def _append(descriptor: int, line: bytes) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise NotDelivered("It is not a regular file.")
    written = 0
    try:
        written = os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        if written < len(line):
            # Half a line would make the next one unreadable too.
            os.ftruncate(descriptor, found.st_size)
    if written < len(line):
        raise NotDelivered("It could not be written: the disk is full.")
