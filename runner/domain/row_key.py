"""Row keys: which row a rejected row was, so that it is known again when it comes back corrected.

A row without an id is told by its content, which a correction changes. So the files of rejects carry a key for each
row, in a column of their own: where the row first stood (a digest of the file's bytes, and the line) and, of an expense
that the journal holds, its id. A check over all of it, and over the company, makes a damaged or misplaced key known.
"""

import re
from hashlib import blake2b
from typing import Final, NamedTuple

from runner.domain.identity import returned_id
from runner.domain.ids import CompanyId, ExpenseId

ORIGIN_DIGITS: Final = 16
"""How many hex digits of a file's SHA-256 tell it from others."""

_NEW, _KNOWN = "n", "e"
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEY: Final = re.compile(
    rf"(?P<kind>[en])\.(?P<origin>[0-9a-f]{{{ORIGIN_DIGITS}}})\.(?P<line>[1-9][0-9]{{0,11}})"
    rf"(?:\.(?P<id>{_UUID}))?\.(?P<check>[0-9a-f]{{8}})"
)


class RowKey(NamedTuple):
    """Which row this was."""

    origin: str
    """The first `ORIGIN_DIGITS` hex digits of the SHA-256 of the file in which it first stood."""
    line: int
    """Where, in that file."""
    known: bool
    """Whether it is a row of an expense that the journal held; that one's id cannot change any more."""
    expense_id: ExpenseId
    """Of that expense; else the id that the row gets if it has none of its own."""
    own_id: bool = False
    """Whether the row that came back has an id of its own beside the key."""


def origin_of(sha256: str) -> str:
    """Return what tells a file from others, of the hex digest of its bytes."""
    return sha256[:ORIGIN_DIGITS]


def new_key(origin: str, line: int) -> RowKey:
    """Return the key of a row that was never let in."""
    return RowKey(origin, line, known=False, expense_id=returned_id(origin, line))


def write_key(key: RowKey, company: CompanyId | None) -> str:
    """Return a key as text; `company` is that of the expense, and None for a row that was never let in."""
    own = (_KNOWN, key.origin, str(key.line), key.expense_id) if key.known else (_NEW, key.origin, str(key.line))
    return ".".join((*own, _check(own, company if key.known else None)))


def read_key(text: str, company: CompanyId | None) -> RowKey | None:
    """Return the key that a text is; None for one that is damaged, or belongs to another company's expense.

    Where the row's company is not known (None) the key of an expense cannot be checked, and is taken as it is.
    """
    found = _KEY.fullmatch(text.strip().lower())
    if found is None or (found["kind"] == _KNOWN) != (found["id"] is not None):
        return None
    origin, line, known = found["origin"], int(found["line"]), found["kind"] == _KNOWN
    own = (found["kind"], origin, found["line"], *([found["id"]] if known else []))
    if not (known and company is None) and found["check"] != _check(own, company if known else None):
        return None
    expense_id = ExpenseId(found["id"]) if known else returned_id(origin, line)
    return RowKey(origin, line, known=known, expense_id=expense_id)


def _check(parts: tuple[str, ...], company: CompanyId | None) -> str:
    return blake2b("\n".join((*parts, company or "")).encode(), digest_size=4).hexdigest()
