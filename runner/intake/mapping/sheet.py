"""One sheet of a workbook to rows of texts: in a process of its own, which may take only so much memory and time.

It is given the workbook as standard input and answers on standard output, a line of JSON each: `Opened`, then
`Rows`, at last `Ended`. Whatever the library does with hostile content, no other process grows with it.
"""

import importlib
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO, Final

import msgspec

from runner.intake.codes import Code, Fault, cut
from runner.intake.mapping.archive import MAX_ROWS, Archive, unreadable
from runner.intake.mapping.finding import MAX_COLUMNS
from runner.intake.text import MAX_ROW, FileFault

MEMORY: Final = 384 * 1024**2
"""Bytes of address space; where the system does not keep to it (macOS), only the guard of the archive counts."""
OPENING: Final = 20
"""Seconds of CPU until the first row."""
READING: Final = 120
"""Seconds of CPU for the whole sheet."""
MAX_CELLS: Final = 5_000_000
"""Cells of a sheet that have something in them."""
UNSAVED: Final = "#FORMULA WITHOUT A VALUE"
"""Stands for a formula that was saved without the value it makes."""
_PORTION: Final = 1 << 14
"""Characters, roughly, that are told at a time: whoever listens holds no more."""


class Opened(msgspec.Struct, tag=True):
    """The workbook has been opened."""

    unread: list[str]
    """The names of its other sheets."""


class Rows(msgspec.Struct, tag=True):
    """Rows that are not blank, with their numbers."""

    rows: list[tuple[int, list[str]]]


class Ended(msgspec.Struct, tag=True):
    """Nothing follows; what is wrong with the workbook, if anything."""

    fault: Fault | None = None
    line: int = 1
    missing: bool = False
    """Whether the library is not installed."""


Answer = Opened | Rows | Ended


def main(sheet: str | None, decimal: str) -> None:
    """Answer for the workbook on standard input."""
    # A run that is told to stop ends its files in good order, and this process with them: nobody reads it any more.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _may_take(OPENING)
    encode = msgspec.json.Encoder().encode
    with suppress(BrokenPipeError):
        for answer in answers(sys.stdin.buffer, sheet=sheet, decimal=decimal, opened=lambda: _may_take(READING)):
            sys.stdout.buffer.write(encode(answer) + b"\n")
            sys.stdout.buffer.flush()


def _may_take(seconds: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or seconds <= hard:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def answers(
    stream: BinaryIO, *, sheet: str | None, decimal: str, opened: Callable[[], object] = lambda: None
) -> Iterator[Answer]:
    """Yield what there is to say of a workbook; whatever is wrong with it is the last answer.

    `opened` is called when its first row has been read.
    """
    line = 1
    try:
        reader = _SheetReader(stream, sheet)
        yield Opened(reader.unread)
        portion: list[tuple[int, list[str]]] = []
        size = 0
        for line, cells in reader.rows(decimal):
            if not portion:
                opened()
            portion.append((line, cells))
            size += sum(map(len, cells)) + len(cells)
            if size >= _PORTION:
                yield Rows(portion)
                portion, size = [], 0
        yield Rows(portion)
    except FileFault as error:
        yield Ended(error.fault, error.line)
    except ImportError:
        yield Ended(missing=True)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 -- a damaged workbook raises anything at all
        reason = cut(str(error) or type(error).__name__)
        yield Ended(unreadable(f"a workbook (XLSX) that can be opened: {reason}"), line)
    else:
        yield Ended()


class _SheetReader:
    """Reads one sheet; raises `FileFault`, `ImportError` and whatever the library raises."""

    def __init__(self, stream: BinaryIO, sheet: str | None) -> None:
        reading = importlib.import_module("openpyxl.reader.excel")
        builtin = importlib.import_module("openpyxl.styles.numbers").BUILTIN_FORMATS
        # What the library warns of (styles, extensions) does not touch the cells' values.
        warnings.simplefilter("ignore")
        self._archive = Archive(stream)
        reader = reading.ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
        reader.archive = self._archive
        reader.read()
        self._texts = reader.shared_strings
        self._book = book = reader.wb
        self._sheet = _chosen(book, sheet)
        self.unread = [str(each.title) for each in book.worksheets if each is not self._sheet]
        own = dict(enumerate(book._number_formats, 164))  # noqa: SLF001 -- there is no other way to it
        formats = {style: own.get(each.numFmtId) or builtin.get(each.numFmtId, "")
                   for style, each in enumerate(book._cell_styles)}  # fmt: skip # noqa: SLF001 -- as above
        self._zeros = {style: len(shown) for style, shown in formats.items() if shown and not shown.strip("0")}
        """How many digits a style shows at least, where it is of nothing but those."""

    def rows(self, decimal: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not blank, with their numbers."""
        # Not by iter_rows, which fills up what is left out between rows: one number would keep it busy for hours.
        with self._archive.open(self._sheet._worksheet_path) as part:  # noqa: SLF001 -- there is no other way to it
            last = count = 0
            for number, found in self._parser(part).parse():
                if not last < number <= MAX_ROWS:
                    raise FileFault(unreadable("a workbook whose rows are numbered as rows are"), line=max(last, 1))
                last = number
                cells = self._cells(found, decimal)
                count += len(cells)
                _refuse_large(cells, count, number)
                if cells:
                    yield number, cells

    def _parser(self, part: Any) -> Any:  # noqa: ANN401 -- the library has no types
        library = importlib.import_module("openpyxl.worksheet._reader")

        class Parser(library.WorkSheetParser):  # type: ignore[name-defined,misc] # the library has no types
            def parse_cell(self, element: Any) -> dict[str, Any]:  # noqa: ANN401 -- as above
                cell: dict[str, Any] = super().parse_cell(element)
                # A text may be blank, which is saved as one.
                if (
                    cell["value"] is None
                    and cell["data_type"] != "str"
                    and element.find(library.FORMULA_TAG) is not None
                ):
                    cell["value"] = UNSAVED
                return cell

        return Parser(
            part,
            self._texts,
            data_only=True,
            epoch=self._book.epoch,
            date_formats=self._book._date_formats,  # noqa: SLF001 -- as above
            timedelta_formats=self._book._timedelta_formats,  # noqa: SLF001 -- as above
        )

    def _cells(self, found: list[dict[str, Any]], decimal: str) -> list[str]:
        """Return the texts of a row's cells, by their columns, up to the last that is not blank."""
        zeros = self._zeros
        texts = {}
        for each in found:
            text = _text(each["value"], decimal)
            if text:
                if each["data_type"] == "n" and (wide := zeros.get(each["style_id"])) and text.isdecimal():
                    text = text.zfill(wide)
                texts[each["column"]] = text
        return [texts.get(column, "") for column in range(1, min(max(texts, default=0), MAX_COLUMNS + 1) + 1)]


def _refuse_large(cells: list[str], count: int, number: int) -> None:
    wanted = ""
    if len(cells) > MAX_COLUMNS:
        wanted = f"rows of at most {MAX_COLUMNS:,} cells"
    elif sum(map(len, cells)) > MAX_ROW:
        wanted = f"rows of at most {MAX_ROW:,} characters"
    if wanted:
        raise FileFault(Fault(Code.ROW_TOO_LONG, None, None, wanted), line=number)
    if count > MAX_CELLS:
        raise FileFault(unreadable(f"a sheet of at most {MAX_CELLS:,} cells; save it as CSV UTF-8"), line=number)


def _chosen(book: Any, name: str | None) -> Any:  # noqa: ANN401 -- the library has no types
    names = list(book.sheetnames)
    if name is None:
        return book.worksheets[0]
    if name in names:
        return book[name]
    raise FileFault(unreadable(f"a sheet named {name!r}; there are {cut(', '.join(map(str, names)))}"), line=1)


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
