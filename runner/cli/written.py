"""Files that grow while rows are found, and get their names only when all is there: mode 0600, whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from runner.errors import NotWritten

_TOGETHER: Final = 8 << 20
"""Bytes that may wait in memory, over all files."""
_HINT: Final = "Nothing else has changed. Make room, or name another place, then give the same command again."


class Growing:
    """Files beside one that is named, any number: none stays open, because there may be one for each company.

    Raises `NotWritten` where the disk is full or the folder may not be written.
    """

    def __init__(self, beside: Path) -> None:
        self._folder = beside.absolute().parent
        self._partial: dict[object, Path] = {}
        self._waiting: dict[object, list[bytes]] = {}
        self._size = 0

    def add(self, which: object, content: bytes) -> None:
        """Put content behind that of one file."""
        self._waiting.setdefault(which, []).append(content)
        self._size += len(content)
        if self._size > _TOGETHER:
            self._flush()

    def finish(self, names: Mapping[Any, Path]) -> None:
        """Give every file its name, what was there before being replaced."""
        self._flush()
        try:
            for which, path in names.items():
                with self._partial[which].open("rb") as file:
                    os.fsync(file.fileno())
                self._partial.pop(which).rename(path)
            descriptor = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _not_written(self._folder, error) from error

    def content(self, which: object) -> Path:
        """Return the file that holds all of one file so far."""
        self._flush()
        return self._partial[which]

    def close(self) -> None:
        """Remove what got no name."""
        for path in self._partial.values():
            with suppress(OSError):
                path.unlink()

    def _flush(self) -> None:
        try:
            for which, parts in self._waiting.items():
                with self._open(which) as file:
                    file.writelines(parts)
        except OSError as error:
            raise _not_written(self._folder, error) from error
        self._waiting.clear()
        self._size = 0

    def _open(self, which: object) -> BinaryIO:
        if which in self._partial:
            return self._partial[which].open("ab")
        descriptor, name = tempfile.mkstemp(prefix=".expense-runner.", suffix=".partial", dir=self._folder)
        self._partial[which] = Path(name)
        return os.fdopen(descriptor, "wb")


def _not_written(folder: Path, error: OSError) -> NotWritten:
    return NotWritten(f"No file could be written to {folder}: {error.strerror}.", hint=_HINT)
