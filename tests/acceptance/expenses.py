"""Expenses as CSV files and receipts, and the oracle that compares them with the simulator's ledger."""

import csv
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.simulated import Ledger

_SPACE = uuid.UUID("8f0d5f0e-6a39-4d35-9d6f-0f6a0c5f4b11")
COLUMNS = (
    "id",
    "type",
    "issue_date",
    "currency",
    "net_amount",
    "tax_amount",
    "account_id",
    "merchant_name",
    "receipts",
)


@dataclass(frozen=True)
class Expenses:
    """What was written to CSV files, and what the books must hold of it in the end."""

    folder: Path
    gross: dict[tuple[str, str], Decimal]
    receipts: frozenset[tuple[str, str, str]]
    """(company, expense, sha256 of the file)."""

    @property
    def companies(self) -> set[str]:
        return {company for company, _ in self.gross}


def write_expenses(folder: Path, *, name: str, companies: int, each: int, receipt_every: int = 0) -> Expenses:
    """Write one CSV for each company; the n-th expense has a receipt where `receipt_every` divides n.

    The same `name` gives the same ids, another name other ones, so that tests can share one simulator.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gross: dict[tuple[str, str], Decimal] = {}
    receipts: set[tuple[str, str, str]] = set()
    for number in range(companies):
        company = str(uuid.uuid5(_SPACE, f"{name}/{number}"))
        with (folder / f"{company}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in range(1, each + 1):
                expense = str(uuid.uuid5(_SPACE, f"{name}/{number}/{row}"))
                net, tax = Decimal(row) + Decimal("0.10"), Decimal(number) + Decimal("0.05")
                gross[company, expense] = net + tax
                receipt = ""
                if receipt_every and row % receipt_every == 0:
                    receipt = f"{company}-{row}.txt"
                    content = f"Receipt {name} {number} {row}\n".encode()
                    (folder / receipt).write_bytes(content)
                    receipts.add((company, expense, hashlib.sha256(content).hexdigest()))
                writer.writerow([expense, "Payment", "2026-03-01", "EUR", net, tax, "400", f"Merchant {row}", receipt])
    return Expenses(folder, gross, frozenset(receipts))


def assert_nothing_doubled(expenses: Expenses, ledger: Ledger) -> None:
    """The part of the promise that holds at any moment: nothing is there twice, nothing with another amount."""
    for what, amounts in ledger.postings(expenses.companies).items():
        assert amounts == [expenses.gross[what]], f"{what} stands in the books as {amounts}"
    for receipt, count in ledger.attached(expenses.companies).items():
        assert receipt in expenses.receipts, f"{receipt} is nobody's"
        assert count == 1, f"{receipt} is attached {count} times"


def assert_all_posted_once(
    expenses: Expenses, ledger: Ledger, *, receipts_in_doubt: Iterable[tuple[str, str, str]] = ()
) -> None:
    """The whole promise: every expense once with its amount, every receipt once.

    A receipt whose upload was never answered may be there or not, where that is openly said.
    """
    assert_nothing_doubled(expenses, ledger)
    posted = ledger.postings(expenses.companies)
    assert posted.keys() == expenses.gross.keys(), f"{len(expenses.gross.keys() - posted.keys())} are missing"
    missing = expenses.receipts - ledger.attached(expenses.companies).keys()
    assert missing <= set(receipts_in_doubt), f"{len(missing)} receipts are missing"


def in_doubt(command: Command, expenses: Expenses) -> set[tuple[str, str, str]]:
    """Return the receipts that the journal openly calls in doubt."""
    rows = command.query(
        "SELECT company_id, expense_id FROM receipt JOIN expense USING (expense_no) "
        "JOIN company ON company.company_no = expense.company_no WHERE receipt.state = 'in_doubt'"
    )
    return {each for each in expenses.receipts if each[:2] in set(rows)}
