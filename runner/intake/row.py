"""One row's cells to values: everything that is wrong with them is found, not only the first."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Final, Generic, TypeVar

import msgspec

from runner.domain.expense import MAX_TRACKING, ExpenseType, Receipt, RowError
from runner.domain.ids import CompanyId, is_company_id, normal_company
from runner.domain.money import parse_decimal
from runner.domain.row_key import RowKey
from runner.intake.codes import Code, Fault, cut
from runner.intake.currencies import WITHDRAWN, days_of, spendable, was_money, why_no_money
from runner.intake.header import COLUMNS, Header
from runner.intake.receipts import ReceiptFolder, ReceiptRefused

MAX_TEXT: Final = 5_000
MAX_RECEIPTS: Final = 100
MAX_KEY: Final = 200
SEPARATOR: Final = ";"
YEARS: Final = range(1900, 2200)

_TYPES: Final = {each.value.lower(): each for each in ExpenseType}
_NOT_ACCEPTED: Final = {
    "transferin",
    "transferout",
    "adjustmentin",
    "adjustmentout",
    "transfer",
    "adjustment",
}
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPRINTABLE_IN_NOTES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BREAKS: Final = re.compile(r"[ ]*[\t\n\r][\t\n\r ]*")
"""Others, such as U+2028, are in rows that came in as they are: their contents must stay what they were."""
_ONE_LINE: Final = frozenset({"merchant_name", "reference"})
_DATE_AT, _CURRENCY = COLUMNS.index("issue_date"), COLUMNS.index("currency")
_HEAD_REQUIRED: Final = frozenset({"type", "issue_date", "currency"})

T = TypeVar("T")


class Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One good row: the head of an expense (its other rows may fill the gaps) and one line of it."""

    line: int
    company_id: CompanyId
    id: str
    """The `id` cell as written; blank where there is none."""
    type: ExpenseType | None
    issued: str | None
    """The date in ISO 8601 with its offset; a datetime would come back from the scratch table in UTC."""
    currency: str | None
    currency_rate: Decimal | None
    merchant_name: str | None
    contact_id: str | None
    bank_account_id: str | None
    reference: str | None
    notes: str | None
    net_amount: Decimal
    tax_amount: Decimal
    account_id: str
    tax_rate_id: str | None
    tracking_ids: tuple[str, ...]
    invoice_to_id: str | None
    receipts: tuple[Receipt, ...]
    key: RowKey | None = None
    """Which row it was before, if it was rejected and came back."""

    @property
    def issue_date(self) -> datetime | None:
        """The date, aware, with the offset as written."""
        return None if self.issued is None else _moment(self.issued)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong row."""

    company_id: CompanyId | None
    id: str
    errors: tuple[RowError, ...]
    suspects: tuple[str, ...]
    """Texts that may be the id of an expense whose line this row was meant to be: it cannot be told."""
    key: RowKey | None = None
    """As in `Row`."""


class RowReader:
    """Reads rows of one file. What repeats from row to row (dates, currencies, companies) is parsed once."""

    def __init__(self, header: Header, *, file: str, receipts: ReceiptFolder, key_at: int = 0) -> None:
        """Bind to a header; `key_at` is the place of the key in a file that comes back, the last that is read."""
        self.header = header
        self._file = file
        self._receipts = receipts
        self._pick = itemgetter(*header.places)
        self._last = max(key_at, *(place for place in header.places if place < header.width))
        self._companies = _Cache(_company)
        self._types = _Cache(_type)
        self._dates = _Cache(_date)
        self._currencies = _Cache(_currency)
        self._tracking = _Cache(_several)
        if header.company is not None:
            self._companies[""] = header.company

    @property
    def whole_company(self) -> str:
        """The company that the file is named after, where rows do not say it."""
        return self.header.company or ""

    @property
    def skipped(self) -> tuple[tuple[str, int], ...]:
        """None: what has canonical columns has no rules by which rows are skipped."""
        return ()

    def read(self, cells: list[str], line: int) -> Row | Wrong | None:
        """Return the row that these cells make at this line; None for a blank one."""
        spare = self.header.width - len(cells)
        if spare < 0:
            return self._misaligned(Code.TOO_MANY_CELLS, cells, line) if "".join(cells).strip() else None
        if len(cells) <= self._last and "".join(cells).strip():
            return self._misaligned(Code.TOO_FEW_CELLS, cells, line)
        texts = list(map(str.strip, self._pick([*cells, *[""] * (spare + 1)])))
        if not "".join(texts).isprintable():
            texts = _on_one_line(texts)
        (company, own_id, kind, date, currency, rate, merchant, contact, bank, reference, notes) = texts[:11]
        (net, tax, account, tax_rate, tracking, invoice_to, receipts) = texts[11:]
        company_id = self._companies[company]
        type_ = self._types[kind]
        issued = self._dates[date]
        code = self._currencies[currency]
        net_amount = parse_decimal(net)
        tax_amount = parse_decimal(tax) if tax else _ZERO
        currency_rate = parse_decimal(rate) if rate else None
        tracking_ids = self._tracking[tracking] or ()
        joined = "".join(texts)
        if (
            company_id is None
            or net_amount is None
            or tax_amount is None
            or not (type_ and issued and code and account)
            or (rate and not (currency_rate and currency_rate > 0))
            or len(tracking_ids) > MAX_TRACKING
            or receipts
            or code in WITHDRAWN
            or len(joined) > MAX_TEXT
            or not joined.isprintable()
        ):
            found, faults = self._examine(texts)
            if faults or company_id is None or net_amount is None or tax_amount is None:
                return None if not joined and not "".join(cells).strip() else self._wrong(texts, faults, line)
        else:
            found = ()
        return Row(
            line, company_id, own_id, type_, issued, code, currency_rate,
            merchant or None, contact or None, bank or None, reference or None, notes or None,
            net_amount, tax_amount, account, tax_rate or None, tracking_ids, invoice_to or None, found,
        )  # fmt: skip

    def key_texts(self, row: Row, _cells: Sequence[str]) -> tuple[str, ...]:
        """Return what a row's key has beside what every row has: the card or account."""
        return () if row.bank_account_id is None else (row.bank_account_id,)

    def named(self, error: RowError) -> RowError:
        """Return an error that came of putting rows together: it names the file's own column already."""
        return error

    def _examine(self, texts: Sequence[str]) -> tuple[tuple[Receipt, ...], list[Fault]]:
        """Look at a row that is not plainly right, cell by cell; return its receipts and all its faults."""
        has_id = bool(texts[1])
        faults: list[Fault] = []
        receipts: tuple[Receipt, ...] = ()
        for column, text in zip(COLUMNS, texts, strict=True):
            if column == "receipts":
                receipts = self._find_receipts(text, faults)
                continue
            fault = self._fault(column, text, has_id=has_id) or _text_fault(column, text)
            if fault is not None:
                faults.append(fault)
        code, issued = self._currencies[texts[_CURRENCY]], self._dates[texts[_DATE_AT]]
        if code is not None and issued is not None and not was_money(code, issued[:10]):
            expected = f"a currency of that day; {code} was one {days_of(code)}"
            faults.append(Fault(Code.CURRENCY_UNKNOWN, "currency", cut(texts[_CURRENCY]), expected))
        return receipts, faults

    def _fault(self, column: str, text: str, *, has_id: bool) -> Fault | None:
        if not text:
            # A later row of an expense may leave out what another row says; merging sees to the rest.
            optional = column not in _EXPECTED or (has_id and column in _HEAD_REQUIRED)
            optional = optional or (column == "company_id" and self.header.company is not None)
            return None if optional else Fault(Code.VALUE_MISSING, column, "", _EXPECTED[column])
        fault = self._code(column, text)
        if fault is None:
            return None
        code, wanted = fault
        return Fault(code, column, cut(text), wanted or _EXPECTED[column])

    def _code(self, column: str, text: str) -> tuple[Code, str | None] | None:
        found: tuple[Code, str | None] | None = None
        match column:
            case "company_id" if self._companies[text] is None:
                found = Code.COMPANY_ID_MALFORMED, None
            case "type" if self._types[text] is None:
                found = _type_code(text)
            case "issue_date" if self._dates[text] is None:
                found = Code.DATE_UNREADABLE, None
            case "currency" if self._currencies[text] is None:
                found = Code.CURRENCY_UNKNOWN, _EXPECTED["currency"] + why_no_money(text)
            case "net_amount" | "tax_amount" if parse_decimal(text) is None:
                found = Code.AMOUNT_UNREADABLE, _EXPECTED["net_amount"]
            case "currency_rate" if not (parse_decimal(text) or 0) > 0:
                found = Code.RATE_UNREADABLE, "a number above zero such as 1.0842"
            case "tracking_ids" if len(_several(text)) > MAX_TRACKING:
                found = Code.TOO_MANY_TRACKING_IDS, f"at most {MAX_TRACKING} ids, separated by {SEPARATOR}"
            case _:
                pass
        return found

    def _find_receipts(self, text: str, faults: list[Fault]) -> tuple[Receipt, ...]:
        paths = _several(text)
        if len(paths) > MAX_RECEIPTS:
            expected = f"at most {MAX_RECEIPTS} files, separated by {SEPARATOR}"
            faults.append(Fault(Code.TOO_MANY_RECEIPTS, "receipts", str(len(paths)), expected))
            return ()
        found: dict[str, Receipt] = {}
        for path in paths:
            try:
                receipt = self._receipts.find(path)
            except ReceiptRefused as refused:
                faults.append(refused.fault)
            else:
                found[receipt.path] = receipt
        return tuple(found.values())

    def _wrong(self, texts: Sequence[str], faults: Sequence[Fault], line: int) -> Wrong:
        company_id, own_id = self._companies[texts[0]], texts[1]
        errors = tuple(self._error(fault, texts, line) for fault in faults)
        return Wrong(company_id, own_id, errors, () if company_id or not own_id else (own_id,))

    def _misaligned(self, code: Code, cells: list[str], line: int) -> Wrong:
        # From some cell on, each may stand in another column: nothing in the row can be trusted to be what it
        # seems, so every cell may be the id of the expense that this line belongs to.
        texts = {cell.strip(): None for cell in cells}
        blank = [""] * self.header.width
        aligned = [*(*cells, *blank)[: self.header.width], ""]
        company, own_id = known = [aligned[place].strip() for place in self.header.places[:2]]
        fault = misaligned(code, len(cells), self.header.width)
        company_id = self._companies[company]
        suspects = tuple(text for text in texts if text and len(text) <= MAX_TEXT)
        return Wrong(company_id, own_id, (self._error(fault, known, line),), suspects)

    def _error(self, fault: Fault, texts: Sequence[str], line: int) -> RowError:
        company_id = self._companies[texts[0]]
        return row_error(fault, file=self._file, line=line, company_id=company_id, own_id=texts[1])


def misaligned(code: Code, cells: int, width: int) -> Fault:
    """Return what is wrong with a row that has more or fewer cells than its header has columns."""
    how = "put values that contain the separator in quotes"
    if code is Code.TOO_FEW_CELLS:
        how = "the row may have been cut off, or lack a separator"
    return Fault(code, None, f"{cells} cells", f"{width} cells as in the header; {how}")


def row_error(fault: Fault, *, file: str, line: int, company_id: CompanyId | None, own_id: str) -> RowError:
    """Return a fault as an error of a file's row; `own_id` is its `id` cell, blank where there is none."""
    return RowError(
        file=file,
        line=line,
        code=str(fault.code),
        column=fault.column,
        value=fault.value,
        expected=fault.expected,
        company_id=company_id,
        expense=own_id[:MAX_KEY] or None,
        expense_key=expense_key(own_id, line),
    )


def expense_key(own_id: str, line: int) -> str:
    """Return what all errors of one expense have in common, within a company and file."""
    return own_id[:MAX_KEY] or f"line {line}"


def expected(column: str) -> str:
    """Return what a required column wants, as an instruction."""
    return _EXPECTED[column]


class _Cache(dict[str, T | None], Generic[T]):
    """Parsed texts; None for one that is wrong. Bounded: a file may hold any number of different ones."""

    LIMIT = 10_000

    def __init__(self, parse: Callable[[str], T | None]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> T | None:
        if len(text) > MAX_KEY:
            return self._parse(text)  # nothing long is kept
        if len(self) >= self.LIMIT:
            for oldest in list(self)[1 : self.LIMIT // 2]:  # the first stands for the file's own company
                del self[oldest]
        value = self[text] = self._parse(text)
        return value


def _company(text: str) -> CompanyId | None:
    return normal_company(text) if is_company_id(text) else None


def _type(text: str) -> ExpenseType | None:
    return _TYPES.get(text.lower())


def _currency(text: str) -> str | None:
    code = text.upper()
    return code if text.isascii() and code in spendable() else None


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _date(text: str) -> str | None:
    if _DATE.fullmatch(text) is None or int(text[:4]) not in YEARS:
        return None
    try:
        issued = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (issued.replace(tzinfo=UTC) if issued.tzinfo is None else issued).isoformat()


def _several(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for each in text.split(SEPARATOR) if (part := each.strip())))


def _on_one_line(texts: list[str]) -> list[str]:
    """Return a row's texts with blanks for line breaks and tabs in texts of one line: Alt+Enter is no error there."""
    return [
        " ".join(_BREAKS.split(text)) if name in _ONE_LINE and not text.isprintable() else text
        for name, text in zip(COLUMNS, texts, strict=True)
    ]


def _type_code(text: str) -> tuple[Code, str | None]:
    if text.lower().replace("_", "").replace(" ", "").replace("-", "") in _NOT_ACCEPTED:
        return (
            Code.TYPE_NOT_ACCEPTED,
            _EXPECTED["type"] + "; Codat has refused transfers and adjustments as expenses since 2024",
        )
    return Code.TYPE_UNKNOWN, None


def _text_fault(column: str, text: str) -> Fault | None:
    if len(text) > MAX_TEXT:
        return Fault(Code.TEXT_TOO_LONG, column, cut(text), f"at most {MAX_TEXT:,} characters, this has {len(text):,}")
    found = (_UNPRINTABLE_IN_NOTES if column == "notes" else _UNPRINTABLE).search(text)
    if found is None:
        return None
    expected = f"text without control characters (character {found.start() + 1} is U+{ord(found[0]):04X})"
    return Fault(Code.CONTROL_CHARACTER, column, cut(text), expected)


_ZERO: Final = Decimal(0)
_EXPECTED: Final = {
    "company_id": "the company's id at Codat: letters, digits, hyphens and underscores",
    "type": "one of " + ", ".join(ExpenseType),
    "issue_date": "a date as year-month-day, such as 2024-03-31, or a full ISO 8601 time",
    "currency": "a currency code of three letters (ISO 4217), such as EUR",
    "net_amount": "a plain number with a point before the cents and no other signs, such as 1234.56",
    "account_id": "the account's id, nominal code or name in the accounting software",
}
