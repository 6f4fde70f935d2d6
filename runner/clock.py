"""Time as a parameter: nothing below the composition root reads a clock that it was not given."""

import asyncio
import math
import time
import uuid
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
        """Return what tells this boot of this machine from every other: only within one do boot times compare."""
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


_OWN_BOOT = f"process-{uuid.uuid4()}"


def _read_boot_id() -> str:
    """Return the kernel's boot id, told apart where a time namespace moves the boot clock of its own.

    Where the system has no such id nothing can be said of other processes: each counts as a boot of its own, and
    what it did ages for others by what they watch themselves.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return _OWN_BOOT
    return boot + _moved_by() if boot else _OWN_BOOT


def _moved_by() -> str:
    try:
        lines = Path("/proc/self/timens_offsets").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        # A kernel without time namespaces.
        return ""
    moved = [fields[1:] for line in lines if (fields := line.split())[:1] == ["boottime"]]
    return "".join(f"+{'.'.join(by)}" for by in moved if any(part.strip("0") for part in by))


class ServiceTime:
    """What time it is at the service, by the `Date` of its answers in one life: a clock beside the machine's own.

    An answer's date was true at some moment between its request and its arrival. What all answers allow is kept, from
    the earliest to the latest: one that a proxy had kept, or that a server with a wrong clock gave, widens that until
    nothing is proved any more.
    """

    SLOW = 10.0
    """Seconds after which an answer says too little about when its date was true."""
    APART = 60.0
    """Seconds by which what the answers say may lie apart."""

    def __init__(self) -> None:
        self._earliest = math.inf
        self._latest = -math.inf

    def hear(self, date: float | None, *, asked: float, seen: float) -> None:
        """Learn from an answer: its date in seconds since 1970, and the boot time of its request and its arrival."""
        if date is None or not 0.0 <= seen - asked <= self.SLOW:
            return
        self._earliest = min(self._earliest, date - seen)
        # A date has whole seconds: it is true up to one second later.
        self._latest = max(self._latest, date + 1.0 - asked)

    def earliest(self, boottime: float) -> float | None:
        """Return the service's time at that boot time, at least: seconds since 1970, None where nothing proves it."""
        return self._earliest + boottime if self._proved() else None

    def latest(self, boottime: float) -> float | None:
        """Return the service's time at that boot time, at most: seconds since 1970, None where nothing proves it."""
        return self._latest + boottime if self._proved() else None

    def _proved(self) -> bool:
        return 0.0 <= self._latest - self._earliest <= self.APART
