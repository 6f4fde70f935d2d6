"""Rows put aside while a file is read to its end: in file order, in a file without a name."""

import marshal
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from runner.domain.ids import CompanyId, ExpenseId
from runner.intake.scratch import no_room


class Chunk(NamedTuple):
    """Rows that most likely stand alone, in file order: one list for each thing that is known of them."""

    lines: Sequence[int]
    companies: Sequence[CompanyId]
    ids: Sequence[ExpenseId]
    """Of their expenses."""
    digests: Sequence[bytes]
    """Of the content, where the id was made of it; blank where the file gave an id."""
    rows: Sequence[list[str]]
    """Their cells: as many as the header has, and a blank one for all columns that it has not."""
    clean: bool
    """Whether no cell has a character that cannot be printed, a quotation mark or a backslash, or is very long."""


class Spill:
    """The rows of one file that need no sorting. Every method raises `RefusedToStart` where there is no room."""

    def __init__(self, folder: Path | None) -> None:
        self._sizes: list[int] = []
        self._file: IO[bytes] = _open(folder)

    def add(self, chunk: Chunk) -> None:
        """Put rows aside."""
        # Only this process reads it, from a file that nobody else can open.
        columns: Any = tuple(chunk)
        content = marshal.dumps(columns)
        try:
            self._file.write(content)
        except OSError as error:
            raise no_room(error) from None
        self._sizes.append(len(content))

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows again, as they were put aside."""
        try:
            self._file.seek(0, os.SEEK_SET)
            for size in self._sizes:
                yield Chunk._make(marshal.loads(self._file.read(size)))  # noqa: S302 - our own
        except OSError as error:
            raise no_room(error) from None

    def close(self) -> None:
        """Forget everything."""
        # What is still unwritten is not wanted any more, whether there is room for it or not.
        with suppress(OSError):
            self._file.close()


def _open(folder: Path | None) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise no_room(error) from None
