"""Evidence for "previously processed": which sync posted an expense that this one may not post again."""

import math
from collections.abc import Collection, Sequence

from runner.domain.ids import CompanyId, ExpenseId, SyncId
from runner.domain.judging import Verdict, statuses
from runner.domain.remote import SyncStatus
from runner.domain.states import ExpenseState, SyncClass, TransactionStatus
from runner.errors import Refused
from runner.journal.attempts import Traces
from runner.steps.kit import Kit


async def completed_in(
    company: CompanyId, expenses: Collection[ExpenseId], kit: Kit, *, but: SyncId | None = None
) -> dict[ExpenseId, SyncId]:
    """Find the syncs in which these expenses are Completed, likely ones first; read no more than needed.

    `but` is a sync that was read just now, and completed none of them.
    """
    found: dict[ExpenseId, SyncId] = {}
    missing = set(expenses)
    if not missing:
        return found
    listed = [status for status in await kit.codat.statuses(company) if status.sync_id != but]
    for status in likely_first(listed, await kit.journal.attempts.traces_of(company, expenses)):
        if not missing:
            break
        if status.kind is SyncClass.RUNNING:
            continue
        try:
            rows = statuses(await kit.codat.transactions(company, status.sync_id))
        except Refused:
            # A sync that is listed and cannot be read is no evidence for anything.
            continue
        here = {e for e in missing if e in rows and rows[e].status is TransactionStatus.COMPLETED}
        found.update(dict.fromkeys(here, status.sync_id))
        missing -= here
    return found


def likely_first(statuses: Sequence[SyncStatus], traces: Traces) -> list[SyncStatus]:
    """Order syncs by how likely they completed expenses: those that listed them, then those nearest to a send."""

    def distance(status: SyncStatus) -> tuple[bool, float]:
        moment = status.moment
        apart = (abs((moment - sent).total_seconds()) for sent in traces.sent) if moment is not None else ()
        return status.sync_id not in traces.syncs, min(apart, default=math.inf)

    newest_first = sorted(statuses, key=lambda status: status.at or "", reverse=True)
    return sorted(newest_first, key=distance)


async def posted_elsewhere(
    company: CompanyId, expenses: Collection[ExpenseId], kit: Kit, *, but: SyncId | None = None
) -> dict[ExpenseId, Verdict]:
    """Judge expenses that the duplicate guard names: they stand in the books, by a sync of ours or by others.

    One that no sync is known to have completed is posted all the same, because the guard looks at completed
    transactions only; it is marked external, as the content in the books may differ from the row. See `completed_in`
    for `but`.
    """
    if not expenses:
        return {}
    found = await completed_in(company, expenses, kit, but=but)
    ours = await kit.journal.syncs.started_here(company)
    verdicts = {}
    for expense in expenses:
        sync_id = found.get(expense)
        external = sync_id is None or sync_id not in ours
        verdicts[expense] = Verdict(
            ExpenseState.POSTED,
            "external" if external else None,
            "Codat says that it was processed before, outside this journal." if external else None,
            sync_id,
            external,
        )
        kit.note("posted_before", company=company, expense=expense, sync=sync_id, external=external)
    return verdicts


def found_posted(there: Sequence[SyncId], ours: Collection[SyncId], code: str, message: str) -> Verdict:
    """Return the verdict on an expense that is Completed in these syncs; external where none of them is ours."""
    here = next((sync_id for sync_id in there if sync_id in ours), None)
    if here is not None:
        return Verdict(ExpenseState.POSTED, evidence_sync=here)
    return Verdict(ExpenseState.POSTED, code, message, there[0], external=True)
