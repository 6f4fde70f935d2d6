"""What Codat says, as values."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from runner.domain.ids import CompanyId, DatasetId, ExpenseId, SyncId
from runner.domain.states import SyncClass, TransactionStatus, classify


@dataclass(frozen=True, slots=True)
class Created:
    """What a create or initiate answered.

    The dataset flow answers a create with a dataset's id and an initiate with a sync's; the direct flow answers
    a create with a sync's. An account that speaks the other flow shows it here.
    """

    dataset_id: DatasetId | None = None
    sync_id: SyncId | None = None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """One sync as Codat reports it."""

    sync_id: SyncId
    code: int
    text: str | None = None
    error: str | None = None
    """`errorMessage` and `syncExceptionMessage`, joined."""
    at: str | None = None
    """`syncUtc`, as sent."""

    @property
    def kind(self) -> SyncClass:
        """What the status code asks for."""
        return classify(self.code)

    @property
    def moment(self) -> datetime | None:
        """`at` as an aware time; None where Codat gives none, or none that can be read."""
        try:
            found = datetime.fromisoformat(self.at or "")
        except ValueError:
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class TransactionRow(NamedTuple):
    """One row of a sync's transactions; a transaction can have one row of each kind."""

    expense_id: ExpenseId
    status: TransactionStatus
    is_expense: bool
    """False for a bank-feed row, which says nothing about the expense."""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class CompanyInfo:
    """A company as Codat knows it."""

    name: str | None
    platform: str | None
    """The accounting platform of its linked connection."""
    linked: bool | None
    """Whether an accounting connection is linked; None where the answer lists no connections at all."""
    connection: str | None = None
    """The status of its accounting connection in Codat's words: `Linked`, `PendingAuth`, `Unlinked`, `Deauthorized`."""


@dataclass(frozen=True, slots=True)
class CompaniesPage:
    """One page of the list of companies."""

    companies: dict[CompanyId, CompanyInfo]
    received: int
    total: int | None
    """Companies on all pages."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """Which of a company's defaults are set: they stand in where an expense names none of its own."""

    bank_account: bool
    supplier: bool


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt's content, ready to be attached."""

    filename: str
    content_type: str
    content: bytes
