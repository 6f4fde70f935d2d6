"""Waiting for a sync's final status: one look serves all who wait for syncs of the same company."""

import asyncio

from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.domain.states import SyncClass, SyncState, is_documented
from runner.errors import CompanyHeld, OutcomeUnknown, Refused
from runner.journal.records import Sync
from runner.steps.holds import ASK_FOR_SYNC, SYNC_NOT_FOUND, find_company, held_by_refusal
from runner.steps.kit import Kit
from runner.steps.polls import Seen, Watch


async def await_sync(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    """Poll a running sync until it has a final status; None where the waiting time is over.

    A webhook or a later run finds it as it stands: reading is free of effects.
    """
    if sync.state is SyncState.FINISHED:
        return sync
    if sync.sync_id is None:
        raise RuntimeError(f"sync {sync.no} has no id to poll")
    watch = kit.polls.of(company)
    place = kit.polls.enter(company, sync.sync_id, now=kit.clock.monotonic(), wait=kit.limits.wait)
    seen = False
    try:
        while not (place.looked and kit.clock.monotonic() + _pause(watch, kit) > place.deadline):
            status = await _next_look(company, sync.sync_id, watch, kit)
            if status is not None and status.kind is not SyncClass.RUNNING:
                kit.note("sync_finished", company=company, sync=sync.sync_id, code=status.code, error=status.error)
                return await kit.journal.syncs.record_finished(sync.no, status)
            if status is not None and not seen:
                # Should Codat miss it again, that counts as the first time.
                seen = True
                await kit.journal.syncs.record_seen(sync.no)
    finally:
        watch.leave(place)
    kit.note("sync_left", company=company, sync=sync.sync_id, waited=kit.limits.wait)
    return None


async def _next_look(company: CompanyId, sync_id: SyncId, watch: Watch, kit: Kit) -> SyncStatus | None:
    """Wait for the next look, whoever began it; None where it had left before this sync was waited for."""
    if watch.look is None or watch.look.done():
        watch.look = asyncio.ensure_future(_look(company, watch, kit))
    # Shielded: one who stops waiting must not take the look from the others.
    found = (await asyncio.shield(watch.look)).get(sync_id)
    if isinstance(found, Refused):
        raise await _lost(company, sync_id, found, kit) from found
    if found is not None and not is_documented(found.code):
        kit.note("undocumented_status", company=company, sync=sync_id, code=found.code, means=found.kind)
    return found


async def _look(company: CompanyId, watch: Watch, kit: Kit) -> Seen:
    """Pause until the look is due, then look at all syncs that are waited for by then."""
    try:
        await _rest(watch, kit)
        seen = await _ask(company, watch, kit)
        if watch.saw(seen, now=kit.clock.monotonic()):
            kit.polls.announced = False
        return seen
    finally:
        watch.ask_anew()


async def _rest(watch: Watch, kit: Kit) -> None:
    """Pause until the look is due, or until a hint says that there is something to see."""
    if not kit.polls.hinted:
        await kit.pause(_pause(watch, kit))
        return
    resting = asyncio.ensure_future(kit.pause(_pause(watch, kit)))
    waking = asyncio.ensure_future(watch.woken.wait())
    try:
        await asyncio.wait((resting, waking), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waking.cancel()
        resting.cancel()
    if resting.done():
        # It ends the look where the run is ending.
        resting.result()


def _pause(watch: Watch, kit: Kit) -> float:
    limits = kit.limits
    return watch.pause(
        now=kit.clock.monotonic(),
        least=limits.poll_interval,
        most=limits.poll_maximum,
        jitter=kit.jitter,
        announced=kit.polls.announced,
    )


async def _ask(company: CompanyId, watch: Watch, kit: Kit) -> Seen:
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
