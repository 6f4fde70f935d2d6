"""A Codat account: its companies, datasets, syncs and books, and what can be done with them."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from runner.simulator.behaviour import Behaviour
from runner.simulator.companies import DELETED, Company, CompanySpec, with_usual_options
from runner.simulator.datasets import Dataset, Datasets
from runner.simulator.faults import Faults
from runner.simulator.ledger import Ledger, StoredAttachment
from runner.simulator.multipart import read_file_part
from runner.simulator.paging import Page, page_of
from runner.simulator.syncs import COMPLETED, Item, Sync, Syncs, processed_before
from runner.simulator.validation import Flow, is_uuid, read_transactions
from runner.simulator.values import Answer, Call, Problem, Refusal, decode, ok

_COMPANY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CONFIG = ("bankAccount", "supplier", "customer")
_MEGABYTE = 1024 * 1024
_LARGEST: Mapping[str, int] = {
    "Xero": 10 * _MEGABYTE,
    "QuickBooks Online": 100 * _MEGABYTE,
    "NetSuite": 100 * _MEGABYTE,
    "Oracle NetSuite": 100 * _MEGABYTE,
    "Dynamics 365 Business Central": 350 * _MEGABYTE,
    "FreeAgent": 5 * _MEGABYTE,
    "Zoho Books": 5 * _MEGABYTE,
    "QuickBooks Desktop": 0,
}
"""Bytes that an attachment may have, by accounting platform; others take any."""


class Account:
    """Everything the simulator knows; each public method is one endpoint."""

    def __init__(self, behaviour: Behaviour, faults: Faults, *, random: Random) -> None:
        self.behaviour = behaviour
        self.ledger = Ledger(self.date)
        self.companies: dict[str, Company] = {}
        for spec in behaviour.companies:
            self.companies[spec.id] = self._found(spec, created=0.0)
        self.active = sum(company.linked for company in self.companies.values())
        """How many companies count for the daily quota."""
        self._random = random
        self.datasets = Datasets(forget_after=behaviour.forget_datasets_after)
        self.syncs = Syncs(behaviour, self.ledger, faults, random=random, new_id=self.new_id)

    def new_id(self) -> str:
        """Return a fresh UUID, the same ones in the same order for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def date(self, seconds: float) -> datetime:
        """Return the date at a number of seconds."""
        return self.behaviour.epoch + timedelta(seconds=seconds)

    def company(self, identifier: str, *, now: float) -> Company:
        """Return a company. Raises `Refusal` 404 where there is none, or where it is deleted."""
        company = self.companies.get(identifier)
        if company is None and self.behaviour.open_world and _COMPANY_ID.fullmatch(identifier):
            company = self.companies[identifier] = self._found(CompanySpec(identifier), created=now)
            self.active += 1
        if company is None or company.status == DELETED:
            raise Refusal(404, f"There is no company {identifier}.")
        return company

    def _found(self, spec: CompanySpec, *, created: float) -> Company:
        return Company(with_usual_options(spec) if self.behaviour.usual_options else spec, created=created)

    def set_status(self, identifier: str, status: str, *, now: float = 0.0) -> None:
        """Change the state of a company's connection, as its owner might at any moment."""
        company = self.companies.get(identifier) or self.company(identifier, now=now)
        company.status = status
        self.active = sum(each.linked for each in self.companies.values())

    # ---- companies ----

    def list_companies(self, call: Call) -> Answer:
        """Answer `GET /companies`: a page, filtered by a text in name or id."""
        wanted = re.sub(r"^(?:name|id)[=~]", "", call.query.get("query", "")).lower()
        found = [
            each.as_json(self.date(each.created).isoformat())
            for each in self.companies.values()
            if each.status != DELETED and (wanted in each.name.lower() or wanted in each.id.lower())
        ]
        return ok(page_of(found, Page.read(call.query), call.path))

    def show_company(self, company: Company) -> Answer:
        """Answer `GET /companies/{id}`."""
        return ok(company.as_json(self.date(company.created).isoformat()))

    def list_connections(self, company: Company, call: Call) -> Answer:
        """Answer `GET /companies/{id}/connections`."""
        connections = [company.connection(self.date(company.created).isoformat())]
        return ok(page_of(connections, Page.read(call.query), call.path))

    @staticmethod
    def mapping_options(company: Company) -> Answer:
        """Answer `GET …/mappingOptions`."""
        return ok(company.mapping_options())

    def show_config(self, company: Company) -> Answer:
        """Answer `GET …/config`; what is not configured is null."""
        return ok({name: company.config.get(name) for name in _CONFIG})

    def change_config(self, company: Company, call: Call) -> Answer:
        """Answer `POST …/config`."""
        body = _json(call.body)
        problems = [
            Problem(None, f"{name} must have an id.", "ConfigValidator")
            for name in _CONFIG
            if not isinstance(body, dict)
            or not isinstance(body.get(name), dict)
            or not isinstance(body[name].get("id"), str)
        ]
        if problems:
            raise Refusal(400, "The configuration is not complete.", problems=problems)
        company.config = {name: {"id": body[name]["id"]} for name in _CONFIG}
        return self.show_config(company)

    # ---- sending expenses ----

    def create(self, company: Company, call: Call, *, now: float, older_path: bool) -> Answer:
        """Answer a create: a dataset for `{"items": […]}`, a running sync for a bare array."""
        body = _json(call.body)
        speaks = self.behaviour.speaks
        if isinstance(body, list):
            if speaks == "datasets" or older_path:
                raise Refusal(400, "The body must be an object with items.")
            return self._create_directly(company, body, now=now)
        if not isinstance(body, dict) or not isinstance(body.get("items"), list):
            raise Refusal(400, "The body holds no transactions.")
        if speaks == "direct":
            return self._create_directly(company, body["items"], now=now)
        transactions = self._read(company, body["items"], "datasets")
        dataset = Dataset(self.new_id(), company.id, transactions, now)
        self.datasets.store(dataset)
        return ok({"datasetId": dataset.id})

    def _create_directly(self, company: Company, items: list[Any], *, now: float) -> Answer:
        self._demand_connection(company)
        transactions = self._read(company, items, "direct")
        sync = self.syncs.accept(company, [Item(each, None) for each in transactions], now=now)
        return ok({"syncId": sync.id})

    def _read(self, company: Company, items: list[Any], flow: Flow) -> tuple[Any, ...]:
        transactions = read_transactions(items, company, flow=flow)
        self._guard(company, [each.id for each in transactions])
        return transactions

    def initiate(self, company: Company, call: Call, *, now: float) -> Answer:
        """Answer `POST …/syncs`: queue one sync of the named datasets."""
        if self.behaviour.speaks == "direct":
            raise Refusal(404)
        body = _json(call.body)
        identifiers = body.get("datasetIds") if isinstance(body, dict) else None
        if not identifiers and isinstance(body, dict) and self.behaviour.no_datasets == "all_pending":
            identifiers = self.datasets.pending(company.id, now=now)
        if not isinstance(identifiers, list) or not identifiers or not all(map(is_uuid, identifiers)):
            raise Refusal(400, "datasetIds must name at least one dataset.")
        self._demand_connection(company)
        items: list[Item] = []
        if self.behaviour.dataset_named_twice == "once":
            identifiers = dict.fromkeys(each.lower() for each in identifiers)
        for identifier in identifiers:
            dataset = self.datasets.find(company.id, identifier, now=now)
            if dataset is None:
                message = f"Dataset {identifier} does not exist."
                problem = Problem(identifier, message, "DatasetValidator")
                raise Refusal(self.behaviour.unknown_dataset_status, message, problems=[problem])
            items.extend(Item(each, dataset.id) for each in dataset.transactions)
        self._guard(company, [item.transaction.id for item in items])
        sync = self.syncs.accept(company, items, now=now)
        self.datasets.take(identifiers)
        return ok({"syncId": sync.id}, status=202)

    @staticmethod
    def _demand_connection(company: Company) -> None:
        if not company.linked:
            raise Refusal(422, "The company has no valid connections set up.")

    def _guard(self, company: Company, ids: list[str]) -> None:
        if self.behaviour.duplicate_check != "request":
            return
        before = self.syncs.completed_among(company.id, ids)
        if before:
            problems = [Problem(each, processed_before([each]), "DuplicateValidator") for each in before]
            raise Refusal(400, processed_before(before), problems=problems)

    # ---- looking at syncs ----

    def list_syncs(self, company: Company, *, now: float) -> Answer:
        """Answer `GET …/syncs/list/status`, newest first."""
        return ok([self.syncs.status(sync, now=now) for sync in self.syncs.of(company, now=now)])

    def latest_sync(self, company: Company, *, now: float, successful: bool) -> Answer:
        """Answer `GET …/syncs/latest/status` and `…/lastSuccessful/status`."""
        for sync in self.syncs.of(company, now=now):
            status = self.syncs.status(sync, now=now)
            if not successful or status["syncStatusCode"] // 1000 == 2:
                return ok(status)
        raise Refusal(404, "The company has no such sync.")

    def show_sync(self, company: Company, sync: str, *, now: float) -> Answer:
        """Answer `GET …/syncs/{id}/status`."""
        found = self._sync(company, sync)
        found.forgotten = found.forgetting
        return ok(self.syncs.status(found, now=now))

    def list_transactions(self, company: Company, sync: str, call: Call, *, now: float) -> Answer:
        """Answer `GET …/syncs/{id}/transactions`: a page of rows."""
        page = Page.read(call.query)
        return ok(page_of(self.syncs.rows(self._sync(company, sync), now=now), page, call.path))

    def show_transaction(self, company: Company, sync: str, transaction: str, *, now: float) -> Answer:
        """Answer `GET …/syncs/{id}/transactions/{id}`: an array of the rows of one transaction."""
        rows = self.syncs.rows(self._sync(company, sync), now=now)
        found = [row for row in rows if row["transactionId"] == transaction.lower()]
        if not found:
            raise Refusal(404, "The sync has no such transaction.")
        return ok(found)

    def _sync(self, company: Company, identifier: str) -> Sync:
        sync = self.syncs.find(company, identifier)
        if sync is None or sync.forgotten:
            raise Refusal(404, "The company has no such sync.")
        return sync

    # ---- receipts ----

    def attach(self, company: Company, sync: str, transaction: str, call: Call, *, now: float) -> Answer:
        """Answer `POST …/attachments`: the same file sent twice is attached twice."""
        items = self._sync(company, sync).items
        item = next((each for each in items if each.transaction.id == transaction.lower()), None)
        if item is None:
            raise Refusal(404, "The sync has no such transaction.")
        if item.status != COMPLETED:
            raise Refusal(400, "Attachments can only be added to a transaction that is Completed.")
        part = read_file_part(call.headers.get("content-type", ""), call.body)
        largest = _LARGEST.get(company.platform)
        if largest is not None and len(part.content) > largest:
            raise Refusal(400, f"{company.platform} takes attachments of at most {largest} bytes.")
        stored = StoredAttachment(
            id=self.new_id(),
            company=company.id,
            sync=sync.lower(),
            expense=item.transaction.id,
            name=part.name,
            content_type=part.content_type,
            size=len(part.content),
            sha256=hashlib.sha256(part.content).hexdigest(),
            at=now,
        )
        self.ledger.attachments.append(stored)
        return ok({"id": stored.id, "companyId": company.id, "transactionId": stored.expense})


def _json(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it has been checked
    try:
        return decode(body)
    except (ValueError, RecursionError, ArithmeticError):
        raise Refusal(400, "The body is not JSON.") from None
