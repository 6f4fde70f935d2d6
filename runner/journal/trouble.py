"""The journal's verb for everything that is wrong, grouped by cause."""

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection

from runner.domain.ids import CompanyId
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("trouble")


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, how often it is there, and one example."""

    about: str
    """`row`, `expense` or `receipt`."""
    state: str
    code: str
    count: int
    company_id: CompanyId | None
    file: str
    line: int
    example: str
    accounting: str | None = None
    """What the reader of its messages calls them; None for those that it has no word for."""


Reader = Callable[[str, str, str | None], str | None]
"""Says what the message of an `expense` or `receipt` in a state stands for."""


class Trouble(Verbs):
    """Groups what is wrong by its cause."""

    async def causes(self, read: Reader = lambda *_: None) -> list[Cause]:
        """Return every cause with its count, rows first, the most frequent first.

        Expenses and receipts are told apart by what `read` makes of their messages as well; it must give few answers.
        """
        return await self._read(lambda connection: _causes(connection, read))


def _causes(connection: Connection, read: Reader) -> list[Cause]:
    causes = []
    for code, count, number in connection.execute(_SQL["rows"]).fetchall():
        company, file, line, *found = connection.execute(_SQL["row_example"], {"number": number}).fetchone()
        causes.append(Cause("row", "rejected", code, count, company, file, line, _row(*found)))
    for about, said in (("expense", _expense), ("receipt", _receipt)):
        causes += _grouped(connection, about, said, read)
    return causes


def _grouped(connection: Connection, about: str, said: Callable[..., str], read: Reader) -> list[Cause]:
    groups: dict[tuple[str, str, str | None], list[int]] = {}
    for state, code, message, number in connection.execute(_SQL[f"{about}s"]):
        groups.setdefault((state, code, read(about, state, message)), [0, number])[0] += 1
    found = []
    for (state, code, accounting), (count, number) in sorted(
        groups.items(), key=lambda group: (-group[1][0], group[0][1], group[0][2] or "")
    ):
        row = connection.execute(_SQL[f"{about}_example"], {"number": number}).fetchone()
        company, file, line, *words = row
        found.append(Cause(about, state, code, count, company, file, line, said(*words), accounting))
    return found


def _row(key: str, column: str | None, value: str | None, expected: str) -> str:
    what = " ".join(part for part in (column, None if value is None else repr(value)) if part)
    # A row without an id is named by its line alone, which is said anyhow; and an id that is wrong itself is said once.
    own = "" if key.startswith("line ") or column == "id" else f"id {key!r}"
    named = ", ".join(part for part in (own, what) if part)
    return f"{named}: expected {expected}" if named else f"expected {expected}"


def _expense(expense_id: str, message: str | None, reference: str | None) -> str:
    named = f"{expense_id} (reference {reference})" if reference else expense_id
    return f"{named}: {message}" if message else named


def _receipt(path: str, message: str | None) -> str:
    return f"{path}: {message}" if message else path
