"""The walk: one company's way through all its steps, top to bottom.

There is no resume code. Every step first asks the journal what is already known, so a second life walks the
same way and simply recalls more.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import TypeVar

from runner.domain.ids import CompanyId, ReceiptNo
from runner.domain.states import SyncState
from runner.errors import CompanyHeld, RequestError, StartLost, StillInDoubt
from runner.journal.records import Draft, Sync
from runner.steps.datasets import create_datasets, find_started_by_create, settle_misnamed
from runner.steps.forgetting import give_up
from runner.steps.holds import NOT_REBUILT, SYNC_NOT_FOUND, find_company, probe_hold, release_repeated
from runner.steps.kit import Kit
from runner.steps.preflight import preflight
from runner.steps.receipts import upload_receipts
from runner.steps.reconcile import reconcile
from runner.steps.resending import look_before_resend
from runner.steps.statuses import await_sync
from runner.steps.syncs import start_sync
from runner.steps.transactions import check_transactions, look_again
from runner.together import gravest

T = TypeVar("T")

MAX_LOST_STARTS = 3
"""Starts of one company that may come to nothing without an answer before it is left to a later run."""


async def walk_company(company: CompanyId, kit: Kit) -> bool:
    """Bring a company's staged expenses into its books, with their receipts.

    Returns whether it has more to send and should get another turn. Raises `CompanyHeld` where a person must
    do something for this company, `RequestError` where Codat could not be reached, `RunStopped`.
    """
    try:
        await probe_hold(company, kit)
    except CompanyHeld as hold:
        await judge_what_ended(company, kit)
        await attach_while_held(company, hold, kit)
        raise
    try:
        known = await settle_doubts(company, kit)
        await look_again(company, kit, doubts=True)
        await look_before_resend(company, kit, doubts=True)
        if kit.limits.auto_retry:
            await kit.journal.resends.auto_retry_earlier(company, limit=kit.limits.auto_retry)
        more = await push(company, known, kit)
    except (CompanyHeld, StillInDoubt) as hold:
        await attach_while_held(company, hold, kit)
        raise
    await upload_receipts(company, kit)
    return more


async def attach_while_held(company: CompanyId, hold: CompanyHeld | StillInDoubt, kit: Kit) -> None:
    """Attach the receipts of what a held company has posted all the same, where its books can be reached."""
    if hold.code == NOT_REBUILT or not await kit.journal.receipts.waiting(company, after=ReceiptNo(0), limit=1):
        return
    with suppress(CompanyHeld, RequestError):
        info = await find_company(company, kit.codat)
        if info is not None and info.linked is not False:
            await upload_receipts(company, kit)


async def judge_what_ended(company: CompanyId, kit: Kit) -> None:
    """See a held company's known syncs through all the same: reading is free of effects."""
    for sync in await kit.journal.syncs.open(company):
        if sync.state is not SyncState.STARTING:
            with suppress(CompanyHeld, RequestError):
                await see_through(company, sync, kit)


async def settle_doubts(company: CompanyId, kit: Kit) -> list[Sync]:
    """Return the company's open syncs, each with an id: a sync of unknown fate is settled before anything else."""
    misnamed = await kit.journal.attempts.any_unbelieved(company)
    if misnamed:
        # What an answer named may be a known sync: it is judged only at its end.
        await judge_what_ended(company, kit)
    known = []
    for sync in await kit.journal.syncs.open(company):
        settled = await reconcile(company, sync, kit) if sync.state is SyncState.STARTING else sync
        if settled is not None:
            known.append(settled)
    if misnamed:
        known += await settle_misnamed(company, kit)
    await release_repeated(company, kit)
    return known


async def push(company: CompanyId, known: Sequence[Sync], kit: Kit) -> bool:
    """See known syncs through and start new ones beside them: a few run side by side, one is started at a time.

    Returns whether the turn ended before the work did. Nothing is cut off by an error: what is under way comes
    to its end, then the gravest error is raised.
    """
    trips = Trips(limit=kit.limits.syncs_in_flight)
    for earlier in known:
        trips.add(see_through(company, earlier, kit))
    sent = 0
    while True:
        await trips.make_room()
        drafts = [] if trips.errors else await trips.guard(next_drafts(company, kit)) or []
        turn_over = sent >= kit.limits.turn
        if drafts and not turn_over:
            sent += len(drafts)
            sync = await trips.guard(send(company, drafts, kit))
            if sync is not None:
                trips.add(see_through(company, sync, kit))
        elif trips.under_way:
            await trips.one_ends()
        else:
            break
    if trips.errors:
        raise gravest(trips.errors)
    return bool(drafts)


async def next_drafts(company: CompanyId, kit: Kit) -> list[Draft]:
    """Return the drafts of the next sync; none where nothing is left to send."""
    await look_again(company, kit, doubts=False)
    await look_before_resend(company, kit, doubts=False)
    await preflight(company, kit)
    size = kit.limits.drafts_a_sync if kit.codat.flow.creates_datasets else 1
    return await kit.journal.drafts.take(company, limit=size, size=kit.limits.draft_size)


async def send(company: CompanyId, drafts: Sequence[Draft], kit: Kit) -> Sync | None:
    """Bring drafts into a running sync: in the dataset flow as datasets first, in the direct flow at once."""
    if kit.codat.flow.creates_datasets:
        drafts = await create_datasets(company, drafts, kit)
    elif (started := await find_started_by_create(company, drafts[0], kit)) is not None:
        return started
    return await start_sync(company, drafts, kit) if drafts else None


async def see_through(company: CompanyId, sync: Sync, kit: Kit) -> None:
    """Wait for a sync's end and judge its expenses; one that does not end in time is left to a later run.

    Where Codat does not know the sync, a person is asked for (`CompanyHeld`) until it is certain that it is forgotten.
    """
    try:
        finished = await await_sync(company, sync, kit)
        if finished is not None:
            await check_transactions(company, finished, kit)
    except CompanyHeld as hold:
        if hold.code != SYNC_NOT_FOUND or not await give_up(company, sync, kit):
            raise


class Trips:
    """Syncs under way side by side, none of which an error elsewhere cuts off."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._lost = 0
        self.under_way: set[asyncio.Task[None]] = set()
        self.errors: list[Exception] = []

    def add(self, trip: Coroutine[None, None, None]) -> None:
        """Set a sync on its way."""
        self.under_way.add(asyncio.ensure_future(trip))

    async def guard(self, work: Coroutine[None, None, T]) -> T | None:
        """Do something whose error shall wait until nothing is under way."""
        try:
            return await work
        except StartLost as error:
            # It may be sent again, but not for ever: a start takes its quiescence time to be proved lost.
            self._lost += 1
            if self._lost > MAX_LOST_STARTS:
                self.errors.append(error)
            return None
        except Exception as error:  # noqa: BLE001 - kept in `errors`, raised by the caller
            self.errors.append(error)
            return None

    async def make_room(self) -> None:
        """Wait until one more sync may be set on its way."""
        while len(self.under_way) >= self._limit:
            await self.one_ends()

    async def one_ends(self) -> None:
        """Wait until at least one of the syncs under way has come to its end."""
        done, self.under_way = await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if isinstance(error, Exception):
                self.errors.append(error)
            elif error is not None:
                raise error
