"""What the journal tells of its own health: plain values for reports, all of one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

from runner.domain.ids import CompanyId
from runner.domain.states import ReceiptState, SyncState
from runner.journal.records import Books, RequestTotals

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Some of many: what a report can hold, and how many there are in all."""

    shown: tuple[T, ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return max(0, self.total - len(self.shown))


class RunFacts(NamedTuple):
    """One life of the process; times are ISO 8601 in UTC."""

    no: int
    purpose: str
    started_at: str
    ended_at: str | None
    """None while it is at work, and where it was killed."""
    exit_code: int | None
    version: str
    flow: str
    requests: int
    retried: int
    rate_limited: int


class SyncFacts(NamedTuple):
    """One sync, and what became of the expenses that are in it now; times are ISO 8601 in UTC."""

    company_id: CompanyId
    sync_id: str | None
    """None while its start has no answer."""
    state: SyncState
    code: int | None
    error: str | None
    adopted: bool
    """Whether it was found at Codat after its start got no answer."""
    begun_at: str
    ended_at: str | None
    run: int
    expenses: int
    posted: int


class TroubleFacts(NamedTuple):
    """One thing that somebody should look at: an expense, a wrong row, or a receipt."""

    about: str
    """`expense`, `row` or `receipt`: where the code's words are found."""
    company_id: CompanyId | None
    """None for a wrong row that does not say whose it is."""
    expense_id: str | None
    state: str
    code: str
    message: str | None
    """What Codat said; for a row, what is wrong with it."""
    file: str
    line: int
    currency: str | None
    amount: Decimal | None
    sync_id: str | None = None
    receipt: str | None = None
    """The receipt's path."""
    date: str | None = None
    """The day of the expense, where the journal was asked to describe expenses."""
    merchant: str | None = None
    reference: str | None = None


class CauseFacts(NamedTuple):
    """One cause, and how much it concerns."""

    about: str
    state: str
    code: str
    number: int
    companies: int
    amounts: tuple[tuple[str, Decimal], ...] = ()
    """Money by currency."""
    accounting: str | None = None
    """What the reader of their messages calls them; None for those that it has no word for."""


class InputFacts(NamedTuple):
    """One reading of one file."""

    name: str
    sha256: str | None
    rows: int | None
    """None where only one company's share of the file is told."""
    repeated: int | None
    expenses: int
    """New expenses that it let in."""
    mapping: str | None
    begun_at: str
    staged_at: str | None
    """None where it was not read to its end."""
    superseded: bool
    run: int


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """What a company's row needs beyond its books."""

    syncs: int = 0
    last_code: int | None = None
    last_begun: str | None = None
    open_syncs: int = 0
    receipts: Mapping[ReceiptState, int] | None = None
    missing: int = 0
    """Receipts not attached though their expense stands in the books."""
    broken: int = 0
    """Expenses that never entered, because rows of theirs are wrong."""
    row_errors: int = 0


NO_FACTS = CompanyFacts()


@dataclass(frozen=True, slots=True)
class Times:
    """How many, at which second; ISO 8601 in UTC without an offset, in order."""

    posted: tuple[tuple[str, int], ...]
    attached: tuple[tuple[str, int], ...]


# Without a representation: `asyncio.run` makes the one of what it returns, which took longer than all the queries.
@dataclass(frozen=True, slots=True, repr=False)
class Health:
    """All that a report is made of."""

    taken_at: str
    company: CompanyId | None
    """The one company that it is about; None for all."""
    books: Books
    facts: Mapping[CompanyId, CompanyFacts]
    requests: RequestTotals
    runs: tuple[RunFacts, ...]
    """The latest first; the earliest may be left out."""
    syncs: Part[SyncFacts]
    causes: tuple[CauseFacts, ...]
    troubles: Part[TroubleFacts]
    inputs: Part[InputFacts]
    times: Times
    amounts: bool = True
    """Whether amounts may be shown; what is left out then is left out, never shown as nothing."""
