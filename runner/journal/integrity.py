"""The journal's verb for its own soundness: the file, its references, its accounts, and the rules of our own."""

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection, DatabaseError
from typing import Final

from runner.journal.accounts import books_of
from runner.journal.context import Verbs
from runner.journal.records import Books
from runner.journal.statements import load

_SQL = load("integrity")

SHOWN: Final = 20
"""How many subjects of one broken rule are named; all are counted."""

RULES: Final = {
    "sent_without_open_sync": "An expense is called sent, and is in no sync that is under way.",
    "started_draft_without_open_sync": "A draft is called started, and its sync is over.",
    "draft_too_full": "A draft holds more expenses than it was made with.",
    "posted_without_evidence": "An expense is called posted, and no judged sync stands for it.",
    "payload_missing": "An expense that is not posted has lost its wire form.",
    "attached_to_unposted": "A receipt is called attached to an expense that is not posted.",
    "attempt_left_open": "An attempt has no outcome, and its run came to its end.",
    "running_sync_without_start": "A sync has an id, and nothing was ever sent to start it.",
    "of_two_companies": "Something belongs to another company than what it is part of.",
    "amount_of_two_signs": "An amount's two parts have different signs.",
}
"""What the schema cannot say: each statement of `integrity.sql` by its name, in plain words."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that is broken."""

    rule: str
    """`file`, `foreign_keys`, or a name among `RULES`."""
    count: int
    """How often; of the file's damages only the first hundred are counted."""
    subjects: tuple[str, ...]
    """The first of them, in words."""


@dataclass(frozen=True, slots=True)
class Soundness:
    """What was found at one moment."""

    violations: tuple[Violation, ...]
    books: Books | None
    """The accounts of the same moment; None where the file is too damaged to add them up."""


class Integrity(Verbs):
    """Examines the journal; changes nothing."""

    async def examine(self, *, full: bool) -> Soundness:
        """Check everything at one moment, beside a run that may be at work; `full` also compares every index.

        A damaged file gives violations, not errors.
        """
        return await self._read(lambda connection: _examine(connection, full=full))


def _examine(connection: Connection, *, full: bool) -> Soundness:
    connection.execute("BEGIN")
    try:
        damage = tuple(_damage(connection, full=full))
        try:
            return Soundness((*damage, *_broken_rules(connection)), books_of(connection))
        except DatabaseError as error:
            if not damage:
                damage = (Violation("file", 1, (str(error),)),)
            return Soundness(damage, None)
    finally:
        connection.execute("ROLLBACK")


def _damage(connection: Connection, *, full: bool) -> Iterator[Violation]:
    check = "integrity_check" if full else "quick_check"
    try:
        said = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(100)")]
    except DatabaseError as error:
        said = [str(error)]
    if said != ["ok"]:
        yield Violation("file", len(said), tuple(said[:SHOWN]))


def _broken_rules(connection: Connection) -> Iterator[Violation]:
    dangling = [f"{table} {number} → {parent}" for table, number, parent, _ in _dangling(connection)]
    if dangling:
        yield Violation("foreign_keys", len(dangling), tuple(dangling[:SHOWN]))
    for statement in RULES:
        count = 0
        shown: list[str] = []
        for company, subject in connection.execute(_SQL[statement]):
            count += 1
            if len(shown) < SHOWN:
                shown.append(f"{company}: {subject}")
        if count:
            yield Violation(statement, count, tuple(shown))


def _dangling(connection: Connection) -> Iterator[tuple[str, int, str, int]]:
    yield from connection.execute("PRAGMA foreign_key_check")
