"""Judging expenses by their own status, never by their sync's code."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from runner.domain.ids import ExpenseId, SyncId, uuids_in
from runner.domain.remote import TransactionRow
from runner.domain.states import ExpenseState, TransactionStatus

_PREVIOUSLY = re.compile(r"previously\s+(?:been\s+)?processed", re.IGNORECASE)

_GRAVITY = (
    TransactionStatus.COMPLETED,
    TransactionStatus.PUSH_ERROR,
    TransactionStatus.UNKNOWN,
    TransactionStatus.PENDING,
    TransactionStatus.VALIDATION_ERROR,
)
"""Of several rows for one expense, which one counts: the one that says most that it may stand in the books."""


class Verdict(NamedTuple):
    """Where an expense stands after its sync's transactions were read, and on what evidence."""

    state: ExpenseState
    code: str | None = None
    message: str | None = None
    evidence_sync: SyncId | None = None
    """The sync in which it is Completed, where that is not the one that was judged."""
    external: bool = False
    """Whether it was posted by nothing this journal knows of: the content in the books may differ."""


POSTED = Verdict(ExpenseState.POSTED)


def statuses(rows: Iterable[TransactionRow]) -> dict[ExpenseId, TransactionRow]:
    """Return the row that counts for each expense; bank-feed rows say nothing about expenses."""
    counts: dict[ExpenseId, TransactionRow] = {}
    for row in rows:
        if not row.is_expense:
            continue
        other = counts.get(row.expense_id)
        if other is None or _GRAVITY.index(row.status) < _GRAVITY.index(other.status):
            counts[row.expense_id] = row
    return counts


def judge(expected: Iterable[ExpenseId], rows: Iterable[TransactionRow]) -> dict[ExpenseId, Verdict]:
    """Judge each expected expense of a sync that has a final status.

    Completed is posted and ValidationError rejected. PushError is failed, not more: a timeout behind Codat looks
    the same, and the ledger may have it. Pending, Unknown and absent after the end are doubts.
    """
    return judge_by(statuses(rows), expected)


def judge_by(found: Mapping[ExpenseId, TransactionRow], expected: Iterable[ExpenseId]) -> dict[ExpenseId, Verdict]:
    """Judge each expected expense by the row that counts for it; see `judge`."""
    return {expense: _verdict(found.get(expense)) for expense in expected}


def _verdict(row: TransactionRow | None) -> Verdict:
    if row is None:
        return Verdict(
            ExpenseState.IN_DOUBT,
            "absent",
            "The sync has ended and its transactions do not list this expense.",
        )
    match row.status:
        case TransactionStatus.COMPLETED:
            return POSTED
        case TransactionStatus.VALIDATION_ERROR:
            return Verdict(ExpenseState.REJECTED, "validation_error", row.message or "Codat gave no reason.")
        case TransactionStatus.PUSH_ERROR:
            return Verdict(ExpenseState.FAILED, "push_error", row.message or "Codat gave no reason.")
        case TransactionStatus.PENDING | TransactionStatus.UNKNOWN:
            said = f": {row.message}" if row.message else "."
            return Verdict(
                ExpenseState.IN_DOUBT,
                row.status.value.lower(),
                f"The sync has ended, but Codat still calls this expense {row.status.value}{said}",
            )


def is_previously_processed(message: str | None) -> bool:
    """Say whether a message is the duplicate guard's."""
    return message is not None and _PREVIOUSLY.search(message) is not None


def named(messages: Iterable[str | None], among: Collection[ExpenseId]) -> set[ExpenseId]:
    """Return which of our expenses the messages name."""
    return {ExpenseId(found) for message in messages if message for found in uuids_in(message)} & set(among)


def previously_processed(
    error: str | None, rows: Mapping[ExpenseId, TransactionRow], among: Collection[ExpenseId]
) -> set[ExpenseId]:
    """Return the expenses that the duplicate guard names, in a sync's error or in their own rows."""
    by_error = named([error], among) if is_previously_processed(error) else set()
    by_row = {e for e, row in rows.items() if e in among and is_previously_processed(row.message)}
    return {e for e in by_error | by_row if e not in rows or rows[e].status is not TransactionStatus.COMPLETED}
