"""Who an expense is: the same row has the same id on every machine, in every run and in every file order.

Two things are derived here, both without any input or output:

- the *content hash*: SHA-256 over a canonical writing of all that would reach the books. Equal amounts
written
  differently (`12.5`, `12.50`), equal instants in different zones and re-ordered lines hash equally. The id
  and the receipts are not content: the id names the expense, and receipts are attached to it afterwards.
- the *id*: a UUID from the file is used as it is; other text becomes a UUIDv5 of the company and that text;
an
  expense without an id becomes a UUIDv5 of its company, its content and its occurrence number, so that two
  equal purchases in one file stay two.

Changing anything in this module would give known expenses new ids, and the books every one of them twice.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Protocol
from uuid import UUID

from runner.domain.expense import ExpenseType
from runner.domain.ids import CompanyId, ExpenseId, is_uuid
from runner.domain.money import canonical

NAMESPACE: Final = UUID("7c0f6a52-3f0b-5d0e-9a55-6b1d2c8e4f13")
"""Of all ids made here; never to be changed."""
FORMAT: Final = "expense/1"
"""First element of the canonical writing: a new format is no new content."""

_BETWEEN, _ESCAPE = "\x1f", "\x1b"


class Head(Protocol):
    """What all lines of an expense have in common."""

    @property
    def type(self) -> ExpenseType | None: ...  # noqa: D102 -- named by Expense
    @property
    def issue_date(self) -> datetime | None: ...  # noqa: D102
    @property
    def currency(self) -> str | None: ...  # noqa: D102
    @property
    def currency_rate(self) -> Decimal | None: ...  # noqa: D102
    @property
    def merchant_name(self) -> str | None: ...  # noqa: D102
    @property
    def contact_id(self) -> str | None: ...  # noqa: D102
    @property
    def bank_account_id(self) -> str | None: ...  # noqa: D102
    @property
    def reference(self) -> str | None: ...  # noqa: D102
    @property
    def notes(self) -> str | None: ...  # noqa: D102


class LineContent(Protocol):
    """What one line says."""

    @property
    def net_amount(self) -> Decimal: ...  # noqa: D102 -- named by ExpenseLine
    @property
    def tax_amount(self) -> Decimal: ...  # noqa: D102
    @property
    def account_id(self) -> str: ...  # noqa: D102
    @property
    def tax_rate_id(self) -> str | None: ...  # noqa: D102
    @property
    def tracking_ids(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def invoice_to_id(self) -> str | None: ...  # noqa: D102


def canonical_content(head: Head, lines: Sequence[LineContent]) -> bytes:
    """Write what would reach the books so that equal content is equal bytes.

    It is UTF-8 text: the head's fields, then each line's, with U+001F between them; a field that is not there is
    blank. Lines are sorted by their own writing, so that their order in the file does not matter, and so are the
    tracking ids within one. Should a field contain the separator, it is escaped (a row from a file never does).
    """
    issued, rate = head.issue_date, head.currency_rate
    written = _joined(
        (
            FORMAT,
            head.type or "",
            "" if issued is None else _in_utc(issued),
            head.currency or "",
            "" if rate is None else canonical(rate),
            head.merchant_name or "",
            head.contact_id or "",
            head.bank_account_id or "",
            head.reference or "",
            head.notes or "",
        )
    )
    rest = _line(lines[0]) if len(lines) == 1 else _BETWEEN.join(sorted(map(_line, lines)))
    return f"{written}{_BETWEEN}{rest}".encode("utf-8", "surrogatepass")


def _line(line: LineContent) -> str:
    net, tax, tracking = canonical(line.net_amount), canonical(line.tax_amount), line.tracking_ids
    refs = (line.account_id, line.tax_rate_id or "", line.invoice_to_id or "")
    if not tracking:
        return _joined((net, tax, *refs, "0"))
    return _joined((net, tax, *refs, str(len(tracking)), *sorted(tracking)))


def _joined(fields: tuple[str, ...]) -> str:
    text = _BETWEEN.join(fields)
    if text.count(_BETWEEN) >= len(fields) or _ESCAPE in text:
        return _BETWEEN.join(field.replace(_ESCAPE, _ESCAPE + "e").replace(_BETWEEN, _ESCAPE + "b") for field in fields)
    return text


@lru_cache(maxsize=4096)
def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def content_digest(head: Head, lines: Sequence[LineContent]) -> bytes:
    """Return the SHA-256 (32 bytes) of the canonical content."""
    return hashlib.sha256(canonical_content(head, lines)).digest()


def named_id(company_id: CompanyId, text: str) -> ExpenseId:
    """Return the id of an expense whose row has this text (not blank) in its `id` cell."""
    if is_uuid(text):
        return ExpenseId(text.lower())
    return _uuid5(f"{company_id}\nid\n{text}")


def unnamed_id(company_id: CompanyId, *, content: bytes, occurrence: int) -> ExpenseId:
    """Return the id of an expense without one, from its content hash.

    `occurrence` counts from 1 over the expenses of the same company and content within one file. It does not
    count over files: a file staged again under another name must give the same ids.
    """
    return _uuid5(f"{company_id}\ncontent\n{content.hex()}\n{occurrence}")


def returned_id(origin: str, line: int) -> ExpenseId:
    """Return the id of an expense whose row was wrong in a file (a digest of its bytes) and came back corrected."""
    return _uuid5(f"row\n{origin}\n{line}")


def _uuid5(name: str) -> ExpenseId:
    """Return `uuid.uuid5(NAMESPACE, name)`, written without building a UUID object (a third of the time)."""
    hashing = _in_namespace.copy()
    hashing.update(name.encode())
    digest = hashing.hexdigest()
    return ExpenseId(
        f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"
    )


_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_in_namespace: Final = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
