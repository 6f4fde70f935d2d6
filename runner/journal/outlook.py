"""The journal's outlook: what is open, company by company, in numbers."""

from collections import defaultdict
from sqlite3 import Connection
from typing import Any

from runner.domain.forecast import OpenWork
from runner.journal.context import Context
from runner.journal.statements import load

_SQL = load("outlook")


class Outlook:
    """Counts what is left to do; it costs what is open, not what is done."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def open_work(self) -> list[OpenWork]:
        """Return the open work of every company that has any, or is held."""
        return await self._context.store.read(_open_work)


def _open_work(connection: Connection) -> list[OpenWork]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for company, undrafted in connection.execute(_SQL["undrafted"]):
        found[company].update(undrafted=undrafted)
    for company, drafted, stored in connection.execute(_SQL["drafts"]):
        found[company].update(drafted=drafted, stored=stored)
    for company, syncs, unfinished, in_syncs in connection.execute(_SQL["syncs"]):
        found[company].update(syncs=syncs, unfinished=unfinished, in_syncs=in_syncs)
    for company, receipts in connection.execute(_SQL["receipts"]):
        found[company].update(receipts=receipts)
    for (company,) in connection.execute(_SQL["first"]):
        found[company].update(first=True)
    for (company,) in connection.execute(_SQL["held"]):
        found[company].update(held=True)
    return [OpenWork(**values) for values in found.values()]
