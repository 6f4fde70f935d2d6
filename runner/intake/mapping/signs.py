"""What the signs of an unknown file's amounts mean, as far as they tell."""

import json
from collections.abc import Sequence
from typing import Final

from runner.intake.codes import cut
from runner.intake.mapping.guess import Amount

CLEAR: Final = 5
"""A majority of amounts decides what a sign means where at most one of so many says otherwise."""

Choices = list[tuple[str, list[str]]]
"""Alternatives: a remark, and the lines of each."""

Signs = tuple[str, Choices, str]
"""What is undecided, what it may be, and a remark."""

NOTHING: Final[Choices] = [("", [])]
_EITHER: Final[Choices] = [
    ("what is spent stands above zero", ['spending = "positive"']),
    ("what is spent stands below zero", ['spending = "negative"']),
]


def signs_of_one(read: Amount, counted: Amount, which: str) -> Signs:
    """Return what the signs of one column mean; `counted` are the amounts, called so, that tell it."""
    said = f"{counted.minus:,} of {counted.unmarked:,} {which} are below zero"
    if counted.minus * CLEAR <= counted.unmarked:
        note = f"{read.negative:,} of {read.count:,} amounts are below zero or marked CR: they become refunds."
        return "", NOTHING, note if read.negative else ""
    if counted.minus * CLEAR >= counted.unmarked * (CLEAR - 1):
        return "", _EITHER[1:], f"{said}: they are taken for what was spent."
    return f"whether what is spent is below zero: {said}", _EITHER, ""


def signs_of_pair(out: Amount, back: Amount) -> Signs:
    """Return what the signs mean in columns of their own for money that goes and money that comes."""
    if not out.minus:
        return "", NOTHING, ""
    if out.minus == out.unmarked and not back.minus:
        return "", _EITHER[1:], "What went out stands below zero."
    return f"whether what is spent is below zero: {out.minus:,} of {out.unmarked:,} are", _EITHER, ""


def way_of(name: str, place: int, values: Sequence[str]) -> Signs:
    """Return the question that such a column asks beside amounts of which none is below zero."""
    words = " and ".join(dict.fromkeys(cut(each.strip()) for each in values if each.strip()))
    called = json.dumps(name, ensure_ascii=False) if name else f"without a name (number {place + 1})"
    asked = (
        f"which rows are money that comes back: no amount is below zero, and column {called} says {words}; "
        "[fields.type] with this column and a lookup tells it (Payment, Refund), or [[skip]] leaves rows out"
    )
    return asked, [("each row is what its type says", [])], ""
