"""Whether a calendar expression is one that systemd understands, and when it comes next."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

_PATIENCE: Final = 10.0
_WORDS: Final = frozenset(
    {"minutely", "hourly", "daily", "monthly", "weekly", "yearly", "annually", "quarterly", "semiannually"}
)
_DAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_DAYS: Final = re.compile(rf"{_DAY}(?:\.\.{_DAY})?(?:,{_DAY}(?:\.\.{_DAY})?)*,?", re.IGNORECASE)
_ZONE: Final = re.compile(r"UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+")
_FIELD: Final = re.compile(r"(?P<first>\d+(?:\.\d+)?)(?:\.\.(?P<last>\d+(?:\.\d+)?))?(?:/(?P<step>\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an expression."""

    wrong: str | None
    """Why it is none."""
    next_run: str | None
    """In systemd's words; None where systemd is not here to ask."""


def ask(expression: str) -> Answer:
    """Ask systemd where it is installed; else check the syntax here, by the rules of systemd.time(7)."""
    program = shutil.which("systemd-analyze")
    if program is None or not expression.strip() or expression.startswith("-"):
        return Answer(check(expression), None)
    asked = [program, "calendar", expression]
    try:
        # A list of arguments and no shell: the expression is nothing but one argument.
        ended = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return Answer(check(expression), None)
    if ended.returncode:
        return Answer((ended.stderr.strip() or "systemd does not understand it").splitlines()[0], None)
    found = re.search(r"^ *Next elapse: (?P<when>.+)$", ended.stdout, re.MULTILINE)
    return Answer(None, found["when"].strip() if found else "never")


def check(expression: str) -> str | None:
    """Return what is wrong with an expression; None where it has the form `[days] [date] [time] [zone]`.

    Stricter than systemd where that is lenient, so that nothing that passes here is refused there.
    """
    text = expression.strip()
    parts = text.split()
    if not parts:
        return "It is empty."
    if len(parts) > 1 and _ZONE.fullmatch(parts[-1]):
        parts.pop()
    if len(parts) == 1 and parts[0].lower() in _WORDS:
        return None
    if parts and _DAYS.fullmatch(parts[0]):
        parts.pop(0)
        if not parts:
            return None
    kinds = ["time" if ":" in part else "date" for part in parts]
    if kinds not in (["date"], ["time"], ["date", "time"]):
        return f"{text!r} is not of the form [days] [date] [time] [zone], such as: Mon..Fri 01:30"
    wrong = (_date(part) if kind == "date" else _time(part) for part, kind in zip(parts, kinds, strict=True))
    return next((each for each in wrong if each is not None), None)


def _date(text: str) -> str | None:
    parts = text.replace("~", "-").split("-")
    if len(parts) not in {2, 3}:
        return f"{text!r} is no date: write year-month-day, such as *-*-01."
    ranges = [(1970, 2200), (1, 12), (1, 31)][3 - len(parts) :]
    return _fields(text, parts, ranges)


def _time(text: str) -> str | None:
    parts = text.split(":")
    if len(parts) not in {2, 3}:
        return f"{text!r} is no time: write hour:minute, such as 01:30."
    return _fields(text, parts, [(0, 23), (0, 59), (0, 59)][: len(parts)])


def _fields(text: str, parts: list[str], ranges: list[tuple[int, int]]) -> str | None:
    for part, (least, most) in zip(parts, ranges, strict=True):
        if not all(_is_field(each, least, most) for each in part.split(",")):
            return f"{part!r} in {text!r} is not between {least} and {most}, or not written as a number, * or a range."
    return None


def _is_field(text: str, least: int, most: int) -> bool:
    if text == "*":
        return True
    found = _FIELD.fullmatch(text.replace("*/", f"{least}/", 1) if text.startswith("*/") else text)
    if found is None:
        return False
    first, last, step = float(found["first"]), float(found["last"] or found["first"]), float(found["step"] or 1)
    return least <= first <= last <= most and step > 0
