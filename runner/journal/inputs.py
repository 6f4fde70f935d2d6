"""The journal's verbs for single inputs: whether their content is known, what was wrong, where they lie now."""

from sqlite3 import Connection

from runner.domain.ids import InputNo
from runner.journal.context import Verbs
from runner.journal.records import OpenRowError
from runner.journal.statements import load

_SQL = load("inputs")
_STAGING = load("staging")


class Inputs(Verbs):
    """Knows files by their content."""

    async def known_before(self, number: InputNo, *, sha256: str) -> tuple[str, int] | None:
        """Return name and run of the first reading of the same bytes before this one; None if there was none."""
        values = {"input": number, "sha256": sha256}
        return await self._row(lambda name, run: (name, run), _SQL["known_before"], values)

    async def is_another(self, name: str, *, sha256: str | None) -> bool:
        """Say whether an input of this name had other content."""
        return bool(await self._value(_SQL["is_another"], {"name": name, "sha256": sha256}))

    async def wrong(self, number: InputNo, *, limit: int) -> tuple[int, int, list[OpenRowError]]:
        """Return how many errors a reading found, how many expenses they keep out, and the first of the errors."""

        def operation(connection: Connection) -> tuple[int, int, list[OpenRowError]]:
            values = {"input": number, "limit": limit}
            errors, expenses = connection.execute(_SQL["count_wrong"], values).fetchone()
            return errors, expenses, [OpenRowError(*row) for row in connection.execute(_SQL["errors_of"], values)]

        return await self._read(operation)

    async def put_away(self, number: InputNo, *, name: str) -> None:
        """Record where a file lies from now on, so that the next one of its old name is told from it.

        Written before the move: if that is cut off, the file is staged again, and comes to the same name.
        """
        values = {
            "input": number,
            "name": name,
            "path": name,
            "now": self._context.now(),
            "only_same": 0,
            "sha256": None,
        }

        def operation(connection: Connection) -> None:
            connection.execute(_SQL["put_away"], values)
            for statement in ("supersede_inputs", "settle_superseded", "settle_accepted"):
                connection.execute(_STAGING[statement], values)

        await self._write(operation)
