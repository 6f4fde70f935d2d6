"""One source address and all that belongs to it: its window, its pace, its pause."""

from runner.codat.governing.limits import CODAT_RPM
from runner.codat.governing.pacing import Pace
from runner.codat.governing.window import WINDOW, Exposure, Window

BURST_SHARE = 4
"""A quarter of a minute's requests may leave at once."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class Lane:
    """The rate of one source address; several can stand side by side, each with a lane of its own.

    Times are seconds of one monotonic clock. The moment that counts for the rate is the admission; what lies
    between it and the arrival (the commit of the intention, the network) is covered by the margin between
    `max_rpm` and Codat's limit, and where it takes longer by the exposure. Two things are left to the margin
    alone: a request that is delivered after its sender gave it up, and those that a former life had in flight
    when it ended.
    """

    def __init__(self, max_rpm: int, *, now: float, previous_life_seconds_ago: float | None = None) -> None:
        burst = max(1, max_rpm // BURST_SHARE)
        self._window = Window(max_rpm, burst)
        # The margin of Codat's 1,000 over the default of 980, in proportion.
        self._exposure = Exposure(min(CODAT_RPM, max_rpm * 50 // 49))
        self._pace = Pace(max_rpm, burst, now=now)
        self._paused_until = now
        self._refusals = 0
        # "Not 60 or more" rather than "less than 60": so NaN, and the future of a clock that was set back,
        # count as recent.
        if previous_life_seconds_ago is not None and not previous_life_seconds_ago >= WINDOW:
            self._window.forbid_burst(now)

    def clear_at(self, now: float) -> float:
        """Return `now` if one waiting may leave, or when to ask again (infinity: when one has ended)."""
        if now < self._paused_until:
            return self._paused_until
        at = max(self._window.clear_at(now), self._pace.clear_at(now), self._exposure.clear_at(now))
        if at > now:
            self._pace.held_up()
        return at

    def record(self, now: float) -> None:
        """Count a request that leaves now; to be called after `clear_at` has returned this `now`."""
        self._window.record(now)
        self._pace.record()
        self._exposure.record()

    def ended(self, now: float) -> None:
        """Count a request that is no longer in flight."""
        self._exposure.ended(now)

    def pause(self, until: float) -> None:
        """Let nothing leave until then, and go on without burst; the latest moment asked for counts."""
        if until > self._paused_until:
            self._paused_until = until
            self._pace.restart(until)

    def paused_until(self, now: float) -> float | None:
        """Return until when this lane is paused; None if it is not."""
        return self._paused_until if now < self._paused_until else None

    def sent_last_minute(self, now: float) -> int:
        """Return how many requests left in the last 60 seconds."""
        return self._window.count(now)

    def pause_unasked(self, now: float) -> float:
        """Return the seconds to pause after a 429 that names none: 1, 2, 4… up to 60 in a row.

        The 429s of those that were in flight together are one refusal.
        """
        if now >= self._paused_until:
            self._refusals += 1
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(10, max(0, self._refusals - 1)))

    def got_through(self, now: float) -> None:
        """Learn that a request was answered by something else than a refusal of the rate."""
        if now >= self._paused_until:
            self._refusals = 0
