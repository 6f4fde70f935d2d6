"""Whether a run gets on, or waits for something that will come: what a watchdog may be fed for.

A run is *alive* at a moment if its event loop turns (else nobody asks) and at least one of these holds:

- something happened since the last time it was found alive: a note, or a request that left or ended;
- it waits for a moment that it chose itself (the next look at a sync, a pause that Codat asked for, room in the
  rate, a retry), and that moment is not overdue;
- a request is under way, and not for longer than any request may take.

Everything else is *stuck*: the loop turns, and nothing will ever wake the work. The wait for the run's own end
(`--until`) is none of these, and housekeeping such as a display must not sleep on the watched clock.
"""

from collections.abc import Iterable
from datetime import datetime

from runner.clock import Clock
from runner.codat.counting import RequestCounts
from runner.progress import Notes

GRACE = 30.0
"""Seconds by which a moment may be overdue: a loop that is busy wakes sleepers late."""
LONGEST_REQUEST = 3600.0
"""Seconds: 100 MB at the slowest rate that is waited for take a quarter of that."""


class WatchedClock(Clock):
    """A clock that knows who sleeps on it, and until when."""

    def __init__(self, inner: Clock) -> None:
        self._inner = inner
        self._due: dict[object, float] = {}

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return self._inner.now()

    def monotonic(self) -> float:
        """Return the monotonic clock's seconds."""
        return self._inner.monotonic()

    def boottime(self) -> float:
        """Return seconds since boot."""
        return self._inner.boottime()

    def boot_id(self) -> str:
        """Return the boot's id."""
        return self._inner.boot_id()

    def awaited(self) -> Iterable[float]:
        """Return the moments that are waited for, in monotonic seconds."""
        return self._due.values()

    async def sleep(self, seconds: float) -> None:
        """Wait, and be known to."""
        sleeper = object()
        self._due[sleeper] = self._inner.monotonic() + seconds
        try:
            await self._inner.sleep(seconds)
        finally:
            del self._due[sleeper]


class Liveness:
    """Tells a run that gets on or waits from one that is stuck."""

    def __init__(self, clock: WatchedClock, notes: Notes, counts: RequestCounts) -> None:
        self._clock = clock
        self._counts = counts
        self._notes = 0
        self._seen: tuple[int, int, int] | None = None
        self._moved = clock.monotonic()
        notes.listen(self._noted)

    def _noted(self, _event: str) -> None:
        self._notes += 1

    def is_alive(self) -> bool:
        """Say whether something happened since the last call, or will happen without help."""
        now = self._clock.monotonic()
        happened = (self._notes, self._counts.total, self._counts.ended)
        if happened != self._seen:
            self._seen, self._moved = happened, now
            return True
        earliest = min(self._clock.awaited(), default=None)
        if earliest is not None and now <= earliest + GRACE:
            return True
        return self._counts.total > self._counts.ended and now - self._moved <= LONGEST_REQUEST
