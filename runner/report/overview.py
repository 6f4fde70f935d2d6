"""What every form of the report says first: the verdict, the sums, the causes with their ways out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from runner.domain.money import NOTHING, Sum, added, total
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.health_records import Health
from runner.journal.records import Books
from runner.report.accounting import ACCOUNTING
from runner.report.catalog import entry_about
from runner.report.commands import next_command
from runner.report.entry import Entry
from runner.report.words import counted

STATES: Final = (
    ExpenseState.POSTED,
    ExpenseState.SENT,
    ExpenseState.STAGED,
    ExpenseState.HELD,
    ExpenseState.REJECTED,
    ExpenseState.FAILED,
    ExpenseState.IN_DOUBT,
)
"""In the order in which reports show them."""

MEANING: Final[Mapping[ExpenseState, str]] = {
    ExpenseState.POSTED: "in the books",
    ExpenseState.SENT: "in syncs that have not ended",
    ExpenseState.STAGED: "not sent yet",
    ExpenseState.HELD: "kept until their company is well again",
    ExpenseState.REJECTED: "a person must change the row",
    ExpenseState.FAILED: "not taken by the accounting software; may be sent again",
    ExpenseState.IN_DOUBT: "may or may not be in the books",
}

_GRAVITY: Final = ("in_doubt", "failed", "held", "rejected", "waiting")
_ABOUT: Final = ("expense", "company", "row", "receipt")


class Tone(StrEnum):
    """How urgent it is."""

    GOOD = "good"
    AT_WORK = "work"
    ATTENTION = "attention"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything in one sentence."""

    tone: Tone
    headline: str
    detail: str


@dataclass(frozen=True, slots=True)
class CurrencyLine:
    """One currency's side of the accounts: what was accepted, and where it stands."""

    currency: str
    by_state: Mapping[ExpenseState, Sum]
    accepted: Sum

    @property
    def standing(self) -> Sum:
        """All states together."""
        return total(self.by_state.values())

    @property
    def balanced(self) -> bool:
        """Whether all that was accepted stands somewhere, in count and in money."""
        return self.standing == self.accepted


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why something is not in the books, or may not be, and what can be done."""

    about: str
    """`expense`, `row`, `receipt` or `company` (a hold)."""
    state: str
    code: str
    count: int
    companies: int
    amounts: tuple[tuple[str, Decimal], ...]
    entry: Entry
    command: str | None
    accounting: str | None = None
    """The usual error of accounting software that stands behind it, where its messages tell one."""


def currency_lines(books: Books) -> list[CurrencyLine]:
    """Add the companies up by currency; sorted, the one with the most expenses first."""
    standing: dict[str, dict[ExpenseState, Sum]] = {}
    accepted: dict[str, Sum] = {}
    for each in books.companies:
        states = standing.setdefault(each.currency, {})
        for state, value in each.by_state.items():
            states[state] = states.get(state, NOTHING) + value
        accepted[each.currency] = accepted.get(each.currency, NOTHING) + each.accepted
    lines = [CurrencyLine(currency, standing[currency], accepted[currency]) for currency in standing]
    return sorted(lines, key=lambda line: (-line.accepted.count, line.currency))


def unbalanced(books: Books) -> int:
    """Count the companies and currencies whose expenses do not add up to what was accepted."""
    return sum(1 for each in books.companies if total(each.by_state.values()) != each.accepted)


def causes_of(health: Health, *, journal: str) -> list[Cause]:
    """Return every cause with its words and its command, the gravest first, holds among them."""
    causes = [
        Cause(each.about, each.state, each.code, each.number, each.companies, each.amounts,
              entry_about(each.about, each.code) if each.accounting is None else ACCOUNTING[each.accounting],
              next_command(each.about, each.state, each.code, journal=journal, company=health.company),
              each.accounting)
        for each in health.causes
    ]  # fmt: skip
    causes += _holds(health, journal)
    return sorted(
        causes,
        key=lambda cause: (
            _GRAVITY.index(cause.state), _ABOUT.index(cause.about), -cause.count, cause.code, cause.accounting or "",
        ),
    )  # fmt: skip


def _holds(health: Health, journal: str) -> list[Cause]:
    codes: dict[str, list[str]] = {}
    for hold in health.books.holds:
        codes.setdefault(hold.code, []).append(hold.company_id)
    by_company: dict[str, list[tuple[str, Sum]]] = {}
    for each in health.books.companies:
        if ExpenseState.HELD in each.by_state:
            by_company.setdefault(each.company_id, []).append((each.currency, each.by_state[ExpenseState.HELD]))
    found = []
    for code, companies in codes.items():
        amounts: dict[str, Decimal] = {}
        count = 0
        for currency, value in (line for company in companies for line in by_company.get(company, ())):
            amounts[currency] = added(amounts.get(currency, Decimal(0)), value.amount)
            count += value.count
        found.append(
            Cause("company", "held", code, count, len(companies),
                  tuple(sorted(amounts.items())) if health.amounts else (),
                  entry_about("company", code), next_command("company", "held", code, journal=journal))
        )  # fmt: skip
    return found


def verdict(health: Health) -> Verdict:
    """Say in one sentence how everything stands, the gravest first."""
    books = health.books
    posted, everything = books.count(ExpenseState.POSTED), books.total
    share = f"{posted:,} of {counted(everything, 'expense')} {'is' if posted == 1 else 'are'} in the books."
    if wrong := unbalanced(books):
        return Verdict(
            Tone.BAD, "The accounts do not balance.", f"{counted(wrong, 'company')} do not add up. Send nothing more."
        )
    doubts = books.count(ExpenseState.IN_DOUBT)
    if doubts:
        return Verdict(Tone.BAD, f"{counted(doubts, 'expense')} in doubt.", f"{share} Nothing is sent twice meanwhile.")
    if not everything:
        return Verdict(Tone.AT_WORK, "Nothing has been read yet.", "Start with: expense-runner run FILE.csv")
    needs = _needs(health)
    if needs:
        return Verdict(Tone.ATTENTION, f"{needs} somebody.", share)
    if posted + books.dismissed.expenses < everything or books.open_syncs or books.attachable:
        return Verdict(Tone.AT_WORK, "On its way.", f"{share} The rest waits for the next run.")
    return Verdict(Tone.GOOD, f"Everything is in the books{', or dismissed' if posted < everything else ''}.", share)


def _needs(health: Health) -> str:
    books = health.books
    expenses = sum(books.open(state) for state in (ExpenseState.REJECTED, ExpenseState.FAILED, ExpenseState.HELD))
    receipts = books.rejected_receipts + books.receipts.get(ReceiptState.IN_DOUBT, 0)
    said = [counted(number, noun) for number, noun in ((expenses, "expense"), (receipts, "receipt")) if number]
    if not said and books.holds:
        said = [counted(len(books.holds), "company")]
        expenses = len(books.holds)
    if not said:
        return ""
    return f"{' and '.join(said)} {'needs' if expenses + receipts == 1 else 'need'}"
