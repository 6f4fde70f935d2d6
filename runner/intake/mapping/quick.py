"""Amounts as most rows write them, in whole pennies: what `MoneyReader` finds in a fifth of its time, or nothing.

Only what needs no judgement is dealt with here: an amount above zero in a currency with two digits, both of them
written, with its tax beside it or a known rate. Everything else (money that comes back, faults, other currencies) goes
the long way; a test holds both to the same result.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from runner.domain.money import MAX_WHOLE_DIGITS
from runner.intake.mapping.numbers import contradicts, minor_digits, whole_number
from runner.intake.mapping.problem import fold
from runner.intake.mapping.profile import Amounts
from runner.intake.plain import Known

_DIGITS: Final = 2
_Part = tuple[int, int]
"""How much of an amount is its tax: numerator and denominator."""


class QuickMoney:
    """Reads the plain amounts of one file's rows; `places` says where each role's cell stands."""

    def __init__(self, rule: Amounts, places: Mapping[str, int]) -> None:
        self._rule = rule
        self._gross = "gross" in places
        self._main = places.get("gross", places.get("net", -1))
        self._tax = places.get("tax")
        self._code = places.get("tax_code") if rule.tax_rates is not None else None
        self._match = _pattern(rule).fullmatch
        self._thousands = rule.style.thousands or ""
        self._fits: Known[tuple[str, str], bool] = Known(lambda key: self._fitting(*key))
        self._parts: Known[str, _Part | None] = Known(self._part)
        self.usable = len(places.keys() - {"tax", "tax_code"}) == 1 and bool({"gross", "net"} & places.keys())
        """Whether the profile's columns are such that any row may be dealt with here."""

    def read(self, cells: Sequence[str], *, currency: str) -> tuple[str, str] | None:
        """Return net and tax amount as texts; None for a row that needs a closer look."""
        spent = self._spent(cells[self._main], currency)
        if not spent:
            return None
        if self._tax is not None:
            tax = self._spent(cells[self._tax], currency)
            if tax is None or tax > spent:
                return None
            return _written(spent - tax if self._gross else spent), _written(tax)
        part = self._parts[cells[self._code] if self._code is not None else ""]
        if part is None:
            return None
        if self._gross and not part[0]:
            return _written(spent), "0"
        tax = self._rounded(spent * part[0], part[1])
        return _written(spent - tax if self._gross else spent), _written(tax)

    def _spent(self, cell: str, currency: str) -> int | None:
        """Return what a cell says was spent in hundredths; None for anything that is not plain."""
        found = self._match(cell)
        if found is None or len(cell) > MAX_WHOLE_DIGITS or not self._fits[found[1], currency]:
            return None
        return int(found[2].replace(self._thousands, "") + found[3])

    def _fitting(self, sign: str, currency: str) -> bool:
        code = currency.upper()
        if sign and code and contradicts(sign, code):
            return False
        allowed = self._rule.decimals
        return minor_digits(code) == _DIGITS and (allowed is None or allowed >= _DIGITS)

    def _part(self, code: str) -> _Part | None:
        rate = self._rule.tax_rate
        if self._rule.tax_rates is not None:
            found = self._rule.tax_rates.values.get(fold(code), self._rule.tax_rates.otherwise)
            if found is None:
                return None
            percent = Fraction(found)
        else:
            percent = Fraction(rate or 0)
        if percent < 0:
            return None
        part = percent / (100 + percent) if self._gross else percent / 100
        return part.numerator, part.denominator

    def _rounded(self, over: int, under: int) -> int:
        """Return `over / under`, rounded as the profile says."""
        whole, rest = divmod(over, under)
        match self._rule.rounding:
            case "ROUND_DOWN":
                up = False
            case "ROUND_HALF_EVEN":
                up = 2 * rest > under or (2 * rest == under and whole % 2 == 1)
            case _:
                up = 2 * rest >= under
        return whole + up


def _pattern(rule: Amounts) -> re.Pattern[str]:
    minus = "-" if rule.spending == "negative" else ""
    return re.compile(rf"{minus}([£€]?)({whole_number(rule.style)}){re.escape(rule.style.decimal)}([0-9]{{{_DIGITS}}})")


def _written(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"
