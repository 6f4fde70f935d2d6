"""The rows of a workbook (XLSX), as texts: with the extra `xlsx`, in bounded memory."""

import hashlib
import importlib
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

from runner.errors import ConfigurationWrong
from runner.intake.codes import Code, Fault, cut
from runner.intake.mapping.finding import MAX_TITLE_ROWS, Candidate, better, look_at, not_found
from runner.intake.mapping.profile import Profile
from runner.intake.text import MAX_ROW, FileFault

SUFFIXES: Final = (".xlsx", ".xlsm")
MAX_UNPACKED: Final = 2 * 1024**3
MAX_STRINGS: Final = 256 * 1024**2
"""Bytes of the workbook's shared texts, the one part that must be held in memory."""
MAX_PARTS: Final = 10_000
CHUNK: Final = 1 << 20


def is_workbook(path: Path | None) -> bool:
    """Say whether a file is named as a workbook."""
    return path is not None and path.suffix.lower() in SUFFIXES


class WorkbookTable:
    """The rows of one sheet; texts are what a CSV file of it would have, dates year first."""

    delimiter = ""

    def __init__(self, stream: BinaryIO, profile: Profile) -> None:
        self._stream = stream
        self._profile = profile
        self.sha256: str | None = None

    def rows(self) -> Iterator[tuple[list[str], int]]:
        """Yield the header and each row that is not blank, with its number; raise `FileFault`.

        Raises `ConfigurationWrong` where the extra is not installed.
        """
        rows = read_sheet(self._stream, sheet=self._profile.sheet, decimal=self._profile.amounts.style.decimal)
        best: Candidate | None = None
        for cells, number in rows:
            found = look_at(self._profile, cells, row=number - 1, delimiter="")
            best = better(best, found)
            if not found.missing:
                yield cells, number
                break
            if number >= MAX_TITLE_ROWS:
                break
        if best is None or best.missing:
            raise FileFault(not_found(self._profile, best), line=1 if best is None else best.row + 1)
        yield from rows
        self.sha256 = _digest(self._stream)


def read_sheet(stream: BinaryIO, *, sheet: str | None, decimal: str) -> Iterator[tuple[list[str], int]]:
    """Yield the rows of a sheet (the first one if none is named) that are not blank, with their numbers.

    Raises `FileFault`, and `ConfigurationWrong` where the extra is not installed.
    """
    openpyxl = _library()
    number = 1
    try:
        _look_inside(stream)
        with warnings.catch_warnings():
            # What the library warns of (styles, extensions) does not touch the cells' values.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            chosen = _sheet(book, sheet)
            for number, values in enumerate(chosen.iter_rows(values_only=True), start=1):
                cells = [_text(value, decimal) for value in values]
                while cells and not cells[-1]:
                    cells.pop()
                if not cells:
                    continue
                _refuse_long(cells, number)
                yield cells, number
    except (FileFault, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 -- a damaged workbook raises anything at all
        reason = cut(str(error) or type(error).__name__)
        raise FileFault(_unreadable(f"a workbook (XLSX) that can be opened: {reason}"), line=number) from None


def _refuse_long(cells: list[str], number: int) -> None:
    if sum(map(len, cells)) > MAX_ROW:
        fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
        raise FileFault(fault, line=number)


def _library() -> Any:  # noqa: ANN401 -- the library has no types
    try:
        return importlib.import_module("openpyxl")
    except ImportError:
        raise ConfigurationWrong(
            "Workbooks (XLSX) are read with the extra xlsx, which is not installed.",
            hint="Install it with: pip install 'expense-runner[xlsx]', or save the sheet as CSV UTF-8.",
        ) from None


def _look_inside(stream: BinaryIO) -> None:
    """Refuse archives that would unpack to more than any honest workbook."""
    with zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise FileFault(_unreadable("a workbook that unpacks to a reasonable size"), line=1)
        for part in parts:
            if part.filename.lower().endswith("sharedstrings.xml") and part.file_size > MAX_STRINGS:
                raise FileFault(_unreadable(f"a workbook with at most {MAX_STRINGS:,} bytes of texts"), line=1)
            if part.filename.lower().endswith((".xml", ".rels")):
                with archive.open(part) as opened:
                    # Entities that multiply are declared here; spreadsheets never have one.
                    if b"<!DOCTYPE" in opened.read(4096):
                        raise FileFault(_unreadable("a workbook without document type declarations"), line=1)
    stream.seek(0)


def _sheet(book: Any, name: str | None) -> Any:  # noqa: ANN401 -- the library has no types
    names = list(book.sheetnames)
    if name is None:
        sheet = book.worksheets[0]
    elif name in names:
        sheet = book[name]
    else:
        raise FileFault(_unreadable(f"a sheet named {name!r}; there are {cut(', '.join(map(str, names)))}"), line=1)
    # The size that a file claims for its sheet may be wrong: the rows tell.
    sheet.reset_dimensions()
    return sheet


def _unreadable(expected: str) -> Fault:
    return Fault(Code.WORKBOOK_UNREADABLE, None, None, expected)


def _text(value: object, decimal: str) -> str:  # noqa: PLR0911 -- one for each kind of cell
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            # Fifteen digits are what a spreadsheet itself shows: 0.1 + 0.2 is 0.3 there.
            text = format(Decimal(format(value, ".15g")), "f")
            return text.replace(".", decimal)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    hashing = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hashing.update(chunk)
    return hashing.hexdigest()
