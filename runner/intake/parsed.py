"""What reading gives out."""

from dataclasses import dataclass, field
from typing import Final

from runner.domain.expense import Expense, RowError
from runner.domain.ids import CompanyId

BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expense and where it was found."""

    expense: Expense
    line: int
    """Of its first row."""
    rows: int
    content_hash: bytes
    """SHA-256 of its content, as `runner.domain.identity.content_hash` gives it."""
    named: bool
    """Whether the file gave it an id; equal expenses without one are told apart only by counting them."""


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

    def is_full(self) -> bool:
        """Say whether it holds as much as a batch should."""
        return len(self.expenses) + len(self.errors) >= BATCH
