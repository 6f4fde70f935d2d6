"""Codat's API as pure functions: responses to values. What does not fit is an error of ours, or left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from runner.codat.answers import UNREADABLE_JSON, foreign, unreadable
from runner.codat.messages import Response
from runner.codat.texts import cleaned
from runner.domain.ids import (
    AttachmentId,
    DatasetId,
    ExpenseId,
    SyncId,
    is_uuid,
    normal_company,
)
from runner.domain.mapping_options import MappingOptions, Option
from runner.domain.remote import (
    CompaniesPage,
    CompanyInfo,
    Created,
    Defaults,
    SyncStatus,
    TransactionRow,
)
from runner.domain.states import TransactionStatus

T = TypeVar("T")
NO_CODE = 0
"""Stands for a sync status code that is missing or no number: it counts as running, so nothing follows."""
_MAX_ATTACHMENT_ID = 200
_TOO_MUCH = 10**10


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
    """Read what a create answered: one of the two ids is there.

    Where both are, a sync has been started, whatever was stored for it. Raises `OutcomeUnknown` (not received) where
    neither is a UUID, or where a sync is named that cannot be read.
    """
    body = _decoded(_CREATED, response)
    dataset_id, sync_id = _given(body.dataset_id), _given(body.sync_id)
    if sync_id is None and _is_something(body.sync_id):
        raise unreadable(response, "it names a sync, and not by a UUID")
    if dataset_id is None and sync_id is None:
        raise unreadable(response, "it names neither a dataset nor a sync")
    if sync_id is not None:
        dataset_id = None
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


def read_status(response: Response, *, of: SyncId | None = None) -> SyncStatus:
    """Read one sync's status.

    Raises `OutcomeUnknown` (not received) where the sync's id is not a UUID, or not that of the sync it is asked `of`.
    """
    status = _status(response, _decoded(_STATUS, response))
    if of is not None and status.sync_id != of.lower():
        raise unreadable(response, "it is the status of another sync")
    return status


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
    named = {normal_company(each.id): each for each in entries if each is not None and isinstance(each.id, str)}
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


def _given(value: object) -> str | None:
    """Return an id that an answer gives to what it made: the nil UUID is how some programs write none."""
    found = _uuid(value)
    return None if found == _NIL else found


def _is_something(value: object) -> bool:
    """Say whether it is there at all, other than as a way to write nothing."""
    return bool(value) and value != _NIL


_NIL = "00000000-0000-0000-0000-000000000000"


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
