"""Plain rows in bulk: one expense of one line each, whose cells ask for no second look.

What is not plain is not judged here: it goes to `RowReader`, which knows everything that can be wrong. What is given
out is the same in every bit as what that one makes of the row.
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Final, Generic, NamedTuple, TypeVar

from runner.domain.expense import MAX_TRACKING, Expense, ExpenseType, Receipt
from runner.domain.identity import FORMAT
from runner.domain.ids import CompanyId, ExpenseId
from runner.domain.money import MAX_FRACTION_DIGITS, MAX_WHOLE_DIGITS, canonical
from runner.intake.header import COLUMNS, Header
from runner.intake.merge import make_expense
from runner.intake.row import MAX_TEXT, Row, RowReader
from runner.intake.spill import Chunk

Opening = tuple[str, str, str]
"""Type, date (ISO 8601 with its offset), currency."""
Refs = tuple[str, str | None, tuple[str, ...], str | None]
"""Account, tax rate, tracking ids, customer."""
_Number = tuple[str, str, Decimal]
"""As the wire takes it, in its canonical writing, and its value."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Plain(NamedTuple):
    """One plain expense; texts that are not there are blank."""

    id: ExpenseId
    company_id: CompanyId
    own_id: str
    """The `id` cell as written."""
    line: int
    content_hash: bytes
    gross: Decimal
    opening: Opening
    refs: Refs
    numbers: tuple[str, str, str]
    """Net and tax amount, and the rate, with the digits as written, as JSON takes them."""
    texts: tuple[str, str, str, str, str]
    """Merchant, contact, bank account, reference, notes: without any character that JSON would have to escape."""

    @property
    def rows(self) -> int:
        """How many rows it stands in."""
        return 1

    @property
    def named(self) -> bool:
        """Whether the file gave it an id."""
        return bool(self.own_id)

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """None: a row with receipts is not plain."""
        return ()

    @property
    def head(self) -> Row:
        """The row."""
        kind, issued, currency = self.opening
        net, tax, rate = self.numbers
        merchant, contact, bank, reference, notes = self.texts
        return Row(
            self.line, self.company_id, self.own_id, ExpenseType(kind), issued, currency,
            Decimal(rate) if rate else None, merchant or None, contact or None, bank or None, reference or None,
            notes or None, Decimal(net), Decimal(tax), *self.refs, (),
        )  # fmt: skip

    @property
    def members(self) -> Sequence[Row]:
        """The row."""
        return (self.head,)

    @property
    def expense(self) -> Expense:
        """The expense itself."""
        head = self.head
        return make_expense(head, (head,), expense_id=self.id)


class PlainReader:
    """Reads the plain ones of one file's rows. What repeats from row to row is parsed, and written, once."""

    def __init__(self, header: Header, rows: RowReader) -> None:
        places = dict(zip(COLUMNS, header.places, strict=True))
        self._own_id = places["id"]
        self._pick = itemgetter(*(places[each] for each in COLUMNS[2:-1]))
        self._heads: Known[Opening, tuple[Opening, str] | None] = Known(lambda key: _head(rows, key))
        self._ends: Known[tuple[str, str, str, str], tuple[Refs, str] | None] = Known(lambda key: _end(rows, key))
        self._taxes: Known[str, _Number | None] = Known(lambda text: _number(text.strip() or "0"))
        self._rates: Known[str, tuple[str, str] | None] = Known(_rate)

    def read(self, chunk: Chunk) -> list[Plain | None]:
        """Return an expense for each row, None for a row that is not plain."""
        found: list[Plain | None] = []
        clean, own, pick, heads, ends = chunk.clean, self._own_id, self._pick, self._heads, self._ends
        taxes, rates, is_amount, hashing, make = self._taxes, self._rates, _is_amount, _new_hash, tuple.__new__
        for line, company, id_, digest, cells in zip(
            chunk.lines, chunk.companies, chunk.ids, chunk.digests, chunk.rows, strict=True
        ):
            (kind, date, currency, rate_, merchant, contact, bank, reference, notes,
             net, tax_, account, tax_rate, tracking, invoice) = pick(cells)  # fmt: skip
            head, end, tax, rate = (
                heads[kind, date, currency], ends[account, tax_rate, tracking, invoice], taxes[tax_], rates[rate_]
            )  # fmt: skip
            if not (head and end and tax and rate and is_amount(net) and (clean or _is_clean(cells))):
                found.append(None)
                continue
            merchant, contact, bank = merchant.strip(), contact.strip(), bank.strip()
            reference, notes = reference.strip(), notes.strip()
            hashed = digest
            if not digest:
                written = net.rstrip("0").rstrip(".") if "." in net else net
                content = hashing()
                # As `runner.domain.identity` writes it; a test compares them.
                content.update(
                    f"{head[1]}{rate[1]}\x1f{merchant}\x1f{contact}\x1f{bank}\x1f{reference}\x1f{notes}\x1f"
                    f"{'0' if written == '-0' else written}\x1f{tax[1]}{end[1]}".encode()
                )
                hashed = content.digest()
            found.append(make(Plain, (
                id_, company, cells[own].strip(), line, hashed, Decimal(net) + tax[2], head[0], end[0],
                (net, tax[0], rate[0]), (merchant, contact, bank, reference, notes),
            )))  # fmt: skip
        return found


class Known(dict[K, V], Generic[K, V]):
    """What texts were found to mean. Bounded: a file may hold any number of different ones."""

    LIMIT = 10_000
    LONGEST = 400

    def __init__(self, parse: Callable[[K], V]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, key: K) -> V:
        value = self._parse(key)
        if (sum(map(len, key)) if isinstance(key, tuple) else len(str(key))) > self.LONGEST:
            return value  # nothing long is kept
        if len(self) >= self.LIMIT:
            self.clear()
        self[key] = value
        return value


def _is_clean(cells: Sequence[str]) -> bool:
    text = "".join(cells)
    return len(text) <= MAX_TEXT and text.isprintable() and '"' not in text and "\\" not in text


def _head(rows: RowReader, key: Opening) -> tuple[Opening, str] | None:
    """Return what these cells of the columns type, date and currency say, and how the content of an expense begins."""
    kind, issued, currency = rows.opening(*map(str.strip, key))
    if not (kind and issued and currency):
        return None
    moment = datetime.fromisoformat(issued).astimezone(UTC).isoformat()
    return (str(kind.value), issued, currency), f"{FORMAT}\x1f{kind.value}\x1f{moment}\x1f{currency}\x1f"


def _end(rows: RowReader, key: tuple[str, str, str, str]) -> tuple[Refs, str] | None:
    """Return what a row says beside its amounts, and how the content of an expense ends."""
    if not _is_clean(key):
        return None
    account, tax_rate, tracking, invoice_to = map(str.strip, key)
    tracking_ids = rows.tracking(tracking)
    if not account or len(tracking_ids) > MAX_TRACKING:
        return None
    end = "\x1f".join(("", account, tax_rate, invoice_to, str(len(tracking_ids)), *sorted(tracking_ids)))
    return (account, tax_rate or None, tracking_ids, invoice_to or None), end


def _number(text: str) -> _Number | None:
    if not _is_amount(text):
        return None
    value = Decimal(text)
    return text, canonical(value), value


def _rate(text: str) -> tuple[str, str] | None:
    if not (text := text.strip()):
        return "", ""
    number = _number(text)
    return number[:2] if number is not None and number[2] > 0 else None


_new_hash: Final = hashlib.sha256().copy
_is_amount: Final = re.compile(
    rf"-?(?:0|[1-9][0-9]{{0,{MAX_WHOLE_DIGITS - 1}}})(?:\.[0-9]{{1,{MAX_FRACTION_DIGITS}}})?"
).fullmatch
"""Numbers that are written as JSON writes them; others are right as well, but not plain."""
