"""Adding up every expense by company, currency and state: from the rows themselves, all of them, each time."""

from collections.abc import Iterator
from sqlite3 import Connection
from typing import NamedTuple

from runner.domain.money import whole_units
from runner.journal.statements import load

_SQL = load("accounts")

PORTION = 1_024
_RARELY = 64


class Added(NamedTuple):
    """Some expenses of one company, currency and state; of these there may be several."""

    company_no: int
    currency: str
    state: str
    expenses: int
    units: int
    nanos: int


def added_up(connection: Connection, *, portion: int = PORTION) -> Iterator[Added]:
    """Yield the sums of all expenses, in portions of so many numbers.

    SQLite sorts for GROUP BY, which is more than half of what adding up costs; and a file's rows mostly stand
    company by company, and in the end all in one state. So it is first asked what in a portion is like its first
    expense. That is the whole portion if it is as many as there are numbers; else the portion is grouped.
    """
    first, last = connection.execute(_SQL["bounds"]).fetchone()
    skip = skipped = 0
    while first is not None and first <= last:
        found = connection.execute(_SQL["next"], {"first": first}).fetchone()
        if found is None:
            return
        # Numbers may be missing, where a journal was pruned: a portion begins with one that is there.
        first = found[0]
        span = {"first": first, "last": first + portion - 1}
        whole = _alike(connection, span, found, portion) if skipped >= skip else None
        if whole is not None:
            skip = 0
            yield whole
        else:
            # Where companies take turns row by row no portion is alike: it is tried more and more rarely.
            skip, skipped = (min(2 * skip or 1, _RARELY), 0) if skipped >= skip else (skip, skipped + 1)
            for company, currency, state, count, billions, units, nanos in connection.execute(_SQL["mixed"], span):
                yield Added(company, currency, state, count, whole_units(billions, units), nanos)
        first += portion


def _alike(connection: Connection, span: dict[str, int], found: tuple[int, int, str, str], size: int) -> Added | None:
    _, company, currency, state = found
    count, billions, units, nanos = connection.execute(
        _SQL["alike"], {**span, "company": company, "currency": currency, "state": state}
    ).fetchone()
    return Added(company, currency, state, count, whole_units(billions, units), nanos) if count == size else None
