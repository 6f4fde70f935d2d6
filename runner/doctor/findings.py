"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum

from runner.errors import ExitCode


class Level(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARNING = "warning"
    """A run would work, and somebody should look."""
    PROBLEM = "problem"
    """A run would end badly, or do nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    check: str
    """A stable word for scripts."""
    level: Level
    message: str
    fix: str | None = None
    exit_code: ExitCode = ExitCode.OK
    """What a run would end with; not OK for a problem only."""


def well(check: str, message: str) -> Finding:
    """Return what is as it should be."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, fix: str | None = None) -> Finding:
    """Return what somebody should look at."""
    return Finding(check, Level.WARNING, message, fix)


def problem(check: str, message: str, fix: str | None, exit_code: ExitCode) -> Finding:
    """Return what stands in the way of a run that would end with this code."""
    return Finding(check, Level.PROBLEM, message, fix, exit_code)
