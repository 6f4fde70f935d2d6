"""Codat's API as pure functions: values to requests."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from runner.codat.flows import Flow
from runner.codat.messages import Priority, Request
from runner.codat.multipart import encode_file
from runner.domain.ids import (
    CompanyId,
    DatasetId,
    ExpenseId,
    IdempotencyKey,
    SyncId,
)
from runner.domain.remote import (
    ReceiptFile,
)

CREATE_PATH = "expense-transactions"
_JSON = "application/json"


def create_request(
    company: CompanyId,
    payloads: Sequence[bytes],
    *,
    flow: Flow,
    key: IdempotencyKey,
    create_path: str = CREATE_PATH,
) -> Request:
    """Return the request that creates 1-50 transactions, each given as `encode_expense` made it.

    The dataset flow wraps the array in `items`, the direct flow sends it bare.
    """
    items = b"[" + b",".join(payloads) + b"]"
    body = b'{"items":' + items + b"}" if flow.creates_datasets else items
    # `data/expense-transactions` is the same operation under the older path.
    path = f"{_expenses(company)}/{'/'.join(_segment(each) for each in create_path.strip('/').split('/'))}"
    return _post(company, path, body, key=key, priority=Priority.SUBMIT)


def initiate_request(company: CompanyId, dataset_ids: Sequence[DatasetId], *, key: IdempotencyKey) -> Request:
    """Return the request that starts one sync of the datasets (dataset flow only)."""
    body = msgspec.json.encode({"datasetIds": list(dataset_ids)})
    return _post(company, f"{_expenses(company)}/syncs", body, key=key, priority=Priority.SUBMIT)


def attach_request(
    company: CompanyId, sync_id: SyncId, expense_id: ExpenseId, file: ReceiptFile, *, key: IdempotencyKey
) -> Request:
    """Return the request that attaches one file to a posted expense; the same key gives the same bytes."""
    content_type, body = encode_file(file, key=key)
    path = f"{_sync(company, sync_id)}/transactions/{_segment(expense_id)}/attachments"
    return _post(company, path, body, key=key, priority=Priority.RECEIPT, content_type=content_type)


def company_request(company: CompanyId) -> Request:
    """Return the request for the company and its connections."""
    return _get(company, f"/companies/{_segment(company)}")


def companies_request(*, page: int, page_size: int) -> Request:
    """Return the request for one page of all companies and their connections; pages begin at 1."""
    return _get(None, "/companies", page=str(page), pageSize=str(page_size))


def config_request(company: CompanyId) -> Request:
    """Return the request for the company's default bank account, supplier and customer."""
    return _get(company, f"{_expenses(company)}/config")


def mapping_options_request(company: CompanyId) -> Request:
    """Return the request for the accounts, tax rates and tracking categories that the company has."""
    return _get(company, f"{_expenses(company)}/mappingOptions")


def status_request(company: CompanyId, sync_id: SyncId) -> Request:
    """Return the request for one sync's status."""
    return _get(company, f"{_sync(company, sync_id)}/status")


def statuses_request(company: CompanyId) -> Request:
    """Return the request for the status of every sync of the company."""
    return _get(company, f"{_expenses(company)}/syncs/list/status")


def transactions_request(company: CompanyId, sync_id: SyncId, *, page: int, page_size: int) -> Request:
    """Return the request for one page of a sync's transactions; pages begin at 1."""
    path = f"{_sync(company, sync_id)}/transactions"
    return _get(company, path, page=str(page), pageSize=str(page_size))


def _get(company: CompanyId | None, path: str, **query: str) -> Request:
    return Request("GET", path, company, query=query, headers={"Accept": _JSON}, priority=Priority.POLL)


def _post(
    company: CompanyId,
    path: str,
    body: bytes,
    *,
    key: IdempotencyKey,
    priority: Priority,
    content_type: str = _JSON,
) -> Request:
    headers = {"Accept": _JSON, "Content-Type": content_type, "Idempotency-Key": key}
    return Request("POST", path, company, headers=headers, body=body, priority=priority)


def _expenses(company: CompanyId) -> str:
    return f"/companies/{_segment(company)}/sync/expenses"


def _sync(company: CompanyId, sync_id: SyncId) -> str:
    return f"{_expenses(company)}/syncs/{_segment(sync_id)}"


def _segment(text: str) -> str:
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} cannot be a part of a URL")
    return quote(text, safe="")
