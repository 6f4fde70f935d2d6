"""The gate that every request passes, in one order: draining, admission, draining, begin, wire, observe."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from runner.codat.draining import Draining
from runner.codat.messages import Begin, Request, Response, Transport


class Admission(Protocol):
    """Who decides when a request may leave, and learns the limits from the answers."""

    def admitted(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Wait until the request may leave, and hold its place among those in flight until the exit.

        Raises `BudgetReached` where it may not leave in this run.
        """
        ...

    def observe(self, request: Request, response: Response) -> None:
        """Learn from an answer's headers and status. Never raises: the answer would be lost with it."""
        ...


class Unlimited:
    """Admits everything at once."""

    @asynccontextmanager
    async def admitted(self, _request: Request) -> AsyncIterator[None]:
        """Admit."""
        yield

    def observe(self, request: Request, response: Response) -> None:
        """Learn nothing."""


class Gate:
    """Lets a request leave once it is admitted and, if it is an effect, its intention is on disk.

    The intention is written last: written before the wait for admission it would leave a whole queue in doubt
    at every crash. Draining is looked at twice, because the wait for admission can be long.

    `RunStopped` raised here means that this request did not leave.
    """

    def __init__(self, inner: Transport, *, governor: Admission, draining: Draining) -> None:
        self._inner = inner
        self._governor = governor
        self._draining = draining

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request when it may leave; see `Transport.send`."""
        self._draining.check()
        async with self._governor.admitted(request):
            self._draining.check()
            if begin is not None:
                await begin(request)
            response = await self._inner.send(request)
            self._governor.observe(request, response)
            return response
