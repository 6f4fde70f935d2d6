"""Leaving out of a report what its reader is not to see."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from runner.domain.ids import CompanyId
from runner.journal.health_records import Health, InputFacts, Part, SyncFacts, TroubleFacts

T = TypeVar("T", SyncFacts, TroubleFacts, InputFacts)

HIDDEN: Final = "(not shown)"
OTHER: Final = "(another company)"
_SHORT = 8
"""Ids shorter than this could be parts of ordinary words: they count only where they stand alone."""


def without_others(health: Health, others: Iterable[CompanyId]) -> Health:
    """Return one company's facts with the ids of all other companies taken out of every text in them.

    A file may be named after another company, and a message may quote whatever it likes.
    """
    hide = _hiding([other for other in others if other != health.company])
    return replace(
        health,
        books=replace(
            health.books,
            holds=tuple(replace(h, message=hide(h.message), hint=h.hint and hide(h.hint)) for h in health.books.holds),
        ),
        syncs=_each(health.syncs, lambda sync: sync._replace(error=sync.error and hide(sync.error))),
        troubles=_each(health.troubles, lambda each: _texts(each, hide)),
        inputs=_each(health.inputs, lambda each: each._replace(name=hide(each.name), mapping=None)),
    )


def redacted(health: Health) -> Health:
    """Return the facts without amounts, file names and texts that came from rows or from Codat."""

    def hide(_: str) -> str:
        return HIDDEN

    books = health.books
    return replace(
        health,
        amounts=False,
        books=replace(books, holds=tuple(replace(hold, message=HIDDEN, hint=None) for hold in books.holds)),
        causes=tuple(cause._replace(amounts=()) for cause in health.causes),
        syncs=_each(health.syncs, lambda sync: sync._replace(error=sync.error and HIDDEN)),
        troubles=_each(
            health.troubles, lambda each: _texts(each, hide)._replace(amount=None, currency=None, date=None)
        ),
        inputs=_each(health.inputs, lambda each: each._replace(name=HIDDEN, mapping=each.mapping and HIDDEN)),
    )


def _each(part: Part[T], change: Callable[[T], T]) -> Part[T]:
    return Part(tuple(change(each) for each in part.shown), part.total)


def _texts(each: TroubleFacts, hide: Callable[[str], str]) -> TroubleFacts:
    return each._replace(
        message=each.message and hide(each.message),
        file=hide(each.file),
        receipt=each.receipt and hide(each.receipt),
        merchant=each.merchant and hide(each.merchant),
        reference=each.reference and hide(each.reference),
    )


def _hiding(others: list[CompanyId]) -> Callable[[str], str]:
    """Return what takes these ids out of a text: by length, so that its cost does not follow their number."""
    by_length: dict[int, set[str]] = {}
    for other in others:
        by_length.setdefault(len(other), set()).add(other.lower())
    known: dict[str, str] = {}

    def hide(text: str) -> str:
        if text not in known:
            known[text] = _hide(text, by_length)
        return known[text]

    return hide


def _hide(text: str, by_length: dict[int, set[str]]) -> str:
    for length, ids in sorted(by_length.items(), reverse=True):
        place = 0
        while place + length <= len(text):
            if text[place : place + length].lower() in ids and (length >= _SHORT or _alone(text, place, length)):
                text = text[:place] + OTHER + text[place + length :]
                place += len(OTHER)
            else:
                place += 1
    return text


def _alone(text: str, place: int, length: int) -> bool:
    around = text[max(0, place - 1) : place] + text[place + length : place + length + 1]
    return re.search(r"[A-Za-z0-9]", around) is None
