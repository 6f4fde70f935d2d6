"""A loop whose time is a number, and a strict service that counts what it sees."""

import asyncio
import selectors
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from runner.clock import Clock
from runner.codat.governor import Governor
from runner.codat.messages import Priority, Request, Response
from runner.domain.ids import CompanyId

T = TypeVar("T")
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = 60.0


class _Instant(selectors.SelectSelector):
    """Never blocks: what would be waited for has passed."""

    loop: "VirtualLoop"

    def select(self, timeout=None):
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self.loop.passed += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps from one timer to the next."""

    def __init__(self) -> None:
        self.passed = 10_000.0
        selector = _Instant()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def run_in_executor(self, executor, func, *args):
        raise AssertionError("no threads here")


class LoopClock(Clock):
    """The running loop's time."""

    def __init__(self) -> None:
        self._start = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.monotonic() - self._start)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def boottime(self) -> float:
        return self.monotonic()

    def boot_id(self) -> str:
        return "boot"

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def play(history: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it under virtual time, and see that it leaves no task behind."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(history())
        assert asyncio.all_tasks(loop) == set()
        return result
    finally:
        loop.close()


def asking(company: str | None = "acme", priority: Priority = Priority.POLL) -> Request:
    owner = None if company is None else CompanyId(company)
    return Request("GET", "/companies", company=owner, priority=priority)


def answering(status: int = 200, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


class Service:
    """Counts arrivals the strict way: 1,000 in any closed 60 seconds, 10 in flight for a company."""

    def __init__(self, *, delay: Callable[[], float] = lambda: 0.0, work: Callable[[], float] = lambda: 0.1) -> None:
        self.delay = delay
        self.work = work
        self.quota: int | None = None
        self.overdrawn = 0
        self.violations: list[str] = []
        self.arrivals: list[float] = []
        self.stalled_until = 0.0
        self._window: deque[float] = deque()
        self._in_flight: Counter[CompanyId | None] = Counter()

    async def answer(self, request: Request) -> Response:
        await asyncio.sleep(self.delay())
        loop = asyncio.get_running_loop()
        if loop.time() < self.stalled_until:
            await asyncio.sleep(self.stalled_until - loop.time())
        self._arrive(loop.time())
        response = self._respond()
        self._in_flight[request.company] += 1
        if request.company is not None and self._in_flight[request.company] > 10:
            self.violations.append(f"{self._in_flight[request.company]} in flight for {request.company}")
        try:
            await asyncio.sleep(self.work())
        finally:
            self._in_flight[request.company] -= 1
        await asyncio.sleep(self.delay())
        return response

    def _arrive(self, now: float) -> None:
        self.arrivals.append(now)
        self._window.append(now)
        while self._window[0] < now - MINUTE:
            self._window.popleft()
        if len(self._window) > 1_000:
            self.violations.append(f"{len(self._window)} in the minute before {now}")

    def _respond(self) -> Response:
        if self.quota is None:
            return answering()
        if self.quota <= 0:
            self.overdrawn += 1
        self.quota = max(0, self.quota - 1)
        return answering(
            x_rate_limit_limit="5000",
            x_rate_limit_remaining=str(self.quota),
            x_rate_limit_reset=MIDNIGHT.isoformat(),
        )


async def send(governor: Governor, service: Service, request: Request) -> Response:
    async with governor.admitted(request):
        response = await service.answer(request)
        governor.observe(request, response)
        return response


async def send_all(governor: Governor, service: Service, requests: Iterable[Request]) -> list[object]:
    """Send them all at once; return the answers and errors in order."""
    sending = [send(governor, service, request) for request in requests]
    return await asyncio.gather(*sending, return_exceptions=True)


async def until_quiet() -> None:
    """Let every task that can go on go on, while no time passes."""
    for _ in range(20):
        await asyncio.sleep(0)
