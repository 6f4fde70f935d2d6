"""What a create call is checked for, transaction by transaction."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from runner.simulator.companies import TYPES, Company
from runner.simulator.datasets import Transaction
from runner.simulator.values import Problem, Refusal

MAX_TRANSACTIONS = 50
MAX_LINES = 100
MAX_TRACKING = 10
MAX_MAGNITUDE = 28
"""Digits before or after the point; a JSON number may name more than anyone could print."""

REFUSED_TYPES = ("TransferIn", "TransferOut", "AdjustmentIn", "AdjustmentOut")

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ZERO = Decimal(0)
_DEFAULTS = {"bankAccountRef": "bankAccount", "contactRef": "supplier"}

Flow = Literal["datasets", "direct"]


def is_uuid(value: object) -> bool:
    """Say whether it is a UUID with hyphens."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def read_transactions(items: Sequence[Any], company: Company, *, flow: Flow) -> tuple[Transaction, ...]:
    """Check the transactions of one create call and return them.

    Raises `Refusal` 400 with one problem for each thing that is wrong; one refuses the whole call.
    """
    if not 1 <= len(items) <= MAX_TRANSACTIONS:
        message = f"A request takes 1 to {MAX_TRANSACTIONS} transactions, not {len(items)}."
        raise Refusal(400, message, problems=[Problem(None, message, "TransactionCountValidator")])
    check = _Check(company, flow)
    transactions = [check.transaction(item) for item in items]
    if check.problems:
        raise Refusal(400, "One or more transactions are invalid.", problems=check.problems)
    return tuple(each for each in transactions if each is not None)


class _Check:
    """One create call's problems as they are found."""

    def __init__(self, company: Company, flow: Flow) -> None:
        self.problems: list[Problem] = []
        self._flow = flow
        self._item: str | None = None
        self._seen: set[str] = set()
        spec = company.spec
        self._accounts = None if spec.accounts is None else {each["id"]: each for each in spec.accounts}
        self._tax_rates = None if spec.tax_rates is None else {each["id"]: each for each in spec.tax_rates}
        self._tracking = None if spec.tracking is None else {each["id"]: each for each in spec.tracking}

    def _wrong(self, message: str, validator: str) -> None:
        self.problems.append(Problem(self._item, message, validator))

    def transaction(self, item: Any) -> Transaction | None:  # noqa: ANN401 - JSON
        if not isinstance(item, dict):
            self._item = None
            self._wrong("A transaction must be an object.", "TransactionValidator")
            return None
        self._item = str(item["id"]) if "id" in item else None
        before = len(self.problems)
        self._identity(item)
        self._head(item)
        self._references(item)
        lines = item.get("lines")
        if not isinstance(lines, list) or not 1 <= len(lines) <= MAX_LINES:
            self._wrong(f"lines must hold 1 to {MAX_LINES} lines.", "LinesValidator")
            return None
        net = tax = _ZERO
        for number, line in enumerate(lines):
            line_net, line_tax = self._line(line, f"lines[{number}]", item.get("type"))
            net += line_net
            tax += line_tax
        if len(self.problems) > before:
            return None
        return Transaction(
            id=item["id"].lower(),
            type=item["type"],
            currency=item["currency"],
            net=net,
            tax=tax,
            reference=item.get("reference"),
            merchant=item.get("merchantName"),
            needs=tuple(default for name, default in _DEFAULTS.items() if not item.get(name)),
        )

    def _identity(self, item: Mapping[str, Any]) -> None:
        identifier = item.get("id")
        if not is_uuid(identifier):
            return self._wrong("id must be a UUID.", "IdValidator")
        if identifier.lower() in self._seen:  # type: ignore[union-attr]  # is_uuid saw that it is text
            return self._wrong("id is in this request twice.", "UniqueIdValidator")
        self._seen.add(identifier.lower())  # type: ignore[union-attr]  # as above
        return None

    def _head(self, item: Mapping[str, Any]) -> None:
        kind = item.get("type")
        if kind in REFUSED_TYPES:
            self._wrong(f"Transactions of type {kind} are not supported.", "TypeValidator")
        elif kind not in TYPES:
            self._wrong(f"type must be one of {', '.join(TYPES)}.", "TypeValidator")
        if not _is_date(item.get("issueDate")):
            self._wrong("issueDate must be a date and time in ISO 8601.", "IssueDateValidator")
        currency = item.get("currency")
        if not isinstance(currency, str) or _CURRENCY.fullmatch(currency) is None:
            self._wrong("currency must be a code of three capital letters.", "CurrencyValidator")
        rate = item.get("currencyRate")
        if rate is not None and (_number(rate) is None or rate <= 0):
            self._wrong("currencyRate must be a positive number.", "CurrencyRateValidator")
        for name in ("merchantName", "notes", "reference"):
            if not isinstance(item.get(name), str | None):
                self._wrong(f"{name} must be text.", "TextValidator")

    def _references(self, item: Mapping[str, Any]) -> None:
        for name in ("contactRef", "bankAccountRef"):
            if item.get(name) is not None and _reference(item[name]) is None:
                self._wrong(f"{name} must have an id.", "ReferenceValidator")
        contact = item.get("contactRef")
        if isinstance(contact, dict) and contact.get("type", contact.get("contactType")) not in {
            "Supplier",
            None,
        }:
            self._wrong("contactRef must be of the type Supplier.", "ContactValidator")

    def _line(self, line: Any, where: str, kind: object) -> tuple[Decimal, Decimal]:  # noqa: ANN401 - JSON
        if not isinstance(line, dict):
            self._wrong(f"{where} must be an object.", "LineValidator")
            return _ZERO, _ZERO
        strict = self._flow == "datasets"
        net, tax = _number(line.get("netAmount")), _number(line.get("taxAmount"))
        if net is None:
            self._wrong(f"{where}.netAmount must be a number.", "NetAmountValidator")
        if tax is None and (strict or line.get("taxAmount") is not None):
            self._wrong(f"{where}.taxAmount must be a number.", "TaxAmountValidator")
        if strict or line.get("accountRef") is not None:
            self._known(line.get("accountRef"), self._accounts, f"{where}.accountRef", kind)
        if line.get("taxRateRef") is not None:
            self._known(line["taxRateRef"], self._tax_rates, f"{where}.taxRateRef", kind)
        self._tracking_of(line.get("trackingRefs"), where)
        return net or _ZERO, tax or _ZERO

    def _tracking_of(self, references: Any, where: str) -> None:  # noqa: ANN401 - JSON
        if references is None:
            return
        if not isinstance(references, list) or len(references) > MAX_TRACKING:
            self._wrong(f"{where}.trackingRefs holds at most {MAX_TRACKING}.", "TrackingValidator")
            return
        for reference in references:
            self._known(reference, self._tracking, f"{where}.trackingRefs", None)

    def _known(self, value: Any, known: Mapping[str, Any] | None, where: str, kind: object) -> None:  # noqa: ANN401 - JSON
        identifier = _reference(value)
        if identifier is None:
            return self._wrong(f"{where} must have an id.", "ReferenceValidator")
        if known is None:
            return None
        if identifier not in known:
            return self._wrong(f"{where}: {identifier!r} does not exist in the company's books.", "ReferenceValidator")
        if known[identifier].get("hasChildren"):
            return self._wrong(f"{where}: {identifier!r} has others below it.", "ReferenceValidator")
        valid = known[identifier].get("validTransactionTypes")
        if kind is not None and valid and kind not in valid:
            return self._wrong(f"{where}: {identifier!r} does not take a {kind}.", "TransactionTypeValidator")
        return None


def _number(value: object) -> Decimal | None:
    """Return a JSON number as a decimal; None for anything else, and for numbers of absurd magnitude."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > MAX_MAGNITUDE or len(digits) > MAX_MAGNITUDE:
        return None
    return number


def _reference(value: object) -> str | None:
    identifier = value.get("id") if isinstance(value, dict) else None
    return identifier if isinstance(identifier, str) and identifier else None


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value
