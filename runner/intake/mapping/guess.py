"""What the columns of an unknown file may mean, and what of it is certain."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from runner.intake.currencies import spendable
from runner.intake.mapping.dates import ORDERS, DateReader
from runner.intake.mapping.numbers import Number, NumberFormat, NumberReader, too_fine
from runner.intake.mapping.problem import fold
from runner.intake.mapping.sample import Rows
from runner.intake.mapping.words import ACCOUNTS, CARDS, WORDS

_NEVER: Final[Mapping[str, re.Pattern[str]]] = {
    # A name that holds a word of one meaning and says another: 'Net Amount' is no gross, 'VAT Rate' no tax amount.
    "gross": re.compile(
        r"\b(?:net|nett|netto|sub ?total)\b"
        r"|^(?!.*\b(?:inc|incl|including|inclusive|gross|brutto|with)\b)"
        r".*\b(?:vat|tax|gst|mwst|tva|iva|btw|moms|mva|ust|exc?|excl|excluding|without)\b"
    ),
    "tax": re.compile(
        r"%|\b(?:inc|incl|including|inclusive|with|exc?|excl|excluding|without|before|after|net|gross|code|rate|number"
        r"|no|nr|reg|id|idnr|type|treatment|status|inkl|satz|steuersatz|schlüssel|taux|tarief|percentage|sats|aliquota"
        r"|tipo)\b"
    ),
    "tax_code": re.compile(
        r"\b(?:amount|total|betrag|value|inc|incl|including|with|exc?|excl|excluding|without|before|after|net|gross"
        r"|number|no|reg)\b"
    ),
    # Numbers of somebody or something that many rows have in common, even where a short sample shows each once.
    "id": re.compile(
        r"^(?!.*\b(?:transaction|trans|txn|expense|booking|entry)\b)"
        r".*\b(?:gläubiger|glaeubiger|creditor|créancier|creancier|mandat\w*|mandaat\w*|incassant|account|konto\w*|compte"
        r"|cuenta|conto|rekening\w*|iban|bic|swift|kunden?\w*|customer|client\w*|klant\w*|cliente|member|merchant|supplier"
        r"|vendor|company|entity|employee|user|holder|card|kart\w*|carte|vat|tax|ust|device|terminal|batch|report|group"
        r"|category)\b"
    ),
    "receipts": re.compile(
        r"#|\b(?:number|no|nr|id|date|status|missing|required|amount|total|type|size|ref|reference|currency)\b"
    ),
}
_FEE: Final = re.compile(
    r"\b(?:fees?|gebühr(?:en)?|gebuehr(?:en)?|entgelte?|commissions?|provision|frais|kosten|comisi(?:ó|o)n|commissione"
    r"|avgift|gebyr)\b"
)
_WAYS: Final = (
    {"s", "h"}, {"soll", "haben"}, {"d", "c"}, {"dr", "cr"}, {"d", "k"}, {"debit", "kredit"}, {"debet", "kredit"},
    {"dbit", "crdt"}, {"debit", "credit"}, {"debet", "credit"}, {"débit", "crédit"}, {"debito", "credito"},
    {"débito", "crédito"}, {"af", "bij"}, {"einnahme", "ausgabe"}, {"einnahmen", "ausgaben"}, {"eingang", "ausgang"},
    {"einzahlung", "auszahlung"}, {"in", "out"}, {"money in", "money out"}, {"+", "-"}, {"cargo", "abono"},
    {"dare", "avere"}, {"a", "d"}, {"ind", "ud"}, {"inn", "ut"}, {"expense", "income"}, {"incoming", "outgoing"},
)  # fmt: skip
_INCLUDES_TAX: Final = re.compile(r"\b(?:gross|inc|incl|including|inclusive|total|brutto|bruttobetrag|ttc)\b")
_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("payment", "card payment", "purchase", "purchases", "card purchase", "pos purchase", "online purchase", "sale",
         "charge", "expense", "spend", "debit", "dr"), "Payment",
    ),
    **dict.fromkeys(("refund", "refunds", "card refund", "return", "credit", "credit note", "cr"), "Refund"),
    **dict.fromkeys(("chargeback", "charge back"), "Chargeback"),
    **dict.fromkeys(("reward", "rewards", "cashback", "cash back"), "Reward"),
}  # fmt: skip
_BOUGHT: Final = frozenset(
    {"purchase", "purchases", "card purchase", "pos purchase", "online purchase", "sale", "charge"}
)
_MAX_TYPES: Final = 50
_BANK: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Za-z0-9*]{8,30}|(?=.*[0-9*xX.]{4})[0-9*xX.-]{9,}")
_FILE: Final = re.compile(r"(?!.*://).*\.[A-Za-z][A-Za-z0-9]{1,4}")
_STYLES: Final = (
    *(
        NumberFormat(decimal, thousands)
        for decimal, thousands in ((".", None), (".", ","), (",", None), (",", "."), (",", " "), (".", "'"), (".", " "))
    ),
    NumberFormat(".", ",", lakh=True),
)
_MONEY: Final = ("gross", "net", "tax", "money_out", "money_in")
_USUAL: Final = {".": ",", ",": "."}
_SYMBOLS: Final = {"£": "GBP", "€": "EUR", "US$": "USD", "₹": "INR", "A$": "AUD", "NZ$": "NZD", "zł": "PLN"}
_CODE: Final = re.compile(r"(?:[(\[]|\b(?:in|en|i) |[_ ])([A-Z]{3})[)\]]?$")
_ONLY_TOTAL: Final = re.compile(r"(?:grand |sub)?totals?:?|summe:?|gesamt(?:betrag|summe)?:?", re.IGNORECASE)
_TOTAL: Final = re.compile(r"(?:grand |sub)?total\b.*|summe\b.*|gesamt\b.*", re.IGNORECASE)


@dataclass(slots=True)
class Dates:
    """How a column's dates are written."""

    formats: tuple[str, ...]
    undecided: str = ""
    note: str = ""
    choices: tuple[tuple[str, ...], ...] = ()
    """Where it is undecided, the formats that are possible."""


@dataclass(slots=True)
class Amount:
    """How a column's amounts are written."""

    style: NumberFormat
    negative: int = 0
    """How many are below zero, credits included."""
    count: int = 0
    unmarked: int = 0
    """How many are neither zero nor marked CR or DR: those whose sign counts."""
    minus: int = 0
    """How many of these are below zero."""
    zero: int = 0
    currencies: Counter[str] = field(default_factory=Counter)
    undecided: str = ""


def header_place(rows: Rows) -> int:
    """Return the position of the row that is most likely the header."""

    def score(place: int) -> float:
        cells = [fold(cell) for cell in rows[place][0]]
        filled = [cell for cell in cells if cell]
        if len(filled) < 2:
            return -1.0
        known = sum(
            any(cell == word or cell.startswith(word) for words in WORDS.values() for word in words) for cell in filled
        )
        values = sum(any(sign.isdigit() for sign in cell) for cell in filled)
        return known * 3 + len(filled) - values * 4 - place * 0.1 - (len(filled) - len(set(filled)))

    return max(range(min(len(rows), 60)), key=score, default=0)


def assign(header: Sequence[str], columns: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the most likely column for each meaning; `columns` are the values below the header."""
    names = [_bare(name) for name in header]
    found: dict[str, int] = {}
    for meaning, words in WORDS.items():
        for place, exact in _by_name(names, words).items():
            if place in found.values() or (meaning in _NEVER and _NEVER[meaning].search(names[place])):
                continue
            if _plausible(meaning, columns[place], exact=exact):
                found[meaning] = place
                break
    if "currency" not in found:
        found |= _currency_by_values(columns, set(found.values()))
    if "type" not in found:
        found |= _type_by_values(columns, set(found.values()))
    if ("money_out" in found) != ("money_in" in found) or "gross" in found or "net" in found:
        # A single column of debits is an amount like any other.
        alone = found.pop("money_out", None) if "money_in" not in found else None
        if alone is not None and not {"gross", "net"} & found.keys():
            found["gross"] = alone
        # And one of credits alone tells what came in only: not a single expense.
        if {"gross", "net"} & found.keys() or "money_out" not in found:
            found.pop("money_out", None)
            found.pop("money_in", None)
    return found


def _type_by_values(columns: Sequence[Sequence[str]], taken: Collection[int]) -> dict[str, int]:
    """Return a column of nothing but such words: whatever it is called, it says what each row is."""
    for place, values in enumerate(columns):
        kinds = types_of(values)
        if place not in taken and len(kinds) > 1 and all(kinds.values()):
            return {"type": place}
    return {}


def _currency_by_values(columns: Sequence[Sequence[str]], taken: Collection[int]) -> dict[str, int]:
    """Return the one column of nothing but currency codes: two, as of an amount and of a fee, tell nothing."""
    places = [
        place
        for place, values in enumerate(columns)
        if place not in taken and (filled := [each.strip() for each in values if each.strip()])
        if all(each in spendable() for each in filled)
    ]
    return {"currency": places[0]} if len(places) == 1 else {}


def moved_on(header: Sequence[str], columns: Sequence[Sequence[str]], found: Mapping[str, int]) -> list[int]:
    """Return the columns of the card or account that the money moved on; where none is, that of its holder."""
    free = [
        place for place in range(len(header)) if place not in {at for name, at in found.items() if name != "holder"}
    ]
    names = [_bare(name) for name in header]
    once = [place for place in free if names.count(names[place]) == 1 and any(map(str.strip, columns[place]))]
    cards = [place for place in once if names[place] in CARDS]
    own = [place for place in once if names[place] in ACCOUNTS and _few(columns[place])]
    holder = [found["holder"]] if "holder" in found else []
    return cards or own[:1] or holder


def _few(values: Sequence[str]) -> bool:
    """Say whether a column has hardly any values, and one in each row: the other side's account changes."""
    texts = [value.strip() for value in values]
    return all(texts) and (len(set(texts)) == 1 or len(set(texts)) * 4 <= len(texts))


def currency_named(name: str) -> str:
    """Return the currency whose code or sign a column's name has, as in `Betrag (EUR)`; blank where it has none."""
    found = _CODE.search(name.strip())
    if found is not None and found[1] in spendable():
        return found[1]
    return next((code for sign, code in (("£", "GBP"), ("€", "EUR")) if sign in name), "")


def _bare(name: str) -> str:
    return " ".join(re.sub(r"[*£€$().:_/-]+", " ", fold(name)).split())


def _by_name(names: Sequence[str], words: Sequence[str]) -> dict[int, bool]:
    """Return the columns whose names hold one of the words, and whether they are that word; the likeliest first."""
    exact = [place for word in words for place, name in enumerate(names) if name == word]
    inside = [place for word in words for place, name in enumerate(names) if re.search(rf"\b{re.escape(word)}\b", name)]
    return dict.fromkeys(exact, True) | dict.fromkeys((place for place in inside if place not in exact), False)


def includes_tax(name: str) -> bool:
    """Say whether a column's name tells that its amounts include the tax."""
    return bool(_INCLUDES_TAX.search(_bare(name)))


def names_fee(name: str) -> bool:
    """Say whether a column's name is that of a fee."""
    return bool(_FEE.search(_bare(name)))


def tells_way(values: Sequence[str]) -> bool:
    """Say whether a column holds nothing but the words by which files tell money that comes from money that goes."""
    words = {key for value in values if (key := _bare(value) or value.strip())}
    return bool(words) and any(words <= pair for pair in _WAYS)


def types_of(values: Sequence[str]) -> dict[str, str]:
    """Return the type of each folded value; blank for one that is not clear."""
    kinds = {key: _TYPES.get(_bare(key), "") for value in values if (key := fold(value))}
    if "payment" in kinds and any(_bare(key) in _BOUGHT for key in kinds):
        # Beside purchases, a payment is often the one that settles the card's own bill, and no expense.
        kinds["payment"] = ""
    return kinds


def _is_type(values: Sequence[str], *, exact: bool) -> bool:
    kinds = types_of(values)
    if not kinds or len(kinds) > _MAX_TYPES:
        return False
    known = sum(bool(kind) for kind in kinds.values())
    return known * 2 >= len(kinds) or (exact and _share(list(kinds), _is_number) < 0.5)


def _names_files(text: str) -> bool:
    return all(_FILE.fullmatch(part.strip()) for part in text.split(";") if part.strip())


def _plausible(meaning: str, values: Sequence[str], *, exact: bool) -> bool:
    filled = [value for value in values if value.strip()]
    if not filled:
        return meaning not in {"issue_date", "type", "gross", "net", "currency", "id", "tax", "tax_code"} and (
            meaning != "receipts" or exact
        )
    tests: dict[str, Callable[[], bool]] = {
        "type": lambda: _is_type(filled, exact=exact),
        "receipts": lambda: _share(filled, _names_files) > 0.5,
        "issue_date": lambda: _share(filled, _has_digits) > 0.8,
        "tax_code": lambda: len(set(map(fold, filled))) <= 20 and _share(filled, _is_money) <= 0.7,
        "currency": lambda: _share(filled, lambda text: text.strip().upper() in spendable()) > 0.7,
        # Accounts of a bank and cards: the books' own have fewer digits.
        "account_id": lambda: _share(filled, lambda text: bool(_BANK.fullmatch("".join(text.split())))) < 0.5,
        "merchant_name": lambda: _share(filled, _is_number) < 0.5,
        "notes": lambda: _share(filled, _is_number) < 0.5,
        **{each: lambda: _share(filled, _is_number) > 0.7 for each in _MONEY},
    }
    return meaning not in tests or tests[meaning]()


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(test(value) for value in values) / len(values)


def _has_digits(text: str) -> bool:
    return any(sign.isdigit() for sign in text) and len(text) <= 40


def _is_number(text: str) -> bool:
    return any(isinstance(NumberReader(style).read(text), Number) for style in _STYLES)


def _is_money(text: str) -> bool:
    return _is_number(text) and bool(re.search(r"[.,][0-9]{2}\b", text))


def dates_of(values: Sequence[str]) -> Dates:
    """Return how these dates are written, as far as they tell."""
    texts = list(dict.fromkeys(" ".join(value.split()) for value in values if value.strip()))[:500]
    plain, serial = DateReader(()), DateReader(("excel",))
    rest = [text for text in texts if not isinstance(plain.read(text), str)]
    serials = [text for text in rest if isinstance(serial.read(text), str)]
    rest = [text for text in rest if text not in set(serials)]
    formats = ("excel",) if serials else ()
    # What no order can read is a broken date, and says nothing of the others.
    broken = [text for text in rest if not any(_reads(order, [text]) for order in ORDERS)]
    if len(broken) * 5 <= len(texts):
        rest = [text for text in rest if text not in set(broken)]
    if not rest:
        return Dates(formats, note="year first" if not serials else "")
    fits = [order for order in ORDERS if _reads(order, rest)]
    if len(fits) == 1:
        note = f"{fits[0]} fits every date of the sample, and no other order does"
        swapped = _swapped(rest, serials, fits[0])
        chosen = (fits[0], *formats)
        return Dates(chosen, swapped, note, _possible(fits, serials)) if swapped else Dates(chosen, note=note)
    if fits:
        readers = [DateReader((order,)) for order in fits]
        # 05/05/2017 is the same day in either order, and shows nothing.
        shown = max(rest, key=lambda text: len({reader.read(text) for reader in readers}))
        readings = " or ".join(f"{reader.read(shown)} ({order})" for order, reader in zip(fits, readers, strict=True))
        undecided = f"the order of day and month: {shown} may be {readings}"
        return Dates(formats, undecided, choices=_possible(fits, serials))
    odd = (broken or rest)[0]
    named = ', and months that are not English need their twelve names: [file] months = ["…", …]'
    hint = named if _words(odd) else ""
    return Dates(formats, undecided=f"how dates are written: {odd!r} is not understood, or orders are mixed{hint}")


def _words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{3}", text))


def _possible(orders: Sequence[str], serials: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    numbers: tuple[tuple[str, ...], ...] = (("excel",), ("excel-swapped",)) if serials else ((),)
    return tuple((order, *each) for order in orders for each in numbers)


def _reads(order: str, texts: Sequence[str]) -> bool:
    reader = DateReader((order,))
    return all(isinstance(reader.read(text), str) for text in texts)


def _swapped(texts: Sequence[str], serials: Sequence[str], order: str) -> str:
    """Say whether a spreadsheet seems to have taken days for months: dates that it understood became numbers."""
    if not serials:
        return ""
    reader, serial = DateReader((order,)), DateReader(("excel",))
    late = [day for text in texts if isinstance(day := reader.read(text), str) and int(day[8:10]) <= 12]
    early = [day for text in serials if isinstance(day := serial.read(text), str) and int(day[8:10]) > 12]
    if late or early:
        return ""
    return (
        "whether a spreadsheet has swapped day and month: every date that it turned into a number has a day up to 12, "
        'and no other date has. If so, they are "excel-swapped" instead of "excel"'
    )


def amounts_of(values: Sequence[str]) -> Amount:
    """Return how these amounts are written, as far as they tell."""
    given = [value for value in values if value.strip()]
    texts = [text for text in given if any(_fine(style, text) for style in _STYLES)]
    if len(texts) * 20 < len(given) * 19:
        texts = given
    fits = [style for style in _STYLES if texts and all(_fine(style, text) for text in texts)]
    readings = {style: [_signed(style, text) for text in texts] for style in fits}
    if not fits:
        tolerant = max(_STYLES, key=lambda style: sum(_fine(style, text) for text in texts))
        odd = next((text for text in texts if not _fine(tolerant, text)), "")
        return _counted(tolerant, texts, f"how amounts are written: {odd!r} is not understood" if odd else "")
    chosen = fits[0]
    undecided = ""
    if any(reading != readings[chosen] for reading in readings.values()):
        undecided = "which sign is the decimal one: the sample can be read in two ways"
    if any(chosen.decimal in text for text in texts) and chosen.thousands is None:
        chosen = NumberFormat(chosen.decimal, _USUAL[chosen.decimal])
    return _counted(chosen, texts, undecided)


def _fine(style: NumberFormat, text: str) -> bool:
    number = NumberReader(style).read(text)
    return isinstance(number, Number) and not too_fine(number.magnitude, 2)


def _signed(style: NumberFormat, text: str) -> Decimal | None:
    number = NumberReader(style).read(text)
    if not isinstance(number, Number):
        return None
    return -number.magnitude if number.negative or number.mark == "CR" else number.magnitude


def _counted(style: NumberFormat, texts: Sequence[str], undecided: str) -> Amount:
    result = Amount(style, undecided=undecided)
    for text in texts:
        number = NumberReader(style).read(text)
        if not isinstance(number, Number):
            continue
        result.count += 1
        result.zero += not number.magnitude
        result.negative += number.negative or number.mark == "CR"
        if number.magnitude and not number.mark:
            result.unmarked += 1
            result.minus += number.negative
        sign = number.currency
        if sign:
            result.currencies[_SYMBOLS.get(sign, sign)] += 1
    return result


def names_total(text: str) -> bool:
    """Say whether a cell's text begins as that of a total does."""
    return bool(_TOTAL.fullmatch(text.strip()))


def is_total(cells: Sequence[str]) -> bool:
    """Say whether a row looks like a total: one whose name begins so (a petrol station's too) is as full as others."""
    found = [cell.strip() for cell in cells if names_total(cell)]
    if not found:
        return False
    sparse = sum(bool(cell.strip()) for cell in cells) * 2 <= len(cells)
    return sparse or any(_ONLY_TOTAL.fullmatch(text) for text in found)
