"""Money without binary floats: exact decimals, and the two integers the journal can add up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

MAX_WHOLE_DIGITS = 15
MAX_FRACTION_DIGITS = 9
NANOS = 10**MAX_FRACTION_DIGITS
_EXACT: Final = Context(prec=100)
"""Sums of many amounts have more digits than the 28 to which Python rounds."""

_WRITTEN = re.compile(
    rf"[+-]?(?:[0-9]{{1,{MAX_WHOLE_DIGITS}}}(?:\.[0-9]{{0,{MAX_FRACTION_DIGITS}}})?|\.[0-9]{{1,{MAX_FRACTION_DIGITS}}})"
).fullmatch


def parse_decimal(text: str) -> Decimal | None:
    """Read a plain decimal number with a point, digits kept as written; None if it is not one.

    Refused on purpose: exponents (nine bytes of `1e5000000` format to five million characters), NaN and
    infinities, underscores, digits of other scripts, more than 15 digits before or 9 after the point.
    """
    return None if _WRITTEN(text) is None else Decimal(text)


def canonical(amount: Decimal) -> str:
    """Write an amount so that equal amounts are equal texts: `12.50` and `12.5` are both `12.5`, `-0` is `0`."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", "", "-"} else text


def split(amount: Decimal) -> tuple[int, int]:
    """Return an amount as (whole units, billionths of a unit), both with the amount's sign.

    Sums of the billionths fit SQLite's 64-bit integers for any journal; whole units are added in two
    parts (`whole_units`).
    """
    scaled = int(amount.scaleb(MAX_FRACTION_DIGITS))
    if scaled >= 0:
        units, nanos = divmod(scaled, NANOS)
        return units, nanos
    units, nanos = divmod(-scaled, NANOS)
    return -units, -nanos


def whole_units(billions: int, units: int) -> int:
    """Return whole units of which the billions were added apart from the rest."""
    return int(billions * NANOS + units)


def split_units(units: int) -> tuple[int, int]:
    """Return the billions in whole units, and the rest, both with their sign: what `whole_units` puts together."""
    billions, rest = divmod(abs(units), NANOS)
    return (billions, rest) if units >= 0 else (-billions, -rest)


def join(units: int, nanos: int) -> Decimal:
    """Return the amount that `split` took apart, or the sum of several."""
    return added(Decimal(units), Decimal(nanos).scaleb(-MAX_FRACTION_DIGITS))


def added(one: Decimal, other: Decimal) -> Decimal:
    """Return the sum of two amounts, every digit of it."""
    return _EXACT.add(one, other)


@dataclass(frozen=True, slots=True)
class Sum:
    """How many expenses, and how much money of one currency."""

    count: int
    amount: Decimal

    def __add__(self, other: "Sum") -> "Sum":
        """Return both together."""
        return Sum(self.count + other.count, added(self.amount, other.amount))


NOTHING = Sum(0, Decimal(0))


def total(sums: Iterable[Sum]) -> Sum:
    """Add sums of one currency."""
    result = NOTHING
    for each in sums:
        result += each
    return result
