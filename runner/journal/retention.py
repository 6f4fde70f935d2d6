"""The journal's verb for dropping wire forms that nothing needs any more."""

from functools import partial
from sqlite3 import Connection
from typing import Final

from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("retention")

PORTION: Final = 2_000
"""Payloads that one transaction looks at, so that nobody who records a fact waits long."""


class Retention(Verbs):
    """Drops the payloads of expenses that stand in the books; their content hashes stay."""

    async def drop_settled(self, *, portion: int = PORTION) -> int:
        """Drop the payload of every expense that is posted, in no open draft, and has its receipts settled.

        Rows as they were written go too, where all that are kept together are in the books. Returns how many payloads
        went. What is dropped is overwritten in the file.
        """
        after = 0
        while (until := await self._write(partial(_drop_rows, after=after, limit=portion))) is not None:
            after = until
        dropped, after = 0, 0
        while True:
            step = await self._write(partial(_drop, after=after, limit=portion))
            if step is None:
                return dropped
            after, count = step
            dropped += count


def _drop_rows(connection: Connection, *, after: int, limit: int) -> int | None:
    """Return where the portion ended; None where there was none."""
    (until,) = connection.execute(_SQL["rows_portion"], {"after": after, "limit": limit}).fetchone()
    if until is not None:
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        connection.execute(_SQL["drop_rows"], {"after": after, "until": until})
    return None if until is None else int(until)


def _drop(connection: Connection, *, after: int, limit: int) -> tuple[int, int] | None:
    """Return where the portion ended and how many payloads it dropped; None where there was none."""
    (until,) = connection.execute(_SQL["portion"], {"after": after, "limit": limit}).fetchone()
    if until is None:
        return None
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    return until, connection.execute(_SQL["drop_settled"], {"after": after, "until": until}).rowcount
