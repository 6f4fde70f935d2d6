"""Looking at syncs for their final status: one look serves all that a company waits for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.domain.states import SyncClass, is_documented
from runner.errors import CompanyHeld, OutcomeUnknown, Refused
from runner.journal.records import Sync
from runner.steps.holds import ASK_FOR_SYNC, SYNC_NOT_FOUND, find_company, held_by_refusal
from runner.steps.kit import Kit
from runner.steps.polls import Watch


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a company's syncs found."""

    finished: Sequence[Sync] = ()
    lost: Sequence[tuple[Sync, CompanyHeld]] = ()
    """Syncs whose status Codat refuses to tell, and the hold that follows."""


async def look_at_syncs(company: CompanyId, running: Sequence[Sync], kit: Kit) -> Look:
    """Look at the company's running syncs, all at once, if that is due; reading is free of effects.

    Those whose waiting time is over are left: a hint or a later run finds them as they stand.
    """
    watch = kit.polls.of(company)
    by_id = {sync.sync_id: sync for sync in running if sync.sync_id is not None}
    watch.wait_for(by_id, now=kit.clock.monotonic(), wait=kit.limits.wait)
    if not watch.is_due(kit.clock.monotonic()):
        return Look()
    seen = await _ask(company, watch, kit)
    if watch.saw(seen, now=kit.clock.monotonic()):
        kit.polls.announced = False
    finished, lost = [], []
    for sync_id, found in seen.items():
        sync = by_id[sync_id]
        if isinstance(found, Refused):
            watch.leave(sync_id)
            lost.append((sync, await _lost(company, sync_id, found, kit)))
            continue
        if not is_documented(found.code):
            kit.note("undocumented_status", company=company, sync=sync_id, code=found.code, means=found.kind)
        if found.kind is SyncClass.RUNNING:
            # Should Codat miss it again, that counts as the first time.
            await kit.journal.syncs.record_seen(sync.no)
        else:
            kit.note("sync_finished", company=company, sync=sync_id, code=found.code, error=found.error)
            finished.append(await kit.journal.syncs.record_finished(sync.no, found, pace=str(watch.pace)))
    return Look(finished, lost)


def next_look(company: CompanyId, kit: Kit, *, patient: bool) -> float:
    """Decide when the company's syncs are looked at next, in monotonic seconds; infinity where none is waited for.

    `patient` says that nothing else of the company waits for their ends.
    """
    watch = kit.polls.of(company)
    while True:
        due = watch.next_look(
            now=kit.clock.monotonic(),
            least=kit.limits.poll_interval,
            most=kit.limits.poll_maximum,
            jitter=kit.jitter,
            announced=kit.polls.announced,
            patient=patient,
        )
        left = watch.leave_overdue(due) if due < math.inf else ()
        for sync_id in left:
            kit.note("sync_left", company=company, sync=sync_id, waited=kit.limits.wait)
        if not left:
            return due


async def _ask(company: CompanyId, watch: Watch, kit: Kit) -> dict[SyncId, SyncStatus | Refused]:
    """Ask for the list of the company's syncs where that saves requests, and for the status of what it lacks.

    The list may lag behind: a sync that is not in it yet has a status of its own already.
    """
    awaited = watch.awaited()
    seen: dict[SyncId, SyncStatus | Refused] = {}
    if len(awaited) > 1 and watch.listed:
        try:
            listed = await kit.codat.statuses(company)
        except (Refused, OutcomeUnknown):
            # What is really the matter is said by each sync's own status.
            watch.listed = False
        else:
            seen.update((status.sync_id, status) for status in listed if status.sync_id in awaited)
            # Codat never cuts the list: with the years it costs more than the requests it saves.
            watch.listed = len(listed) <= kit.limits.longest_list
    for sync_id in awaited:
        if sync_id not in seen:
            try:
                seen[sync_id] = await kit.codat.status(company, sync_id)
            except Refused as refusal:
                seen[sync_id] = refusal
    return seen


async def _lost(company: CompanyId, sync_id: SyncId, refusal: Refused, kit: Kit) -> CompanyHeld:
    if refusal.status == 404 and await find_company(company, kit.codat) is not None:
        return CompanyHeld(
            f"Codat no longer knows sync {sync_id}, which it had started: {refusal.message}",
            code=SYNC_NOT_FOUND,
            hint=ASK_FOR_SYNC,
            correlation_id=refusal.correlation_id,
        )
    return held_by_refusal(refusal)
