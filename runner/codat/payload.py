"""An expense as Codat takes it: values to JSON, with exact decimals. Pure functions."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import msgspec

from runner.domain.expense import Expense
from runner.domain.identity import Head, LineContent
from runner.domain.ids import (
    ExpenseId,
)

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
