"""How long one company's syncs take, as those before have shown, and when to look at the next one."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

RUNS = 12
"""Runs that are remembered: as many as show the usual spread, and few enough to forget what has changed."""
STEPS = 10
"""Looks into which the usual spread is divided: more find the end sooner, fewer cost less."""
GROWTH = 1.35
_EARLIER = 0.7
"""The first look found it ended: it may have ended long before, so the next first look is that much earlier."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of one sync's run, in seconds since its beginning."""

    still: float
    """When it was last seen running; 0 where it was not."""
    ended: float
    """When it was first seen ended."""

    @property
    def earliest(self) -> float:
        """The earliest moment at which such a sync is worth a look."""
        return self.still or self.ended * _EARLIER


class Pace:
    """What the last runs of a company's syncs have shown; kept in memory only."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: deque[Run] | None = None

    def learn(self, run: Run) -> None:
        """Take one run into account."""
        if self._runs is None:
            self._runs = deque(maxlen=RUNS)
        self._runs.append(run)

    def delays(self, *, least: float, most: float) -> Iterator[float]:
        """Yield the seconds to wait before each look at a sync that begins to run now; they never end.

        Not before such a sync can have ended, then close together as long as they usually end, then rarer and
        rarer up to `most`. No look follows another by less than `least`.
        """
        runs = tuple(self._runs or ())
        if not runs:
            yield from growing(least, most)
        # Few runs say little about how early others may end.
        caution = len(runs) / (len(runs) + 1)
        first = max(least, min(run.earliest for run in runs) * caution)
        last = max(run.ended for run in runs)
        step = min(most, max(least, (last - first) / STEPS))
        yield first
        elapsed = first
        while elapsed < last:
            yield step
            elapsed += step
        yield from growing(step * GROWTH, most)


def growing(least: float, most: float) -> Iterator[float]:
    """Yield delays from `least` seconds, each longer than the one before, up to `most`; they never end."""
    delay = least
    while True:
        yield min(delay, max(least, most))
        delay = min(delay * GROWTH, max(least, most))
