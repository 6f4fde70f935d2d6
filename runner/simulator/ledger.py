"""The books of all companies: append-only, and the judge of every rehearsal and proof."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runner.simulator.values import encode


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One posting of one expense."""

    no: int
    """Counts from 1 over all companies, in the order of time."""
    company: str
    expense: str
    """The expense's id in lower case."""
    type: str
    net: Decimal
    """Sum over the lines, in the expense's currency."""
    tax: Decimal
    currency: str
    sync: str
    dataset: str | None
    """None where the direct flow brought it."""
    at: float
    """Seconds since the epoch of the behaviour."""
    reference: str | None = None

    @property
    def gross(self) -> Decimal:
        """Net plus tax."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """One attached file, without its content."""

    id: str
    company: str
    sync: str
    expense: str
    name: str
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    at: float


class Ledger:
    """Every posting and every attachment that ever happened; nothing is changed or removed."""

    def __init__(self, date: Callable[[float], datetime]) -> None:
        self.date = date
        """Turns seconds into a date."""
        self.entries: list[LedgerEntry] = []
        self.attachments: list[StoredAttachment] = []
        self._by_expense: defaultdict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)

    def post(self, entry: LedgerEntry) -> None:
        """Append a posting."""
        self.entries.append(entry)
        self._by_expense[entry.company, entry.expense].append(entry)

    def postings_of(self, company: str, expense: str) -> list[LedgerEntry]:
        """Return every posting of an expense, oldest first: more than one means that it was doubled."""
        return list(self._by_expense.get((company, expense.lower()), ()))

    def attachments_of(self, company: str, expense: str) -> list[StoredAttachment]:
        """Return every file attached to an expense, oldest first."""
        return [each for each in self.attachments if (each.company, each.expense) == (company, expense.lower())]

    def doubled(self) -> dict[tuple[str, str], int]:
        """Return how often each (company, expense) was posted that was posted more than once."""
        counts = Counter((each.company, each.expense) for each in self.entries)
        return {key: count for key, count in counts.items() if count > 1}

    def export(self) -> list[dict[str, Any]]:
        """Return the postings as plain values: amounts as text, dates in ISO 8601."""
        return [
            {
                "no": each.no,
                "company": each.company,
                "expense": each.expense,
                "type": each.type,
                "net": format(each.net, "f"),
                "tax": format(each.tax, "f"),
                "currency": each.currency,
                "sync": each.sync,
                "dataset": each.dataset,
                "at": self.date(each.at).isoformat(),
                "reference": each.reference,
            }
            for each in self.entries
        ]

    def export_attachments(self) -> list[dict[str, Any]]:
        """Return the attachments as plain values."""
        return [
            {
                "id": each.id,
                "company": each.company,
                "sync": each.sync,
                "expense": each.expense,
                "name": each.name,
                "contentType": each.content_type,
                "size": each.size,
                "sha256": each.sha256,
                "at": self.date(each.at).isoformat(),
            }
            for each in self.attachments
        ]


def ledger_json(ledger: Ledger) -> str:
    """Return `{"entries": […], "attachments": […]}` as text."""
    return encode({"entries": ledger.export(), "attachments": ledger.export_attachments()}).decode()


COLUMNS = ("no", "company", "expense", "type", "net", "tax", "currency", "sync", "dataset", "at", "reference")


def ledger_csv(ledger: Ledger) -> str:
    """Return the postings as CSV text with a header; cells that a spreadsheet would run are quoted with '."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in ledger.export():
        writer.writerow({key: _safe(key, value) for key, value in row.items()})
    return text.getvalue()


def _safe(column: str, value: object) -> object:
    if column not in {"net", "tax"} and isinstance(value, str) and value[:1] in set("=+-@\t\r"):
        return f"'{value}"
    return value
