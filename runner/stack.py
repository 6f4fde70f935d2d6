"""The stack of transports between the engine and Codat, put together in reading order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from runner.backoff import Backoff
from runner.clock import Clock, ServiceTime
from runner.codat.address import checked_address, checked_source
from runner.codat.client import LARGE, Codat
from runner.codat.counting import Counting, RequestCounts
from runner.codat.draining import Draining
from runner.codat.first_use import FirstUse
from runner.codat.gate import Gate, Unlimited
from runner.codat.governor import Governor
from runner.codat.governor import Limits as Rates
from runner.codat.logged import Logged
from runner.codat.messages import Transport
from runner.codat.retrying import Retrying
from runner.errors import ConfigurationWrong
from runner.logs import get_log
from runner.settings import RunSettings

if TYPE_CHECKING:
    from runner.codat.transport import HttpTransport


def governor_for(settings: RunSettings, *, clock: Clock, since_previous: float | None) -> Governor | None:
    """Return who decides when a request may leave; None where the settings ask for no limit.

    `since_previous`: seconds since the journal's previous run ended, at least; None if there was none.
    """
    if settings.max_rpm == 0:
        if settings.source_ips:
            raise ConfigurationWrong(
                "Each source address has a rate of its own, and --max-rpm 0 says that there is none.",
                hint="Leave out --source-ip or --max-rpm 0.",
            )
        return None
    rates = Rates(
        max_rpm=settings.max_rpm,
        per_company=settings.in_flight_per_company,
        in_flight=settings.max_in_flight,
        reserve=settings.reserve,
        max_pause=settings.max_pause,
        max_requests=settings.max_requests,
    )
    return Governor(clock, rates, previous_life_seconds_ago=since_previous, sources=settings.source_ips or (None,))


@asynccontextmanager
async def connected(
    settings: RunSettings,
    governor: Governor | None,
    *,
    clock: Clock,
    draining: Draining,
    counts: RequestCounts,
    service_time: ServiceTime | None = None,
) -> AsyncIterator[Codat]:
    """Give the account for as long as the block lasts: what a request passes first is stacked last."""
    checked_address(settings.base_url)
    for source in settings.source_ips:
        checked_source(source)
    async with AsyncExitStack() as stack, _stopped_by(draining, governor):

        async def opened() -> Transport:
            wire = await stack.enter_async_context(_wire(settings, clock))
            return _stacked(
                wire, settings, governor, clock=clock, draining=draining, counts=counts, service_time=service_time
            )

        yield Codat(FirstUse(opened), flow=settings.flow, create_path=settings.create_path, large=LARGE)


def _wire(settings: RunSettings, clock: Clock) -> "HttpTransport":
    # Here, because a life that sends nothing shall not wait for the HTTP client to load.
    from runner.codat.transport import HttpTransport  # noqa: PLC0415

    return HttpTransport(
        base_url=settings.base_url,
        credential=settings.credential,
        connect_timeout=settings.connect_timeout,
        total_timeout=settings.request_timeout,
        sources=settings.source_ips or (None,),
        clock=clock,
    )


def _stacked(
    wire: Transport,
    settings: RunSettings,
    governor: Governor | None,
    *,
    clock: Clock,
    draining: Draining,
    counts: RequestCounts,
    service_time: ServiceTime | None,
) -> Transport:
    admission = governor or Unlimited(max_requests=settings.max_requests)
    transport: Transport = Counting(wire, counts=counts)
    transport = Gate(transport, governor=admission, draining=draining, clock=clock, service_time=service_time)
    transport = Logged(transport, get_log(), clock=clock)
    return Retrying(
        transport,
        clock=clock,
        jitter=random.uniform,
        backoff=Backoff(),
        on_retry=counts.retry,
        max_pause=settings.max_pause,
        draining=draining,
    )


@asynccontextmanager
async def _stopped_by(draining: Draining, governor: Governor | None) -> AsyncIterator[None]:
    """Let requests that wait for admission go as soon as draining begins: none of them will be sent."""
    if governor is None:
        yield
        return
    stopping = asyncio.ensure_future(_stop(draining, governor))
    try:
        yield
    finally:
        stopping.cancel()
        await governor.aclose()


async def _stop(draining: Draining, governor: Governor) -> None:
    await draining.wait()
    error = draining.error
    if error is not None:
        governor.stop(lambda: error)
