"""What a person can say of that which Codat will not tell, and where it cannot be said."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runner.domain.states import ExpenseState, ReceiptState, SyncState

RESOLVED: Final = "resolved"
"""Code of what stands where it does by somebody's word."""
DISMISSED: Final = "dismissed"
"""Code of what was rejected and, by somebody's word, will not come any more."""


class Kind(StrEnum):
    """What something is said of."""

    EXPENSE = "expense"
    ROW = "row"
    RECEIPT = "receipt"
    INPUT = "input"
    QUESTION = "question"


class Answer(StrEnum):
    """What a person says."""

    POSTED = "posted"
    """The expense stands in the books."""
    ABSENT = "absent"
    """The expense is not in the books, and may be sent again."""
    DISMISSED = "dismissed"
    """What was rejected will not come any more."""
    ATTACHED = "attached"
    """The receipt is attached."""
    MISSING = "missing"
    """The receipt is not attached, and may be uploaded again."""
    DROPPED = "dropped"
    """What is left of the file will not come any more."""
    SAME = "same"
    """The row is a purchase that is known already."""
    OTHER = "other"
    """The row is another purchase, and comes in."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where that stands which something is said of, as far as it matters to what can be said."""

    kind: Kind
    state: str
    code: str | None = None
    sync: SyncState | None = None
    """Of the sync that an expense was in last."""
    age: float | None = None
    """Seconds for which it is proved that its request left; None where none of this journal's did."""
    there: bool = False
    """Of an input: whether its file is where it was; of a question: whether there is an expense that it may be."""


def refusal(answer: Answer, of: Standing, *, quiescence: float) -> str | None:
    """Return why that cannot be said, in a sentence; None where it can."""
    match of.kind:
        case Kind.EXPENSE:
            return _of_expense(answer, of, quiescence)
        case Kind.RECEIPT:
            return _of_receipt(answer, of, quiescence)
        case Kind.ROW:
            return None if answer is Answer.DISMISSED else _FOR_ROWS
        case Kind.INPUT:
            return _STILL_THERE if of.there else None
        case Kind.QUESTION:
            return _NO_OTHER if answer is Answer.SAME and not of.there else None


def waits(of: Standing, *, quiescence: float) -> float:
    """Return in how many seconds nothing that was sent can take effect any more, at the earliest."""
    return 0.0 if of.age is None else max(0.0, quiescence - of.age)


def _of_expense(answer: Answer, of: Standing, quiescence: float) -> str | None:
    if of.state == ExpenseState.SENT or of.sync in {SyncState.STARTING, SyncState.RUNNING, SyncState.FINISHED}:
        return "on its way: its sync is starting or running, and the next run finds out what becomes of it. Run first"
    match answer, of.state:
        case (Answer.POSTED, ExpenseState.IN_DOUBT | ExpenseState.FAILED):
            return None
        case (Answer.ABSENT, ExpenseState.IN_DOUBT):
            return YOUNG if waits(of, quiescence=quiescence) else None
        case (Answer.ABSENT, ExpenseState.FAILED):
            return "failed: what failed is sent again by expense-runner retry, after one more look"
        case (Answer.DISMISSED, ExpenseState.REJECTED):
            return "dismissed already" if of.code == DISMISSED else None
        case _:
            return _ELSE[ExpenseState(of.state)]


def _of_receipt(answer: Answer, of: Standing, quiescence: float) -> str | None:
    match answer, of.state:
        case (Answer.ATTACHED, ReceiptState.IN_DOUBT):
            return None
        case (Answer.MISSING, ReceiptState.IN_DOUBT):
            if of.code in {"external", RESOLVED}:
                return (
                    "of an expense that no sync of ours is known to have posted: attach it by hand, then say --attached"
                )
            return YOUNG if waits(of, quiescence=quiescence) else None
        case (Answer.DISMISSED, ReceiptState.REJECTED):
            return "dismissed already" if of.code == DISMISSED else None
        case _:
            return f"{of.state}: only receipts in doubt are --attached or --missing, only rejected ones dismissed"


YOUNG: Final = "younger than the quiescence time: what was sent may still take effect. Run first"
_FOR_ROWS: Final = "a row that never came in: it can only be dismissed"
_STILL_THERE: Final = "still where it was: run first, which reads the rest of it"
_NO_OTHER: Final = "no expense is left that it could be: say --other"
_ELSE: Final = {
    ExpenseState.POSTED: "posted: there is no doubt about it",
    ExpenseState.STAGED: "not sent yet: there is no doubt about it, and the next run sends it",
    ExpenseState.REJECTED: "rejected: correct its row, or expense-runner retry --rejected; or --dismiss it",
    ExpenseState.IN_DOUBT: "in doubt: it is --posted or --absent",
    ExpenseState.FAILED: "failed: expense-runner retry sends it again; or it is --posted",
}
