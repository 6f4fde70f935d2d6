"""Time as a parameter: nothing below the composition root reads a clock that it was not given."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Three kinds of time: the wall's, the loop's, and the machine's since it booted."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC. It may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean anything."""
        ...

    def boottime(self) -> float:
        """Return seconds since the machine booted, sleep included: it cannot jump, and outlives a process."""
        ...

    def boot_id(self) -> str:
        """Return what distinguishes this boot of the machine from every other."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()

    def now(self) -> datetime:
        """Return the wall clock's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic clock's seconds."""
        return time.monotonic()

    def boottime(self) -> float:
        """Return seconds since boot, sleep included where the system can tell."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def boot_id(self) -> str:
        """Return the kernel's boot id."""
        return self._boot_id

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)


def _read_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Elsewhere the moment of boot identifies the boot, to the minute: it moves when the wall clock is set,
        # and then an attempt only looks older or younger than one boot, which lengthens a wait and never cuts it.
        return f"booted-{int((time.time() - time.monotonic()) // 60)}"
