"""Amounts and times as people read them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from runner.domain.money import canonical
from runner.intake.currencies import minor_units

_USUAL: Final = 2


def money(amount: Decimal, currency: str) -> str:
    """Write an amount with the digits of its currency, and more where it has more: nothing is rounded."""
    own = len(canonical(amount).partition(".")[2])
    return f"{amount:,.{max(minor_units().get(currency, _USUAL), own)}f}"


def moneys(amounts: Iterable[tuple[str, Decimal]], *, most: int | None = None) -> str:
    """Write amounts of several currencies in one line; of more than `most` the rest is counted."""
    return " · ".join(listed(amounts, most=most))


def listed(amounts: Iterable[tuple[str, Decimal]], *, most: int | None = None) -> list[str]:
    """Write amounts of several currencies, each on its own; of more than `most` the rest is counted."""
    found = [f"{money(amount, currency)} {currency}" for currency, amount in amounts]
    if most is not None and len(found) > most + 1:
        found[most:] = [f"{len(found) - most} more currencies"]
    return found


def moment(iso: str | None) -> str:
    """Write a time of the journal to the second: `2026-01-31 09:05:00`, always UTC."""
    return "" if iso is None else iso[:19].replace("T", " ")


def seconds_between(begun: str, ended: str | None) -> float | None:
    """Return how long it took; None where it has not ended."""
    if ended is None:
        return None
    return (at(ended) - at(begun)).total_seconds()


def at(iso: str) -> datetime:
    """Read a time of the journal, with or without its offset; it is UTC."""
    read = datetime.fromisoformat(iso)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
