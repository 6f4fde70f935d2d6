"""Reconciling a sync of unknown fate: its start was begun, and no answer is known.

Codat's duplicate guard looks at completed transactions only. A second sync started while the first still runs
would double every expense in it. So an unanswered start is never repeated before it is certain that the first
one came to nothing:

1. where idempotency keys are proven to be honoured and the attempt is young, the same key and body are sent
   again, which can only recover the first answer;
2. otherwise the company's syncs are listed and the transactions of those the journal does not know are read:
   a sync that holds our expenses is adopted;
3. only when the quiescence time is over and two looks in a row found nothing is the sync void, and its drafts
   are free to be sent again.
"""

from collections.abc import Iterator
from enum import Enum, auto
from itertools import chain, repeat

from runner.domain.ids import CompanyId, SyncId
from runner.domain.states import Outcome, SyncClass
from runner.errors import NotReady, OutcomeUnknown, Refused, StillInDoubt
from runner.journal.attempts import End
from runner.journal.records import Attempt, Sync
from runner.steps.intent import end_of
from runner.steps.kit import Kit
from runner.steps.replay import PAUSES, OtherBody, SameBody, may_replay
from runner.steps.starting import request_start

LOOKS = (5.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between looks for a sync; the last one repeats."""


class Look(Enum):
    """What a look at the company's syncs found, if not our sync."""

    NOTHING = auto()
    UNCLEAR = auto()
    """A sync the journal does not know is still running and may turn out to be ours."""


async def reconcile(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    """Settle a sync of unknown fate: return it running, or None where it is proved never to have been."""
    attempt = await kit.journal.attempts.of_sync(sync.no)
    if attempt is None:
        raise RuntimeError(f"sync {sync.no} has no attempt")
    if await may_replay(company, attempt, kit):
        settled = await _replay(company, sync, attempt, kit)
        if settled is not None:
            return settled.sync
        attempt = await kit.journal.attempts.of_sync(sync.no) or attempt
    return await _look_until_quiet(company, sync, attempt, kit)


class _Settled:
    """A replay's definite end: the running sync, or None for one that was refused."""

    def __init__(self, sync: Sync | None) -> None:
        self.sync = sync


async def _replay(company: CompanyId, sync: Sync, attempt: Attempt, kit: Kit) -> _Settled | None:
    """Send the same key and body again; None where even that gets no definite answer."""
    drafts = await kit.journal.syncs.drafts_of(sync.no)
    intent = SameBody(attempt, kit)
    for pause in (*PAUSES, None):
        try:
            created = await request_start(company, drafts, kit, key=attempt.key, begin=intent.begin)
        except Refused as refusal:
            if refusal.status == 422:
                # Codat holds another body under this key: whatever that is, it is not an answer to this start.
                return None
            detail = f"replayed: {refusal.message}"
            fact = End(
                Outcome.REFUSED,
                http_status=refusal.status,
                correlation_id=refusal.correlation_id,
                detail=detail,
            )
            await kit.journal.syncs.record_void(sync.no, attempt.no, fact)
            return _Settled(None)
        except OutcomeUnknown as error:
            await kit.journal.attempts.record(attempt.no, end_of(error))
            if error.received:
                return None
        except OtherBody:
            return None
        except NotReady:
            # 409: the first request is still being worked on, so it is certain to have arrived.
            pass
        else:
            if created.sync_id is None:
                return None
            kit.note("start_recovered", company=company, sync=created.sync_id, by="replay")
            return _Settled(await kit.journal.syncs.record_running(sync.no, created.sync_id, attempt.no))
        if pause is not None:
            await kit.pause(pause)
    return None


async def _look_until_quiet(company: CompanyId, sync: Sync, attempt: Attempt, kit: Kit) -> Sync | None:
    empty = 0
    patience = kit.clock.monotonic() + kit.limits.quiescence + kit.limits.wait
    for step in _steps():
        found = await look(company, sync, kit)
        if not isinstance(found, Look):
            kit.note("sync_adopted", company=company, sync=found)
            return await kit.journal.syncs.record_running(sync.no, found, attempt.no, adopted=True)
        empty = empty + 1 if found is Look.NOTHING else 0
        remaining = kit.limits.quiescence - _elapsed(attempt, kit)
        if remaining <= 0 and empty >= 2:
            fact = End(Outcome.ABSENT, detail=f"not at Codat after {kit.limits.quiescence:.0f} s of quiescence")
            await kit.journal.syncs.record_void(sync.no, attempt.no, fact)
            kit.note("start_absent", company=company, sync_no=sync.no)
            return None
        if kit.clock.monotonic() > patience:
            raise StillInDoubt("A sync of unknown fate could not be settled: others at Codat do not come to an end.")
        kit.note("start_in_doubt", company=company, sync_no=sync.no, seconds_left=max(0, round(remaining)))
        await kit.pause(min(step, max(remaining, LOOKS[0])))
    raise AssertionError("the steps never end")


def _steps() -> Iterator[float]:
    return chain(LOOKS, repeat(LOOKS[-1]))


def _elapsed(attempt: Attempt, kit: Kit) -> float:
    """Return how long ago the attempt last left, at least: in boot time, which no clock setting can jump."""
    if attempt.boot_id == kit.clock.boot_id():
        return max(0.0, kit.clock.boottime() - attempt.last_boottime)
    return kit.clock.boottime()


async def look(company: CompanyId, sync: Sync, kit: Kit) -> SyncId | Look:
    """Look for our sync among those at Codat that the journal does not know."""
    ours = await kit.journal.syncs.expenses_of(sync.no)
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
