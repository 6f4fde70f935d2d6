"""Lookup tables in CSV files beside a profile."""

import csv
import io
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from runner.intake.mapping.problem import fold

MAX_BYTES: Final = 32 * 1024 * 1024


class LookupWrong(ValueError):
    """A table that cannot be used; its text says why, with the line where there is one."""


def read_pairs(path: Path, columns: tuple[str, str] | None) -> Iterator[tuple[str, str, int]]:
    """Yield key, value and line of a CSV file's rows below its header; raises `LookupWrong`.

    `columns` names the two columns that count, otherwise they are the first two. Rows without a value are
    left out: what they stand for is not decided yet.
    """
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        key, value = _places(header, columns)
        for cells in reader:
            if len(cells) > max(key, value) and cells[value].strip():
                yield cells[key], cells[value].strip(), reader.line_num
    except csv.Error as error:
        raise LookupWrong(f"line {reader.line_num}: {error}") from None


def gather(pairs: Iterable[tuple[str, str, int]]) -> dict[str, str]:
    """Return the table by folded key; raises `LookupWrong` where one key has two values."""
    table: dict[str, str] = {}
    for key, value, line in pairs:
        known = table.setdefault(fold(key), value)
        if known != value:
            raise LookupWrong(f"line {line}: {key.strip()!r} is said to be {value!r}, and above {known!r}")
    return table


def _text(path: Path) -> str:
    try:
        _refuse_odd(path)
        text = path.read_bytes().decode("utf-8-sig")
    except LookupWrong:
        raise
    except OSError as error:
        raise LookupWrong(error.strerror or "it cannot be read") from None
    except UnicodeDecodeError as error:
        raise LookupWrong(f"byte {error.start + 1}: it is not UTF-8; save it as CSV UTF-8") from None
    except ValueError:
        raise LookupWrong("no file can have this name") from None
    if "\0" in text:
        raise LookupWrong("it is no text file")
    return text


def _refuse_odd(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        # A pipe or a device may never end.
        raise LookupWrong("it is no plain file")
    if status.st_size > MAX_BYTES:
        raise LookupWrong(f"it is larger than {MAX_BYTES:,} bytes")


def _places(header: list[str], columns: tuple[str, str] | None) -> tuple[int, int]:
    if columns is None:
        if len(header) < 2:
            raise LookupWrong("line 1: a header and at least two columns are needed, the key and the value")
        return 0, 1
    names = [fold(cell) for cell in header]
    for name in columns:
        if fold(name) not in names:
            raise LookupWrong(f"line 1: there is no column {name!r}")
    return names.index(fold(columns[0])), names.index(fold(columns[1]))
