"""Writing down, while a life goes on, for how long it has watched the world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runner.clock import Clock
from runner.errors import JournalUnusable
from runner.journal.journal import Journal

EVERY = 15.0
"""Seconds: as much as a life that is cut off loses of what it has watched, and one small commit."""


@asynccontextmanager
async def watching(journal: Journal, clock: Clock, *, every: float = EVERY) -> AsyncIterator[None]:
    """Record every few seconds that the run goes on, for as long as the block lasts."""
    task = asyncio.ensure_future(_watch(journal, clock, every))
    try:
        yield
    finally:
        task.cancel()


async def _watch(journal: Journal, clock: Clock, every: float) -> None:
    while True:
        await clock.sleep(every)
        try:
            await journal.runs.go_on()
        except JournalUnusable:
            # Whoever works with the journal meets it as well, and ends the run for it.
            return
