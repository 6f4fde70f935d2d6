"""What makes a right row suspicious: pure rules. Nothing here stops an expense; a person should look at it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from runner.domain.money import canonical

NEAR_DAYS: Final = 3
"""Days between two expenses that may be one purchase reported twice: what booking and value dates differ by."""
AHEAD: Final = timedelta(days=1)
"""A date may be that much ahead: it is already tomorrow elsewhere."""
LONG_AGO: Final = timedelta(days=5 * 366)
ENOUGH: Final = 20
"""Expenses of a company in one currency from which on something can be said about what is usual."""
FAR_OFF: Final = 6
"""Binary digits by which an amount exceeds 19 of 20 others: about 64 times as much."""
LARGE_RECEIPT: Final = 5_000_000
"""Bytes: FreeAgent and Zoho take no more, Xero hardly more."""


class Oddity(StrEnum):
    """Stable words for what is suspicious; scripts and reports rely on them."""

    NEAR_DUPLICATE = "near_duplicate"
    DATE_IN_FUTURE = "date_in_future"
    DATE_LONG_AGO = "date_long_ago"
    RATE_MISSING = "rate_missing"
    TAX_ABOVE_NET = "tax_above_net"
    TAX_AGAINST_NET = "tax_against_net"
    SIGN_AGAINST_TYPE = "sign_against_type"
    AMOUNT_ZERO = "amount_zero"
    AMOUNT_FAR_OFF = "amount_far_off"
    SUSPICIOUS_AMOUNT = "suspicious_amount"
    TOTAL_ROW = "total_row"
    RECEIPT_LARGE = "receipt_large"


class Odd(NamedTuple):
    """One thing about one expense that a person should look at."""

    oddity: Oddity
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Looks:
    """What the rules need to know of one expense."""

    type: str
    issued: datetime
    """Aware."""
    currency: str
    rated: bool
    """Whether it has an exchange rate."""
    lines: Sequence[tuple[Decimal, Decimal]]
    """Net and tax amount of each."""

    @property
    def gross(self) -> Decimal:
        """Net plus tax over all lines."""
        return sum((net + tax for net, tax in self.lines), Decimal(0))


@dataclass(slots=True)
class Habits:
    """What is usual in one company, counted in bounded memory."""

    sizes: dict[str, dict[int, int]] = field(default_factory=dict)
    """By currency: how many amounts have how many binary digits in their whole units."""

    def count(self, currency: str, units: int, times: int = 1) -> None:
        """Count an amount, in whole units of its currency."""
        of_currency = self.sizes.setdefault(currency, {})
        digits = abs(units).bit_length()
        of_currency[digits] = of_currency.get(digits, 0) + times

    def home(self) -> frozenset[str]:
        """Return the currencies that may be the company's own: the most frequent one, or none where several tie.

        Which one it is cannot be known offline; the least that can be said is that the others are foreign.
        """
        counts = {currency: sum(sizes.values()) for currency, sizes in self.sizes.items()}
        most = max(counts.values(), default=0)
        first = [currency for currency, count in counts.items() if count == most]
        return frozenset(first) if len(first) == 1 else frozenset()

    def limits(self) -> Mapping[str, int]:
        """Return, by currency with enough expenses, how many binary digits an amount may have without being odd."""
        return {
            currency: _percentile(sizes) + FAR_OFF
            for currency, sizes in self.sizes.items()
            if sum(sizes.values()) >= ENOUGH
        }


@dataclass(frozen=True, slots=True)
class Usual:
    """What one company's expenses are measured by."""

    home: frozenset[str]
    limits: Mapping[str, int]

    @classmethod
    def of(cls, habits: Habits) -> "Usual":
        """Draw the limits, once all expenses are counted."""
        return cls(habits.home(), habits.limits())


def odd_things(expense: Looks, usual: Usual, *, now: datetime) -> Iterator[Odd]:
    """Yield everything about one expense that a person should look at."""
    yield from _date(expense, now)
    if expense.currency not in usual.home and not expense.rated:
        yield Odd(Oddity.RATE_MISSING, "currency_rate", expense.currency)
    yield from _taxes(expense)
    gross = expense.gross
    if gross < 0:
        # The type says which way the money went; an amount below zero turns that around once more.
        yield Odd(Oddity.SIGN_AGAINST_TYPE, "net_amount", f"{expense.type} of {canonical(gross)}")
    elif gross == 0:
        yield Odd(Oddity.AMOUNT_ZERO, "net_amount", canonical(gross))
    limit = usual.limits.get(expense.currency)
    if limit is not None and abs(int(gross)).bit_length() > limit:
        yield Odd(Oddity.AMOUNT_FAR_OFF, "net_amount", f"{canonical(gross)} {expense.currency}")


def _date(expense: Looks, now: datetime) -> Iterator[Odd]:
    day = expense.issued.date().isoformat()
    if expense.issued > now + AHEAD:
        yield Odd(Oddity.DATE_IN_FUTURE, "issue_date", day)
    elif expense.issued < now - LONG_AGO:
        yield Odd(Oddity.DATE_LONG_AGO, "issue_date", day)


def _taxes(expense: Looks) -> Iterator[Odd]:
    """Yield each kind once, whatever the number of lines."""
    seen = set()
    for net, tax in expense.lines:
        kind = Oddity.TAX_ABOVE_NET if abs(tax) > abs(net) else Oddity.TAX_AGAINST_NET if net * tax < 0 else None
        if kind is not None and kind not in seen:
            seen.add(kind)
            yield Odd(kind, "tax_amount", f"{canonical(tax)} on {canonical(net)}")


def _percentile(sizes: Mapping[int, int]) -> int:
    """Return the size that 19 of 20 do not exceed."""
    left = sum(sizes.values()) * 19 // 20
    for digits in sorted(sizes):
        left -= sizes[digits]
        if left <= 0:
            return digits
    return max(sizes)
