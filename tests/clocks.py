"""Time that a test sets."""

import asyncio
from datetime import UTC, datetime, timedelta

from runner.clock import Clock

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class FakeClock(Clock):
    """A clock that stands still until it is moved; sleeping moves it, at once, and is recorded.

    All three kinds of time go on together, except that `jump` moves the wall's alone and `reboot` starts the
    machine's anew.
    """

    def __init__(self, start: datetime = START, *, host: str = "boot", uptime: float = 5_000.0) -> None:
        self.sleeps: list[float] = []
        self._host = host
        self._wall = start
        self._monotonic = 1_000.0
        self._boottime = uptime
        self._boots = 1

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def boottime(self) -> float:
        return self._boottime

    def boot_id(self) -> str:
        return f"{self._host}-{self._boots}"

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)
        # Others get their turn, as they would in a real pause.
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        seconds = max(0.0, seconds)
        self._wall += timedelta(seconds=seconds)
        self._monotonic += seconds
        self._boottime += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or, with a negative number, back."""
        self._wall += timedelta(seconds=seconds)

    def reboot(self, *, uptime: float = 0.0) -> None:
        """Start the machine anew; with `uptime` it is another one, which has been up for so many seconds."""
        self._boots += 1
        self._boottime = uptime
