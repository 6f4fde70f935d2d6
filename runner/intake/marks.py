"""Which expenses stand in several rows: one number a row, sorted in portions, on disk where they become many."""

import os
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from runner.intake.scratch import no_room

RUN: Final = 200_000
"""Marks that are sorted at once; a list of so many takes some 8 MB."""
MAX_REPEATED: Final = 100_000
"""Repeated marks that are kept; a file with more of them is better off in the scratch table as a whole."""

_BUCKETS: Final = 64
_BOUNDS: Final = [number * (1 << 64) // _BUCKETS - (1 << 63) for number in range(1, _BUCKETS)]
"""Hashes are spread evenly: even ranges of them hold about as many each."""
_SIZE: Final = array("q").itemsize


class Marks:
    """Marks of rows: equal for rows of one expense, and almost never for others (a hash of 64 bits).

    So a mark that stands alone proves that its row stands alone; nothing is concluded from one that does not.
    Every method raises `RefusedToStart` where there is no room for it.
    """

    def __init__(self, folder: Path | None, *, run: int = RUN, limit: int = MAX_REPEATED) -> None:
        self._folder = folder
        self._run = run
        self._limit = limit
        self._file: IO[bytes] | None = None
        self._recent: list[int] = []
        self._runs: list[list[int]] = []
        """Of each run on disk, at which mark of all each of its buckets begins, and its end."""

    def add(self, marks: Iterable[int]) -> None:
        """Note the marks of some rows."""
        self._recent += marks
        if len(self._recent) >= self._run:
            self._store()

    def repeated(self) -> set[int] | None:
        """Return the marks that were noted more than once; None where there are too many of them."""
        found: set[int] = set()
        for bucket in self._buckets():
            bucket.sort()
            if len(set(bucket)) < len(bucket):
                found.update(one for one, next_ in pairwise(bucket) if one == next_)
                if len(found) > self._limit:
                    return None
        return found

    def close(self) -> None:
        """Forget everything."""
        self._recent.clear()
        if self._file is not None:
            # What is still unwritten is not wanted any more, whether there is room for it or not.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _store(self) -> None:
        self._recent.sort()
        start = self._runs[-1][-1] if self._runs else 0
        cuts = [bisect_left(self._recent, bound) for bound in _BOUNDS]
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed in `close`
            self._file.seek(0, os.SEEK_END)
            array("q", self._recent).tofile(self._file)
        except OSError as error:
            raise no_room(error) from None
        self._runs.append([start, *(start + cut for cut in cuts), start + len(self._recent)])
        self._recent.clear()

    def _buckets(self) -> Iterator[list[int]]:
        if self._file is None:
            yield self._recent
            return
        self._store()
        for number in range(_BUCKETS):
            marks = array("q")
            try:
                for cuts in self._runs:
                    self._file.seek(cuts[number] * _SIZE)
                    marks.fromfile(self._file, cuts[number + 1] - cuts[number])
            except OSError as error:
                raise no_room(error) from None
            yield marks.tolist()
