"""What became of each row of a file: the file read once more, each row looked up in the journal."""

import asyncio
import hashlib
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from runner.domain.row_key import origin_of
from runner.errors import ConfigurationWrong
from runner.intake.codes import MEANINGS
from runner.intake.lines import Line, LineReading, Shape, key_of
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Options
from runner.intake.sources import STDIN, Source
from runner.intake.text import FileFault
from runner.journal.journal import Journal
from runner.journal.results import Asked, InputRead, Stood

PAGE = 500
"""Rows that are looked up together."""
_CHUNK = 1 << 20


class CannotReadAgain(Exception):
    """A file that was read cannot be read once more; says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row and what became of it."""

    line: Line
    stood: Stood
    shape: Shape


@dataclass(frozen=True, slots=True)
class Again:
    """A file that can be read again as it was."""

    read: InputRead
    source: Source
    options: Options
    path: Path
    origin: str


def again(read: InputRead) -> Again:
    """Return how a file is read once more; raises `CannotReadAgain` where it is not what it was."""
    if read.path is None:
        raise CannotReadAgain("it can be read only once" if read.name == STDIN else "it is not known where it lies")
    path = Path(read.path)
    if read.sha256 is None:
        raise CannotReadAgain("it was refused as a whole: correct the file itself and run it again")
    digest = digest_of(path)
    if digest is None:
        raise CannotReadAgain("it is not there any more")
    if digest != read.sha256:
        raise CannotReadAgain("it has changed since it was read")
    try:
        mapping = None if read.mapping is None else read_mappings([read.mapping])
    except ConfigurationWrong as error:
        raise CannotReadAgain(f"its mapping profile cannot be used: {error.message}") from None
    return Again(read, Source(read.name, path), Options(mapping=mapping), path, origin_of(read.sha256))


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file's bytes in hex digits; None where it cannot be read."""
    hashing = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hashing.update(chunk)
    except OSError:
        return None
    return hashing.hexdigest()


async def rows_of(each: Again, journal: Journal) -> AsyncGenerator[Row, None]:
    """Yield every row of a file that is not blank, in order; raises `CannotReadAgain`.

    Memory does not grow with the file.
    """
    wrong = _Lines(await journal.results.wrong_lines(each.read.number))
    with LineReading(each.source, each.options, wrong=wrong) as reading:
        lines = reading.lines()
        while page := _page(lines):
            # The journal answers without waiting: only here can the reading be interrupted.
            await asyncio.sleep(0)
            stood = await journal.results.look_up(each.read.number, [_asked(line, each.origin) for line in page])
            shape = reading.shape
            if shape is None:
                raise RuntimeError("a file with rows has a shape")
            for line, found in zip(page, stood, strict=True):
                yield Row(line, found, shape)


def _page(lines: Iterator[Line]) -> list[Line]:
    try:
        return list(islice(lines, PAGE))
    except FileFault as fault:
        raise CannotReadAgain(MEANINGS.get(fault.fault.code, str(fault.fault.code))) from None


def _asked(line: Line, origin: str) -> Asked:
    key = key_of(line)
    if key is None:
        return Asked(origin, line.line, line.line, line.company_id, line.expense_id)
    return Asked(key.origin, key.line, line.line, line.company_id, line.expense_id)


class _Lines:
    """Lines that rise, to be asked for one by one."""

    def __init__(self, lines: Sequence[int]) -> None:
        self._lines = lines

    def __contains__(self, line: object) -> bool:
        if not isinstance(line, int):
            return False
        place = bisect_left(self._lines, line)
        return place < len(self._lines) and self._lines[place] == line
