"""Waiting for a sync's final status."""

from collections.abc import Iterator

from runner.domain.ids import CompanyId
from runner.domain.states import SyncClass, SyncCode, SyncState, is_documented
from runner.errors import CompanyHeld, Refused
from runner.journal.records import Sync
from runner.steps.holds import held_by_refusal, is_alive
from runner.steps.kit import Kit, Limits

_GROWTH = 1.5


async def await_sync(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    """Poll a running sync until it has a final status; None where the waiting time is over.

    A webhook or a later run finds it as it stands: reading is free of effects.
    """
    if sync.state is SyncState.FINISHED:
        return sync
    if sync.sync_id is None:
        raise RuntimeError(f"sync {sync.no} has no id to poll")
    deadline = kit.clock.monotonic() + kit.limits.wait
    slow = looked = False
    for delay in _delays(kit.limits):
        pause = kit.limits.poll_maximum if slow else delay
        if not looked:
            # However short the wait, each life looks once: a sync that nobody looks at never ends.
            pause = min(pause, kit.limits.wait)
        elif kit.clock.monotonic() + pause > deadline:
            kit.note("sync_left", company=company, sync=sync.sync_id, waited=kit.limits.wait)
            return None
        await kit.pause(kit.jitter(pause / 2, pause))
        looked = True
        try:
            status = await kit.codat.status(company, sync.sync_id)
        except Refused as refusal:
            raise await _lost(company, refusal, kit) from refusal
        if not is_documented(status.code):
            kit.note("undocumented_status", company=company, sync=sync.sync_id, code=status.code, means=status.kind)
        if status.kind is not SyncClass.RUNNING:
            kit.note("sync_finished", company=company, sync=sync.sync_id, code=status.code, error=status.error)
            return await kit.journal.syncs.record_finished(sync.no, status)
        slow = status.code == SyncCode.IN_PROGRESS_LONG
    raise AssertionError("the delays never end")


def _delays(limits: Limits) -> Iterator[float]:
    delay = limits.poll_interval
    while True:
        yield delay
        delay = min(delay * _GROWTH, max(limits.poll_maximum, limits.poll_interval))


async def _lost(company: CompanyId, refusal: Refused, kit: Kit) -> CompanyHeld:
    if refusal.status == 404 and await is_alive(company, kit.codat):
        return CompanyHeld(
            f"Codat no longer knows a sync that it had started: {refusal.message}",
            code="sync_not_found",
            hint="Ask Codat's support, with the sync's id: its expenses are kept as sent until it is found.",
            correlation_id=refusal.correlation_id,
        )
    return held_by_refusal(refusal)
