"""The sliding minute: what was sent, and what the service may have seen of it."""

import math
from collections import deque

WINDOW = 60.0
"""Seconds over which Codat counts requests."""


class Window:
    """The sends of the last 60 seconds, kept inside an envelope.

    Never more than `limit` in any 60 seconds, and in any shorter stretch of s seconds never more than
    `burst + 1 + even * s`, `even` being (limit - burst) / 60 a second. The second rule is what lets a run be
    killed at any moment and go on at once: whatever the life before it did, a life that leaves out the burst
    and keeps to `even` for its first minute cannot bring any stretch shorter than 60 seconds to
    burst + 1 + even * 60 = limit + 1, and that holds for any number of lives.

    All moments are seconds of one monotonic clock and never go back from call to call.
    """

    def __init__(self, limit: int, burst: int) -> None:
        self._limit = limit
        self._burst = burst
        self._even = (limit - burst) / WINDOW
        self._sends: deque[float] = deque()
        self._count = 0
        # For each send k at t its "low" is (sends before k) - even * t. One more send at `now` keeps the
        # envelope from k on iff sends - even * now - burst <= low: so only the smallest low of the window
        # matters, and a queue of rising lows yields it in constant time.
        self._lows: deque[tuple[float, float]] = deque()

    def forbid_burst(self, now: float) -> None:
        """Behave for the next 60 seconds as if the burst had been used up at this moment."""
        self._lower(now, self._count - 1 - self._burst - self._even * now)

    def clear_at(self, now: float) -> float:
        """Return `now` if one more may be sent, or else when to ask again."""
        self._forget(now)
        if len(self._sends) >= self._limit:
            return self._sends[0] + WINDOW
        if not self._lows:
            return now
        since, low = self._lows[0]
        over = self._count - self._burst - low - self._even * now
        if over <= 0:
            return now
        wait = over / self._even if self._even else math.inf
        return min(now + wait, since + WINDOW)

    def record(self, now: float) -> None:
        """Count a request that leaves."""
        self._lower(now, self._count - self._even * now)
        self._count += 1
        self._sends.append(now)

    def count(self, now: float) -> int:
        """Return how many were sent in the last 60 seconds."""
        self._forget(now)
        return len(self._sends)

    def _lower(self, now: float, low: float) -> None:
        lows = self._lows
        while lows and lows[-1][1] >= low:
            lows.pop()
        lows.append((now, low))

    def _forget(self, now: float) -> None:
        sends, lows = self._sends, self._lows
        while sends and sends[0] + WINDOW <= now:
            sends.popleft()
        while lows and lows[0][0] + WINDOW <= now:
            lows.popleft()


class Exposure:
    """How many requests the service may have seen in the last 60 seconds, however long each was on its way.

    A request reaches the service at some moment between its admission and its answer, and only arrivals count
    there: a network that stalls and then delivers everything at once turns two lawful minutes into one that
    is not. So those in flight plus those answered in the last 60 seconds are kept under the ceiling. Proof:
    of the arrivals within any 60 seconds take the one admitted last; when it was admitted, each of the others
    was in flight or had been answered less than 60 seconds before.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._in_flight = 0
        self._answers: deque[float] = deque()

    def clear_at(self, now: float) -> float:
        """Return `now` if one more may be sent, or when to ask again (infinity: when one has ended)."""
        answers = self._answers
        while answers and answers[0] + WINDOW <= now:
            answers.popleft()
        if self._in_flight + len(answers) < self._ceiling:
            return now
        return answers[0] + WINDOW if answers else math.inf

    def record(self) -> None:
        """Count a request that leaves."""
        self._in_flight += 1

    def ended(self, now: float) -> None:
        """Count a request whose answer is read, or that was given up."""
        self._in_flight -= 1
        self._answers.append(now)
