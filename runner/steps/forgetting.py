"""Giving up a sync that Codat has forgotten: its expenses are in doubt for good, and its company goes on."""

from runner.domain.ids import CompanyId
from runner.domain.judging import Verdict
from runner.domain.states import ExpenseState
from runner.errors import Refused
from runner.journal.records import Attempt, Sync
from runner.steps.holds import SYNC_NOT_FOUND, find_company
from runner.steps.kit import Kit


async def give_up(company: CompanyId, sync: Sync, kit: Kit) -> bool:
    """Put a sync's expenses in doubt once it is certain that Codat does not know the sync; say whether it was.

    Certain is that after the quiescence time, in a second run, when Codat knows the company and does not list the
    sync either. None of its expenses is sent again: Codat may have forgotten a sync that has posted them. Should
    the sync turn up again, the looks at doubts find it.
    """
    attempt = await _attempt_of(sync, kit)
    if attempt is None or kit.journal.ages.at_least(attempt.last) < kit.limits.quiescence:
        return False
    if await find_company(company, kit.codat) is None or await _is_listed(company, sync, kit):
        return False
    if not await kit.journal.syncs.record_missing(sync.no):
        return False
    message = f"Codat has forgotten sync {sync.sync_id}, which it had started with this expense."
    await kit.journal.syncs.record_forgotten(sync.no, Verdict(ExpenseState.IN_DOUBT, SYNC_NOT_FOUND, message))
    kit.note("sync_forgotten", company=company, sync=sync.sync_id)
    return True


async def _is_listed(company: CompanyId, sync: Sync, kit: Kit) -> bool:
    try:
        listed = await kit.codat.statuses(company)
    except Refused:
        # Whoever may not see the list knows nothing of what is not in it.
        return True
    return any(status.sync_id == sync.sync_id for status in listed)


async def _attempt_of(sync: Sync, kit: Kit) -> Attempt | None:
    """Return what started the sync; where that was meant to store a dataset, it is the draft's attempt."""
    attempt = await kit.journal.attempts.of_sync(sync.no)
    if attempt is not None:
        return attempt
    drafts = await kit.journal.syncs.drafts_of(sync.no)
    return await kit.journal.attempts.of_draft(drafts[0].no) if drafts else None
