"""How far this run's preflight has come."""

from dataclasses import dataclass, field

from runner.domain.ids import CompanyId
from runner.domain.preflight import Preflight
from runner.steps.roster import Roster


@dataclass(slots=True)
class Checks:
    """What the preflight of a run needs to be done once per company."""

    level: Preflight = Preflight.OFF
    roster: Roster | None = None
    done: set[CompanyId] = field(default_factory=set)
    """Companies that were found well in this run."""
    unchecked: set[CompanyId] = field(default_factory=set)
    """Companies whose rows could not be checked, because Codat does not say what they accept."""
