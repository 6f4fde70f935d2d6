"""Pages over HTTP for whoever sits at this machine: read only, and nothing that a strange website could reach."""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from runner.domain.hosts import is_loopback
from runner.errors import JournalUnusable

KEPT: float = 2.0
"""Seconds for which an answer is given again: a page loaded by many at once is made once."""

_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\[\]:/@\s]+))(?::[0-9]{1,5})?")
"""A Host header: a name, or an address, and a port."""
_DRAIN = 10.0
"""Seconds that requests under way have to come to their end."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as it is sent."""

    content_type: str
    body: bytes
    policy: str = "default-src 'none'"
    """Its content security policy."""


Render = Callable[[str], Answer | None]
"""Makes the page of a path, in a thread of its own; None where there is none. May raise `JournalUnusable`."""


class Listening:
    """A server that answers until it is closed."""

    def __init__(self, runner: web.AppRunner, url: str) -> None:
        self._runner = runner
        self.url = url
        """Base URL without a slash at its end."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take no more requests; those under way come to their end."""
        await self._runner.cleanup()


async def listen(render: Render, *, host: str, port: int, names: Iterable[str] = ()) -> Listening:
    """Answer GET requests with what `render` makes of their paths; port 0 takes a free one.

    Requests are answered for loopback's names, for addresses and for `names` only: a website that has its own name
    point at this machine gets nothing. Raises `OSError` where the address cannot be had.
    """
    pages = _Pages(render, {"localhost", host.lower(), *(name.lower() for name in names)}, loopback=is_loopback(host))
    application = web.Application(middlewares=[pages.guard])
    application.router.add_get("/{path:.*}", pages.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_DRAIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    shown = f"[{host}]" if ":" in host else host
    return Listening(runner, f"http://{shown}:{runner.addresses[0][1]}")


class _Pages:
    """Makes each page once for all who ask within a moment."""

    def __init__(self, render: Render, names: set[str], *, loopback: bool) -> None:
        self._render = render
        self._names = names
        self._loopback = loopback
        self._made: dict[str, tuple[float, Answer]] = {}
        self._making = asyncio.Lock()

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not self._is_ours(request.headers.get("Host", "")):
            return _said(421, "This server answers for its own address only.")
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return _said(refused.status, refused.reason)

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["address"] or found["name"] or ""
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # A name cannot be rebound to an address that is written out.
        return address.is_loopback or not self._loopback

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._page(request.path)
        except JournalUnusable as error:
            return _said(503, error.message)
        if found is None:
            return _said(404, "There is no such page.")
        return web.Response(
            body=found.body,
            headers={**_HEADERS, "Content-Type": found.content_type, "Content-Security-Policy": found.policy},
        )

    async def _page(self, path: str) -> Answer | None:
        async with self._making:
            now = asyncio.get_running_loop().time()
            self._made = {key: kept for key, kept in self._made.items() if now - kept[0] < KEPT}
            if path in self._made:
                return self._made[path][1]
            made = await asyncio.to_thread(self._render, path)
            if made is not None:
                self._made[path] = (asyncio.get_running_loop().time(), made)
            return made


def _said(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n", headers=_HEADERS)
