"""The limits that a user sets for one run: reached, they end it in good order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from runner.clock import Clock
from runner.codat.draining import Draining
from runner.errors import BudgetReached

_AGAIN = "Run again to go on."


def out_of_requests(allowed: int | None) -> BudgetReached:
    """Return the error that ends a run at the number of requests set for it."""
    return BudgetReached(f"The limit set for this run, {allowed} requests, is reached.", hint=_AGAIN)


@asynccontextmanager
async def ending_at(until: datetime | None, *, draining: Draining, clock: Clock) -> AsyncIterator[None]:
    """Begin to drain at that moment, if one is given, whatever the run is waiting for then."""
    if until is None:
        yield
        return
    # Slept through on the monotonic clock: a wall clock that jumps neither ends a run nor prolongs it.
    ending = asyncio.ensure_future(_end_after((until - clock.now()).total_seconds(), until, draining, clock))
    try:
        yield
    finally:
        ending.cancel()


async def _end_after(seconds: float, until: datetime, draining: Draining, clock: Clock) -> None:
    if seconds > 0:
        await clock.sleep(seconds)
    shown = until.astimezone(UTC).isoformat(timespec="seconds")
    draining.start(BudgetReached(f"The time set for this run is over ({shown}).", hint=_AGAIN))
