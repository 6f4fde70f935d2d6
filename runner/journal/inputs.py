"""The journal's verbs for single inputs: whether their content is known, what was wrong, where they lie now."""

from sqlite3 import Connection

from runner.domain.ids import InputNo
from runner.journal.context import Verbs
from runner.journal.records import OpenRowError
from runner.journal.statements import load

_SQL = load("inputs")


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
        """Record where a file lies from now on, before it is moved there."""
        await self._change(_SQL["put_away"], {"input": number, "name": name})
