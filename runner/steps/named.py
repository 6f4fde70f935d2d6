"""Where an answer that cannot be believed points to: it gave an id that belongs to something else already.

Such an answer counts as none: the company is held, and whatever the request did is looked for like after a lost
answer. What the id belongs to is looked at as well, although it is known: expenses that stand there are judged there,
and none of them is sent again. The hold ends with the look that has settled this.
"""

from collections.abc import Collection, Mapping

from runner.domain.ids import CompanyId, ExpenseId, SyncId, SyncNo
from runner.domain.judging import Verdict, judge_by, statuses
from runner.domain.remote import TransactionRow
from runner.domain.states import SyncState
from runner.errors import Refused, StillInDoubt
from runner.journal.records import Attempt
from runner.steps.holds import held_by_refusal
from runner.steps.kit import Kit

Found = Mapping[SyncNo, Mapping[ExpenseId, Verdict]]
"""What known syncs say of expenses that they were not known to hold."""


async def named_stranger(company: CompanyId, ours: Collection[ExpenseId], attempt: Attempt, kit: Kit) -> SyncId | None:
    """Return the sync that an unbelieved answer named, where it is none of this journal's and holds our expenses.

    To be asked once nothing else was found, and the quiescence time is over: it may be an old sync of others.
    """
    named = attempt.unbelieved_sync
    if named is None or await kit.journal.syncs.named_by(company, attempt):
        return None
    return named if await _there(company, named, ours, kit) else None


async def named_known(company: CompanyId, ours: Collection[ExpenseId], attempt: Attempt, kit: Kit) -> Found:
    """Judge those of our expenses that stand in a known sync which an unbelieved answer named, or whose dataset it did.

    Raises `StillInDoubt` where that sync is not over yet.
    """
    found = {}
    for sync in await kit.journal.syncs.named_by(company, attempt):
        if sync.sync_id is None or sync.state not in {SyncState.JUDGED, SyncState.FORGOTTEN}:
            raise StillInDoubt(f"An answer named sync {sync.sync_id}, which is known and has not ended yet.")
        rows = await _there(company, sync.sync_id, ours, kit)
        if rows:
            found[sync.no] = judge_by(rows, rows)
            kit.note("found_where_named", company=company, sync=sync.sync_id, expenses=len(rows))
    return found


async def _there(
    company: CompanyId, sync_id: SyncId, ours: Collection[ExpenseId], kit: Kit
) -> dict[ExpenseId, TransactionRow]:
    try:
        rows = await kit.codat.transactions(company, sync_id)
    except Refused as refusal:
        if refusal.status == 404:
            # Not a sync of this company: nothing of ours can be in it.
            return {}
        raise held_by_refusal(refusal) from refusal
    return {expense: row for expense, row in statuses(rows).items() if expense in ours}
