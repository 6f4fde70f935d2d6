"""What a company's bookkeeper is told, whatever it is written as: the sentence, the numbers, the things to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.health_records import Health, TroubleFacts
from runner.report.accounting import cause_of
from runner.report.overview import STATES, Verdict, verdict
from runner.report.plain import STATES as PLAIN
from runner.report.plain import happened, is_ours, to_do
from runner.report.words import counted

_GRAVITY: Final = {"in_doubt": 0, "failed": 1, "rejected": 2, "waiting": 3}
_NOUNS: Final = {"expense": "expense", "row": "row of the file", "receipt": "receipt"}
_RECEIPTS: Final = (
    (ReceiptState.ATTACHED, "receipts attached"),
    (ReceiptState.WAITING, "receipts not attached yet"),
    (ReceiptState.REJECTED, "receipts not accepted"),
    (ReceiptState.IN_DOUBT, "receipts perhaps attached: please look"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Expenses, rows or receipts with one cause."""

    about: str
    headline: str
    to_do: str
    found: tuple[TroubleFacts, ...]


def plain_verdict(health: Health) -> Verdict:
    """Say in one sentence how the company's expenses stand."""
    found = verdict(health)
    books = health.books
    posted, total = books.count(ExpenseState.POSTED), books.total
    asked = _asked(health)
    if posted == total and not asked:
        return Verdict(found.tone, "All of your expenses are in your books.", "You need not do anything.")
    detail = f"{posted:,} of {counted(total, 'expense')} {'is' if posted == 1 else 'are'} in your books."
    return Verdict(found.tone, f"{counted(asked, 'thing')} to look at." if asked else "On their way.", detail)


def _asked(health: Health) -> int:
    ours = sum(1 for each in health.troubles.shown if is_ours(each.about, each.code))
    holds = sum(1 for hold in health.books.holds if not is_ours("company", hold.code))
    return health.troubles.total - ours + holds


def numbers(health: Health) -> list[tuple[str, int]]:
    """Return how many expenses and receipts stand where, in words."""
    books = health.books
    expenses = [(PLAIN[state], books.count(state)) for state in STATES if books.count(state)]
    return expenses + [(words, books.receipts[state]) for state, words in _RECEIPTS if books.receipts.get(state)]


def groups(health: Health, *, ours: bool) -> Iterator[Group]:
    """Yield what the bookkeeper is asked to look at, or what is settled without them (`ours`), the gravest first."""
    chosen = [each for each in health.troubles.shown if is_ours(each.about, each.code) is ours]
    for (_, about, code, accounting), found in groupby(sorted(chosen, key=_order), key=_cause):
        listed = tuple(found)
        headline = f"{counted(len(listed), _NOUNS[about])}: {happened(about, code, accounting)}"
        yield Group(about, headline, to_do(about, code, accounting), listed)


def _cause(each: TroubleFacts) -> tuple[str, str, str, str | None]:
    return each.state, each.about, each.code, cause_of(each.about, each.state, each.message)


def _order(each: TroubleFacts) -> tuple[int, str, str, str]:
    state, about, code, accounting = _cause(each)
    return _GRAVITY[state], about, code, accounting or ""
