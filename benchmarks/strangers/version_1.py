"""Codat's published client for the dataset flow, `codat-sync-for-expenses-version-1`, as its README uses it.

Quirks that need nothing to be done: it creates on the older path (`…/sync/expenses/data/expense-transactions`,
the one in the OpenAPI file it was made from); it calls a contact's type `contactType`; it knows neither a
reference nor a bank account of an expense, so the company's configuration decides; it sends amounts through a
binary float, so that trailing zeros are gone and 16 digits or more would not survive; it sends no
Idempotency-Key, and no content type with a file. A refused connection it reports as an AttributeError of its own
retry code, after trying again for up to an hour, whatever `retry_connection_errors` says: the time is bounded
from outside.
"""

import dataclasses
import json
from collections import Counter
from decimal import Decimal

import codatsyncexpenses
from codatsyncexpenses.models import errors, operations, shared
from driving import KEY_HEADER, Expense, Row, main


@dataclasses.dataclass
class NamedFile:
    """A file for the part `file`.

    The client's own `CodatFile` names the part `fileName`, and Codat's specification (the one the client was
    made from) calls it `file` and requires it. The client finds out by these fields' metadata what to send.
    """

    content: bytes = dataclasses.field(metadata={"multipart_form": {"content": True}})
    file_name: str = dataclasses.field(metadata={"multipart_form": {"field_name": "file"}})


class Version1:
    """The client behind the shape that `driving` asks for."""

    def __init__(self, url: str) -> None:
        security = shared.Security(auth_header=KEY_HEADER)
        self._sdk = codatsyncexpenses.CodatSyncExpenses(security=security, server_url=url)
        self.worked_around: Counter[str] = Counter()

    def send(self, company: str, expenses: list[Expense]) -> str:
        items = [_transaction(each) for each in expenses]
        request = shared.CreateExpenseRequest(items=items)
        created = self._sdk.expenses.create_expense_dataset(
            operations.CreateExpenseDatasetRequest(company_id=company, create_expense_request=request)
        )
        return self._initiate(company, created.create_expense_response.dataset_id)

    def _initiate(self, company: str, dataset: str) -> str:
        """Start a sync of the dataset.

        Codat answers 202 with the sync's id. The specification that the client was made from lists no answer
        but errors, so the client raises for every success; the error carries the body, and with it the id.
        """
        request = operations.InitiateSyncRequest(company_id=company, post_sync=shared.PostSync(dataset_ids=[dataset]))
        try:
            answer = self._sdk.sync.initiate_sync(request)
        except errors.SDKError as error:
            if error.status_code != 202:
                raise
            self.worked_around["202 from initiate raised as an error"] += 1
            return str(json.loads(error.body)["syncId"])
        return str(answer.raw_response.json()["syncId"])

    def status(self, company: str, sync: str) -> int:
        answer = self._sdk.sync_status.get_sync_by_id(operations.GetSyncByIDRequest(company_id=company, sync_id=sync))
        return int(answer.company_sync_status.sync_status_code)

    def transactions(self, company: str, sync: str) -> list[Row]:
        rows: list[Row] = []
        number = 1
        while True:
            page = self._sdk.transaction_status.list_sync_transactions(
                operations.ListSyncTransactionsRequest(company_id=company, sync_id=sync, page=number)
            ).transaction_metadata_list
            rows += [Row(each.transaction_id, each.status.value, each.integration_type.value) for each in page.results]
            if page.links.next is None:
                return rows
            number += 1

    def attach(self, company: str, sync: str, expense: str, *, name: str, content: bytes) -> str:
        self.worked_around["multipart part renamed from fileName to file"] += 1
        answer = self._sdk.expenses.upload_attachment(
            operations.UploadAttachmentRequest(
                company_id=company,
                sync_id=sync,
                transaction_id=expense,
                attachment_upload=shared.AttachmentUpload(file=NamedFile(content=content, file_name=name)),
            )
        )
        return str(answer.attachment.id)


def _transaction(expense: Expense) -> shared.ExpenseTransaction:
    return shared.ExpenseTransaction(
        id=expense["id"],
        type=shared.Type(expense["type"]),
        issue_date=expense["issue_date"],
        currency=expense["currency"],
        merchant_name=expense["merchant"],
        notes=expense["notes"],
        lines=[
            shared.ExpenseTransactionLine(
                net_amount=Decimal(line["net"]),
                tax_amount=Decimal(line["tax"]),
                account_ref=shared.RecordRef(id=line["account"]),
                tax_rate_ref=shared.RecordRef(id=line["tax_rate"]),
                tracking_refs=[shared.RecordRef(id=each) for each in line["tracking"]],
            )
            for line in expense["lines"]
        ],
    )


if __name__ == "__main__":
    main(Version1)
