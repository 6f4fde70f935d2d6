"""Rows of values as lines of CSV that a spreadsheet shows and never runs, or as lines of JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

Value = str | int | float | None

_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; the last four are the first ones in full width."""
_TOGETHER: Final = 500
"""Rows in memory at the same time."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")


def safe(value: Value) -> str | int | float:
    """Return a value as a cell: an apostrophe before text that would be a formula; plain numbers stay as they are."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_STARTS) and _NUMBER.fullmatch(value) is None else value
    return "" if value is None else value


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """Give a header and a line for each row, each ending in CR LF (RFC 4180), many lines at a time."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    source = iter(rows)
    while True:
        part = [[safe(value) for value in row] for row in islice(source, _TOGETHER)]
        writer.writerows(part)
        yield buffer.getvalue()
        if not part:
            return
        buffer.seek(0)
        buffer.truncate()


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """Give an object for each row, one a line."""
    for row in rows:
        yield json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n"
