"""The day's quota, as the answers' headers tell it."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LIMIT = "x-rate-limit-limit"
REMAINING = "x-rate-limit-remaining"
RESET = "x-rate-limit-reset"

_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_UNLIMITED = re.compile(
    r"-1|\+?[0-9]{16,20}|\+?inf(inity|inite)?|\u221e|\*|none|no[ _-]?limit|unlimited|unbounded",
    re.ASCII | re.IGNORECASE,
)
"""How services say that there is no limit."""
_SAME_DAY = timedelta(minutes=1)
_FARTHEST = timedelta(hours=48)
_JUST_OVER = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DATE = 64


class Quota:
    """Limit, remaining and reset as last read; nothing is known before the first answer.

    The day is the service's: it ends at the Reset that the service names. Seconds until then are measured
    from the same answer's Date where it has one, and then on the monotonic clock, so the local wall clock
    decides nothing.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self.resets_at: datetime | None = None
        self._remaining: int | None = None
        self._ends = math.inf
        self._reset_text: str | None = None

    def remaining(self, now: float) -> int | None:
        """Return what is left of the day (which may just have begun anew); None if unknown."""
        if now >= self._ends:
            # A new day: what it allows is in its first answer; until then the old limit stands.
            self._remaining, self.resets_at, self._ends, self._reset_text = self.limit, None, math.inf, None
        return self._remaining

    def read(self, headers: Mapping[str, str], *, now: float, wall: Callable[[], datetime]) -> None:
        """Take in an answer's headers (names in lower case); what cannot be read changes nothing.

        Within a day `remaining` only falls: answers arrive out of order, and an older one must not raise it.
        When the limit itself changes (a company was connected) it is taken as it comes; `-1`, `unlimited` and the like
        end it.
        """
        if _is_unlimited(headers.get(REMAINING)) or _is_unlimited(headers.get(LIMIT)):
            self.limit = self.resets_at = self._remaining = self._reset_text = None
            self._ends = math.inf
            return
        left = _whole(headers.get(REMAINING))
        if left is None:
            return
        before = self.remaining(now)
        limit = _whole(headers.get(LIMIT))
        same_limit = limit is None or limit == self.limit
        known = self.resets_at
        if not self._read_reset(headers, now=now, wall=wall):
            return
        if before is not None and same_limit and known == self.resets_at:
            left = min(left, before)
        self._remaining = left
        if limit is not None:
            self.limit = limit

    def _read_reset(self, headers: Mapping[str, str], *, now: float, wall: Callable[[], datetime]) -> bool:
        """Say whether the answer belongs to the present day; if it opens a new one, take over its end."""
        text = headers.get(RESET, "")
        if text == self._reset_text:
            return True  # nearly always: dates are read once a day
        today = _http_date(headers.get("date", "")) or wall()
        moment = parse_moment(text, today=today)
        if moment is not None and today - _JUST_OVER <= moment <= today:
            return False  # a late answer of the day that is just over
        if moment is None or not today < moment <= today + _FARTHEST:
            # Unreadable or absurd: Codat documents that the quota is renewed at 00:00 UTC.
            moment = self.resets_at or _next_midnight(today)
        if self.resets_at is not None:
            if moment < self.resets_at - _SAME_DAY:
                return False
            if moment <= self.resets_at + _SAME_DAY:
                return True
        self.resets_at = moment
        self._reset_text = text
        self._ends = now + (moment - today).total_seconds()
        return True


def parse_moment(text: str, *, today: datetime) -> datetime | None:
    """Read ISO 8601, an HTTP date, seconds or milliseconds since 1970, or seconds from `today`.

    Aware, in UTC (also where no offset is given); None if it is none of these.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST_DATE:
        return None
    number = _whole(text)
    try:
        if number is not None:
            return _counted(number, today)
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return _http_date(text)
        return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def _counted(number: int, today: datetime) -> datetime:
    if number >= 10**11:
        return _EPOCH + timedelta(milliseconds=number)
    # Fewer than nine digits would be the 1970s: other services count such seconds from now.
    return (_EPOCH if number >= 10**8 else today) + timedelta(seconds=number)


def _http_date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _whole(text: str | None) -> int | None:
    if text is None or _WHOLE.fullmatch(text.strip()) is None:
        return None
    return max(0, int(text))


def _is_unlimited(text: str | None) -> bool:
    return text is not None and _UNLIMITED.fullmatch(text.strip()) is not None


def _next_midnight(today: datetime) -> datetime:
    return today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
