"""The journal's verb for what a supporter needs to know of it: counts, states, codes and times, no content."""

from dataclasses import dataclass
from sqlite3 import Connection, sqlite_version
from typing import Any, Final

from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("condition")

RUNS: Final = 30
"""The last runs that are told."""
COMPANIES: Final = 200
"""Companies that are told: those that are held, or have a sync under way."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Facts as they stand; nothing is hidden yet."""

    sqlite: str
    schema: int
    bytes: int
    free_bytes: int
    states: list[tuple[str, str, int]]
    """Of what, the state, how many."""
    sync_codes: list[tuple[int, int]]
    """Codat's status code, how many."""
    answers: list[tuple[str, int, int]]
    """Kind of attempt, HTTP status, how many."""
    runs: list[dict[str, Any]]
    """The last ones, newest first."""
    companies: list[tuple[str, str | None, int, int]]
    """Id, code of the hold, expenses, syncs."""


class Conditions(Verbs):
    """Adds up what can be told without telling anybody's business."""

    async def read(self) -> Condition:
        """Return the journal's condition."""
        return await self._read(_read)


def _read(connection: Connection) -> Condition:
    pages, free, page, schema = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size", "user_version")
    )
    runs = connection.execute(_SQL["runs"], {"limit": RUNS})
    names = [entry[0] for entry in runs.description]
    return Condition(
        sqlite=sqlite_version,
        schema=schema,
        bytes=pages * page,
        free_bytes=free * page,
        states=connection.execute(_SQL["states"]).fetchall(),
        sync_codes=connection.execute(_SQL["sync_codes"]).fetchall(),
        answers=connection.execute(_SQL["answers"]).fetchall(),
        runs=[dict(zip(names, row, strict=True)) for row in runs],
        companies=connection.execute(_SQL["companies"], {"limit": COMPANIES}).fetchall(),
    )
