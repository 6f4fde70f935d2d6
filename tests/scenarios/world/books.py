"""What a history's input is, and the journal it begins with."""

import hashlib
import sqlite3
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from runner.codat.payload import encode_expense
from runner.domain.expense import Expense, ExpenseLine, ExpenseType, Receipt
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.remote import ReceiptFile
from runner.journal import store
from runner.journal.migrations import migrate
from runner.journal.records import StagedExpense
from tests.filing import marked

_DATE = datetime(2026, 1, 2, tzinfo=UTC)
_CURRENCIES = ("GBP", "EUR", "USD")


def company_id(number: int) -> CompanyId:
    return CompanyId(f"company-{number}")


def expense_id(company: int, number: int) -> ExpenseId:
    return ExpenseId(f"{company:08x}-0000-4000-8000-{number:012x}")


@lru_cache(maxsize=4_096)
def staged(company: int, number: int, *, receipt: bool) -> StagedExpense:
    """One expense of the input, as staging lets it into the journal."""
    identifier = expense_id(company, number)
    receipts = (receipt_of(f"{identifier}.pdf"),) if receipt else ()
    expense = Expense(
        company_id=company_id(company),
        id=identifier,
        type=ExpenseType.PAYMENT if number % 3 else ExpenseType.REFUND,
        issue_date=_DATE,
        currency=_CURRENCIES[company % len(_CURRENCIES)],
        lines=(
            ExpenseLine(Decimal(number + 1) + Decimal("0.10"), "account-1", Decimal("0.02")),
            ExpenseLine(Decimal(company) + Decimal("0.005"), "account-2"),
        ),
        reference=f"{company}/{number}",
        receipts=receipts,
    )
    payload = encode_expense(expense)
    return marked(
        StagedExpense(
            company_id=expense.company_id,
            expense_id=identifier,
            line=number + 2,
            rows=2,
            content_hash=hashlib.sha256(payload).digest(),
            currency=expense.currency,
            gross=expense.gross,
            payload=payload,
            key=b"",
            cells=0,
            day="2026-01-02",
            lines=(),
            receipts=receipts,
        )
    )


def all_staged(companies: tuple[tuple[int, int], ...]) -> list[StagedExpense]:
    """The whole input of a plan."""
    return [
        staged(company, number, receipt=number < receipts)
        for company, (expenses, receipts) in enumerate(companies)
        for number in range(expenses)
    ]


def content_of(path: str) -> bytes:
    """The bytes of the receipt of that path: no two are alike."""
    return b"%PDF " + path.encode()


def receipt_of(path: str) -> Receipt:
    """The receipt of that path, as it is staged."""
    content = content_of(path)
    return Receipt("/receipts", path, len(content), hashlib.sha256(content).digest())


def load_receipt(receipt: Receipt) -> ReceiptFile:
    """A double of the reader of receipt files."""
    return ReceiptFile(receipt.path, "application/pdf", content_of(receipt.path))


REFILLED_AFTER = 100
"""Histories after which a journal is filled anew: SQLite keeps a note of every page of every savepoint within one."""


class Journals:
    """New journals for the price of a rollback.

    All histories of a process share one connection, so that every statement stays prepared. Each happens inside
    of a transaction that is rolled back to what the journal held before: nothing, or a staged input.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._holds: Hashable = None
        self._histories = 0

    def begin(self, holds: Hashable, fill: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        """Return a journal that `fill` has filled; not called again as long as the same is asked for."""
        connection = self._connection or self._open()
        self._histories += 1
        if self._holds != holds or self._histories > REFILLED_AFTER or not connection.in_transaction:
            self._histories = 0
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute("BEGIN")
            fill(connection)
            connection.execute("SAVEPOINT filled")
            self._holds = holds
        return connection

    def end(self) -> None:
        """Forget what a history wrote."""
        assert self._connection is not None
        self._connection.execute("ROLLBACK TO filled")

    def discard(self) -> None:
        """Forget what a history wrote, and all its savepoints, at the price of filling the next journal anew."""
        assert self._connection is not None
        self._connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self._connection.execute("PRAGMA foreign_keys = ON")
        migrate(self._connection, None)
        return self._connection


JOURNALS = Journals()


class Savepoints:
    """The inline store, within the one transaction of a history: each write stands or falls alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def write(self, operation):
        pending = store.Pending(operation)
        store._attempt(self._connection, pending)
        if pending.error is not None:
            raise pending.error
        return pending.result

    async def read(self, operation):
        return operation(self._connection)
