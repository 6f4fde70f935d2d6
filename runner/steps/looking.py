"""Looking for a sync that the journal does not know, by the expenses that it holds."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.states import SyncClass
from runner.errors import Refused
from runner.steps.kit import Kit


class Look(Enum):
    """What a look at the company's syncs found, if not our sync."""

    NOTHING = auto()
    UNCLEAR = auto()
    """A sync the journal does not know is still running, or shows no rows: it may turn out to be ours."""


async def look(
    company: CompanyId, ours: Collection[ExpenseId], kit: Kit, *, since: datetime | None = None
) -> SyncId | Look:
    """Look for a sync that holds our expenses among those at Codat that the journal does not know.

    An ended sync without any row says nothing about whose it is: its rows may be late, or lost. It counts as
    unclear, unless it is certain to be older than `since`.
    """
    known = await kit.journal.syncs.known_ids(company)
    unclear = False
    foreign: list[SyncId] = []
    for status in await kit.codat.statuses(company):
        if status.sync_id in known:
            continue
        try:
            rows = await kit.codat.transactions(company, status.sync_id)
        except Refused:
            unclear = True
            continue
        if any(row.expense_id in ours for row in rows):
            return status.sync_id
        if status.kind is not SyncClass.RUNNING and rows:
            foreign.append(status.sync_id)
        elif status.kind is SyncClass.RUNNING or not _is_older(status.at, since):
            unclear = True
    if foreign:
        await kit.journal.syncs.record_foreign(company, foreign)
    return Look.UNCLEAR if unclear else Look.NOTHING


_SLACK = timedelta(days=1)
"""By how much Codat's clock and this machine's may differ before an old sync is taken for a new one, or the reverse."""


def _is_older(at: str | None, since: datetime | None) -> bool:
    if at is None or since is None:
        return False
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return False
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) < since - _SLACK
