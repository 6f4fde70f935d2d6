"""What Codat's limits allow: how long so many requests take, and on how many days. Pure arithmetic."""

from dataclasses import dataclass
from typing import Final

MINUTES_A_DAY: Final = 1_440
QUOTA_STEP: Final = 1_000
"""Requests a day that Codat gives an account, once for itself and once for each connected company."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests may be sent, by the minute and by the day."""

    companies: int
    """Connected companies of the account, as far as they are known here."""
    max_rpm: int
    """For each source address; 0 is no limit."""
    addresses: int = 1
    reserve: int = 0
    """Requests of the day's quota that are left to others."""

    @property
    def a_minute(self) -> int:
        """Requests a minute from all addresses together; 0 is no limit."""
        return self.max_rpm * self.addresses

    @property
    def quota(self) -> int:
        """Codat's quota for one day."""
        return QUOTA_STEP * (1 + self.companies)

    @property
    def a_day(self) -> int:
        """What is left of it for this program."""
        return max(0, self.quota - self.reserve)

    def seconds(self, requests: int) -> float | None:
        """Return how long it takes to send them at the allowed rate, at least; None without a limit."""
        return requests * 60 / self.a_minute if self.a_minute else None

    def days(self, requests: int) -> int | None:
        """Return on how many days' quotas they are spread; None where the reserve leaves nothing."""
        if not requests:
            return 0
        return -(-requests // self.a_day) if self.a_day else None

    def quota_binds(self) -> bool:
        """Say whether a day's quota is spent before the day is over: then a higher rate sends no more."""
        return bool(self.a_minute) and self.a_day <= self.a_minute * MINUTES_A_DAY

    def companies_for_another(self) -> int:
        """Return from how many connected companies on one more source address would send more in a day."""
        return max(0, (self.a_minute * MINUTES_A_DAY + self.reserve) // QUOTA_STEP)
