"""The rows of a workbook (XLSX), as texts: with the extra `xlsx`; another process reads them."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, BinaryIO, Final

import msgspec

from runner.errors import ConfigurationWrong
from runner.intake.mapping.archive import unreadable
from runner.intake.mapping.finding import (
    MAX_TITLE_ROWS,
    Candidate,
    better,
    given_names,
    look_at,
    not_found,
    require_names,
)
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.sheet import MEMORY, READING, Answer, Ended, Opened, Rows
from runner.intake.text import FileFault

SUFFIXES: Final = (".xlsx", ".xlsm")
CHUNK: Final = 1 << 20
_KEPT: Final = frozenset({"PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "LANG", "LC_ALL"})
_TOO_MUCH: Final = (
    f"a workbook that can be read in {MEMORY >> 20} MB of memory and {READING} seconds; save the sheet as CSV UTF-8"
)


def is_workbook(path: Path | None) -> bool:
    """Say whether a file is named as a workbook."""
    return path is not None and path.suffix.lower() in SUFFIXES


class WorkbookTable:
    """The rows of one sheet; texts are what a CSV file of it would have, dates year first."""

    delimiter = ""
    encoding = "xlsx"

    def __init__(self, stream: BinaryIO, profile: Profile) -> None:
        self._stream = stream
        self._profile = profile
        self._sheet = Sheet(stream, sheet=profile.sheet, decimal=profile.amounts.style.decimal)
        self.sha256: str | None = None

    @property
    def unread_sheets(self) -> tuple[str, ...]:
        """The names of the sheets that are not read."""
        return self._sheet.unread

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield the header and each row that is not blank, with its number; raise `FileFault`.

        Raises `ConfigurationWrong` where the extra is not installed.
        """
        rows = self._sheet.rows()
        best: Candidate | None = None
        for cells, number in rows:
            if self._profile.columns:
                given = given_names(self._profile, cells)
                yield from [(cells, number)] if given is None else [(given, 0), (cells, number)]
                best = Candidate(cells, number - 1, "", ())
                break
            found = look_at(self._profile, cells, row=number - 1, delimiter="")
            best = better(best, found)
            if not found.missing:
                require_names(self._profile, cells, line=number)
                yield cells + [""] * (self._profile.reach - len(cells)), number
                break
            if number >= MAX_TITLE_ROWS:
                break
        if best is None or best.missing:
            raise FileFault(not_found(self._profile, best), line=1 if best is None else best.row + 1)
        yield from rows
        self.sha256 = _digest(self._stream)


class Sheet:
    """The rows of a sheet (the first one if none is named), as a process of its own reads them."""

    def __init__(self, stream: BinaryIO, *, sheet: str | None, decimal: str) -> None:
        self._stream = stream
        self._named = sheet
        self._decimal = decimal
        self.unread: tuple[str, ...] = ()
        """The names of the other sheets; known with the first row."""

    def rows(self) -> Generator[tuple[list[str], int], None, None]:
        """Yield the rows that are not blank, with their numbers.

        Raises `FileFault`, and `ConfigurationWrong` where the extra is not installed.
        """
        if find_spec("openpyxl") is None:
            raise _not_installed()
        decode = msgspec.json.Decoder(Answer).decode
        line = 1
        with _child(self._stream, self._named, self._decimal) as said:
            for text in said:
                match decode(text):
                    case Opened(unread):
                        self.unread = tuple(unread)
                    case Rows(rows):
                        for line, cells in rows:
                            yield cells, line
                    case Ended(fault, at):
                        if fault is not None:
                            raise FileFault(fault, line=at)
                        return
        raise FileFault(unreadable(_TOO_MUCH), line=line)


@contextmanager
def _child(stream: BinaryIO, sheet: str | None, decimal: str) -> Iterator[IO[bytes]]:
    """Give what the process that reads a sheet says; it ends at the latest with the block."""
    stream.seek(0)
    code = f"from runner.intake.mapping.sheet import main; main({sheet!r}, {decimal!r})"
    # Neither the environment, in which keys may stand, nor the terminal, whose signals are for the run.
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    paths = os.pathsep.join(os.path.abspath(each) for each in sys.path)  # noqa: PTH100 -- '' is the current folder
    with subprocess.Popen(  # noqa: S603 -- this program itself
        [sys.executable, "-P", "-c", code],
        stdin=stream,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**kept, "PYTHONPATH": paths},
        start_new_session=True,
    ) as process:
        try:
            yield process.stdout  # type: ignore[misc] # a pipe
        finally:
            process.kill()


def _not_installed() -> ConfigurationWrong:
    return ConfigurationWrong(
        "Workbooks (XLSX) are read with the extra xlsx, which is not installed.",
        hint="Install it with: pip install 'expense-runner[xlsx]', or save the sheet as CSV UTF-8.",
    )


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    hashing = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hashing.update(chunk)
    return hashing.hexdigest()
