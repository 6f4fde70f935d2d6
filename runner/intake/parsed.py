"""What reading gives out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from runner.domain.expense import Expense, Receipt, RowError
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.row_key import RowKey
from runner.intake.merge import make_expense, receipts_of
from runner.intake.row import Row

BATCH: Final = 1_000


class Parsed(Protocol):
    """An expense and where it was found: not yet an `Expense`, because millions of them are only passed on."""

    @property
    def id(self) -> ExpenseId: ...  # noqa: D102 -- named by Whole
    @property
    def head(self) -> Row: ...  # noqa: D102
    @property
    def members(self) -> Sequence[Row]: ...  # noqa: D102
    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def content_hash(self) -> bytes: ...  # noqa: D102
    @property
    def named(self) -> bool: ...  # noqa: D102
    @property
    def expense(self) -> Expense: ...  # noqa: D102
    @property
    def gross(self) -> Decimal: ...  # noqa: D102
    @property
    def receipts(self) -> tuple[Receipt, ...]: ...  # noqa: D102


class Whole(NamedTuple):
    """An expense as its rows, checked one by one."""

    id: ExpenseId
    head: Row
    """What all its lines share; without gaps."""
    members: Sequence[Row]
    """Its lines."""
    line: int
    """Of its first row."""
    rows: int
    content_hash: bytes
    """SHA-256 of its content, as `runner.domain.identity.content_hash` gives it."""
    named: bool
    """Whether the file gave it an id; equal expenses without one are told apart only by counting them."""

    @property
    def expense(self) -> Expense:
        """The expense itself."""
        return make_expense(self.head, self.members, expense_id=self.id)

    @property
    def gross(self) -> Decimal:
        """Net plus tax over all lines, as `Expense.gross`."""
        first, *others = self.members
        gross = first.net_amount + first.tax_amount
        for row in others:
            gross += row.net_amount + row.tax_amount
        return gross

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts of all its rows, each once."""
        return receipts_of(self.head, self.members)


@dataclass(frozen=True, slots=True)
class Broken:
    """An expense that was not given out, because at least one of its rows is wrong."""

    expense_key: str
    """The same as in the errors that say why."""
    company_id: CompanyId | None
    line: int
    """Of its first row."""
    rows: int
    """All its rows, those that are right included."""


@dataclass(slots=True)
class Batch:
    """What came out of some rows, in file order. It may be empty: then reading has only gone on."""

    expenses: list[Parsed] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    returned: list[tuple[RowKey, int]] = field(default_factory=list)
    """Rows that came back and are wrong again, by their keys, and their lines."""

    def room(self) -> int:
        """Return how many expenses it may still take."""
        return max(0, BATCH - len(self.expenses) - len(self.errors))

    def is_full(self) -> bool:
        """Say whether it holds as much as a batch should."""
        return len(self.expenses) + len(self.errors) >= BATCH
