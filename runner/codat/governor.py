"""As fast as Codat allows, and never faster.

One budget for all companies. Who may leave is decided synchronously (`_assign`), then the waiters are woken:
no decision is ever suspended half-way.
"""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType

from runner.backoff import Jitter
from runner.clock import Clock
from runner.codat.answers import retry_after
from runner.codat.budgets import out_of_requests
from runner.codat.governing.lane import Lane
from runner.codat.governing.limits import Limits
from runner.codat.governing.quota import Quota
from runner.codat.governing.waiting import Waiter, WaitingLine
from runner.codat.messages import Request, Response
from runner.domain.ids import CompanyId
from runner.errors import BudgetReached, Interrupted, RunStopped

__all__ = ["Governor", "Limits", "Traffic"]

_DEFAULT_LIMITS = Limits()
_PATIENCE = 30.0
"""Seconds after which a waiting request moves up one priority."""
_UNHEARD = 8
"""In flight before the first answer: a service that has not spoken yet is not flooded."""
_LONGEST_WAIT = 86_400.0
"""The longest Retry-After that is believed: every limit of Codat's is renewed within a day."""
_TICK = 0.001
_AGAIN = "Run again at that time: running again goes on where this run ended."


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the governor sees at one moment, for the progress display."""

    sent_last_minute: int
    limit: int
    """Requests a minute at most, over all source addresses."""
    quota_remaining: int | None
    """Of the day's, as last answered; None before the first answer."""
    paused_until: datetime | None
    """When the first source address may send again; None where one may."""


@dataclass(frozen=True, slots=True)
class _Assignment:
    granted: list[Waiter]
    refused: list[Waiter]
    refusal: Callable[[], RunStopped] | None
    wake_at: float
    """Monotonic seconds; infinity where nobody waits for a time."""


class Governor:
    """Decides when a request may leave.

    The gate holds `admitted` from the admission until the answer is read, and calls `observe` inside of it,
    so that a 429 slows everyone before its place is given to the next. A request that is admitted and then
    not sent counts as sent: too slow by one rather than too fast.

    Each source address has a lane of its own: its rate, and its pauses. The day's quota, what is in flight, and
    a pause that is too long for this run are everybody's.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Limits = _DEFAULT_LIMITS,
        *,
        previous_life_seconds_ago: float | None = None,
        jitter: Jitter = random.uniform,
        sources: Sequence[str | None] = (None,),
    ) -> None:
        """Start with full credit, or with none if a former life may have sent in the last minute.

        `previous_life_seconds_ago`: seconds since it ended; None if there was none. `sources`: the addresses
        to send from, each with an allowance of its own; None stands for the system's choice.
        """
        now = clock.monotonic()
        self._clock = clock
        self._limits = limits
        self._jitter = jitter
        self._lanes = {
            source: Lane(limits.max_rpm, now=now, previous_life_seconds_ago=previous_life_seconds_ago)
            for source in sources
        }
        self._quota = Quota()
        self._line = WaitingLine(patience=_PATIENCE)
        self._in_flight = 0
        self._by_company: dict[CompanyId, int] = {}
        self._sent = 0
        self._lost = 0
        self._heard = False
        self._stopped: Callable[[], RunStopped] | None = None
        self._long_pause: tuple[float, Callable[[], RunStopped]] | None = None
        self._waker: asyncio.Task[None] | None = None
        self._waker_at = math.inf
        self._wakers: set[asyncio.Task[None]] = set()

    def admitted(self, request: Request) -> AbstractAsyncContextManager[str | None]:
        """Wait until the request may leave, and hold its place among those in flight until the exit.

        Gives the source address to send it from, which `observe` must find in the request. Raises
        `BudgetReached` where it may not leave in this run: the day's quota is spent, Codat asks for a pause
        longer than `max_pause`, or a limit that the user set is reached.
        """
        return _Place(self, request)

    def observe(self, request: Request, response: Response) -> None:
        """Learn from an answer: the quota from its X-Rate-Limit headers, a pause from 429 or Retry-After."""
        now = self._clock.monotonic()
        lane = self._lanes.get(request.source) or next(iter(self._lanes.values()))
        self._heard = True
        self._lost = 0
        self._quota.read(response.headers, now=now, wall=self._clock.now)
        if response.status == 429 or (response.status == 503 and "retry-after" in response.headers):
            self._slow_down(lane, response, now)
        else:
            lane.got_through(now)
        self._settle(now)

    def requests_left(self, *, seconds: float = math.inf) -> float:
        """Return how many requests may still leave, by all limits of the run and the day; infinity where none is known.

        `seconds`: until the run ends.
        """
        left = self._quota.remaining(self._clock.monotonic())
        quota = math.inf if left is None else max(0, left - self._limits.reserve - self._in_flight)
        allowed = self._limits.max_requests
        counted = math.inf if allowed is None else allowed - self._sent
        return min(counted, quota, max(0.0, seconds) * self._limits.max_rpm * len(self._lanes) / 60)

    def snapshot(self) -> Traffic:
        """Return the state of things, for showing."""
        now = self._clock.monotonic()
        pauses = [lane.paused_until(now) for lane in self._lanes.values()]
        paused = None if None in pauses else min(pause for pause in pauses if pause is not None)
        return Traffic(
            sent_last_minute=sum(lane.sent_last_minute(now) for lane in self._lanes.values()),
            limit=self._limits.max_rpm * len(self._lanes),
            quota_remaining=self._quota.remaining(now),
            paused_until=None if paused is None else self._clock.now() + timedelta(seconds=paused - now),
        )

    def stop(self, error: Callable[[], RunStopped]) -> None:
        """Refuse whoever waits or comes later with an error made for each; those in flight go on."""
        if self._stopped is None:
            self._stopped = error
        self._settle(self._clock.monotonic())

    async def aclose(self) -> None:
        """Refuse whoever waits, and leave no task behind."""
        self.stop(lambda: Interrupted("The governor is closed."))
        wakers = tuple(self._wakers)
        for waker in wakers:
            waker.cancel()
        await asyncio.gather(*wakers, return_exceptions=True)

    async def enter(self, request: Request) -> str | None:
        """Wait for admission and return the source address; `admitted` calls it."""
        now = self._clock.monotonic()
        company = request.company
        if not self._line:
            refusal = self._refusal(now)
            if refusal is not None:
                raise refusal()
            if self._has_room(company) and self._clear_at(now) <= now:
                return self._grant(company, now)
        future: asyncio.Future[RunStopped | None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(company, request.priority, since=now, future=future)
        self._line.add(waiter)
        self._settle(now)
        try:
            error = await future
        except asyncio.CancelledError:
            if waiter.granted:
                self.leave(request, waiter.source, answered=False)
            else:
                self._line.remove(waiter)
                self._settle(self._clock.monotonic())
            raise
        if error is not None:
            raise error
        return waiter.source

    def leave(self, request: Request, source: str | None, *, answered: bool) -> None:
        """Give the place back; `admitted` calls it at its exit, `answered` if that is no error's."""
        now = self._clock.monotonic()
        company = request.company
        self._in_flight -= 1
        if company is not None:
            left = self._by_company[company] - 1
            if left:
                self._by_company[company] = left
            else:
                del self._by_company[company]
        self._lanes[source].ended(now)
        if answered:
            self._heard = True
        else:
            self._lost += 1
        if self._line:
            self._line.freed(company)
            self._settle(now)

    # ---- deciding: no await below, and no future is touched before the decision is complete ----

    def _assign(self, now: float) -> _Assignment:
        """Take out of the line whoever may leave now, or everybody if nobody may any more."""
        granted: list[Waiter] = []
        self._line.promote(now)
        while self._line:
            refusal = self._refusal(now)
            if refusal is not None:
                return _Assignment(granted, self._line.empty(), refusal, math.inf)
            at = self._clear_at(now)
            if at > now:
                return _Assignment(granted, [], None, at)
            waiter = self._line.take(self._has_room)
            if waiter is None:
                return _Assignment(granted, [], None, math.inf)
            waiter.granted = True
            waiter.source = self._grant(waiter.company, now)
            granted.append(waiter)
        return _Assignment(granted, [], None, math.inf)

    def _clear_at(self, now: float) -> float:
        """Return `now` if one more may leave, or when to ask again (infinity: when one has ended)."""
        most = self._limits.in_flight if self._heard else min(_UNHEARD, self._limits.in_flight)
        if self._in_flight >= most:
            return math.inf
        left = self._quota.remaining(now)
        # Any of those in flight, and of those whose answers were lost, may not be counted yet in what the
        # service said is left. With none in flight there is nobody to wait for: one goes, and its answer
        # tells.
        if left is not None and self._in_flight and left - self._in_flight - self._lost <= self._limits.reserve:
            return math.inf
        return min(lane.clear_at(now) for lane in self._lanes.values())

    def _has_room(self, company: CompanyId | None) -> bool:
        return company is None or self._by_company.get(company, 0) < self._limits.per_company

    def _grant(self, company: CompanyId | None, now: float) -> str | None:
        clear = [source for source, lane in self._lanes.items() if lane.clear_at(now) <= now]
        source = min(clear, key=lambda source: self._lanes[source].sent_last_minute(now))
        self._lanes[source].record(now)
        self._sent += 1
        self._in_flight += 1
        if company is not None:
            self._by_company[company] = self._by_company.get(company, 0) + 1
        return source

    def _refusal(self, now: float) -> Callable[[], RunStopped] | None:
        if self._stopped is not None:
            return self._stopped
        if self._limits.max_requests is not None and self._sent >= self._limits.max_requests:
            return self._out_of_requests
        if self._long_pause is not None and now < self._long_pause[0]:
            return self._long_pause[1]
        left = self._quota.remaining(now)
        if left is not None and left <= self._limits.reserve:
            return self._out_of_quota
        return None

    def _slow_down(self, lane: Lane, response: Response, now: float) -> None:
        # A Retry-After that is missing, unreadable, nothing or past still comes with a refusal: something has
        # to give.
        wall = self._clock.now()
        wait = min(retry_after(response, now=wall) or lane.pause_unasked(now), _LONGEST_WAIT)
        if wait > self._limits.max_pause:
            resume_at = _iso(wall + timedelta(seconds=wait))
            self._long_pause = (now + wait, lambda: _pause_too_long(wait, resume_at))
        lane.pause(now + wait + self._jitter(0.0, min(1.0, wait / 10)))

    # ---- the errors ----

    def _out_of_requests(self) -> RunStopped:
        return out_of_requests(self._limits.max_requests)

    def _out_of_quota(self) -> RunStopped:
        resets_at = self._quota.resets_at
        left = self._quota.remaining(self._clock.monotonic())
        reserve = f"; {self._limits.reserve} are reserved for other programs" if self._limits.reserve else ""
        return BudgetReached(
            f"The day's quota of Codat requests is spent ({left} of {self._quota.limit} left{reserve}).",
            resume_at=None if resets_at is None else _iso(resets_at),
            hint=_AGAIN,
        )

    # ---- acting on decisions ----

    def _settle(self, now: float) -> None:
        if not self._line:
            self._wake_at(math.inf, now)
            return
        assignment = self._assign(now)
        for waiter in assignment.granted:
            waiter.future.set_result(None)
        if assignment.refusal is not None:
            for waiter in assignment.refused:
                if not waiter.future.done():
                    waiter.future.set_result(assignment.refusal())
        self._wake_at(assignment.wake_at, now)

    def _wake_at(self, at: float, now: float) -> None:
        """See to it that a task wakes the line by then; none exists when nobody waits."""
        if self._waker is not None:
            # Waking too early costs little: it looks, and sleeps again.
            if self._line and self._waker_at <= at:
                return
            self._waker.cancel()
            self._waker = None
        if at < math.inf:
            self._waker = asyncio.get_running_loop().create_task(self._wake(max(at - now, _TICK)))
            self._waker_at = at
            self._wakers.add(self._waker)
            self._waker.add_done_callback(self._woke)

    async def _wake(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._waker = None
        self._settle(self._clock.monotonic())

    def _woke(self, waker: asyncio.Task[None]) -> None:
        self._wakers.discard(waker)
        error = None if waker.cancelled() else waker.exception()
        if error is not None:
            # A defect must not turn into requests that wait forever.
            for waiter in self._line.empty():
                if not waiter.future.done():
                    waiter.future.set_exception(error)


class _Place(AbstractAsyncContextManager[str | None]):
    """A request's place: waited for at the entry, given back at the exit."""

    __slots__ = ("_governor", "_request", "_source")

    def __init__(self, governor: Governor, request: Request) -> None:
        self._governor = governor
        self._request = request
        self._source: str | None = None

    async def __aenter__(self) -> str | None:
        self._source = await self._governor.enter(self._request)
        return self._source

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._governor.leave(self._request, self._source, answered=kind is None)


def _pause_too_long(seconds: float, resume_at: str) -> BudgetReached:
    return BudgetReached(
        f"Codat asks for a pause of {seconds:.0f} seconds, longer than this run waits.",
        resume_at=resume_at,
        hint=_AGAIN,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
