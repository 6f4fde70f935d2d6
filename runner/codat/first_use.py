"""A transport that is put together when the first request is to be sent."""

import asyncio
from collections.abc import Awaitable, Callable

from runner.codat.messages import Begin, Request, Response, Transport


class FirstUse:
    """Opens what is below it with the first request: a run that finds nothing to do needs no HTTP at all.

    Belongs on top of the stack: loading the HTTP client takes a good part of a second, which would otherwise fall
    between a request's admission and its sending. Whoever gives `opens` closes what it opened.
    """

    def __init__(self, opens: Callable[[], Awaitable[Transport]]) -> None:
        self._opens = opens
        self._opened: Transport | None = None
        self._opening = asyncio.Lock()

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request; see `Transport.send`."""
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    self._opened = await self._opens()
        return await self._opened.send(request, begin)
