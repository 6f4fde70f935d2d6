"""Where things stand: expenses, receipts, drafts, syncs, and what Codat says of them."""

from enum import IntEnum, StrEnum


class ExpenseState(StrEnum):
    """Where an expense stands; always exactly one of these."""

    STAGED = "staged"
    """In the journal, not yet in a sync."""
    SENT = "sent"
    """In a dataset or sync that is not finished."""
    POSTED = "posted"
    """Completed in the books."""
    REJECTED = "rejected"
    """A person must change the row."""
    FAILED = "failed"
    """May be sent again."""
    IN_DOUBT = "in_doubt"
    """It may or may not stand in the books."""
    HELD = "held"
    """Staged, but its company is put aside. Never stored: the company's hold says it."""


class ReceiptState(StrEnum):
    """Where a receipt stands."""

    WAITING = "waiting"
    ATTACHED = "attached"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


class SyncState(StrEnum):
    """Where a sync stands in the journal."""

    STARTING = "starting"
    """Its initiate (or direct create) was begun and has no outcome: its fate is unknown."""
    RUNNING = "running"
    """Codat gave it an id; it has no final status yet."""
    FINISHED = "finished"
    """It has a final status; its expenses are not judged yet."""
    JUDGED = "judged"
    """Each of its expenses has been judged by its own status."""
    VOID = "void"
    """It never came to be: refused, not sent, or proved absent."""
    FORGOTTEN = "forgotten"
    """Codat started it and knows it no longer: what became of its expenses cannot be read."""


class TransactionStatus(StrEnum):
    """Codat's word for one transaction of a sync."""

    UNKNOWN = "Unknown"
    PENDING = "Pending"
    VALIDATION_ERROR = "ValidationError"
    COMPLETED = "Completed"
    PUSH_ERROR = "PushError"


class EffectKind(StrEnum):
    """The kinds of request that change something at Codat."""

    CREATE = "create"
    """Store a dataset: harmless to repeat."""
    START = "start"
    """Start a sync (initiate, or create in the direct flow): may post, so reconcilable, never repeated blindly."""
    ATTACH = "attach"
    """Attach a receipt: blind, Codat cannot be asked about it afterwards."""


class Outcome(StrEnum):
    """What is known of an attempt; a missing one means that the process died before it could be recorded."""

    DONE = "done"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """Unanswered, and later proved never to have had its effect."""


class SyncClass(StrEnum):
    """What a sync's status code asks for."""

    RUNNING = "running"
    DONE = "done"
    HOLD = "hold"
    ERROR = "error"


class SyncCode(IntEnum):
    """Codat's documented sync status codes."""

    IN_PROGRESS = 1000
    IN_PROGRESS_LONG = 1010
    SUCCESS = 2000
    SUCCESS_NOTHING_PUSHED = 2040
    CONFIGURATION_ERROR = 4000
    COMPANY_NOT_FOUND = 4040
    COMPANY_NOT_AUTHORIZED = 4220
    PLATFORM_BILLING_EXPIRED = 4260
    SERVER_ERROR = 5000
    DUPLICATION_PROTECTION = 5080
    DATA_PROCESSING_ERROR = 5120
    DATA_PUSH_ERROR = 5130


def classify(code: int) -> SyncClass:
    """Say what a sync status code asks for; a code that Codat has not documented goes by its first digit.

    Anything outside 2000-5999 counts as running: concluding too little is safe, concluding too much is not.
    """
    match code // 1000:
        case 2:
            return SyncClass.DONE
        case 4:
            return SyncClass.HOLD
        case 5:
            return SyncClass.ERROR
        case _:
            return SyncClass.RUNNING


def is_documented(code: int) -> bool:
    """Say whether the code is one of those that Codat documents."""
    return code in SyncCode._value2member_map_
