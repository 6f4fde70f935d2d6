"""What is looked at before anything is sent, and for how long what was seen is believed."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Preflight(StrEnum):
    """How much of what a company accepts is checked before its expenses are sent."""

    OFF = "off"
    COMPANIES = "companies"
    """The company exists, is connected, and has the defaults that its expenses need."""
    ROWS = "rows"
    """Also every account, tax rate and tracking category that its expenses name."""


FEW: Final = 3
"""Companies with something new, from which on a list of all companies is read instead of each of them."""

LINKED_LIFE: Final = timedelta(hours=1)
"""A connection can be cut at any moment; runs that follow one another closely ask once."""
NAMES_LIFE: Final = timedelta(hours=12)
"""A name can come to mean another account: what names and codes stand for is read once a night."""
IDS_LIFE: Final = timedelta(days=7)
"""An id means the same for ever. One that was deleted since is found out by Codat, as without any preflight."""


def is_fresh(seen_at: datetime | None, life: timedelta, *, now: datetime) -> bool:
    """Say whether what was seen then still counts; a date in the future (the clock was set back) does not."""
    return seen_at is not None and timedelta(0) <= now - seen_at < life
