"""What stands open, as conditions; what is new of it, in words and JSON: no amounts, names, or texts of others."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runner.domain.notices import Change, Condition, News, Topic
from runner.domain.states import ExpenseState, ReceiptState
from runner.errors import ExitCode
from runner.journal.notices import Arrivals
from runner.journal.records import Books, Life
from runner.report.catalog import entry_about
from runner.report.commands import next_command
from runner.report.freshness import freshness_of
from runner.report.words import counted, lasting

NAMED: Final = 50
"""Companies that one entry of a notice names; it counts them all."""
FORM: Final = 1
"""The version of the JSON."""
OPERATOR: Final = "operator"
"""Who can do something about what is neither a row's nor a company's fault."""

_FAILURES: Final = {
    ExitCode.INTERNAL: "an internal error, or a journal that cannot be written",
    ExitCode.MAX_ERRORS: "stopped by --max-errors: more expenses were rejected than allowed",
    ExitCode.REFUSED: "refused before anything was sent",
    ExitCode.KEY_REFUSED: "Codat refuses the API key",
    ExitCode.CONFIGURATION: "the configuration is wrong",
}
"""Exit codes of runs that did not do their work; an interruption is somebody's wish, and a budget is its own topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is told."""

    about: frozenset[Topic] = frozenset(Topic)
    rejected_percent: float = 5.0
    """Of the expenses that came in last; more than so many."""
    nothing_arrived: timedelta | None = None
    stale: timedelta | None = None
    remind: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How the run ended that has something to tell."""

    exit_code: ExitCode
    code: str = ""
    """The stable word of what stopped it."""

    @property
    def failed(self) -> bool:
        """Whether it did not do its work, and nobody wanted that."""
        return self.exit_code in _FAILURES


@dataclass(frozen=True, slots=True)
class Found:
    """What stands open, and which topics were looked at."""

    judged: frozenset[Topic] = frozenset()
    conditions: tuple[Condition, ...] = ()

    def __add__(self, other: "Found") -> "Found":
        return Found(self.judged | other.judged, self.conditions + other.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every notice says beside its entries."""

    at: datetime
    host: str
    journal: str
    identity: str
    """Tells two notices apart, and knows one that arrives twice."""
    sample: bool = False
    """Whether nothing of it is true."""


def of_end(end: RunEnd) -> Found:
    """Judge how a run ended. An interruption says nothing of what was told before it."""
    if end.exit_code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.JOURNAL_LOCKED}:
        return Found()
    conditions = []
    if end.failed:
        conditions.append(Condition(Topic.RUN_FAILED, "", code=f"{int(end.exit_code)} {end.code}".strip()))
    if end.exit_code is ExitCode.BUDGET:
        conditions.append(Condition(Topic.BUDGET, "", code=end.code))
    return Found(frozenset({Topic.RUN_FAILED, Topic.BUDGET}), tuple(conditions))


def of_books(books: Books, arrivals: Arrivals, thresholds: Thresholds, *, now: datetime) -> Found:
    """Judge what the journal's accounts say."""
    conditions = [
        Condition(Topic.HELD, hold.company_id, code=hold.code, since=datetime.fromisoformat(hold.held_at))
        for hold in books.holds
    ]
    doubts = {
        "expenses": books.count(ExpenseState.IN_DOUBT),
        "receipts": books.receipts.get(ReceiptState.IN_DOUBT, 0),
    }
    conditions += (Condition(Topic.IN_DOUBT, what, count=count) for what, count in doubts.items() if count)
    if arrivals.expenses and arrivals.rejected * 100 > thresholds.rejected_percent * arrivals.expenses:
        conditions.append(Condition(Topic.REJECTED, "", count=arrivals.rejected, of=arrivals.expenses))
    judged = {Topic.HELD, Topic.IN_DOUBT, Topic.REJECTED}
    if thresholds.nothing_arrived is not None:
        judged.add(Topic.NOTHING_ARRIVED)
        last = arrivals.latest or arrivals.first_run
        if last is not None and now - last > thresholds.nothing_arrived:
            conditions.append(Condition(Topic.NOTHING_ARRIVED, "", since=last))
    return Found(frozenset(judged), tuple(conditions))


def of_lives(lives: list[Life], thresholds: Thresholds, *, at_work: bool, now: datetime) -> Found:
    """Judge whether runs do their work as often as they should; nothing where no limit is set."""
    if thresholds.stale is None:
        return Found()
    fresh = freshness_of(lives, at_work=at_work, now=now, limit=thresholds.stale)
    return Found(frozenset({Topic.STALE}), (Condition(Topic.STALE, ""),) if fresh.stale else ())


# ---- the words ----


@dataclass(frozen=True, slots=True)
class Entry:
    """What is told of one topic, change and code: all its companies together."""

    change: Change
    topic: Topic
    code: str
    count: int
    of: int
    subjects: tuple[str, ...]
    since: datetime
    ended_at: datetime | None
    what: str
    who: str
    way_out: str
    command: str | None


def entries(news: Sequence[News], *, journal: str) -> list[Entry]:
    """Put together what is to be said with the same words; in the order of the news, what began first."""
    groups: dict[tuple[bool, Topic, Change, str, str], list[News]] = {}
    for each in news:
        # Held companies are told together, by reason; everything else is one of its kind.
        subject = "" if each.topic is Topic.HELD else each.subject
        ended = each.change is Change.ENDED
        groups.setdefault((ended, each.topic, each.change, each.code, subject), []).append(each)
    return [_entry(group, journal) for _, group in sorted(groups.items(), key=lambda item: item[0][0])]


def _entry(group: list[News], journal: str) -> Entry:
    first = group[0]
    held = first.topic is Topic.HELD
    count = len(group) if held else first.count
    who, way_out, command = ("", "", None) if first.change is Change.ENDED else _ways(first, journal)
    return Entry(
        first.change,
        first.topic,
        first.code,
        count,
        first.of,
        tuple(each.subject for each in group if each.subject),
        min(each.since for each in group),
        max((each.ended_at for each in group if each.ended_at is not None), default=None),
        _what(first, count),
        who,
        way_out,
        command,
    )


def _what(news: News, count: int) -> str:
    if news.change is Change.ENDED:
        return _recovered(news, count)
    prefix = {Change.WORSE: "Worse: ", Change.CHANGED: "Changed: ", Change.REMINDER: "Still so: "}
    return prefix.get(news.change, "") + _said(news, count)


def _said(news: News, count: int) -> str:
    match news.topic:
        case Topic.RUN_FAILED:
            said = f"The run failed: {_failure(news.code)}."
        case Topic.STALE:
            said = "No run has done its work for too long."
        case Topic.IN_DOUBT:
            things = counted(count, news.subject.removesuffix("s"))
            said = f"{things} in doubt: nobody can say yet whether the books have {'it' if count == 1 else 'them'}."
        case Topic.REJECTED:
            share = f"{count:,} of the {news.of:,} expenses that came in last"
            said = f"{share} {'is' if count == 1 else 'are'} rejected ({_percent(count, news.of)} %)."
        case Topic.HELD:
            said = f"{counted(count, 'company')} held: {entry_about('company', news.code).meaning}"
        case Topic.NOTHING_ARRIVED:
            said = "No new expense has come in for too long."
        case _:
            said = f"The run ended at a quota or a limit ({news.code}); the rest waits."
    return said


def _recovered(news: News, count: int) -> str:
    return (
        "Recovered: "
        + {
            Topic.RUN_FAILED: "a run has done its work again.",
            Topic.STALE: "a run has done its work again.",
            Topic.IN_DOUBT: f"no {news.subject} are in doubt any more.",
            Topic.REJECTED: "the part that is rejected is below the threshold again.",
            Topic.HELD: f"{counted(count, 'company')} no longer held.",
            Topic.NOTHING_ARRIVED: "new expenses have come in.",
            Topic.BUDGET: "a run has come to its end within its limits.",
        }[news.topic]
    )


def _failure(code: str) -> str:
    number, _, word = code.partition(" ")
    meaning = _FAILURES[ExitCode(int(number))]
    return f"{meaning} (exit code {number}{', ' if word else ''}{word})"


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}" if of else "0"


def _ways(news: News, journal: str) -> tuple[str, str, str | None]:
    where = f"--journal {shlex.quote(journal)}"
    if news.topic is Topic.HELD:
        entry = entry_about("company", news.code)
        return entry.who.value, entry.way_out, next_command("company", "held", news.code, journal=journal)
    doubt = news.subject == "expenses"
    # A journal that could not be read says so best itself.
    failed = "journal check" if news.code.startswith(f"{int(ExitCode.INTERNAL)} ") else "doctor"
    return {
        Topic.RUN_FAILED: (OPERATOR, "The end of the run's log says why.", f"expense-runner {failed} {where}"),
        Topic.STALE: (OPERATOR, "See whether the timer starts runs, and how the last one ended.",
                      f"expense-runner doctor {where}"),
        Topic.IN_DOUBT: (
            "wait" if doubt else OPERATOR,
            "The next run looks again; nothing is sent twice meanwhile. What stays: look into the books, then "
            "`expense-runner resolve`." if doubt else "Look into the books, then `expense-runner resolve --receipts`.",
            f"expense-runner verify {where}" if doubt else f"expense-runner errors {where}",
        ),
        Topic.REJECTED: ("fix-data", "Look at the causes, correct the rows and run with the corrected file.",
                         f"expense-runner errors {where}"),
        Topic.NOTHING_ARRIVED: (OPERATOR, "See whether files still come to where the run looks for them.",
                                f"expense-runner status {where}"),
        Topic.BUDGET: ("wait", "Run again later; the run has printed when.", f"expense-runner plan {where}"),
    }[news.topic]  # fmt: skip


def summary(found: Sequence[Entry], frame: Frame) -> str:
    """Say all in one line."""
    begin = "TEST of " if frame.sample else ""
    return f"{begin}expense-runner on {frame.host}: {'; '.join(_short(each) for each in found)}"


def _short(entry: Entry) -> str:
    ended = "recovered: " if entry.change is Change.ENDED else ""
    said = {
        Topic.RUN_FAILED: f"run failed ({entry.code.partition(' ')[0]})",
        Topic.STALE: "no run for too long",
        Topic.IN_DOUBT: f"{entry.count:,} {entry.subjects[0] if entry.subjects else ''} in doubt",
        Topic.REJECTED: f"{_percent(entry.count, entry.of)} % rejected",
        Topic.HELD: f"{counted(entry.count, 'company')} held",
        Topic.NOTHING_ARRIVED: "nothing arrived",
        Topic.BUDGET: "limit reached",
    }
    if ended and entry.topic is Topic.IN_DOUBT:
        return f"{ended}{' '.join(entry.subjects)} in doubt"
    if ended and entry.topic is Topic.REJECTED:
        return f"{ended}rejected"
    again = " again" if entry.change is Change.REMINDER else ""
    return f"{ended}{said[entry.topic]}{again}"


def text(found: Sequence[Entry], frame: Frame) -> str:
    """Say all to a person, some lines for each entry."""
    return "\n".join([*_lines(found, frame), ""])


def _lines(found: Iterable[Entry], frame: Frame) -> Iterator[str]:
    if frame.sample:
        yield "This is a test of how notices arrive; nothing of it is true.\n"
    for each in found:
        yield each.what
        if each.topic is Topic.HELD:
            more = len(each.subjects) - NAMED
            yield f"  {', '.join(each.subjects[:NAMED])}{f' and {more:,} more' if more > 0 else ''}"
        yield f"  {'since' if each.ended_at is None else 'had stood since'} {_stood(each, frame)}"
        if each.way_out:
            yield f"  {each.who}: {each.way_out}"
        if each.command:
            yield f"  {each.command}"
        yield ""
    yield f"Journal {frame.journal} on {frame.host}, {frame.at.isoformat(timespec='seconds')}."


def _stood(entry: Entry, frame: Frame) -> str:
    seconds = ((entry.ended_at or frame.at) - entry.since).total_seconds()
    since = entry.since.isoformat(timespec="seconds")
    return f"{since} ({lasting(seconds)})" if seconds >= 60 else since


def as_json(found: Sequence[Entry], frame: Frame) -> bytes:
    """Return all as one line of JSON; its keys are a contract with programs."""
    line = {
        "notice": FORM,
        "id": frame.identity,
        "test": frame.sample,
        "at": frame.at.isoformat(timespec="seconds"),
        "host": frame.host,
        "journal": frame.journal,
        "summary": summary(found, frame),
        "text": text(found, frame),
        "entries": [_entry_json(each) for each in found],
    }
    return json.dumps(line, ensure_ascii=False).encode()


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "change": entry.change.value,
        "kind": entry.topic.value,
        "code": entry.code,
        "count": entry.count,
        "of": entry.of,
        "companies": list(entry.subjects[:NAMED]) if entry.topic is Topic.HELD else [],
        "since": entry.since.isoformat(timespec="seconds"),
        "ended_at": None if entry.ended_at is None else entry.ended_at.isoformat(timespec="seconds"),
        "what": entry.what,
        "who": entry.who,
        "way_out": entry.way_out,
        "command": entry.command,
    }
