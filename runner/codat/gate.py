"""The gate that every request passes, in one order: draining, admission, draining, begin, wire, observe."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Protocol

from runner.clock import Clock, ServiceTime, SystemClock
from runner.codat.answers import date_of
from runner.codat.budgets import out_of_requests
from runner.codat.draining import Draining
from runner.codat.messages import Begin, Request, Response, Transport


class Admission(Protocol):
    """Who decides when a request may leave, and learns the limits from the answers."""

    def admitted(self, request: Request) -> AbstractAsyncContextManager[str | None]:
        """Wait until the request may leave, and hold its place among those in flight until the exit.

        Gives the address of this machine to send it from, or None where that is the system's business.
        Raises `BudgetReached` where it may not leave in this run.
        """
        ...

    def observe(self, request: Request, response: Response) -> None:
        """Learn from an answer's headers and status. Never raises: the answer would be lost with it."""
        ...


class Unlimited:
    """Admits everything at once, up to a number of requests if one is given."""

    def __init__(self, *, max_requests: int | None = None) -> None:
        self._left = max_requests
        self._allowed = max_requests

    @asynccontextmanager
    async def admitted(self, _request: Request) -> AsyncIterator[None]:
        """Admit; raise `BudgetReached` where the number is reached."""
        if self._left is not None:
            if self._left <= 0:
                raise out_of_requests(self._allowed)
            self._left -= 1
        yield

    def observe(self, request: Request, response: Response) -> None:
        """Learn nothing."""


LEAVE_WITHIN = 30.0
"""Seconds of boot time between an intention and the first byte on the wire; what is later counts as not sent."""


class Gate:
    """Lets a request leave once it is admitted and, if it is an effect, its intention is on disk.

    The intention is written last: written before the wait for admission it would leave a whole queue in doubt
    at every crash. Draining is looked at twice, because the wait for admission can be long.

    Whoever is stopped between the two, process or machine, must not send behind the back of a successor who has
    waited that intention out: so the request is told until when it may leave, and the wire keeps to that.

    `service_time` hears the dates of all answers. `RunStopped` raised here means that this request did not leave.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        governor: Admission,
        draining: Draining,
        clock: Clock | None = None,
        service_time: ServiceTime | None = None,
    ) -> None:
        self._inner = inner
        self._governor = governor
        self._draining = draining
        self._clock = clock or SystemClock()
        self._service_time = service_time or ServiceTime()

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request when it may leave; see `Transport.send`."""
        self._draining.check()
        async with self._governor.admitted(request) as source:
            self._draining.check()
            if source is not None:
                request = replace(request, source=source)
            if begin is not None:
                begun = self._clock.boottime()
                await begin(request)
                request = replace(request, leave_by=begun + LEAVE_WITHIN)
            asked = self._clock.boottime()
            response = await self._inner.send(request)
            self._service_time.hear(date_of(response), asked=asked, seen=self._clock.boottime())
            self._governor.observe(request, response)
            return response
