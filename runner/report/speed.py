"""How fast something goes, and when it will be done, from what was counted lately. No clock in here."""

from collections import deque

WINDOW = 60.0
"""Seconds that count as lately."""
_STEP = 1.0
"""Seconds between samples that are kept."""
_LEAST = 3.0
"""Seconds after which a rate means something."""


class Speed:
    """Samples of one growing count."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def see(self, count: int, *, now: float) -> None:
        """Take the count as it stands at `now`, in monotonic seconds."""
        if not self._samples or now - self._samples[-1][0] >= _STEP:
            self._samples.append((now, count))
        while self._samples and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()

    def a_second(self) -> float | None:
        """Return how many came in each second lately; None where too little is known."""
        if not self._samples:
            return None
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        return (after - before) / (last - first) if last - first >= _LEAST else None

    def seconds_for(self, left: int) -> float | None:
        """Return how long so many more take at this rate; None where nothing can be said."""
        rate = self.a_second()
        return left / rate if rate else None


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds as people read them: `0:04:30`, or days and hours."""
    whole = max(0, round(seconds))
    if whole >= 2 * 86_400:
        return f"{whole // 86_400} days {whole % 86_400 // 3_600} h"
    return f"{whole // 3_600}:{whole % 3_600 // 60:02}:{whole % 60:02}"
