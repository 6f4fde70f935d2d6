"""The journal's SQL: named statements in `.sql` files beside this one, read once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from sqlite3 import Connection
from typing import Final

MANY: Final = 100
"""Rows that one INSERT takes: with 9 columns just below the 999 parameters that any SQLite allows."""

_ROW = re.compile(r"VALUES (?P<row>\((?:\?, )*\?\))")
_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)\n", re.MULTILINE)


def load(topic: str) -> Mapping[str, str]:
    """Return the statements of `sql/<topic>.sql` by name.

    Each begins with a line `-- name: <name>`; comments below it belong to it.
    """
    text = files("runner.journal").joinpath("sql", f"{topic}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def insert(connection: Connection, statement: str, rows: Sequence[Sequence[object]]) -> int:
    """Run an INSERT of one row for many rows, some of them at a time; return how many were changed.

    Every execution of a statement has a price of its own: 100 rows in one cost less than two thirds of what
    100 executions do, and Python's other threads go on meanwhile.
    """
    return sum(
        connection.execute(_of_many(statement, len(part)), tuple(chain.from_iterable(part))).rowcount
        for part in _parts(rows)
    )


def _parts(rows: Sequence[Sequence[object]]) -> Iterator[Sequence[Sequence[object]]]:
    for start in range(0, len(rows), MANY):
        yield rows[start : start + MANY]


@lru_cache(maxsize=4 * MANY)
def _of_many(statement: str, count: int) -> str:
    return _ROW.sub(lambda found: "VALUES " + ", ".join([found["row"]] * count), statement, count=1)
