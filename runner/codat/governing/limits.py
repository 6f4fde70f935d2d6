"""What the governor is told to keep."""

from dataclasses import dataclass

from runner.errors import ConfigurationWrong

CODAT_RPM = 1_000
"""Codat's requests a minute for one source address; above it the address may be blocked without warning."""
CODAT_PER_COMPANY = 10
"""Codat's requests in flight for one company."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run; every number is checked when it is made.

    Raises `ConfigurationWrong` where Codat would not stand for a number, or it makes no sense.
    """

    max_rpm: int = 980
    """Requests a minute. The rest up to Codat's 1,000 is the margin for what travels at uneven speed."""
    per_company: int = 8
    """In flight for one company."""
    in_flight: int = 64
    """In flight in total."""
    reserve: int = 0
    """Requests of the day's quota that are left to the user's other programs."""
    max_pause: float = 300.0
    """Seconds: a longer wait ends the run in good order."""
    max_requests: int | None = None
    """Requests that may leave in this run; None for as many as it takes."""

    def __post_init__(self) -> None:
        """Check each number."""
        _check("max_rpm", self.max_rpm, 1, CODAT_RPM, "Codat's limit for one source address")
        _check("per_company", self.per_company, 1, CODAT_PER_COMPANY, "Codat's limit for one company")
        _check("in_flight", self.in_flight, 1, None, "")
        _check("reserve", self.reserve, 0, None, "")
        _check("max_pause", self.max_pause, 0, None, "")
        if self.max_requests is not None:
            _check("max_requests", self.max_requests, 0, None, "")


def _check(name: str, value: float, least: int, most: int | None, because: str) -> None:
    # Asked the positive way round, so that NaN is refused as well.
    if value >= least and (most is None or value <= most):
        return
    span = f"at least {least}" if most is None else f"between {least} and {most}"
    hint = f"{most} is {because}." if most is not None else None
    raise ConfigurationWrong(f"{name} is {value}; it must be {span}.", hint=hint)
