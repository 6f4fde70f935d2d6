"""Looking for a sync that the journal does not know, by the expenses that it holds."""

from collections.abc import Collection
from enum import Enum, auto

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.states import SyncClass
from runner.errors import Refused
from runner.steps.kit import Kit


class Look(Enum):
    """What a look at the company's syncs found, if not our sync."""

    NOTHING = auto()
    UNCLEAR = auto()
    """A sync the journal does not know is still running and may turn out to be ours."""


async def look(company: CompanyId, ours: Collection[ExpenseId], kit: Kit) -> SyncId | Look:
    """Look for a sync that holds our expenses among those at Codat that the journal does not know."""
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
        if status.kind is SyncClass.RUNNING:
            unclear = True
        elif rows:
            # An ended sync without any row may only be late with its rows; it is read again at the next look.
            foreign.append(status.sync_id)
    if foreign:
        await kit.journal.syncs.record_foreign(company, foreign)
    return Look.UNCLEAR if unclear else Look.NOTHING
