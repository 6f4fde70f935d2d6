"""Dates as people and spreadsheets write them, read only in an order that somebody has stated.

Nothing is guessed: `03/04/2017` needs an order, `3-Apr-2017` and `2017-04-03` do not. Where several stated
formats read a text differently, it is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from runner.intake.codes import Code
from runner.intake.mapping.problem import Problem

ORDERS: Final[Mapping[str, str]] = {"day-first": "dmy", "month-first": "mdy", "year-first": "ymd"}
SERIALS: Final = ("excel", "excel-1904", "excel-swapped")
YEARS: Final = range(1900, 2200)
MAX_DATE: Final = 64

_EXCEL: Final = date(1899, 12, 30)
_EXCEL_1904: Final = date(1904, 1, 1)
_SERIAL: Final = re.compile(r"([0-9]{5})(?:[.,]([0-9]{1,12}))?")
_SERIAL_RANGE: Final = range(20_000, 80_000)
"""Days that a spreadsheet's serial number can stand for: from 1954 to 2118."""
_TIME: Final = (
    r"(?:(?:T| |, )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_ISO: Final = re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})" + _TIME)
_THREE: Final = re.compile(
    r"(?P<one>[0-9]{1,4}|[^\W\d_]{3,12}\.?)[ ./,-]{1,2}(?P<two>[0-9]{1,2}|[^\W\d_]{3,12}\.?)[ ./,-]{1,2}"
    r"(?P<three>[0-9]{1,4})" + _TIME
)
_TOKENS: Final = {
    "yyyy": r"(?P<y>[0-9]{4})",
    "yy": r"(?P<y>[0-9]{2})",
    "mmmm": r"(?P<m>[^\W\d_]{3,12}\.?)",
    "mmm": r"(?P<m>[^\W\d_]{3,12}\.?)",
    "mm": r"(?P<m>[0-9]{2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "dd": r"(?P<d>[0-9]{2})",
    "d": r"(?P<d>[0-9]{1,2})",
}
_TOKEN: Final = re.compile("|".join(_TOKENS))
_EXAMPLE: Final = date(2024, 3, 31)
_PARTS: Final = {
    "yyyy": "2024", "yy": "24", "mmmm": "March", "mmm": "Mar", "mm": "03", "m": "3", "dd": "31", "d": "31",
}  # fmt: skip
"""The example's parts."""
_ENGLISH: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class DateFormatWrong(ValueError):
    """A format that cannot be used; its text says why."""


class DateReader:
    """Reads dates in the stated formats: `day-first`, `month-first`, `year-first`, `excel`, or a pattern.

    A pattern is made of d, dd, m, mm, mmm, mmmm, yy, yyyy and the signs between them, such as `dd.mm.yyyy`; a
    time may always follow. `months` are names besides the English ones. Raises `DateFormatWrong`.
    """

    def __init__(self, formats: Sequence[str], months: Mapping[str, int] | None = None) -> None:
        self._months = _english() | dict(months or {})
        orders = [ORDERS[each] for each in formats if each in ORDERS]
        if len(orders) > 1:
            raise DateFormatWrong("only one of day-first, month-first and year-first: otherwise 03/04 is two days")
        self._order = orders[0] if orders else None
        readers = [self._reader(each) for each in formats]
        self._readers: list[Callable[[str], str | None]] = [_iso, *readers]
        if self._order is None:
            # A month's name and a year of four digits leave nothing to decide.
            self._readers.append(self._in_words)
        self._stated = " or ".join(formats)
        example = " or ".join(dict.fromkeys(map(_example, formats))) or _EXAMPLE.isoformat()
        self.wanted = f"a date written {self._stated or 'as year-month-day'}, such as {example}"
        """What a cell should have, with an example in the stated formats."""

    def read(self, text: str) -> str | Problem:
        """Return a date (`2017-04-03`, with `T09:30:00` and an offset where the text has them), or what is wrong."""
        shown = " ".join(text.split()) if len(text) <= MAX_DATE else ""
        found = {day for each in self._readers if (day := each(shown)) is not None}
        if len(found) == 1:
            return found.pop()
        if found:
            return Problem(Code.DATE_AMBIGUOUS, f"a date that only one of the stated formats ({self._stated}) can read")
        if self._order is None and not self._stated and _THREE.fullmatch(shown):
            wanted = 'a date whose order the profile states: format = "day-first" or "month-first"'
            return Problem(Code.DATE_AMBIGUOUS, wanted)
        return Problem(Code.DATE_UNREADABLE, self.wanted)

    def _reader(self, stated: str) -> Callable[[str], str | None]:
        if stated in ORDERS:
            return self._in_order
        if stated in SERIALS:
            return lambda text: _serial(text, stated)
        pattern = _compiled(stated)
        return lambda text: self._by_pattern(pattern, text)

    def _by_pattern(self, pattern: re.Pattern[str], text: str) -> str | None:
        found = pattern.fullmatch(text)
        return None if found is None else self._day(found["y"], found["m"], found["d"], found)

    def _in_words(self, text: str) -> str | None:
        return self._three(text, order=None)

    def _in_order(self, text: str) -> str | None:
        return self._three(text, order=self._order)

    def _three(self, text: str, *, order: str | None) -> str | None:
        found = _THREE.fullmatch(text)
        if found is None:
            return None
        parts = [found["one"], found["two"], found["three"]]
        named = [index for index, part in enumerate(parts) if not part.isdigit()]
        if len(named) > 1:
            return None
        if named:
            month = parts.pop(named[0])
            years = [part for part in parts if len(part) == 4]
            if len(years) == 1:
                year, day = years[0], parts[1 - parts.index(years[0])]
            elif order is None:
                return None
            else:
                year, day = (parts[0], parts[1]) if order == "ymd" else (parts[1], parts[0])
            return self._day(year, month, day, found)
        if order is None:
            return None
        said = dict(zip(order, parts, strict=True))
        return self._day(said["y"], said["m"], said["d"], found)

    def _day(self, year: str, month: str, day: str, found: re.Match[str]) -> str | None:
        number = int(month) if month.isdigit() else self._months.get(month.rstrip(".").casefold())
        if number is None or len(day) > 2 or (len(month) > 2 and month.isdigit()):
            return None
        return _written(year, number, int(day), found)


def _example(stated: str) -> str:
    """Return a day as a format has it."""
    if stated in SERIALS:
        day = _EXAMPLE.replace(day=3, month=4) if stated == "excel-swapped" else _EXAMPLE
        return str((day - (_EXCEL_1904 if stated == "excel-1904" else _EXCEL)).days)
    pattern = {"day-first": "dd/mm/yyyy", "month-first": "mm/dd/yyyy", "year-first": "yyyy/mm/dd"}.get(stated, stated)
    return _TOKEN.sub(lambda found: _PARTS[found[0]], pattern.lower())


def _english() -> dict[str, int]:
    names = {name: number for number, name in enumerate(_ENGLISH, start=1)}
    return names | {name[:3]: number for name, number in names.items()} | {"sept": 9}


def _iso(text: str) -> str | None:
    found = _ISO.fullmatch(text)
    return None if found is None else _written(found["y"], int(found["m"]), int(found["d"]), found)


def _written(year: str, month: int, day: int, found: re.Match[str]) -> str | None:
    if len(year) not in {2, 4}:
        return None
    # The century as POSIX has it: 69 to 99 are the last one's.
    whole = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 69 else 1900)
    if whole not in YEARS:
        return None
    try:
        text = date(whole, month, day).isoformat()
    except ValueError:
        return None
    return text if found["hour"] is None else _with_time(text, found)


def _with_time(day: str, found: re.Match[str]) -> str | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    zone = found["zone"] or ""
    if zone in {"Z", "UTC", "GMT"}:
        zone = "+00:00"
    elif zone:
        zone = f"{zone[:3]}:{zone[-2:]}"
        if int(zone[1:3]) > 14 or int(zone[4:]) > 59:
            return None
    return f"{day}T{hour:02}:{minute:02}:{second:02}{zone}"


def _serial(text: str, kind: str) -> str | None:
    found = _SERIAL.fullmatch(text)
    if found is None or int(found[1]) not in _SERIAL_RANGE:
        return None
    day = (_EXCEL_1904 if kind == "excel-1904" else _EXCEL) + timedelta(days=int(found[1]))
    if kind == "excel-swapped":
        # A spreadsheet of the other country took the day for the month: only days up to 12 can suffer that.
        if day.day > 12:
            return None
        day = day.replace(month=day.day, day=day.month)
    seconds = 0 if found[2] is None else round(Decimal(f"0.{found[2]}") * 86_400)
    if seconds >= 86_400:
        day, seconds = day + timedelta(days=1), 0
    if not seconds:
        return day.isoformat()
    return f"{day.isoformat()}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _compiled(pattern: str) -> re.Pattern[str]:
    # Runs of letters that touch (ddmmyyyy) must say each digit; between signs one digit may be left out.
    touching = not re.search(r"[^dmyDMY]", pattern)
    parts: list[str] = []
    seen: set[str] = set()
    at = 0
    lower = pattern.lower()
    while at < len(lower):
        found = _TOKEN.match(lower, at)
        if found is None:
            if lower[at].isalnum():
                raise DateFormatWrong(f"{pattern!r}: only d, dd, m, mm, mmm, yy, yyyy and the signs between them")
            parts.append(re.escape(lower[at]))
            at += 1
            continue
        token = found[0]
        if token[0] in seen:
            raise DateFormatWrong(f"{pattern!r} says one part twice")
        seen.add(token[0])
        loose = not touching and token in {"dd", "mm"}
        parts.append(_TOKENS[token[:1]] if loose else _TOKENS[token])
        at = found.end()
    if seen != {"d", "m", "y"}:
        raise DateFormatWrong(f"{pattern!r} must say day, month and year, such as dd/mm/yyyy")
    return re.compile("".join(parts) + _TIME)
