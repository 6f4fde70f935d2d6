"""What is odd about the rows of one file beside one another: sums among them, and numbers that were never amounts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from runner.domain.money import canonical
from runner.domain.suspicion import ENOUGH, Oddity
from runner.domain.totals import FEWEST, RunningSums, Said, total_said

SHOWN: Final = 3
"""Rows that are named; all are counted."""
_TOO_LONG: Final = 10**12
"""The first number of 13 digits: as article and account numbers have, and hardly any amount."""
_LONG: Final = 7
"""Digits from which on this may be so, where all rows have as many and none has cents."""
_AS_LONG: Final = 10
"""Digits from which on one has as many as the other: so long is no amount of everyday in any currency."""
_REMEMBERED: Final = 1_000
_KEPT: Final = 100
"""Currencies that are looked at."""


class OddRow(NamedTuple):
    """One row that a person should look at."""

    line: int
    company: str
    expense: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class OddRows:
    """All rows of a file that are odd in the same way."""

    oddity: Oddity
    count: int
    examples: tuple[OddRow, ...]
    """The first of them."""


@dataclass(slots=True)
class _Found:
    count: int = 0
    examples: list[OddRow] = field(default_factory=list)

    def add(self, row: OddRow, times: int = 1) -> None:
        self.count += times
        if len(self.examples) < SHOWN:
            self.examples.append(row)


@dataclass(slots=True)
class _Numbering:
    """The amounts of one currency, as long as they may all be references, account numbers or days."""

    first: OddRow
    digits: int
    rows: int = 0
    days: int = 0
    round: int = 0
    """Whole hundreds: large prices mostly are, and numbers that count or name something hardly ever."""
    too_long: int = 0
    seen: Counter[int] = field(default_factory=Counter)

    def add(self, number: int) -> None:
        self.rows += 1
        self.too_long += number >= _TOO_LONG
        self.days += _is_day(number)
        self.round += number % 100 == 0
        if len(self.seen) < _REMEMBERED:
            self.seen[number] += 1

    @property
    def odd(self) -> bool:
        """Whether these are enough to tell: all different, as amounts hardly are, or all days."""
        different = len(self.seen) * 20 >= sum(self.seen.values()) * 19 and self.round * 5 < self.rows
        return self.rows >= ENOUGH and (different or self.days == self.rows)


class RowsSeen:
    """Looks at the expenses of one file, in file order; memory does not grow with them."""

    def __init__(self) -> None:
        self._sums = RunningSums()
        self._totals, self._amounts = _Found(), _Found()
        self._numbering: dict[str, _Numbering | None] = {}
        self._rows = 0
        self._last: OddRow | None = None
        """The last row, where it would be a total only if none stands below it."""

    def see(
        self, *, line: int, company: str, expense: str, currency: str, amount: Decimal, texts: Mapping[str, str | None]
    ) -> None:
        """Look at one expense, what comes back being below zero; texts by their columns."""
        self._last = None
        self._rows += 1
        rows = self._sums.rows_above(company, currency, amount)
        told = Said.NOTHING
        for column, text in texts.items():
            if text and (told := total_said(text)) is not Said.NOTHING:
                row = OddRow(line, company, expense, column, text)
                if told is Said.TOTAL:
                    self._totals.add(row)
                    self._last = None
                    break
                # A single row with such a word is a purchase; below others it may add them up.
                self._last = row if self._rows >= FEWEST else None
        if rows > 1 and told is not Said.TOTAL:
            self._look_at_sum(OddRow(line, company, expense, "net_amount", canonical(amount)), rows)
        number = int(amount)
        if self._numbering.get(currency, self) is not None or not -_TOO_LONG < number < _TOO_LONG:
            self._look_at_number(OddRow(line, company, expense, "net_amount", canonical(amount)), currency, amount)

    def _look_at_sum(self, row: OddRow, rows: int) -> None:
        row = row._replace(value=f"{row.value} is the sum of {rows} rows above")
        if rows >= FEWEST:
            self._totals.add(row)
            self._last = None
        else:
            self._last = row

    def _look_at_number(self, row: OddRow, currency: str, amount: Decimal) -> None:
        number = abs(int(amount))
        digits = min(len(str(number)), _AS_LONG)
        if number >= _TOO_LONG:
            self._amounts.add(row)
        known = self._numbering.setdefault(currency, _Numbering(row, digits) if len(self._numbering) < _KEPT else None)
        if known is None:
            return
        if digits < _LONG or number != abs(amount) or known.digits != digits:
            self._numbering[currency] = None
            return
        known.add(number)

    def found(self) -> Sequence[OddRows]:
        """Return what is odd, once all has been seen."""
        if self._last is not None:
            self._totals.add(self._last)
        for each in self._numbering.values():
            if each is not None and each.odd and each.rows > each.too_long:
                self._amounts.add(each.first, each.rows - each.too_long)
        told = ((Oddity.SUSPICIOUS_AMOUNT, self._amounts), (Oddity.TOTAL_ROW, self._totals))
        return tuple(OddRows(oddity, each.count, tuple(each.examples)) for oddity, each in told if each.count)


def _is_day(number: int) -> bool:
    year, rest = divmod(number, 10_000)
    if not 1990 <= year < 2100:
        return False
    try:
        date(year, *divmod(rest, 100))
    except ValueError:
        return False
    return True
