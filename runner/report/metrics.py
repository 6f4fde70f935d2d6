"""Metrics for monitoring: what they are called, what they count, and how they are written.

Pure: the same text is written into a file for a collector and served over HTTP.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from runner.domain.money import added, canonical
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.health_records import RunFacts
from runner.journal.records import Books, RequestTotals
from runner.report.amounts import at
from runner.report.overview import unbalanced

MOST_COMPANIES: Final = 100
"""Companies that get series of their own: those with the most expenses that are not in the books."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of `textfile`."""

Labels = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """What a family's numbers are."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its samples."""

    name: str
    kind: Kind
    about: str
    samples: tuple[tuple[Labels, int | Decimal], ...]


def families(books: Books, *, runs: Sequence[RunFacts], requests: RequestTotals) -> list[Family]:
    """Return every family; `runs` with the latest first, of which at least one that has ended should be there."""
    return [
        *_expenses(books),
        *_rest(books),
        *_requests(requests),
        *_last_run(runs),
        _companies(books),
    ]


def textfile(found: Iterable[Family]) -> str:
    """Write families in Prometheus's text format, which its server scrapes and its node exporter reads from files."""
    lines = []
    for family in found:
        lines += [f"# HELP {family.name} {_help(family.about)}", f"# TYPE {family.name} {family.kind.value}"]
        lines += _samples(family)
    return "\n".join([*lines, ""])


def _samples(family: Family) -> Iterator[str]:
    for labels, value in family.samples:
        written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        number = canonical(value) if isinstance(value, Decimal) else str(value)
        yield f"{family.name}{{{written}}} {number}" if written else f"{family.name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _gauge(name: str, about: str, *samples: tuple[Labels, int | Decimal]) -> Family:
    return Family(f"expense_runner_{name}", Kind.GAUGE, about, samples)


def _expenses(books: Books) -> Iterator[Family]:
    sums: dict[tuple[ExpenseState, str], tuple[int, Decimal]] = {}
    currencies = sorted({each.currency for each in books.companies})
    for each in books.companies:
        for state, value in each.by_state.items():
            count, amount = sums.get((state, each.currency), (0, Decimal(0)))
            sums[state, each.currency] = count + value.count, added(amount, value.amount)
    # Every state is there, with 0 as well: a series that comes and goes cannot be compared with an hour ago.
    keys = [(state, currency) for currency in currencies for state in ExpenseState]
    yield _gauge(
        "expenses",
        "Expenses by state and currency, without those that never came in because their rows are wrong.",
        *((_state(*key), sums.get(key, (0, Decimal(0)))[0]) for key in keys),
    )
    yield _gauge(
        "money",
        "Money of these expenses, in units of the currency.",
        *((_state(*key), sums.get(key, (0, Decimal(0)))[1]) for key in keys),
    )


def _state(state: ExpenseState, currency: str) -> Labels:
    return (("state", state.value), ("currency", currency))


def _rest(books: Books) -> Iterator[Family]:
    holds: dict[str, int] = {}
    for hold in books.holds:
        holds[hold.code] = holds.get(hold.code, 0) + 1
    yield _gauge("broken_expenses", "Expenses that never came in because rows of theirs are wrong.", ((), books.broken))
    yield _gauge("row_errors", "Errors in rows that nothing has settled.", ((), books.row_errors))
    yield _gauge(
        "receipts",
        "Receipts by state.",
        *(((("state", state.value),), books.receipts.get(state, 0)) for state in ReceiptState),
    )
    yield _gauge("receipts_missing", "Receipts that wait though their expense is in the books.", ((), books.attachable))
    yield _gauge("companies", "Companies with expenses.", ((), len({each.company_id for each in books.companies})))
    yield _gauge(
        "held_companies",
        "Companies that are held, by the code of the reason.",
        *(((("code", code),), count) for code, count in sorted(holds.items())),
    )
    yield _gauge("open_syncs", "Syncs that have not come to their end.", ((), books.open_syncs))
    yield _gauge(
        "unbalanced", "Companies and currencies whose accounts do not balance: anything but 0 is an alarm.",
        ((), unbalanced(books)),
    )  # fmt: skip


def _requests(requests: RequestTotals) -> Iterator[Family]:
    for name, about, value in (
        ("requests", "Requests to Codat of all runs that have ended.", requests.total),
        ("requests_retried", "Requests among them that repeated another.", requests.retried),
        ("requests_rate_limited", "Answers among them that said 429.", requests.rate_limited),
    ):
        yield Family(f"expense_runner_{name}_total", Kind.COUNTER, about, (((), value),))


def _last_run(runs: Sequence[RunFacts]) -> Iterator[Family]:
    sending = [run for run in runs if run.purpose == "run"]
    ended = next((run for run in sending if run.ended_at is not None), None)
    active = bool(sending) and sending[0].ended_at is None
    yield _gauge("run_active", "1 while a run is at work, or was killed and none has come after it.", ((), int(active)))
    if sending:
        yield _gauge("run_start_time_seconds", "When the latest run began.", ((), _epoch(sending[0].started_at)))
    if ended is not None and ended.ended_at is not None:
        yield _gauge("run_end_time_seconds", "When the latest run that has ended did so.", ((), _epoch(ended.ended_at)))
        yield _gauge("run_exit_code", "The exit code of that run.", ((), ended.exit_code or 0))


def _epoch(iso: str) -> Decimal:
    return Decimal(str(round(at(iso).timestamp(), 3)))


def _companies(books: Books) -> Family:
    open_: dict[str, dict[ExpenseState, int]] = {}
    for each in books.companies:
        for state, value in each.by_state.items():
            if state is not ExpenseState.POSTED:
                states = open_.setdefault(each.company_id, {})
                states[state] = states.get(state, 0) + value.count
    first = sorted(open_, key=lambda company: (-sum(open_[company].values()), company))[:MOST_COMPANIES]
    return _gauge(
        "company_open_expenses",
        f"Expenses that are not in the books, of the {MOST_COMPANIES} companies that have the most of them.",
        *(
            ((("company", company), ("state", state.value)), count)
            for company in first
            for state, count in sorted(_known(open_[company]).items())
        ),
    )


def _known(states: Mapping[ExpenseState, int]) -> dict[ExpenseState, int]:
    return {state: count for state, count in states.items() if count}
