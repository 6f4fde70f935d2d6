"""All pages of a sync's transactions, whole or not at all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runner.codat.replies import Page
from runner.domain.remote import TransactionRow
from runner.errors import OutcomeUnknown

ReadPage = Callable[[int], Awaitable[Page]]
"""Reads the page of that number; pages begin at 1."""

READINGS = 4
MAX_PAGES = 1_000


@dataclass(frozen=True, slots=True)
class _Reading:
    rows: list[TransactionRow]
    overlaps: bool
    """Whether a row was on two pages: the order moved in between, and another row may have been missed."""


async def read_all(read_page: ReadPage, *, page_size: int) -> list[TransactionRow]:
    """Return the rows of all pages, in order.

    A missing row can decide that an expense is sent again. So a list that changes while it is read, that ends
    before its total, that repeats a page, or that has a row on two pages is read anew from page 1. Rows on
    two pages are believed once two readings agree.

    Raises `OutcomeUnknown` (not received) where the readings stay unsound.
    """
    before: list[TransactionRow] | None = None
    for _ in range(READINGS):
        reading = await _read_once(read_page, page_size=page_size)
        if reading is None:
            continue
        if not reading.overlaps or reading.rows == before:
            return reading.rows
        before = reading.rows
    raise _unsound("they change while they are read, or end before their total")


async def _read_once(read_page: ReadPage, *, page_size: int) -> _Reading | None:
    rows: list[TransactionRow] = []
    seen: set[tuple[str, bool]] = set()
    overlaps = False
    received = 0
    first = last = await read_page(1)
    for number in range(2, MAX_PAGES + 2):
        keys = {(row.expense_id, row.is_expense) for row in last.rows}
        overlaps = overlaps or not seen.isdisjoint(keys)
        seen |= keys
        rows.extend(last.rows)
        received += last.received
        if last.received == 0 or not _goes_on(last, received=received, page_size=page_size):
            whole = received >= (first.total or 0)
            return _Reading(rows, overlaps) if whole else None
        page = await read_page(number)
        if page.total != first.total or (page.rows and page.rows == last.rows):
            return None
        last = page
    raise _unsound("their pages do not end")


def _goes_on(page: Page, *, received: int, page_size: int) -> bool:
    # Either sign is believed: a page too many costs a request, a page too few costs the truth.
    if page.total is not None or page.has_next is not None:
        return received < (page.total or 0) or bool(page.has_next)
    # Without a sign only a short page is an end, and it is short by the size that the service says it used.
    return page.received >= min(page.page_size or page_size, page_size)


def _unsound(reason: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"The transactions of a sync cannot be read: {reason}.", received=False)
