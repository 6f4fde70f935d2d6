"""Reading out every table of the journal, row by row and all of one moment."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection, DatabaseError
from typing import Final

from runner.errors import JournalUnusable
from runner.journal.opening import open_for_reading
from runner.journal.statements import load

_SQL = load("exporting")

Value = str | int | float | None

_TEXTS: Final = frozenset({"body", "given"})
"""The columns of bytes that are text: JSON in UTF-8. All others are hashes, or compressed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """One table or view, to be read once and before the next one."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Value, ...]]
    """Bytes that are no text in hexadecimal digits."""


class Tables:
    """The tables and views of a journal at one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def names(self) -> list[str]:
        """Return the names of all tables, then of all views."""
        return [name for (name,) in self._connection.execute(_SQL["names"])]

    def views(self) -> list[str]:
        """Return the names of the views."""
        return [name for (name,) in self._connection.execute(_SQL["views"])]

    def contents(self, name: str) -> Contents:
        """Return what a table or view holds; raises `KeyError` where there is none of that name."""
        if name not in self.names():
            raise KeyError(name)
        # A name out of the schema itself; parameters cannot stand for names.
        cursor = self._connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 -- see above
        columns = tuple(entry[0] for entry in cursor.description)
        texts = frozenset(place for place, column in enumerate(columns) if column in _TEXTS)
        return Contents(columns, (_plain(row, texts) for row in cursor))

    def count(self, name: str) -> int:
        """Return how many rows a table has; raises `KeyError` where there is none of that name."""
        if name not in self.names():
            raise KeyError(name)
        (count,) = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608 -- as above
        return int(count)


def _plain(row: Sequence[str | int | float | bytes | None], texts: Collection[int]) -> tuple[Value, ...]:
    return tuple(
        (value.decode("utf-8", "replace") if place in texts else value.hex()) if isinstance(value, bytes) else value
        for place, value in enumerate(row)
    )


@contextmanager
def reading_tables(path: Path) -> Iterator[Tables]:
    """Give the tables of a journal, beside a run that may be writing it; raises `JournalUnusable`."""
    with closing(open_for_reading(path)) as connection:
        try:
            connection.execute("BEGIN")
            yield Tables(connection)
        except DatabaseError as error:
            raise JournalUnusable(
                f"The journal {path} cannot be read: {error}.", hint="Look at it with: expense-runner journal check"
            ) from error
