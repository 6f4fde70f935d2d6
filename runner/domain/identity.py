"""Who an expense is: the same row has the same id on every machine, in every run and in every file order.

Four things are derived here, all without any input or output:

- the *content hash*: SHA-256 over a canonical writing of all that would reach the books. Equal amounts
written
  differently (`12.5`, `12.50`), equal instants in different zones and re-ordered lines hash equally. The id
  and the receipts are not content: the id names the expense, and receipts are attached to it afterwards.
- the *cells*: eight bytes that say "this is the same row", whatever a profile reads from it today.
- the *key*: what an expense means, never how it is spelt: company, day, signed amount, currency, merchant, reference,
  card. Rows without an id of their own are paired by it.
- the *id*: a UUID from the file is used as it is; other text becomes a UUIDv5 of the company and that text; an
  expense without an id becomes a UUIDv5 of its company, its key and a number that the journal gives when its file
  comes in, so that two equal purchases stay two.

Changing anything in this module would give known expenses new ids, and the books every one of them twice.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
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


def unnamed_id(company_id: CompanyId, *, key: bytes, number: int) -> ExpenseId:
    """Return the id of an expense without one of its own.

    `key` is what `meaning_key` gave; `number` counts from 1 the expenses of one key in the order in which the journal
    let them in. An id never changes.
    """
    return _uuid5(f"{company_id}\nkey\n{key.hex()}\n{number}")


def meaning_key(company_id: CompanyId, day: str, amount: Decimal, currency: str, texts: Iterable[str | None]) -> bytes:
    """Return what an expense means (16 bytes), for rows that have no id to be told by.

    `day` is the calendar day as written, `amount` is signed and with tax (money out positive); `texts` are merchant,
    reference, the card or account, and what a mapping profile adds.
    """
    folded = _BETWEEN.join([fold(text) if text else "" for text in texts])
    text = f"expense\n{company_id}\n{day}\n{canonical(amount)}\n{currency}\n{folded}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return a text as it is compared: compatible characters alike, no case, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def short_key(key: bytes) -> int:
    """Return the beginning of a key as a signed 64-bit integer, as the journal indexes it beside company and day."""
    return int.from_bytes(key[:8], "big", signed=True)


class CellsDigest:
    """Digests the rows of one file by the names of their columns, in whatever order these stand."""

    def __init__(self, names: Sequence[str], *, company: str = "") -> None:
        """`names` are the column names as written; a column without one is told by its place.

        `company` is what all rows of the file belong to, where no cell says it: equal rows of two companies differ.
        """
        self._beginning = [f"{_BETWEEN}{company}"] if company else []
        folded = [fold(name) or f"#{place}" for place, name in enumerate(names, start=1)]
        self._columns = sorted((name, place) for place, name in enumerate(folded))
        self._width = len(folded)

    def of(self, cells: Sequence[str]) -> int:
        """Return the digest of a row's cells that are not blank, a signed 64-bit integer."""
        width = len(cells)
        parts = self._beginning + [
            f"{name}{_BETWEEN}{text}"
            for name, place in self._columns
            if place < width and (text := cells[place].strip())
        ]
        # What stands beyond the header has no name.
        parts += [text for cell in cells[self._width :] if (text := cell.strip())]
        digest = blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


def cells_of_rows(digests: Sequence[int]) -> int:
    """Return the cells of an expense of several rows, whatever their order; of one row they are its own."""
    if len(digests) == 1:
        return digests[0]
    text = ",".join(map(str, sorted(digests)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


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
