"""The walk: one company's turn through all its steps, top to bottom.

There is no resume code. Every step first asks the journal what is already known, so a second life walks the
same way and simply recalls more. Nor does a walk wait for Codat: it ends with the moment of its next look, and the
next walk begins at the top again.
"""

import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from runner.domain.ids import CompanyId
from runner.domain.states import SyncState
from runner.errors import CompanyHeld, LookLater, RequestError, StillInDoubt
from runner.journal.records import Draft, Sync
from runner.steps.datasets import create_datasets, find_started_by_create, settle_misnamed
from runner.steps.forgetting import give_up
from runner.steps.holds import BY_REBUILD, SYNC_NOT_FOUND, find_company, probe_hold, release_repeated
from runner.steps.kit import Kit
from runner.steps.looking import count_lost
from runner.steps.preflight import preflight
from runner.steps.receipts import upload_receipts
from runner.steps.reconcile import reconcile
from runner.steps.resending import look_before_resend
from runner.steps.statuses import look_at_syncs, next_look
from runner.steps.syncs import start_sync
from runner.steps.transactions import check_transactions, look_again
from runner.together import each, gravest

T = TypeVar("T")

RECEIPTS_A_TURN = 10


@dataclass(frozen=True, slots=True)
class Turn:
    """What a company's turn has left to do."""

    more: bool
    """Whether there may be more to do at once, when others have had their turns."""
    due: float
    """When there is something to look at, in monotonic seconds; infinity where nothing is waited for."""


async def walk_company(company: CompanyId, kit: Kit, *, finishing: bool = False) -> Turn:
    """Take one turn to bring a company's staged expenses into its books, with their receipts.

    With `finishing` nothing new is begun: only what is under way is seen through.

    What is under way for a company with trouble is seen through before the trouble is raised: `CompanyHeld` where a
    person must do something for it, `RequestError` where Codat could not be reached. `RunStopped` is raised at once.
    """
    walk = Walk(company, kit)
    if walk.is_well:
        await walk.heed(probe_hold(company, kit))
    await walk.see_through()
    if walk.is_well and not finishing:
        await walk.heed(look_back(company, kit))
    did = False
    if walk.is_well and not finishing:
        did = await walk.take_turn()
    if not did and walk.hold is not None:
        did = await walk.heed(attach_while_held(company, walk.hold, kit)) or False
    return walk.end(did=did)


class Walk:
    """One walk of a company; its trouble is kept until nothing is under way any more."""

    def __init__(self, company: CompanyId, kit: Kit) -> None:
        self._company = company
        self._kit = kit
        self._watch = kit.polls.of(company)
        self._later = math.inf
        self._starting = False

    @property
    def is_well(self) -> bool:
        """Whether nothing is in the way of what is to be sent."""
        return not self._watch.trouble

    @property
    def hold(self) -> CompanyHeld | StillInDoubt | None:
        """What keeps the company back, where nothing else went wrong."""
        first = self._watch.trouble[0] if len(self._watch.trouble) == 1 else None
        return first if isinstance(first, CompanyHeld | StillInDoubt) else None

    async def heed(self, work: Awaitable[T]) -> T | None:
        """Return what comes of some work; None where it has to go on later, or met trouble, which is kept."""
        try:
            return await work
        except LookLater as later:
            self._later = min(self._later, later.due)
        except (CompanyHeld, RequestError) as error:
            self._watch.trouble.append(error)
        return None

    async def see_through(self) -> None:
        """Settle what is of unknown fate, look at the syncs that run, judge those that have ended.

        A held company's syncs are seen through as well, because reading is free of effects; only what is of unknown
        fate is left alone.
        """
        kit, company = self._kit, self._company
        misnamed = self.is_well and await kit.journal.attempts.any_unbelieved(company)
        opened = await kit.journal.syncs.open(company)
        starting = [sync for sync in opened if sync.state is SyncState.STARTING]
        known = [sync for sync in opened if sync.state is not SyncState.STARTING]
        if misnamed:
            # What an answer named may be a known sync: it is judged only at its end, and that comes first.
            await self._look(known)
            known = [sync for sync in await kit.journal.syncs.open(company) if sync.state is not SyncState.STARTING]
            self._starting = bool(self._watch.waits_for)
        if self.is_well and not self._starting:
            for sync in starting:
                settled = await self.heed(settle(company, sync, kit))
                known += [] if settled is None else [settled]
            if misnamed:
                known += await self.heed(settle_misnamed(company, kit)) or []
            self._starting = self._later < math.inf
            if not (self._starting or self._watch.trouble):
                await self.heed(release_repeated(company, kit))
        await self._look(known)

    async def _look(self, syncs: Sequence[Sync]) -> None:
        kit, company = self._kit, self._company
        finished = [sync for sync in syncs if sync.state is SyncState.FINISHED]
        running = [sync for sync in syncs if sync.state is not SyncState.FINISHED]
        try:
            look = await look_at_syncs(company, running, kit)
        except RequestError as error:
            # Whoever waits for Codat to answer would wait as long as it does not.
            self._watch.leave()
            self._watch.trouble.append(error)
            return
        ended = [partial(judge, company, sync, kit) for sync in (*finished, *look.finished)]
        lost = [partial(meet_lost, company, sync, hold, kit) for sync, hold in look.lost]
        await each([*ended, *lost], lambda act: self.heed(act()), limit=kit.limits.creates_in_flight)

    async def take_turn(self) -> bool:
        """Start one sync or attach some receipts, whichever was longer ago; say whether there was anything to do.

        While the fate of a start is unknown no other one is begun.
        """
        steps = [attach_receipts] if self._starting else [attach_receipts, start_next]
        if self._watch.receipts_last:
            steps.reverse()
        for step in steps:
            if self.is_well and await self.heed(step(self._company, self._kit)):
                return True
        return False

    def end(self, *, did: bool) -> Turn:
        """Return what is left to do; raise the gravest trouble once nothing is under way."""
        full = self._watch.waits_for >= self._kit.limits.syncs_in_flight
        due = min(self._later, next_look(self._company, self._kit, patient=not full))
        if self._watch.trouble and not did and due == math.inf:
            raise gravest(self._watch.trouble)
        return Turn(did, due)


async def settle(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    """Settle a sync of unknown fate before anything else is started; None where it never was.

    Raises `StartLost` where that has happened too often in this run.
    """
    settled = await reconcile(company, sync, kit)
    if settled is None:
        count_lost(company, kit)
    return settled


async def judge(company: CompanyId, sync: Sync, kit: Kit) -> None:
    """Judge each expense of a sync that has ended, or meet that Codat has forgotten it meanwhile."""
    try:
        await check_transactions(company, sync, kit)
    except CompanyHeld as hold:
        await meet_lost(company, sync, hold, kit)


async def meet_lost(company: CompanyId, sync: Sync, hold: CompanyHeld, kit: Kit) -> None:
    """Give up a sync that Codat has forgotten once that is certain; until then ask for a person: `CompanyHeld`."""
    if hold.code != SYNC_NOT_FOUND or not await give_up(company, sync, kit):
        raise hold


async def look_back(company: CompanyId, kit: Kit) -> None:
    """Look once a run at what earlier ones left in doubt, and take up what failed in them."""
    watch = kit.polls.of(company)
    if not watch.begun:
        await look_again(company, kit, doubts=True)
        await look_before_resend(company, kit, doubts=True)
        if kit.limits.auto_retry:
            await kit.journal.resends.auto_retry_earlier(company, limit=kit.limits.auto_retry)
        watch.begun = True


async def attach_while_held(company: CompanyId, hold: CompanyHeld | StillInDoubt, kit: Kit) -> bool:
    """Attach receipts of what a held company has posted all the same, where its books can be reached."""
    if hold.code in BY_REBUILD or not await kit.journal.receipts.waiting(company, limit=1):
        return False
    info = await find_company(company, kit.codat)
    return info is not None and info.linked is not False and await attach_receipts(company, kit)


async def attach_receipts(company: CompanyId, kit: Kit) -> bool:
    """Attach some of the receipts that wait; say whether there were any."""
    attached = await upload_receipts(company, kit, limit=RECEIPTS_A_TURN)
    if attached:
        kit.polls.of(company).receipts_last = True
    return attached


async def start_next(company: CompanyId, kit: Kit) -> bool:
    """Bring the next drafts into a sync, where there is room for one more; say whether there were any."""
    watch = kit.polls.of(company)
    if watch.waits_for >= kit.limits.syncs_in_flight:
        return False
    drafts = await next_drafts(company, kit)
    if drafts:
        watch.receipts_last = False
        await send(company, drafts, kit)
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
