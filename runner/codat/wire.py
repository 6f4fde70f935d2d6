"""Codat's API as pure functions: values to requests, responses to values. JSON begins and ends here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

import msgspec

from runner.codat.answers import UNREADABLE_JSON, foreign, unreadable
from runner.codat.flows import Flow
from runner.codat.messages import Priority, Request, Response
from runner.codat.multipart import encode_file
from runner.codat.texts import cleaned
from runner.domain.expense import Expense
from runner.domain.identity import Head, LineContent
from runner.domain.ids import (
    AttachmentId,
    CompanyId,
    DatasetId,
    ExpenseId,
    IdempotencyKey,
    SyncId,
    is_uuid,
)
from runner.domain.mapping_options import MappingOptions, Option
from runner.domain.remote import (
    CompaniesPage,
    CompanyInfo,
    Created,
    Defaults,
    ReceiptFile,
    SyncStatus,
    TransactionRow,
)
from runner.domain.states import TransactionStatus

T = TypeVar("T")

CREATE_PATH = "expense-transactions"
NO_CODE = 0
"""Stands for a sync status code that is missing or no number: it counts as running, so nothing follows."""

_JSON = "application/json"
_MAX_ATTACHMENT_ID = 200
_TOO_MUCH = 10**10


# ---- values to JSON ----


_ENCODER = msgspec.json.Encoder()
_quoted = _ENCODER.encode


def encode_expense(expense: Expense) -> bytes:
    """Return the expense as the JSON object of one transaction, UTF-8; see `encode_content`."""
    return encode_content(expense.id, expense, expense.lines, issued=expense.issue_date.isoformat())


def encode_content(id_: ExpenseId, head: Head, lines: Sequence[LineContent], *, issued: str) -> bytes:
    """Return an expense as the JSON object of one transaction, UTF-8, from its parts; `issued` is ISO 8601.

    Made once, when the expense is staged, and joined into requests as it is: the same expense is the same
    bytes in every request, which a replay under its idempotency key demands. Amounts are numbers with the
    digits as written, zeros at the end included, and never pass through a binary float.

    Joined from pieces, because most pieces of most expenses have been written before.

    Raises `ValueError` for an amount that is not finite, or where the head lacks a type or a currency.
    """
    if head.type is None or head.currency is None:
        raise ValueError("an expense needs a type and a currency")
    parts = [b'{"id":"', id_.encode(), _opening(head.type, issued, head.currency)]
    parts.append(b",".join([_line(each) for each in lines]))
    parts.append(b"]")
    if head.currency_rate is not None:
        parts += (b',"currencyRate":', _number(head.currency_rate))
    if head.contact_id is not None:
        parts += (b',"contactRef":{"id":', _quoted(head.contact_id), b',"type":"Supplier"}')
    if head.bank_account_id is not None:
        parts += (b',"bankAccountRef":{"id":', _quoted(head.bank_account_id), b"}")
    if head.merchant_name is not None:
        parts += (b',"merchantName":', _quoted(head.merchant_name))
    if head.reference is not None:
        parts += (b',"reference":', _quoted(head.reference))
    if head.notes is not None:
        parts += (b',"notes":', _quoted(head.notes))
    parts.append(b"}")
    return b"".join(parts)


def encode_plain(
    id_: ExpenseId,
    opening: tuple[str, str, str],
    refs: tuple[str, str | None, tuple[str, ...], str | None],
    numbers: tuple[str, str, str],
    texts: tuple[str, str, str, str, str],
) -> bytes:
    """Return the bytes of `encode_content` for an expense of one line, from texts that JSON takes as they are.

    `opening` is type, date (ISO 8601) and currency; `refs` are account, tax rate, tracking ids and customer; `numbers`
    are net and tax amount and the rate, as JSON writes numbers, in plain digits; `texts` are merchant, contact, bank
    account, reference and notes. No text may hold a quotation mark, a backslash or a control character, which is not
    checked here. A rate or text that is blank is left out.
    """
    net, tax, rate = numbers
    merchant, contact, bank, reference, notes = texts
    text = f'{{"id":"{id_}{_opening_text(opening)}{{"netAmount":{net},"taxAmount":{tax}{_refs_text(refs)}]'
    if rate:
        text += f',"currencyRate":{rate}'
    if contact:
        text += f',"contactRef":{{"id":"{contact}","type":"Supplier"}}'
    if bank:
        text += f',"bankAccountRef":{{"id":"{bank}"}}'
    if merchant:
        text += f',"merchantName":"{merchant}"'
    if reference:
        text += f',"reference":"{reference}"'
    if notes:
        text += f',"notes":"{notes}"'
    return f"{text}}}".encode()


@lru_cache(maxsize=4096)
def _opening_text(opening: tuple[str, str, str]) -> str:
    return _opening(*opening).decode()


@lru_cache(maxsize=8192)
def _refs_text(refs: tuple[str, str | None, tuple[str, ...], str | None]) -> str:
    return _refs(*refs).decode()


@lru_cache(maxsize=4096)
def _opening(type_: str, issued: str, currency: str) -> bytes:
    named = {"type": type_, "issueDate": issued, "currency": currency}
    return b'",' + _quoted(named)[1:-1] + b',"lines":['


def _line(line: LineContent) -> bytes:
    net, tax = _number(line.net_amount), _number(line.tax_amount)
    refs = _refs(line.account_id, line.tax_rate_id, line.tracking_ids, line.invoice_to_id)
    return b'{"netAmount":%b,"taxAmount":%b%b' % (net, tax, refs)


@lru_cache(maxsize=8192)
def _refs(account: str, tax_rate: str | None, tracking: tuple[str, ...], invoice_to: str | None) -> bytes:
    named: dict[str, object] = {"accountRef": {"id": account}}
    if tax_rate is not None:
        named["taxRateRef"] = {"id": tax_rate}
    if tracking:
        named["trackingRefs"] = [{"id": each} for each in tracking]
    if invoice_to is not None:
        named["invoiceTo"] = {"id": invoice_to, "type": "customer"}
    return b"," + _quoted(named)[1:]


def _number(amount: Decimal) -> bytes:
    # Formatted here, because str() of a small decimal has an exponent: 0.000000001 would become 1E-9.
    if not amount.is_finite():
        raise ValueError("an amount must be finite")
    return format(amount, "f").encode("ascii")


# ---- values to requests ----


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
    body = _ENCODER.encode({"datasetIds": list(dataset_ids)})
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


# ---- responses to values ----


class _CreatedBody(msgspec.Struct, rename="camel"):
    dataset_id: object = None
    sync_id: object = None


class _AttachmentBody(msgspec.Struct):
    id: object = None


class _StatusBody(msgspec.Struct, rename="camel"):
    sync_id: object = None
    sync_status_code: object = None
    sync_status: object = None
    error_message: object = None
    sync_exception_message: object = None
    sync_utc: object = None


class _Results(msgspec.Struct, rename="camel"):
    results: list[_StatusBody] | None = None
    total_results: object = None


class _RowBody(msgspec.Struct, rename="camel"):
    transaction_id: object = None
    status: object = None
    integration_type: object = None
    message: object = None


class _TransactionsBody(msgspec.Struct, rename="camel"):
    results: list[_RowBody | None] | None = None
    page_size: object = None
    total_results: object = None
    links: object = msgspec.field(name="_links", default=None)


class _ConnectionBody(msgspec.Struct, rename="camel"):
    status: object = None
    source_type: object = None
    platform_name: object = None


class _CompanyBody(msgspec.Struct, rename="camel"):
    id: object = None
    name: object = None
    data_connections: list[_ConnectionBody | None] | None = None


class _ConfigRef(msgspec.Struct):
    id: object = None


class _ConfigBody(msgspec.Struct, rename="camel"):
    bank_account: _ConfigRef | None = None
    supplier: _ConfigRef | None = None


class _CompaniesBody(msgspec.Struct, rename="camel"):
    results: list[_CompanyBody | None] | None = None
    total_results: object = None


class _OptionBody(msgspec.Struct, rename="camel"):
    id: object = None
    name: object = None
    nominal_code: object = None
    code: object = None
    valid_transaction_types: object = None
    parent_id: object = None
    has_children: object = None


class _OptionsBody(msgspec.Struct, rename="camel"):
    accounts: list[_OptionBody | None] | None = None
    tax_rates: list[_OptionBody | None] | None = None
    tracking_categories: list[_OptionBody | None] | None = None


_CREATED = msgspec.json.Decoder(_CreatedBody)
_ATTACHMENT = msgspec.json.Decoder(_AttachmentBody)
_STATUS = msgspec.json.Decoder(_StatusBody)
_STATUSES = msgspec.json.Decoder(list[_StatusBody] | _Results)
_TRANSACTIONS = msgspec.json.Decoder(_TransactionsBody)
_COMPANY = msgspec.json.Decoder(_CompanyBody)
_CONFIG = msgspec.json.Decoder(_ConfigBody)
_COMPANIES = msgspec.json.Decoder(_CompaniesBody)
_OPTIONS = msgspec.json.Decoder(_OptionsBody)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a sync's transactions."""

    rows: tuple[TransactionRow, ...]
    received: int
    """Entries on the page, those without a transaction's id included."""
    total: int | None
    """`totalResults`: entries on all pages."""
    has_next: bool | None
    """Whether `_links` names a next page; None where there are no links."""
    page_size: int | None
    """The page size that the service used, which may be less than the one asked for."""


def read_created(response: Response) -> Created:
    """Read what a create answered; at least one of the two ids is there.

    Raises `OutcomeUnknown` (not received) where neither is a UUID.
    """
    body = _decoded(_CREATED, response)
    dataset_id, sync_id = _uuid(body.dataset_id), _uuid(body.sync_id)
    if dataset_id is None and sync_id is None:
        raise unreadable(response, "it names neither a dataset nor a sync")
    return Created(
        dataset_id=None if dataset_id is None else DatasetId(dataset_id),
        sync_id=None if sync_id is None else SyncId(sync_id),
    )


def read_started(response: Response) -> Created:
    """Read what an initiate answered; the sync's id is there.

    Raises `OutcomeUnknown` (not received) where it is not a UUID.
    """
    created = read_created(response)
    if created.sync_id is None:
        raise unreadable(response, "it names no sync")
    return created


def read_attachment(response: Response) -> AttachmentId:
    """Read the attachment's id: the accounting platform's, so any text, not only a UUID.

    Raises `OutcomeUnknown` (not received) where there is none.
    """
    body = _decoded(_ATTACHMENT, response)
    attachment_id = _text(body.id, limit=_MAX_ATTACHMENT_ID)
    if attachment_id is None:
        raise unreadable(response, "it names no attachment")
    return AttachmentId(attachment_id)


def read_status(response: Response) -> SyncStatus:
    """Read one sync's status.

    Raises `OutcomeUnknown` (not received) where the sync's id is not a UUID.
    """
    return _status(response, _decoded(_STATUS, response))


def read_status_list(response: Response) -> list[SyncStatus]:
    """Read the status of every sync of a company; an array, or an object whose `results` is one.

    A list that cannot be trusted to be whole is not read at all: that a sync is missing from it is what a
    second send may be decided upon.

    Raises `OutcomeUnknown` (not received) where it is unreadable, names no list, or is only a part.
    """
    body = _decoded(_STATUSES, response)
    if isinstance(body, _Results):
        if body.results is None:
            raise unreadable(response, "it holds no list of syncs")
        if (_whole(body.total_results) or 0) > len(body.results):
            raise unreadable(response, "its list of syncs is not whole")
        body = body.results
    return [_status(response, each) for each in body]


def read_transactions(response: Response) -> Page:
    """Read one page of a sync's transactions; entries without an id concern no expense and are left out.

    Raises `OutcomeUnknown` (not received) where it is unreadable.
    """
    body = _decoded(_TRANSACTIONS, response)
    total = _whole(body.total_results)
    if body.results is None and total != 0:
        raise unreadable(response, "it holds no list of transactions")
    entries = body.results or []
    return Page(
        rows=tuple(_rows(entries)),
        received=len(entries),
        total=total,
        has_next=bool(body.links.get("next")) if isinstance(body.links, dict) else None,
        page_size=_whole(body.page_size),
    )


def read_company(response: Response) -> CompanyInfo:
    """Read a company: its name, and the platform and state of its accounting connection.

    Raises `OutcomeUnknown` (not received) where it is unreadable.
    """
    return _company_info(_decoded(_COMPANY, response))


def read_companies(response: Response) -> CompaniesPage:
    """Read one page of all companies; entries without an id are left out.

    Raises `OutcomeUnknown` (not received) where it is unreadable.
    """
    body = _decoded(_COMPANIES, response)
    entries = body.results or []
    named = {CompanyId(each.id): each for each in entries if each is not None and isinstance(each.id, str)}
    infos = {company: _company_info(each) for company, each in named.items()}
    return CompaniesPage(infos, len(entries), _whole(body.total_results))


def _company_info(body: _CompanyBody) -> CompanyInfo:
    connections = [each for each in body.data_connections or () if each is not None]
    # A company may have banking or commerce connections too: expenses go through the accounting one.
    accounting = [each for each in connections if _lower(each.source_type) in {"", "accounting"}]
    linked = [each for each in accounting if _lower(each.status) == "linked"]
    chosen = next(iter(linked or accounting), None)
    return CompanyInfo(
        name=_text(body.name, limit=200),
        platform=None if chosen is None else _text(chosen.platform_name, limit=200),
        linked=bool(linked) if connections else None,
        connection=None if chosen is None else _text(chosen.status, limit=50),
    )


def read_defaults(response: Response) -> Defaults:
    """Read which of the company's defaults are set.

    Raises `OutcomeUnknown` (not received) where it is unreadable.
    """
    body = _decoded(_CONFIG, response)

    def is_set(part: _ConfigRef | None) -> bool:
        return part is not None and _text(part.id) is not None

    return Defaults(bank_account=is_set(body.bank_account), supplier=is_set(body.supplier))


def read_mapping_options(response: Response) -> MappingOptions:
    """Read what the company accepts; entries without an id are left out.

    Raises `OutcomeUnknown` (not received) where it is unreadable.
    """
    body = _decoded(_OPTIONS, response)
    return MappingOptions(_options(body.accounts), _options(body.tax_rates), _options(body.tracking_categories))


def _options(entries: Iterable[_OptionBody | None] | None) -> tuple[Option, ...]:
    found = [each for each in entries or () if each is not None]
    return tuple(option for each in found if (option := _option(each)) is not None)


def _option(body: _OptionBody) -> Option | None:
    # An id is given back as it came; one that does not print could stand in no row anyway.
    own = body.id if isinstance(body.id, str) else _text(body.id)
    if not own or not own.isprintable():
        return None
    types = body.valid_transaction_types
    return Option(
        id=own,
        name=_text(body.name, limit=200),
        code=_text(body.nominal_code, limit=200) or _text(body.code, limit=200),
        types=tuple(each for each in types if isinstance(each, str)) if isinstance(types, list) else (),
        parent_id=body.parent_id if isinstance(body.parent_id, str) else None,
        has_children=body.has_children is True,
    )


def _decoded(decoder: msgspec.json.Decoder[T], response: Response) -> T:
    try:
        return decoder.decode(response.body)
    except msgspec.ValidationError:
        raise unreadable(response, "it has another shape than the one documented") from None
    except RecursionError:
        raise unreadable(response, "it is nested too deeply") from None
    except UNREADABLE_JSON:
        # No cause is kept: the decoder's message may quote the answer.
        raise unreadable(response, foreign(response)) from None


def _status(response: Response, body: _StatusBody) -> SyncStatus:
    sync_id = _uuid(body.sync_id)
    if sync_id is None:
        raise unreadable(response, "a sync in it has no id")
    code = _whole(body.sync_status_code)
    errors = (_text(body.error_message), _text(body.sync_exception_message))
    return SyncStatus(
        sync_id=SyncId(sync_id),
        code=NO_CODE if code is None else code,
        text=_text(body.sync_status, limit=200),
        error="; ".join(dict.fromkeys(each for each in errors if each is not None)) or None,
        at=_text(body.sync_utc, limit=60),
    )


def _rows(entries: Iterable[_RowBody | None]) -> Iterable[TransactionRow]:
    for entry in entries:
        if entry is None or not isinstance(entry.transaction_id, str) or not entry.transaction_id:
            continue
        own = entry.transaction_id
        yield TransactionRow(
            # Codat may answer in either case; expenses are known by lower-case ids.
            ExpenseId((own if is_uuid(own) else cleaned(own, limit=200)).lower()),
            _transaction_status(entry.status),
            # Seen in both numbers; a bank feed's row of the same transaction says nothing about the expense.
            entry.integration_type in _EXPENSE or _lower(entry.integration_type) in _EXPENSE,
            None if entry.message is None else _text(entry.message),
        )


_EXPENSE = ("expense", "expenses")


_COMPLETED = TransactionStatus.COMPLETED
_STATUSES_BY_NAME = {each.value.lower(): each for each in TransactionStatus}


def _transaction_status(value: object) -> TransactionStatus:
    if value == _COMPLETED:  # as nearly all of them are
        return _COMPLETED
    return _STATUSES_BY_NAME.get(_lower(value), TransactionStatus.UNKNOWN)


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _uuid(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and is_uuid(value) else None


def _text(value: object, *, limit: int = 2_000) -> str | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    return cleaned(str(value), limit=limit) or None


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        value = value.strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _TOO_MUCH:
        return None
    return int(value)
