"""Numbers in words: plurals, sizes and lengths of time."""

from typing import Final

_IRREGULAR: Final = {"company": "companies", "is": "are", "has": "have", "it": "them"}


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, `1 row` or `1,200 rows`; of several words the first is counted."""
    first, *others = noun.split(" ")
    return " ".join([f"{count:,}", first if count == 1 else plural(first), *others])


def plural(word: str) -> str:
    """Return the plural of a word."""
    return _IRREGULAR.get(word, f"{word}s")


def megabytes(size: int) -> str:
    """Return a size in bytes as megabytes, small ones not rounded to nothing."""
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 or not size else f"{size / 1_000:,.1f} kB"


def lasting(seconds: float) -> str:
    """Return a length of time in the two largest units that it has: `45 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`."""
    whole = max(1, round(seconds)) if seconds > 0 else 0
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{value} {unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s")) if value]
    return " ".join(parts[:2]) or "0 s"
