"""Counts over time, put into even steps: what a chart draws and a table says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from runner.journal.health_records import RunFacts, Times
from runner.report.amounts import at

MOST: Final = 60
"""Steps of one chart."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS: Final = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts by step, from the first to the last that has any."""

    title: str
    begin: datetime
    step: int
    """Seconds."""
    posted: tuple[int, ...]
    attached: tuple[int, ...]

    def start_of(self, number: int) -> datetime:
        """Return when a step begins."""
        return datetime.fromtimestamp(self.begin.timestamp() + number * self.step, tz=UTC)


def charts(times: Times, runs: Sequence[RunFacts], *, now: str) -> list[Chart]:
    """Return a chart of the latest run that posted anything and, where others did too, one of all of them."""
    events = [*times.posted, *times.attached]
    if not events:
        return []
    whole = _chart("Since the beginning", times, min(each[0] for each in events), max(each[0] for each in events))
    for run in runs:
        end = (run.ended_at or now)[:19]
        own = [second for second, _ in events if run.started_at[:19] <= second <= end]
        if own:
            latest = _chart(f"The latest run that posted (run {run.no})", times, min(own), max(own))
            return [latest] if len(own) == len(events) else [latest, whole]
    return [whole]


def _chart(title: str, times: Times, first: str, last: str) -> Chart:
    begin, end = int(at(first).timestamp()), int(at(last).timestamp())
    step = next((each for each in _STEPS if end // each - begin // each < MOST), _STEPS[-1])
    count = end // step - begin // step + 1
    return Chart(
        title,
        datetime.fromtimestamp(begin // step * step, tz=UTC),
        step,
        _counted(times.posted, first, last, begin // step, step, count),
        _counted(times.attached, first, last, begin // step, step, count),
    )


def _counted(
    events: Sequence[tuple[str, int]], first: str, last: str, origin: int, step: int, count: int
) -> tuple[int, ...]:
    counts = [0] * count
    for second, number in events:
        if first <= second <= last:
            counts[int(at(second).timestamp()) // step - origin] += number
    return tuple(counts)
