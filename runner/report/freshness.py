"""Whether a journal is worked on as often as it should be: for monitoring, from what the journal knows of its runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.errors import ExitCode
from runner.journal.records import Life
from runner.report.speed import duration

DID_ITS_WORK = frozenset(
    {
        ExitCode.OK,
        ExitCode.REJECTED,
        ExitCode.WORK_REMAINS,
        ExitCode.MAX_ERRORS,
        ExitCode.IN_DOUBT,
        ExitCode.BUDGET,
    }
)
"""Exit codes of runs that came to an end of their own. A refused key or an interruption is none: such a run may
happen every night, and nothing gets done."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is to be said of the last run."""

    stale: bool
    said: str


def freshness_of(lives: list[Life], *, at_work: bool, now: datetime, limit: timedelta | None) -> Freshness:
    """Judge the last runs, newest first.

    A journal is fresh if a run did its work, or has been at work, since less than `limit` ago; without a limit
    nothing is stale. `at_work` says whether a process holds the journal: a run that has no end and no process
    was killed.
    """
    if not lives:
        return Freshness(limit is not None, "No run has ever begun.")
    last = lives[0]
    running = at_work and last.ended_at is None
    moments = [life.ended_at for life in lives if life.ended_at is not None and life.exit_code in DID_ITS_WORK]
    moments += [last.started_at] if running else []
    stale = limit is not None and not any(now - moment <= limit for moment in moments)
    said = _said(last, running=running, now=now)
    if stale and limit is not None:
        said += f" No run has done its work in the last {duration(limit.total_seconds())}."
    return Freshness(stale, said)


def _said(last: Life, *, running: bool, now: datetime) -> str:
    began = f"Run {last.number} began {_ago(last.started_at, now)}"
    if running:
        return f"{began} and is at work."
    if last.ended_at is None:
        return f"{began} and was killed: run again."
    return f"Run {last.number} ended {_ago(last.ended_at, now)} with exit code {last.exit_code}."


def _ago(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 0 else f"at {moment.isoformat(timespec='seconds')}"
