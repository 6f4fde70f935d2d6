"""The journal's outlook: what is open, company by company, in numbers."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any

from runner.domain.forecast import OpenWork
from runner.domain.ids import CompanyNo
from runner.domain.preflight import IDS_LIFE, LINKED_LIFE, is_fresh
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("outlook")


@dataclass(frozen=True, slots=True)
class OpenReceipts:
    """Receipts that are to be attached once their expenses are posted."""

    count: int
    size: int
    """Bytes."""


class Outlook(Verbs):
    """Counts what is left to do; it costs what is open, not what is done."""

    async def open_work(self, *, auto_retry: int = 0) -> list[OpenWork]:
        """Return the open work of every company that has any, or is held.

        What has failed is open as long as it has been sent again fewer than `auto_retry` times.
        """
        now = self._context.clock.now()
        return await self._read(lambda connection: _open_work(connection, now, auto_retry))

    async def open_expenses(self, *, auto_retry: int = 0) -> int:
        """Return how many expenses are staged, sent or to be retried, those that held companies keep left out."""
        return int(await self._value(_SQL["open_expenses"], {"auto_retry": auto_retry}))

    async def open_receipts(self) -> OpenReceipts:
        """Return the receipts that `open_work` counts, all companies together, those of held ones left out."""
        (found,) = await self._rows(OpenReceipts, _SQL["open_receipts"])
        return found


def _open_work(connection: Connection, now: datetime, auto_retry: int) -> list[OpenWork]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for statement, names in _COUNTS.items():
        values = {"auto_retry": auto_retry} if statement == "undrafted" else {}
        for company, *counts in connection.execute(_SQL[statement], values):
            found[company].update(zip(names, counts, strict=True))
    for statement, name in (("first", "first"), ("held", "held")):
        for (company,) in connection.execute(_SQL[statement]):
            found[company][name] = True
    for company, *seen in connection.execute(_SQL["seen"]):
        if company in found:
            found[company].update(_seen(now, *seen))
    for company, served_run in connection.execute(_SQL["served"]):
        if company in found:
            found[company]["served_run"] = served_run
    return [OpenWork(company_no=CompanyNo(company), **values) for company, values in found.items()]


_COUNTS = {
    "undrafted": ("undrafted",),
    "drafts": ("drafted", "stored", "in_drafts"),
    "syncs": ("syncs", "unfinished", "in_syncs"),
    "receipts": ("receipts",),
    "in_doubt": (),
}
"""What each statement counts of a company."""


def _seen(now: datetime, linked_at: str | None, defaults_at: str | None, options_at: str | None) -> dict[str, bool]:
    def fresh(at: str | None, life: timedelta) -> bool:
        return is_fresh(None if at is None else datetime.fromisoformat(at), life, now=now)

    return {
        "linked_seen": fresh(linked_at, LINKED_LIFE),
        "defaults_seen": fresh(defaults_at, IDS_LIFE),
        "options_seen": fresh(options_at, IDS_LIFE),
    }
