"""The three documented limits, and the headers that tell about them."""

from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from heapq import heappop, heappush
from math import ceil

from runner.simulator.behaviour import Limits
from runner.simulator.values import Refusal

DAY = 86_400.0
MINUTE = 60.0
IN_FLIGHT_PAUSE = 1.0


class RequestLimits:
    """Counts requests against the limits of one account."""

    def __init__(self, limits: Limits, *, epoch: datetime) -> None:
        self._limits = limits
        self._epoch = epoch
        # Days begin at midnight UTC, wherever the epoch stands in its day.
        self._since_midnight = epoch.timestamp() % DAY
        self._day = -1
        self._used = 0
        self._reset = ""
        self._in_flight: defaultdict[str, list[float]] = defaultdict(list)
        self._minute: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, company: str | None, peer: str, *, now: float, active: int) -> None:
        """Count a request of a company, from a sender, with `active` companies in the account.

        Raises `Refusal` 429 with Retry-After where a limit is reached; a refused request is not counted.
        """
        self._turn_day(now)
        limits = self._limits
        if limits.a_day is not None and self._used >= limits.a_day * (1 + active):
            self._refuse("The daily quota has been used up.", self._day_end() - now, now)
        if limits.a_minute is not None:
            window = self._minute[peer]
            while window and window[0] <= now - MINUTE:
                window.popleft()
            if len(window) >= limits.a_minute:
                self._refuse("Too many requests in one minute.", window[0] + MINUTE - now, now)
        if limits.in_flight is not None and company is not None:
            flying = self._in_flight[company]
            while flying and flying[0] <= now:
                heappop(flying)
            if len(flying) >= limits.in_flight:
                self._refuse("Too many concurrent requests for the company.", IN_FLIGHT_PAUSE, now)
        if limits.a_minute is not None:
            self._minute[peer].append(now)
        self._used += 1

    def busy(self, company: str | None, *, until: float) -> None:
        """Count an admitted request as in flight until then."""
        if self._limits.in_flight is not None and company is not None:
            heappush(self._in_flight[company], until)

    def headers(self, *, now: float, active: int) -> Mapping[str, str]:
        """Return the headers that every answer carries; none where there is no daily quota."""
        if self._limits.a_day is None:
            return {}
        self._turn_day(now)
        limit = self._limits.a_day * (1 + active)
        return {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(max(0, limit - self._used)),
            "x-rate-limit-reset": self._reset,
        }

    def retry_after(self, seconds: float, *, now: float) -> str:
        """Write a pause the way the behaviour says: whole seconds, or an HTTP date."""
        if not self._limits.retry_after_as_date:
            return str(max(1, ceil(seconds)))
        # An HTTP date has whole seconds: rounded up, or the client would come too early.
        at = self._epoch + timedelta(seconds=ceil(now + seconds))
        return format_datetime(at, usegmt=True)

    def _refuse(self, message: str, seconds: float, now: float) -> None:
        raise Refusal(429, message, headers={"retry-after": self.retry_after(seconds, now=now)})

    def _turn_day(self, now: float) -> None:
        day = int((now + self._since_midnight) // DAY)
        if day != self._day:
            self._day, self._used = day, 0
            reset = self._epoch + timedelta(seconds=self._day_end())
            self._reset = reset.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _day_end(self) -> float:
        return (self._day + 1) * DAY - self._since_midnight
