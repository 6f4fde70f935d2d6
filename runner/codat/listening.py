"""Receiving Codat's webhooks over HTTP: answered in milliseconds, because Codat repeats what is not."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.codat.webhooks import Hint, Inbound, NotFromCodat, Unreadable
from runner.errors import ConfigurationWrong

if TYPE_CHECKING:
    from aiohttp import web

LARGEST = 8 * 1024 * 1024
"""Bytes of one message: it may list 2,000 transactions with the reason why each was rejected."""
_LOGGED = 5
"""Strangers' requests that are logged one by one: anybody may send them by the thousand."""


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int
    """0 takes a free one."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Where webhooks are received, and what tells Codat's from others'."""

    address: Address
    inbound: Inbound


class Note(Protocol):
    """Tells whoever watches what happened."""

    def __call__(self, event: str, **facts: object) -> None:
        """Tell it."""
        ...


@asynccontextmanager
async def listening(reception: Reception, *, arrived: Callable[[Hint], None], note: Note) -> AsyncIterator[None]:
    """Receive webhooks until the end of the block, and tell `arrived` of each sync that has ended.

    Raises `ConfigurationWrong` where the address cannot be listened on.
    """
    address = reception.address
    # Only a run that receives webhooks is to pay for loading a server.
    from aiohttp import web  # noqa: PLC0415

    application = web.Application(client_max_size=LARGEST)
    application.router.add_post("/{tail:.*}", _Door(reception.inbound, arrived, note).answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0, keepalive_timeout=30.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise ConfigurationWrong(
                f"Webhooks cannot be received on {address.host}:{address.port}: {error.strerror or error}.",
                hint="Name a free port and an address of this machine: --webhooks HOST:PORT",
            ) from error
        note("webhooks_ready", url=_url(runner))
        yield
    finally:
        await runner.cleanup()


def _url(runner: "web.AppRunner") -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Door:
    """Answers each request: 204 to Codat, 401 to everybody else, 400 to what nobody can read."""

    def __init__(self, inbound: Inbound, arrived: Callable[[Hint], None], note: Note) -> None:
        self._inbound = inbound
        self._arrived = arrived
        self._note = note
        self._strangers = 0

    async def answer(self, request: "web.Request") -> "web.Response":
        from aiohttp import web  # noqa: PLC0415 - see above

        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            hint = self._inbound.read(headers, body)
        except NotFromCodat as reason:
            self._refuse(request, reason)
            return web.Response(status=401)
        except Unreadable:
            return web.Response(status=400)
        if hint is not None:
            self._note("webhook", company=hint.company, sync=hint.sync)
            self._arrived(hint)
        return web.Response(status=204)

    def _refuse(self, request: "web.Request", reason: NotFromCodat) -> None:
        self._strangers += 1
        if self._strangers <= _LOGGED:
            more = {"more": "not logged from here on"} if self._strangers == _LOGGED else {}
            self._note("webhook_refused", peer=request.remote, reason=str(reason), **more)
