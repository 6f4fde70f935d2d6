"""The rows of a workbook (XLSX), as texts: with the extra `xlsx`, in bounded memory."""

import hashlib
import importlib
import warnings
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Final

from runner.errors import ConfigurationWrong
from runner.intake.codes import Code, Fault, cut
from runner.intake.mapping.archive import MAX_ROWS, Archive, unreadable
from runner.intake.mapping.finding import MAX_COLUMNS, MAX_TITLE_ROWS, Candidate, better, look_at, not_found
from runner.intake.mapping.profile import Profile
from runner.intake.text import MAX_ROW, FileFault

SUFFIXES: Final = (".xlsx", ".xlsm")
CHUNK: Final = 1 << 20


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
    opening = _library()
    number = 1
    try:
        with warnings.catch_warnings():
            # What the library warns of (styles, extensions) does not touch the cells' values.
            warnings.simplefilter("ignore")
            for number, cells in _rows(opening, stream, sheet, decimal):
                _refuse_long(cells, number)
                yield cells, number
    except (FileFault, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 -- a damaged workbook raises anything at all
        reason = cut(str(error) or type(error).__name__)
        raise FileFault(unreadable(f"a workbook (XLSX) that can be opened: {reason}"), line=number) from None


def _rows(opening: Any, stream: BinaryIO, sheet: str | None, decimal: str) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401 -- the library has no types
    archive = Archive(stream)
    reader = opening.ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
    reader.archive = archive
    reader.read()
    book = reader.wb
    chosen = _sheet(book, sheet)
    # Not by iter_rows, which fills up what is left out between rows: one number is enough to keep it busy for hours.
    with archive.open(chosen._worksheet_path) as part:  # noqa: SLF001 -- there is no other way to it
        parser = opening.WorkSheetParser(
            part,
            reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,  # noqa: SLF001 -- as above
            timedelta_formats=book._timedelta_formats,  # noqa: SLF001 -- as above
        )
        last = 0
        for number, found in parser.parse():
            if not last < number <= MAX_ROWS:
                raise FileFault(unreadable("a workbook whose rows are numbered as rows are"), line=max(last, 1))
            last = number
            if cells := _cells(found, decimal):
                if len(cells) > MAX_COLUMNS:
                    wanted = f"rows of at most {MAX_COLUMNS:,} cells"
                    raise FileFault(Fault(Code.ROW_TOO_LONG, None, None, wanted), line=number)
                yield number, cells


def _cells(found: list[dict[str, Any]], decimal: str) -> list[str]:
    """Return the texts of a row's cells, by their columns, up to the last that is not blank."""
    texts = {each["column"]: text for each in found if (text := _text(each["value"], decimal))}
    return [texts.get(column, "") for column in range(1, min(max(texts, default=0), MAX_COLUMNS + 1) + 1)]


def _refuse_long(cells: list[str], number: int) -> None:
    if sum(map(len, cells)) > MAX_ROW:
        fault = Fault(Code.ROW_TOO_LONG, None, None, f"rows of at most {MAX_ROW:,} characters")
        raise FileFault(fault, line=number)


def _library() -> Any:  # noqa: ANN401 -- the library has no types
    try:
        found = SimpleNamespace(library=importlib.import_module("openpyxl"))
        found.ExcelReader = importlib.import_module("openpyxl.reader.excel").ExcelReader
        found.WorkSheetParser = importlib.import_module("openpyxl.worksheet._reader").WorkSheetParser
    except ImportError:
        raise ConfigurationWrong(
            "Workbooks (XLSX) are read with the extra xlsx, which is not installed.",
            hint="Install it with: pip install 'expense-runner[xlsx]', or save the sheet as CSV UTF-8.",
        ) from None
    return found


def _sheet(book: Any, name: str | None) -> Any:  # noqa: ANN401 -- the library has no types
    names = list(book.sheetnames)
    if name is None:
        sheet = book.worksheets[0]
    elif name in names:
        sheet = book[name]
    else:
        raise FileFault(unreadable(f"a sheet named {name!r}; there are {cut(', '.join(map(str, names)))}"), line=1)
    return sheet


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
