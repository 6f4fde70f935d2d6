"""Amounts as people write them: separators, currency signs, and the many ways to say less than zero."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from runner.domain.money import MAX_WHOLE_DIGITS, parse_decimal
from runner.intake.codes import Code
from runner.intake.currencies import minor_units
from runner.intake.mapping.problem import Problem

MAX_NUMBER: Final = 64
THOUSANDS: Final = (",", ".", " ", "'")

_SIGNS: Final = r"US\$|A\$|AU\$|C\$|CA\$|NZ\$|HK\$|S\$|R\$|[£€¥₹₽₩₪฿₫₴₦$]|kr\.?|zł|Kč|Ft|lei|[A-Z]{3}"
_LONG: Final = "\u2013"
_HYPHENS: Final = "\u2010\u2011\u2212\ufe63\uff0d"
_NORMAL: Final = str.maketrans(
    {
        **dict.fromkeys(_HYPHENS, "-"),
        **dict.fromkeys("\u2012\u2014\u2015\ufe58", _LONG),
        **dict.fromkeys("\u2018\u2019\u02bc\u2032\u00b4", "'"),
        "\uff0b": "+",
    }
)
_SHOWS: Final[Mapping[str, frozenset[str]]] = {
    "£": frozenset({"GBP", "GIP", "FKP", "SHP", "EGP", "LBP", "SYP", "SSP", "SDG", "IEP", "CYP"}),
    "€": frozenset({"EUR"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
    "₽": frozenset({"RUB"}),
    "₩": frozenset({"KRW", "KPW"}),
    "₪": frozenset({"ILS"}),
    "US$": frozenset({"USD"}),
    "A$": frozenset({"AUD"}),
    "AU$": frozenset({"AUD"}),
    "C$": frozenset({"CAD", "NIO"}),
    "CA$": frozenset({"CAD"}),
    "NZ$": frozenset({"NZD"}),
    "HK$": frozenset({"HKD"}),
    "S$": frozenset({"SGD"}),
    "R$": frozenset({"BRL"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK", "EEK"}),
    "zł": frozenset({"PLN", "PLZ"}),
    "Kč": frozenset({"CZK", "CSK"}),
    "Ft": frozenset({"HUF"}),
    "lei": frozenset({"RON", "MDL", "ROL"}),
}
_DOLLARS: Final = frozenset({"MXN", "ARS", "CLP", "COP", "UYU", "CUP", "DOP", "TOP"})


@dataclass(frozen=True, slots=True)
class Number:
    """An amount as it was written."""

    magnitude: Decimal
    """Zero or more."""
    negative: bool
    """By a minus before or behind it, or by parentheses."""
    mark: str
    """`CR`, `DR`, or blank."""
    currency: str
    """The currency's sign or code that stood beside it; blank where there was none."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written in one file."""

    decimal: str = "."
    thousands: str | None = None
    """None where no separator may stand between thousands."""
    lakh: bool = False
    """Whether, above the last three digits, it stands between pairs: `1,00,000.00`."""


class NumberReader:
    """Reads amounts of one format."""

    def __init__(self, style: NumberFormat) -> None:
        self._style = style
        self._pattern = _pattern(style)
        # Nearly all amounts are written plainly; what is not takes the long way, with the same result.
        self._plain = re.compile(rf"(-?)([£€]?)({_whole(style)}(?:{re.escape(style.decimal)}[0-9]{{0,9}})?)")
        self._drop = str.maketrans({style.decimal: "."} | ({style.thousands: ""} if style.thousands else {}))

    def read(self, text: str) -> Number | Problem:
        """Return the amount that a cell holds, or what is wrong with it."""
        plain = self._plain.fullmatch(text)
        if plain is not None and len(text) <= MAX_WHOLE_DIGITS:
            minus, currency, written = plain.groups()
            return Number(Decimal(written.translate(self._drop)), minus == "-", "", currency)
        shown = " ".join(text.translate(_NORMAL).split()) if len(text) <= MAX_NUMBER else ""
        found = self._pattern.fullmatch(shown)
        if found is None:
            return self._unreadable()
        signs = [found["before"], found["inner"], found["behind"]]
        minus = [sign for sign in signs if sign]
        bracketed = found["open"] is not None
        if bracketed != (found["close"] is not None) or len(minus) + bracketed > 1:
            return self._unreadable()
        mark = (found["mark"] or "").upper()
        negative = bracketed or "-" in minus or _LONG in minus
        currencies = {each for each in (found["left"], found["right"]) if each}
        digits = found["number"]
        # A long dash behind whole units, or any in a price, stands for the cents as often as for a minus.
        either = found["behind"] == _LONG or (currencies and found["behind"] == "-")
        if len(currencies) > 1 or (mark and negative) or (either and self._style.decimal not in digits):
            return self._unreadable()
        if self._style.thousands is not None:
            digits = digits.replace(self._style.thousands, "")
        magnitude = parse_decimal(digits.replace(self._style.decimal, ".").rstrip(f"-={_LONG}"))
        if magnitude is None:
            return self._unreadable()
        return Number(magnitude, negative, mark, currencies.pop() if currencies else "")

    def _unreadable(self) -> Problem:
        between = self._style.thousands or ""
        whole = between.join(["1", "23", "456"] if self._style.lakh else ["1", "234"])
        example = f"{whole}{self._style.decimal}56"
        return Problem(Code.AMOUNT_UNREADABLE, f"an amount such as {example}")


def whole_number(style: NumberFormat) -> str:
    """Return the pattern of what may stand before the decimal sign."""
    if style.thousands is None:
        return "[0-9]+"
    between = re.escape(style.thousands)
    if style.lakh:
        return rf"(?:[0-9]{{1,2}}(?:{between}[0-9]{{2}})*{between}[0-9]{{3}}|[0-9]+)"
    # Groups of three only: in 12.5 a point that separates thousands is a decimal point misread.
    return rf"(?:[0-9]{{1,3}}(?:{between}[0-9]{{3}})+|[0-9]+)"


def _whole(style: NumberFormat) -> str:
    # In 0,125 the comma separates no thousands, whatever the format says.
    never = "" if style.thousands is None else rf"(?!0+{re.escape(style.thousands)})"
    return never + whole_number(style)


def _pattern(style: NumberFormat) -> re.Pattern[str]:
    point = re.escape(style.decimal)
    sign = rf"[+{_LONG}-]"
    # A dash in the place of the cents says that there are none: it is never a sign, nor does one follow it.
    cents = rf"[0-9]+|[{_LONG}=-]{{1,2}}(?! ?{sign})|(?! ?{sign})"
    # And one in the place of the whole units, as price tags have it, is no more of a sign: `-.50` may be either.
    below_one = rf"(?<![{_LONG}-])(?<![{_LONG}-] ){point}[0-9]+|{point}(?:[0-9]|[0-9]{{3,}})(?![0-9])"
    number = rf"(?P<number>{_whole(style)}(?:{point}(?:{cents}))?|{below_one})"
    return re.compile(
        rf"(?P<open>\()? ?(?P<before>{sign})? ?(?P<left>{_SIGNS})? ?(?P<inner>{sign})? ?{number} ?(?P<behind>{sign})? ?"
        rf"(?P<right>{_SIGNS})? ?(?P<close>\))?(?: ?(?P<mark>[Cc][Rr]|[Dd][Rr]))?"
    )


@lru_cache(maxsize=1024)
def contradicts(sign: str, currency: str) -> bool:
    """Say whether a sign or code beside an amount belongs to another currency than this one (ISO 4217)."""
    if sign == "$":
        return not (currency.endswith("D") or currency in _DOLLARS)
    if (shows := _SHOWS.get(sign.rstrip("."))) is not None:
        return currency not in shows
    return len(sign) == 3 and sign.isascii() and sign.isalpha() and sign != currency


@lru_cache(maxsize=1024)
def minor_digits(currency: str) -> int:
    """Return how many digits a currency has behind the point; 2 for one that is not known."""
    return minor_units().get(currency, 2)


def too_fine(amount: Decimal, allowed: int) -> bool:
    """Say whether an amount has more digits behind the point than allowed, zeros aside.

    Exactly three digits are never excused, zeros or not: `1.500` is as likely to be fifteen hundred.
    """
    exponent = amount.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    if digits <= allowed:
        return False
    if digits == 3:
        return True
    return amount != amount.quantize(Decimal(1).scaleb(-allowed))
