"""The journal's verbs for notices: what each channel was told, and what only they ask of the books."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from runner.domain.notices import Known, State, Topic
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("notices")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in last; times are aware."""

    first_run: datetime | None
    """None where no run has ever begun."""
    latest: datetime | None
    """When the last new expense came in; None where none ever has."""
    expenses: int = 0
    """Of the last run that let any in: those, and the ones that wrong rows have kept out since it began."""
    rejected: int = 0
    """How many of them are rejected now."""


class Notices(Verbs):
    """Remembers what was told, so that nobody is told twice."""

    async def known(self, channel: str) -> list[Known]:
        """Return what a channel was told and has not ended, or not been told to have ended."""
        return await self._rows(_known, _SQL["known"], {"channel": channel})

    async def record(self, states: Iterable[tuple[str, State]]) -> None:
        """Record for channels what they know from now on, all at once."""
        parts = list(states)

        def operation(connection: Connection) -> None:
            for channel, state in parts:
                for topic, subject in state.forget:
                    connection.execute(_SQL["forget"], {"channel": channel, "kind": topic.value, "subject": subject})
                connection.executemany(_SQL["keep"], [_row(channel, known) for known in state.keep])

        await self._write(operation)

    async def arrivals(self) -> Arrivals:
        """Return what came in last."""
        return await self._read(_arrivals)


def _known(*row: Any) -> Known:
    kind, subject, measure, code, since, told, resolved = row
    return Known(Topic(kind), subject, measure, code, datetime.fromisoformat(since), _moment(told), _moment(resolved))


def _arrivals(connection: Connection) -> Arrivals:
    (first,) = connection.execute(_SQL["first_run"]).fetchone()
    (latest,) = connection.execute(_SQL["latest_arrival"]).fetchone()
    run, accepted = connection.execute(_SQL["latest_batch"]).fetchone() or (0, 0)
    rejected, broken = connection.execute(_SQL["rejected_of_batch"], {"run": run}).fetchone()
    # Correcting an expense moves it to its new file, which then has more rejected ones than it let in.
    return Arrivals(_moment(first), _moment(latest), max(accepted, rejected) + broken, rejected + broken)


def _row(channel: str, known: Known) -> dict[str, str | int | None]:
    return {
        "channel": channel,
        "kind": known.topic.value,
        "subject": known.subject,
        "measure": known.measure,
        "code": known.code,
        "since": _text(known.since),
        "told_at": _text(known.told_at),
        "resolved_at": _text(known.resolved_at),
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")
