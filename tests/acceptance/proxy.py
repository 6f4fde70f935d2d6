"""A proxy on loopback that understands just enough HTTP to break one chosen exchange in one chosen way.

`python -m tests.acceptance.proxy http://127.0.0.1:PORT` prints its own URL. `Proxy` runs it inside an event
loop in a thread of the test's process.
"""

import asyncio
import re
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *(\S+)", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost: *[^\r]*", re.IGNORECASE)
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AWAY = 0.7
"""Seconds that nobody listens for."""
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Harm(StrEnum):
    """What is done to an exchange."""

    REFUSE = "refuse"
    """The connection is reset, and for a while nobody listens: what follows is refused."""
    BLACK_HOLE = "black_hole"
    """The request is read, goes nowhere, and is never answered."""
    SILENCE = "silence"
    """The request takes effect, and is never answered."""
    RESET_BEFORE = "reset_before"
    """The request is read, goes nowhere, and the connection is reset."""
    RESET_MID = "reset_mid"
    """The request takes effect; its answer breaks off half way with a reset."""
    RESET_AFTER = "reset_after"
    """The request takes effect; the connection is reset before the answer."""
    TRUNCATED = "truncated"
    """The answer ends early, with an orderly end of the connection."""
    TRICKLE = "trickle"
    """The answer comes one byte at a time."""
    TWICE = "twice"
    """The request is delivered twice; the client gets the second answer."""
    LATE = "late"
    """The client is cut off; the request is delivered when `release` says so."""
    LONG_PAUSE = "long_pause"
    """429 with a Retry-After of two hours; the request goes nowhere."""
    ABSURD_PAUSE = "absurd_pause"
    """429 with a Retry-After of three thousand years; the request goes nowhere."""
    REDIRECT = "redirect"
    """The client is sent elsewhere; the request goes nowhere."""
    TOO_SHORT = "too_short"
    """The answer claims more bytes than it has."""
    HTML = "html"
    """The request takes effect; a proxy answers 502 with a page."""


@dataclass
class Plan:
    """One harm to the first exchange of a method and a path."""

    harm: Harm
    method: str
    path: re.Pattern[str]
    done: bool = False


@dataclass
class Proxy:
    """Passes everything on, but for what its plan says."""

    upstream: str
    plan: Plan | None = None
    keys: list[str] = field(default_factory=list)
    """The idempotency key of each POST that can have an effect, in order: of all that carry an id of an expense
    or a dataset, which a probe of keys does not."""
    url: str = ""
    _port: int = 0
    _late: list[bytes] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self.listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join()
        self._loop.close()

    def release(self) -> int:
        """Deliver what was kept back, now that its sender is gone; return how many requests that were."""
        late, self._late = self._late, []
        for request in late:
            self._call(self._ask(request))
        return len(late)

    async def listen(self, port: int = 0) -> None:
        """Begin to listen; 0 takes a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def _go_away(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(_AWAY)
        await self.listen(self._port)

    def _call(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while request := await _read(reader):
                if not await self._pass_on(request, writer):
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Deal with one exchange; say whether the connection goes on."""
        if request.startswith(b"POST") and (key := _KEY.search(request)) is not None and _names_something(request):
            self.keys.append(key[1].decode())
        if self._is_meant(request):
            assert self.plan is not None
            self.plan.done = True
            return await self._harm(self.plan.harm, request, writer)
        writer.write(await self._ask(request))
        await writer.drain()
        return True

    def _is_meant(self, request: bytes) -> bool:
        plan = self.plan
        if plan is None or plan.done:
            return False
        method, path, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
        return method == plan.method and plan.path.search(path.partition("?")[0]) is not None

    async def _harm(self, harm: Harm, request: bytes, writer: asyncio.StreamWriter) -> bool:
        if harm in _NOT_DELIVERED:
            return await self._keep_back(harm, request, writer)
        answer = await self._ask(request)
        if harm is Harm.TWICE:
            answer = await self._ask(request)
        head, _, body = answer.partition(b"\r\n\r\n")
        match harm:
            case Harm.SILENCE:
                await asyncio.Event().wait()
            case Harm.TWICE:
                writer.write(answer)
                await writer.drain()
                return True
            case Harm.TRICKLE:
                for byte in answer:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
                return True
            case Harm.RESET_MID:
                writer.write(head + b"\r\n\r\n" + body[: len(body) // 2])
                await writer.drain()
            case Harm.TRUNCATED:
                writer.write(head + b"\r\n\r\n" + body[: len(body) // 2])
                await _end(writer)
            case Harm.TOO_SHORT:
                claimed = _LENGTH.sub(b"\r\nContent-Length: %d" % (len(body) + 10), head)
                writer.write(claimed + b"\r\n\r\n" + body)
                await _end(writer)
            case Harm.HTML:
                writer.write(_whole(b"502 Bad Gateway", b"Content-Type: text/html", _HTML))
                await writer.drain()
                return True
            case _:
                pass
        return False

    async def _keep_back(self, harm: Harm, request: bytes, writer: asyncio.StreamWriter) -> bool:
        match harm:
            case Harm.REFUSE:
                await self._go_away()
            case Harm.BLACK_HOLE:
                await asyncio.Event().wait()
            case Harm.LATE:
                self._late.append(request)
            case Harm.LONG_PAUSE | Harm.ABSURD_PAUSE:
                pause = b"Retry-After: %d" % (7200 if harm is Harm.LONG_PAUSE else 99_999_999_999)
                writer.write(_whole(b"429 Too Many Requests", pause, b"{}"))
                await writer.drain()
                return True
            case Harm.REDIRECT:
                location = b"Location: https://elsewhere.invalid/"
                writer.write(_whole(b"307 Temporary Redirect", location, b""))
                await writer.drain()
                return True
            case _:
                pass
        return False

    async def _ask(self, request: bytes) -> bytes:
        """Exchange one request with the service, over a connection of its own."""
        target = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        try:
            host = b"\r\nHost: %s\r\nConnection: close" % target.netloc.encode()
            writer.write(_HOST.sub(host, request, count=1))
            await writer.drain()
            answer = await _read(reader)
        finally:
            writer.close()
        return answer.replace(b"\r\nConnection: close", b"", 1)


def _names_something(request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    return b"/attachments " in head or _ID.search(body) is not None


_NOT_DELIVERED = frozenset(
    {
        Harm.REFUSE,
        Harm.BLACK_HOLE,
        Harm.RESET_BEFORE,
        Harm.LATE,
        Harm.LONG_PAUSE,
        Harm.ABSURD_PAUSE,
        Harm.REDIRECT,
    }
)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read one message with its body; empty where the connection has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length is not None else b"")


async def _end(writer: asyncio.StreamWriter) -> None:
    """End the connection in order: all that was written arrives first."""
    await writer.drain()
    writer.write_eof()
    await asyncio.sleep(0.05)


def _whole(status: bytes, header: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (status, header, len(body), body)


if __name__ == "__main__":
    with Proxy(sys.argv[1]) as proxy:
        print(proxy.url, flush=True)  # noqa: T201 - it says where it listens
        threading.Event().wait()
