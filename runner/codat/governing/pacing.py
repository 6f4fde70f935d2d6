"""An even pace with a little credit."""

CATCH_UP = 1.0
"""Seconds of missed slots that waiting requests may make up for: timers are late, loops are busy."""


class Pace:
    """Slots at an even rate; unused ones become credit, up to the burst, so that small jobs leave at once.

    Credit comes from idleness only. While requests wait for the rate it is cut to one second's worth:
    otherwise the credit that gathers in the minute after a burst (which the window slows down) would be a
    burst again, and each minute would look like the first.
    """

    def __init__(self, per_minute: int, burst: int, *, now: float) -> None:
        self._rate = per_minute / 60.0
        self._most = float(burst)
        self._most_waiting = min(self._most, max(1.0, self._rate * CATCH_UP))
        self._credit = self._most
        self._at = now

    def restart(self, at: float) -> None:
        """Begin anew without credit at a moment, which may lie ahead."""
        self._credit = 0.0
        self._at = at

    def clear_at(self, now: float) -> float:
        """Return `now` if one more may be sent, or else from when."""
        if now > self._at:
            self._credit = min(self._most, self._credit + (now - self._at) * self._rate)
            self._at = now
        if self._credit >= 1.0:
            return now
        return max(now, self._at) + (1.0 - self._credit) / self._rate

    def held_up(self) -> None:
        """Learn that a request waits for the rate."""
        self._credit = min(self._credit, self._most_waiting)

    def record(self) -> None:
        """Use a slot; to be called after `clear_at` has returned its `now`."""
        self._credit -= 1.0
