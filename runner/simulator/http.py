"""The simulated service over HTTP, on loopback."""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web

from runner.simulator.ledger import ledger_json
from runner.simulator.scenario import ScenarioError, read_faults
from runner.simulator.service import Service
from runner.simulator.values import Answer, Call, Refusal, decode, error, ok

CONTROL = "/_simulator/"
LARGEST_BODY = 400 * 1024 * 1024
"""Bytes: more than the largest attachment that any platform takes."""

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class RunningServer:
    """A server that listens until it is closed."""

    def __init__(self, runner: web.AppRunner, *, service: Service, url: str) -> None:
        self._runner = runner
        self.service = service
        self.url = url
        """Base URL without a slash at its end."""

    async def close(self) -> None:
        """Stop listening and close what is open."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def serve(
    service: Service,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock = time.time,
    sleep: Sleep = asyncio.sleep,
    beyond_loopback: bool = False,
) -> RunningServer:
    """Listen for requests and let the service answer them; port 0 takes a free one.

    `clock` gives the service's seconds since the epoch of its behaviour. Raises `ValueError` for an address
    that others could reach, unless `beyond_loopback`; `OSError` where the address is taken.
    """
    if not beyond_loopback and not _is_loopback(host):
        raise ValueError(f"{host} is not loopback: anybody on the network could reach the simulator")
    application = web.Application(client_max_size=LARGEST_BODY)
    wire = _Wire(service, clock, sleep)
    application.router.add_route("*", "/{tail:.*}", wire.answer)
    # A client that goes away must not take back what its request has done.
    runner = web.AppRunner(application, access_log=None, handler_cancellation=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return RunningServer(runner, service=service, url=f"http://{shown}:{bound}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Wire:
    """Turns HTTP into calls, and answers (and the lack of them) into HTTP."""

    def __init__(self, service: Service, clock: Clock, sleep: Sleep) -> None:
        self._service = service
        self._clock = clock
        self._sleep = sleep

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            peer=request.remote or "",
        )
        if call.path.startswith(CONTROL):
            return _whole(_control(self._service, call, now=self._clock()))
        answer = self._service.handle(call, now=self._clock())
        if answer.delay > 0.0:
            await self._sleep(answer.delay)
        if answer.promised is not None:
            return await _broken(request, answer)
        if answer.lost:
            _hang_up(request)
            return web.Response()
        return _whole(answer)


def _whole(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)


async def _broken(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send a part of what is announced and close the connection."""
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_length = answer.promised
    await response.prepare(request)
    await response.write(answer.body)
    response.force_close()
    if request.transport is not None:
        # Not aborted: what was written is to arrive before the end does.
        request.transport.close()
    return response


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _control(service: Service, call: Call, *, now: float) -> Answer:
    """Answer a request to the simulator itself; needs no authorization."""
    try:
        return _controlled(service, call, now=now)
    except ScenarioError as refused:
        return error(Refusal(400, str(refused)), "simulator")
    except ValueError:
        return error(Refusal(400, "The body is not JSON."), "simulator")


def _controlled(service: Service, call: Call, *, now: float) -> Answer:
    match call.method, call.path.removeprefix(CONTROL):
        case "GET", "ledger":
            service.advance(now)
            return Answer(200, {"content-type": "application/json"}, ledger_json(service.ledger).encode())
        case "GET", "requests":
            rows = [
                {"method": method, "route": route, "status": status, "count": count}
                for (method, route, status), count in sorted(service.counts().items())
            ]
            return ok({"posts": service.posts(), "requests": rows})
        case "POST", "faults":
            faults = read_faults(decode(call.body))
            for fault in faults:
                service.add_fault(fault)
            return ok({"added": len(faults)})
        case "POST", "reset":
            service.reset()
            return ok({})
        case _:
            return error(Refusal(404), "simulator")
