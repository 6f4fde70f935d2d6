"""How long one company's syncs take, as those before have shown, and when to look at the next one."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

RUNS = 12
"""Runs that are remembered: as many as show the usual spread, and few enough to forget what has changed."""
FEW = RUNS // 2
"""Runs of a company from which on others' say nothing more."""
STEPS = 10
"""Looks into which the usual spread is divided: more find the end sooner, fewer cost less."""
GROWTH = 1.35
MISSED = 6.0
"""After a look that aimed at the end and came too early, the next one follows after that part of the time."""
UNHURRIED = 5.0
"""The first look at a sync of which nothing is known comes that much later where nothing else waits for its end."""
_EARLIER = 0.7
"""The first look found it ended: it may have ended long before, so the next first look is that much earlier."""
_NEARER = 0.98
"""The same where one look after the end is wanted: a little earlier each time, until a look comes too early."""
_AFTER = 1.02
"""A look that aims at the end comes that much after the latest one known."""


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

    @property
    def latest(self) -> float:
        """When such a sync has certainly ended, as far as one run can tell."""
        return self.ended * _AFTER if self.still else self.ended * _NEARER


class Pace:
    """What the last runs of a company's syncs have shown; `common` is asked where there were none yet.

    It is kept in the journal as text, so that a night with one sync a company learns from the nights before.
    """

    __slots__ = ("_common", "_runs")

    def __init__(self, text: str | None = None, *, common: "Pace | None" = None) -> None:
        self._common = common
        # Alternating: when a run was still seen, when it had ended. An object a run would cost a waiting company a
        # kilobyte.
        self._runs = array("d", _numbers_of(text or ""))

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that are remembered, oldest first."""
        return [Run(*self._runs[place : place + 2]) for place in range(0, len(self._runs), 2)]

    def learn(self, run: Run) -> None:
        """Take one run into account."""
        self._runs.extend((run.still, run.ended))
        del self._runs[: -2 * RUNS]
        if self._common is not None:
            self._common.learn(run)

    def delays(self, *, least: float, most: float, patient: bool = False) -> Iterator[float]:
        """Yield the seconds to wait before each look at a sync that begins to run now; they never end.

        Not before such a sync can have ended, then close together as long as they usually end, then rarer and
        rarer up to `most`. No look follows another by less than `least`. With `patient` the first look comes when
        nearly all such syncs have ended: it finds the end later, and mostly with one look.
        """
        common = () if self._common is None else self._common.runs
        runs = self.runs or common
        if not runs:
            return growing(UNHURRIED * least, most, by=2.0) if patient else growing(least, most)
        if patient:
            # Few runs of its own say little about how late others may end.
            runs = [*runs, *common] if len(runs) < FEW else runs
            aim = max(least, *(run.latest for run in runs))
            return chain((aim,), growing(max(least, aim / MISSED), most))
        # Few runs say little about how early others may end.
        caution = len(runs) / (len(runs) + 1)
        first = max(least, min(run.earliest for run in runs) * caution)
        return _around(first, max(run.ended for run in runs), least=least, most=most)

    def __str__(self) -> str:
        """Return the text that it can be read from again."""
        return " ".join(f"{run.still:.1f}-{run.ended:.1f}" for run in self.runs)


def _around(first: float, last: float, *, least: float, most: float) -> Iterator[float]:
    """Yield delays to a first look, close together up to a last one, and then growing."""
    step = min(most, max(least, (last - first) / STEPS))
    yield first
    elapsed = first
    while elapsed < last:
        yield step
        elapsed += step
    yield from growing(step * GROWTH, most)


def _numbers_of(text: str) -> list[float]:
    """Read what `str` wrote; what somebody else wrote there teaches nothing."""
    found: list[float] = []
    for part in text.split()[-RUNS:]:
        still, _, ended = part.partition("-")
        try:
            run = (float(still), float(ended))
        except ValueError:
            return []
        if not 0.0 <= run[0] <= run[1] < float("inf"):
            return []
        found.extend(run)
    return found


def growing(least: float, most: float, *, by: float = GROWTH) -> Iterator[float]:
    """Yield delays from `least` seconds, each `by` times the one before, up to `most`; they never end."""
    delay = least
    while True:
        yield min(delay, max(least, most))
        delay = min(delay * by, max(least, most))
