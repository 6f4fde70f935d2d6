"""Expenses, their lines and receipts, and the errors of the rows they are made from."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from runner.domain.ids import CompanyId, ExpenseId

MAX_LINES = 100
MAX_TRACKING = 10
MAX_EXPENSES_A_DRAFT = 50


class ExpenseType(StrEnum):
    """The types that both flows accept; transfers and adjustments have been refused with a 400 since 2024."""

    PAYMENT = "Payment"
    REFUND = "Refund"
    REWARD = "Reward"
    CHARGEBACK = "Chargeback"

    @property
    def money_back(self) -> bool:
        """Whether a positive amount of this type is money that comes back."""
        return self is not ExpenseType.PAYMENT


@dataclass(frozen=True, slots=True)
class ExpenseLine:
    """One line of an expense; amounts in the expense's currency, net exclusive of tax."""

    net_amount: Decimal
    account_id: str
    tax_amount: Decimal = Decimal(0)
    tax_rate_id: str | None = None
    tracking_ids: tuple[str, ...] = ()
    invoice_to_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A local file that proves an expense; `root` and `path` joined name it, and `path` never leaves `root`."""

    root: str
    path: str
    size: int
    """Bytes when it was staged."""
    sha256: bytes
    """Of its content when it was staged: nothing else is ever attached in its place."""


@dataclass(frozen=True, slots=True)
class Expense:
    """One purchase with its lines."""

    company_id: CompanyId
    id: ExpenseId
    type: ExpenseType
    issue_date: datetime
    """Aware."""
    currency: str
    """ISO 4217, upper case."""
    lines: tuple[ExpenseLine, ...]
    currency_rate: Decimal | None = None
    merchant_name: str | None = None
    contact_id: str | None = None
    bank_account_id: str | None = None
    reference: str | None = None
    notes: str | None = None
    receipts: tuple[Receipt, ...] = field(default=(), compare=False)

    @property
    def gross(self) -> Decimal:
        """Net plus tax over all lines: the amount that the journal accounts for."""
        return sum((line.net_amount + line.tax_amount for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row, where, and what was expected instead."""

    file: str
    line: int
    """Line number in the file, the header being line 1; for a row that spans lines, its first."""
    code: str
    """Stable word for the cause, such as `amount_unreadable`."""
    column: str | None
    value: str | None
    """As it stands in the file, cut to a readable length."""
    expected: str
    """What would have been right, as an instruction."""
    company_id: CompanyId | None = None
    """None where not even the company could be read."""
    expense: str | None = None
    """The `id` cell as written, where there is one."""
    expense_key: str = ""
    """Same for all errors of one expense: the `id` cell as written, or `line N` where there is none."""
    rows: int = 1
    """How many rows of the file are that expense's."""
