"""Many companies at once, fairly: each gets its turn, nobody waits in another's place, and trouble is one's own."""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from runner.codat.draining import Draining
from runner.company import Turn, walk_company
from runner.domain.forecast import Batches, OpenWork, requests_for
from runner.domain.ids import CompanyId, CompanyNo
from runner.errors import CompanyHeld, RequestError, RunStopped
from runner.steps.kit import Kit
from runner.steps.pace import Pace

PAGE = 200
POLLS_OF_EARLIER_RUNS = 5
"""Looks at syncs that an earlier run left under way take at most one part in so many of a run's budget."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A company that has something to do, as it stood when the run began."""

    no: CompanyNo
    need: int
    """Requests that this takes, if nothing goes wrong."""
    finishing: bool = False
    """Whether it is only about what an earlier run left under way: what is new has its own place in the order."""


def order(work: Iterable[OpenWork], batches: Batches, *, budget: float) -> list[Entry]:
    """Return the companies in the order in which they begin.

    What an earlier run left under way is finished first, as far as a fifth of the budget goes in looks at it. Then
    everybody has a turn: those for which nothing was sent for the longest first, and of these the smallest.
    """
    fair = sorted(work, key=lambda each: (each.served_run, each.open, each.company_no or 0))
    under_way = [
        Entry(each.company_no, requests_for([_under_way(each)], batches), finishing=True)
        for each in fair
        if each.company_no and each.syncs
    ]
    if budget < math.inf:
        del under_way[max(1, int(budget) // POLLS_OF_EARLIER_RUNS) :]
    return [*under_way, *(Entry(each.company_no, requests_for([each], batches)) for each in fair if each.company_no)]


def _under_way(work: OpenWork) -> OpenWork:
    return replace(work, undrafted=0, drafted=0, stored=0, receipts=0, first=False)


@dataclass(slots=True)
class Member:
    """A company that has begun in this run and has not come to its end."""

    company: CompanyId
    need: int
    finishing: bool
    left: int = 0
    """Requests that it still needs, as far as can be told; at least one as long as it has not ended."""
    claimed: bool = False
    served: bool = False
    due: float | None = None
    """When it is walked again, in monotonic seconds; None where it walks, or has its next turn before it."""


@dataclass(slots=True)
class Batch:
    """Companies with open work, streamed out of the journal, some of them walking.

    Those that have not begun come before those that have had a turn, and these before those that wait for a look. A
    company that waits takes nobody's place: it lies in a heap until its next look is due, or a hint says that there
    is something to see.
    """

    kit: Kit
    draining: Draining
    concurrency: int
    _fresh: deque[Entry] = field(default_factory=deque)
    _page: deque[Member] = field(default_factory=deque)
    _again: deque[Member] = field(default_factory=deque)
    _waiting: list[tuple[float, int, Member]] = field(default_factory=list)
    _begun: dict[CompanyId, Member] = field(default_factory=dict)
    _left: set[CompanyId] = field(default_factory=set)
    """Companies that met trouble while they were finished: nothing new is begun for them in this run."""
    _needed: int = 0
    """Requests that those which have begun still need."""
    _walking: set[asyncio.Task[None]] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _failure: BaseException | None = None
    _pushed: int = 0

    async def run(self) -> None:
        """Walk every company that has something to do; raise what stopped the run, if anything did."""
        self.kit.polls.wake = self._wake
        await self._freeze_order()
        while await self._fill():
            await self._wait()
        if self._walking:
            await asyncio.wait(self._walking)
        if self._failure is not None:
            raise self._failure
        self.draining.check()

    async def _freeze_order(self) -> None:
        kit = self.kit
        batches = Batches(
            creates_datasets=kit.codat.flow.creates_datasets,
            draft_size=kit.limits.draft_size,
            drafts_a_sync=kit.limits.drafts_a_sync,
            page_size=kit.codat.page_size,
            preflight=kit.checks.level,
        )
        work = await kit.journal.outlook.open_work(auto_retry=kit.limits.auto_retry)
        self._fresh.extend(order(work, batches, budget=kit.requests_left()))
        kit.polls.pace = Pace(await kit.journal.companies.common_pace())

    # ---- who walks next ----

    async def _fill(self) -> bool:
        """Set companies walking as long as there is room; say whether anything is left to wait for."""
        while len(self._walking) < self.concurrency and not self.draining.active:
            member = await self._next()
            if member is None:
                break
            member.due = None
            task = asyncio.ensure_future(self._walk(member))
            self._walking.add(task)
            task.add_done_callback(self._ended)
        return not self.draining.active and bool(self._begun or self._fresh or self._page)

    async def _next(self) -> Member | None:
        begun = await self._begin()
        if begun is not None:
            return begun
        if self._again:
            return self._again.popleft()
        now = self.kit.clock.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            due, _, member = heapq.heappop(self._waiting)
            if member.due == due:
                return member
        return None

    async def _begin(self) -> Member | None:
        """Return the next company that has not begun; None while the budget left belongs to those that have."""
        if self._begun and self.kit.requests_left() <= self._needed:
            return None
        if not self._page and self._fresh:
            entries = [self._fresh.popleft() for _ in range(min(PAGE, len(self._fresh)))]
            companies = await self.kit.journal.companies.ids([entry.no for entry in entries])
            found = zip(companies, entries, strict=True)
            self._page.extend(Member(company, entry.need, entry.finishing) for company, entry in found)
        while self._page:
            member = self._page.popleft()
            if member.company in self._left:
                continue
            known = self._begun.setdefault(member.company, member)
            self._reckon(known, max(1, member.need))
            if known is member:
                return member
            # What was under way is being finished; now it is the turn of what is new.
            known.need, known.finishing = member.need + self.kit.codat.sent[member.company], False
            self._wake(member.company)
        return None

    def _reckon(self, member: Member, left: int) -> None:
        self._needed += left - member.left
        member.left = left

    # ---- waiting ----

    async def _wait(self) -> None:
        """Wait until a walk ends, a look is due, a hint comes, or the run is to end."""
        waiters: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._woken.wait())]
        if self._waiting and len(self._walking) < self.concurrency:
            seconds = max(0.0, self._waiting[0][0] - self.kit.clock.monotonic())
            waiters.append(asyncio.ensure_future(self.kit.pause(seconds)))
        try:
            await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()
            # What a pause raises is what draining was started with.
            await asyncio.gather(*waiters, return_exceptions=True)
        self._woken.clear()

    def _wake(self, company: CompanyId) -> None:
        """Let a company that waits be walked now."""
        member = self._begun.get(company)
        if member is not None and member.due is not None:
            self._push(member, self.kit.clock.monotonic())
            self._woken.set()

    def _push(self, member: Member, due: float) -> None:
        member.due = due
        self._pushed += 1
        heapq.heappush(self._waiting, (due, self._pushed, member))

    # ---- walking ----

    def _ended(self, walk: "asyncio.Task[None]") -> None:
        self._walking.discard(walk)
        self._woken.set()
        error = None if walk.cancelled() else walk.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End the run because of an error that nobody foresaw; it is raised when the others have come to their end."""
        self._failure = self._failure or error
        self.draining.start(RunStopped("The run ends because of an unforeseen error."))

    async def _walk(self, member: Member) -> None:
        finishing = member.finishing
        turn = await self._turn(member)
        sent = self.kit.codat.sent[member.company]
        if sent and not member.served:
            member.served = True
            try:
                await self.kit.journal.companies.record_served(member.company)
            except RunStopped as stop:
                self.draining.start(stop)
        if turn is None and finishing:
            self._left.add(member.company)
        # The turn of what is new may have come while what was under way was being finished.
        more = turn is not None and (turn.more or (finishing and not member.finishing))
        if turn is None or (not more and turn.due == math.inf):
            self._let_go(member)
            return
        self._reckon(member, max(1, member.need - sent))
        if more:
            self._again.append(member)
        else:
            self._push(member, turn.due)

    def _let_go(self, member: Member) -> None:
        self._reckon(member, 0)
        del self._begun[member.company]
        del self.kit.codat.sent[member.company]
        self.kit.polls.forget(member.company)
        self.kit.note("company_let_go", company=member.company)

    async def _turn(self, member: Member) -> Turn | None:
        """Walk one company's turn, behind the border that keeps its trouble from the others; None: it is done with."""
        journal, note, company = self.kit.journal, self.kit.note, member.company
        try:
            if not member.claimed:
                pace = await journal.companies.claim(company)
                self.kit.polls.begin(company, pace)
                member.claimed = True
                note("company_taken", company=company)
            return await walk_company(company, self.kit, finishing=member.finishing)
        except CompanyHeld as hold:
            await journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)
            note("company_held", company=company, code=hold.code, message=hold.message, hint=hold.hint)
        except RequestError as error:
            note("company_left", company=company, code=error.code, message=error.message)
        except RunStopped as stop:
            self.draining.start(stop)
        except Exception as error:  # noqa: BLE001 - raised again by run(), after the others have come to their end
            self._fail(error)
        return None
