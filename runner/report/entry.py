"""The form of an explanation: what something means, who can do something about it, and what."""

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who can do something about it."""

    FIX_DATA = "fix-data"
    """Whoever made the rows."""
    FIX_MAPPING = "fix-mapping"
    """Whoever decides which accounts, tax rates and settings are used."""
    DECIDE = "decide"
    """Whoever knows the purchases, and can say which of them a row is."""
    RECONNECT_COMPANY = "reconnect-company"
    """The company's owner, in Codat or in the accounting software."""
    WAIT = "wait"
    """Nobody yet: a later run settles it."""
    ASK_CODAT = "ask-codat"
    """Codat's support, with the correlation id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code explained."""

    meaning: str
    who: Who
    way_out: str
