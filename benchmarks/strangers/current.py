"""Codat's published client for the direct flow, `codat-sync-for-expenses`, as its README uses it.

Quirks that need nothing to be done: it sends amounts through a binary float, so that trailing zeros are gone
and 16 digits or more would not survive; it sends no Idempotency-Key; it waits five seconds for an answer and
then sends a create again, which starts a second sync (the ledger is there to see that this did not happen).
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from codat_sync_for_expenses import CodatSyncExpenses
from codat_sync_for_expenses.models import shared
from driving import KEY_HEADER, Expense, Row, main


class Current:
    """The client behind the shape that `driving` asks for."""

    def __init__(self, url: str) -> None:
        # Not in a `with` block: its README says that leaving one closes nothing.
        self._sdk = CodatSyncExpenses(security=shared.Security(auth_header=KEY_HEADER), server_url=url)
        self.worked_around: Counter[str] = Counter()

    def send(self, company: str, expenses: list[Expense]) -> str:
        body = [_transaction(each) for each in expenses]
        created = self._sdk.expenses.create(request={"company_id": company, "request_body": body})
        return str(created.sync_id)

    def status(self, company: str, sync: str) -> int:
        return int(self._sdk.sync.get(request={"company_id": company, "sync_id": sync}).sync_status_code)

    def transactions(self, company: str, sync: str) -> list[Row]:
        rows: list[Row] = []
        number = 1
        while True:
            page = self._sdk.transaction_status.list(request={"company_id": company, "sync_id": sync, "page": number})
            rows += [Row(each.transaction_id, each.status.value, each.integration_type.value) for each in page.results]
            if page.links.next is None:
                return rows
            number += 1

    def attach(self, company: str, sync: str, expense: str, *, name: str, content: bytes) -> str:
        upload = {"file": {"file_name": name, "content": content}}
        identity = {"company_id": company, "sync_id": sync, "transaction_id": expense}
        return str(self._sdk.attachments.upload(request={**identity, "attachment_upload": upload}).id)


def _transaction(expense: Expense) -> dict[str, Any]:
    return {
        "id": expense["id"],
        "type": expense["type"],
        "issue_date": expense["issue_date"],
        "currency": expense["currency"],
        "merchant_name": expense["merchant"],
        "notes": expense["notes"],
        "lines": [
            {
                "net_amount": Decimal(line["net"]),
                "tax_amount": Decimal(line["tax"]),
                "account_ref": {"id": line["account"]},
                "tax_rate_ref": {"id": line["tax_rate"]},
                "tracking_refs": [{"id": each, "data_type": "trackingCategories"} for each in line["tracking"]],
            }
            for line in expense["lines"]
        ],
    }


if __name__ == "__main__":
    main(Current)
