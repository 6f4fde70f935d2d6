"""Notices: what stands open, what somebody was told of it, and what is to be told now."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Topic(StrEnum):
    """What a notice can be about, the gravest first."""

    RUN_FAILED = "run_failed"
    """A run did not do its work."""
    STALE = "stale"
    """No run has done its work for too long."""
    IN_DOUBT = "in_doubt"
    """Expenses or receipts may or may not be in the books."""
    REJECTED = "rejected"
    """Too large a part of what came in last is rejected."""
    HELD = "held"
    """A company is put aside."""
    NOTHING_ARRIVED = "nothing_arrived"
    """No new expense has come in for too long."""
    BUDGET = "budget"
    """A run ended at a quota or a limit."""


class Change(StrEnum):
    """What has happened to it since it was last told."""

    BEGAN = "began"
    WORSE = "worse"
    CHANGED = "changed"
    """It has another reason."""
    REMINDER = "reminder"
    ENDED = "recovered"


_DOUBLED: Final = frozenset({Topic.REJECTED})
"""Topics that are worse only once they are twice as bad: a share wavers from batch to batch."""

Key = tuple[Topic, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that stands open now."""

    topic: Topic
    subject: str
    """A company's id, `expenses`, `receipts`, or nothing where there can be only one."""
    count: int = 0
    of: int = 0
    """Out of how many; 0 where that means nothing."""
    code: str = ""
    """The reason, a stable word; nothing where there is only one."""
    since: datetime | None = None
    """When it began, where that is known; aware."""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.topic, self.subject

    @property
    def measure(self) -> int:
        """How bad it is: a count, or a share in hundredths of a percent."""
        return self.count * 10_000 // self.of if self.of else self.count


@dataclass(frozen=True, slots=True)
class Known:
    """What one channel was told, or is still to be told; times are aware."""

    topic: Topic
    subject: str
    measure: int
    code: str
    since: datetime
    told_at: datetime | None
    """None as long as nothing of it has been delivered."""
    resolved_at: datetime | None = None
    """When it ended; kept only until that is delivered too."""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.topic, self.subject


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell; times are aware."""

    change: Change
    topic: Topic
    subject: str
    count: int
    of: int
    code: str
    since: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What to remember of a channel: rows to keep as they are here, and keys to forget."""

    keep: tuple[Known, ...]
    forget: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to tell a channel, and what to remember once it is delivered, or if it could not be."""

    news: tuple[News, ...]
    delivered: State
    undelivered: State


def compare(
    known: Iterable[Known],
    found: Iterable[Condition],
    *,
    judged: Collection[Topic],
    now: datetime,
    remind_after: timedelta | None = None,
) -> Comparison:
    """Say what is new since a channel was last told.

    Only topics in `judged` count: of the others nobody looked, so they have neither begun nor ended. The same
    condition is told once; again when it is worse, has another code, or, with `remind_after`, has stood so long
    since it was told. What was never told ends without a word.
    """
    before = {each.key: each for each in known if each.topic in judged}
    open_ = {each.key: each for each in found if each.topic in judged}
    parts = [_standing(condition, before.get(key), now, remind_after) for key, condition in open_.items()]
    parts += [_ended(each, now) for key, each in before.items() if key not in open_]
    order = list(Topic)
    news = [part.news for part in parts if part.news is not None]
    return Comparison(
        tuple(sorted(news, key=lambda each: (order.index(each.topic), each.subject))),
        _state([(part.key, part.delivered) for part in parts], before),
        _state([(part.key, part.undelivered) for part in parts], before),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    key: Key
    news: News | None
    delivered: Known | None
    """None: there is nothing more to remember of it."""
    undelivered: Known | None


def _standing(condition: Condition, known: Known | None, now: datetime, remind_after: timedelta | None) -> _Part:
    since = (None if known is None else known.since) or condition.since or now
    told = Known(condition.topic, condition.subject, condition.measure, condition.code, since, now)
    change = Change.BEGAN if known is None else _change(condition, known, now, remind_after)
    if change is not None:
        news = News(change, condition.topic, condition.subject, condition.count, condition.of, condition.code, since)
        # Not delivered, it is as it was: what counts is what the other side knows.
        untold = replace(told, told_at=None) if known is None else replace(known, resolved_at=None)
        return _Part(condition.key, news, told, untold)
    assert known is not None  # noqa: S101 - what nobody knows has begun
    # What got better and then worse again is worse than it was in between.
    same = replace(known, measure=min(known.measure, condition.measure), resolved_at=None)
    return _Part(condition.key, None, same, same)


def _change(condition: Condition, known: Known, now: datetime, remind_after: timedelta | None) -> Change | None:
    if known.told_at is None:
        return Change.BEGAN
    if condition.code != known.code:
        return Change.CHANGED
    limit = 2 * known.measure if condition.topic in _DOUBLED else known.measure + 1
    if condition.measure >= max(limit, 1):
        return Change.WORSE
    if remind_after is not None and now - known.told_at >= remind_after:
        return Change.REMINDER
    return None


def _ended(known: Known, now: datetime) -> _Part:
    if known.told_at is None:
        return _Part(known.key, None, None, None)
    ended = known.resolved_at or now
    news = News(Change.ENDED, known.topic, known.subject, 0, 0, known.code, known.since, ended)
    return _Part(known.key, news, None, replace(known, resolved_at=ended))


def _state(parts: Sequence[tuple[Key, Known | None]], before: dict[Key, Known]) -> State:
    return State(
        tuple(known for key, known in parts if known is not None and known != before.get(key)),
        tuple(key for key, known in parts if known is None and key in before),
    )
