"""What the journal's verbs take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from runner.domain.expense import MAX_EXPENSES_A_DRAFT, Receipt
from runner.domain.ids import (
    AttemptNo,
    CompanyId,
    DatasetId,
    DraftNo,
    ExpenseId,
    IdempotencyKey,
    InputNo,
    ReceiptNo,
    RunNo,
    SyncId,
    SyncNo,
)
from runner.domain.money import Sum
from runner.domain.states import ExpenseState, Outcome, ReceiptState, SyncState


class StagedExpense(NamedTuple):
    """An expense as it enters the journal: checked, hashed, and in its wire form."""

    company_id: CompanyId
    expense_id: ExpenseId
    line: int
    """Of its first row."""
    rows: int
    content_hash: bytes
    currency: str
    gross: Decimal
    payload: bytes
    key: bytes
    """What it means, as `runner.domain.identity.meaning_key` gives it."""
    cells: int
    """The digest of the cells of its rows."""
    day: str
    """As written: year-month-day."""
    lines: tuple[int, ...]
    """Of all its rows."""
    back: bool = False
    """Whether a positive amount is money that comes back."""
    receipts: tuple[Receipt, ...] = ()
    named: bool = True
    """Whether its file gave it an id of the user's own."""
    returned: bool = False
    """Whether a row of it was rejected and came back."""
    repeated_line: int | None = None
    """A line that says the same as an earlier one of its id, cell by cell, where that is refused."""


@dataclass(frozen=True, slots=True)
class OpenRowError:
    """A row error that nothing has settled yet."""

    file: str
    line: int
    code: str
    column: str | None
    value: str | None
    expected: str
    company_id: CompanyId | None
    expense_key: str

    @property
    def own_id(self) -> str | None:
        """The file's own id, if the row has one: others are told by their lines."""
        return None if self.expense_key.startswith("line ") else self.expense_key


@dataclass(frozen=True, slots=True)
class UnfinishedInput:
    """A file whose reading was begun and never ended: nothing of it is in the journal."""

    name: str
    path: str | None
    receipts: str | None
    mapping: str | None
    """The mapping profile that it was read with: its path, or the name of a ready one."""
    number: InputNo
    sha256: str | None
    """Hex digest of the bytes; None where they could not be read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Up to 50 expenses about to be sent."""

    no: DraftNo
    size: int
    dataset_id: DatasetId | None
    dataset_run: RunNo | None
    alone: bool
    """Whether it must have a sync of its own."""

    def __post_init__(self) -> None:
        if not 0 < self.size <= MAX_EXPENSES_A_DRAFT:
            raise ValueError(f"a draft of {self.size} expenses")


@dataclass(frozen=True, slots=True)
class Contents:
    """A draft's expenses in their wire form, in order."""

    ids: tuple[ExpenseId, ...]
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync as the journal knows it."""

    no: SyncNo
    sync_id: SyncId | None
    """None as long as its fate is unknown."""
    state: SyncState
    code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment of some life, by all clocks that it had."""

    run: RunNo
    at: datetime
    """The wall clock's time."""
    boot_id: str
    boottime: float
    served: float | None
    """The service's time at the latest, in seconds since 1970; None where no answer had told it."""
    watched: float
    """Seconds that lives of the journal have watched since, but for the one that reads it."""
    seen: float | None
    """The boot time of this boot when a later life of it first came upon it; None where none has."""

    @property
    def earliest(self) -> datetime:
        """The earliest that it may have been by any of the clocks that tell the time of day."""
        if self.served is None:
            return self.at
        return min(self.at, datetime.fromtimestamp(self.served, UTC))


@dataclass(frozen=True, slots=True)
class Attempt:
    """The latest intention to have one effect."""

    no: AttemptNo
    key: IdempotencyKey
    body_hash: bytes
    first: Instant
    """When its request left for the first time: from then on Codat may keep its answer under the key."""
    last: Instant
    """When its request left for the last time: from then on it may still have its effect."""
    outcome: Outcome | None
    received: bool
    """Whether an answer came that is now cached under the key (a 5xx): the key is burnt."""
    unbelieved_sync: SyncId | None = None
    unbelieved_dataset: DatasetId | None = None
    """The id in its answer, where that belongs to something else."""


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """A receipt that can be attached: its expense stands in the books."""

    no: ReceiptNo
    expense_id: ExpenseId
    receipt: Receipt
    sync_id: SyncId | None
    """The sync in which the expense is Completed; None where it was posted by nobody we know."""
    external: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a company is put aside."""

    company_id: CompanyId
    code: str
    message: str
    hint: str | None
    held_at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One expense that needs somebody's attention."""

    company_id: CompanyId
    expense_id: ExpenseId
    state: ExpenseState
    code: str
    message: str | None
    file: str
    line: int
    reference: str | None = None
    """What its row calls it, where that was asked for: the id may be one that nobody has seen."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One expense as a list shows it."""

    standing: Standing
    currency: str
    gross: Decimal
    attached: int
    """Receipts that stand with it in the books."""


@dataclass(frozen=True, slots=True)
class CompanyBooks:
    """One company's expenses in one currency."""

    company_id: CompanyId
    currency: str
    by_state: Mapping[ExpenseState, Sum]
    accepted: Sum
    """What intake counted when it let them in."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """How much of what is rejected will not come any more, by somebody's word."""

    expenses: int = 0
    row_errors: int = 0
    receipts: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """The journal's accounts at one moment."""

    companies: tuple[CompanyBooks, ...]
    receipts: Mapping[ReceiptState, int]
    attachable: int
    """Waiting receipts whose expense stands in the books."""
    broken: int
    """Expenses that never entered, because rows of theirs are wrong."""
    row_errors: int
    open_syncs: int
    holds: tuple[Hold, ...]
    resolved: Mapping[str, Sum] = field(default_factory=dict)
    """Of what is posted, that which is by somebody's word, by currency."""
    dismissed: Dismissed = field(default_factory=Dismissed)
    questions: int = 0
    """Among the rows' errors: rows that may be known already, until a person says."""

    def open(self, state: ExpenseState) -> int:
        """Return how many expenses stand there and ask for somebody: all but those dismissed."""
        return self.count(state) - (self.dismissed.expenses if state is ExpenseState.REJECTED else 0)

    @property
    def rejected_receipts(self) -> int:
        """How many receipts are rejected and ask for somebody."""
        return self.receipts.get(ReceiptState.REJECTED, 0) - self.dismissed.receipts

    def count(self, state: ExpenseState) -> int:
        """Return how many expenses stand there, broken ones counting as rejected."""
        found = sum(each.by_state[state].count for each in self.companies if state in each.by_state)
        return found + (self.broken if state is ExpenseState.REJECTED else 0)

    @property
    def total(self) -> int:
        """All expenses, counted on their own."""
        return sum(each.accepted.count for each in self.companies) + self.broken


@dataclass(frozen=True, slots=True)
class Life:
    """One run that was to send something; times are aware."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    """None while it is at work, and where it was killed."""
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class RequestTotals:
    """Requests of all runs of a journal, and how many runs there were that spoke with Codat."""

    total: int
    retried: int
    rate_limited: int
    runs: int
    unended: bool = False
    """Whether a run among them has no end, so that what it sent is not counted: it was killed, or is at work."""
