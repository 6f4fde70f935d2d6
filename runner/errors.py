"""The error tree: named by reach (row, expense, company, run) and by what to do about it.

A row's error is a value (`runner.domain.expense.RowError`), because wrong rows never stop good ones.
Everything else is raised, and caught at one of two borders: a company's or the run's.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; frozen, scripts rely on them."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    REJECTED = 3
    WORK_REMAINS = 4
    MAX_ERRORS = 5
    REFUSED = 6
    IN_DOUBT = 7
    JOURNAL_LOCKED = 8
    BUDGET = 75
    KEY_REFUSED = 77
    CONFIGURATION = 78
    INTERRUPTED = 130
    TERMINATED = 143


class RunnerError(Exception):
    """Anything this program raises on purpose.

    `code` is a stable word for logs and scripts, `hint` says what a person can do next.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.correlation_id = correlation_id
        if code is not None:
            self.code = code


# ---- reach: one request. Raised by transports and readers of answers; the steps decide what follows. ----


class RequestError(RunnerError):
    """A request that did not end in a usable 2xx answer."""


class NotSent(RequestError):
    """The request certainly never reached the service (DNS, connect, TLS): it may be sent again freely."""

    code = "not_sent"


class OutcomeUnknown(RequestError):
    """The request may or may not have had its effect: 408, 5xx, reset, read timeout, unreadable 2xx, redirect.

    `received` tells whether an answer came (a 5xx is cached under its idempotency key: the key is burnt)
    or the answer was lost (the key, if it is proven to be honoured, recovers it).
    """

    code = "outcome_unknown"

    def __init__(
        self, message: str, *, received: bool, status: int | None = None, correlation_id: str | None = None
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.received = received
        self.status = status


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """One entry of `validation.errors` in a refusal: `item_id` may name a transaction."""

    item_id: str
    message: str


class Refused(RequestError):
    """A definite 4xx: the request had no effect, and the same request would be refused again."""

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        items: tuple[RefusedItem, ...] = (),
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.status = status
        self.items = items


class IdRepeated(RequestError):
    """An answer gave an id that belongs to something else already: nothing in that answer can be believed."""

    code = "id_repeated"

    def __init__(self, message: str, *, sync_id: str | None = None, dataset_id: str | None = None) -> None:
        super().__init__(message)
        self.sync_id = sync_id
        self.dataset_id = dataset_id


class StillInDoubt(RequestError):
    """What became of an earlier request cannot be found out for now; a later run looks again."""

    code = "still_in_doubt"


class LookLater(RequestError):
    """What became of an earlier request is not certain yet: its company is walked again at `due`, monotonic seconds."""

    code = "look_later"

    def __init__(self, message: str, *, due: float) -> None:
        super().__init__(message)
        self.due = due


class PreflightUnanswered(RequestError):
    """What a company accepts could not be read: nothing is sent for it before a later run has."""

    code = "preflight_unanswered"


class StartLost(RequestError):
    """Starts of a company get no answer, one after the other, and are proved never to have had their effect."""

    code = "start_lost"


class NotReady(RequestError):
    """409: the resource is not ready, or the same idempotency key is still being worked on. Same key, later."""

    code = "not_ready"


class RateLimited(RequestError):
    """429: definitely not done. Same key, after `retry_after` seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None, correlation_id: str | None = None) -> None:
        super().__init__(message, correlation_id=correlation_id)
        self.retry_after = retry_after


class ReceiptUnusable(RunnerError):
    """A receipt cannot be read as it was staged: gone, changed, or no longer a regular file in its folder."""

    code = "receipt_unusable"


# ---- reach: one company. Caught at the company's border; the others go on. ----


class CompanyHeld(RunnerError):
    """The company is put aside with a reason; its expenses are kept, and the next run looks whether it is well."""

    code = "held"


# ---- reach: the run. Caught at the run's border. ----


class RunStopped(RunnerError):
    """The whole run ends; `exit_code` says how."""

    exit_code = ExitCode.INTERNAL


class KeyRefused(RunStopped):
    """401: Codat does not know the API key."""

    code = "key_refused"
    exit_code = ExitCode.KEY_REFUSED


class AccountLimited(RunStopped):
    """402: the Codat account's limit is reached or its plan has expired."""

    code = "account_limited"
    exit_code = ExitCode.BUDGET


class BudgetReached(RunStopped):
    """A quota, a pause that is too long, or a limit the user set: run again at `resume_at`."""

    code = "budget_reached"
    exit_code = ExitCode.BUDGET

    def __init__(self, message: str, *, resume_at: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.resume_at = resume_at
        """ISO 8601 UTC."""


class ConfigurationWrong(RunStopped):
    """A setting does not fit: the message says which one and how to change it."""

    code = "configuration"
    exit_code = ExitCode.CONFIGURATION


class Interrupted(RunStopped):
    """A signal asked for an orderly end: nothing new is begun, what is in flight is recorded."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class TooManyErrors(RunStopped):
    """More expenses were rejected than `--max-errors` allows."""

    code = "max_errors"
    exit_code = ExitCode.MAX_ERRORS


class RefusedToStart(RunStopped):
    """Nothing was sent: strict mode met wrong rows, or the input could not be read at all."""

    code = "refused_to_start"
    exit_code = ExitCode.REFUSED


class JournalLocked(RunStopped):
    """Another run holds the journal."""

    code = "journal_locked"
    exit_code = ExitCode.JOURNAL_LOCKED

    def __init__(self, message: str, *, hint: str | None = None, brief: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.brief = brief
        """Whether it is held for a moment only, so that it can be waited for."""


class JournalUnusable(RunStopped):
    """The journal cannot be opened or written: wrong file, newer version, no space, read-only, damaged."""

    code = "journal_unusable"
    exit_code = ExitCode.REFUSED


class JournalFailed(JournalUnusable):
    """The journal could be opened, and then not be written any more."""

    code = "journal_failed"
    exit_code = ExitCode.INTERNAL


class NotWritten(RunStopped):
    """A file that was asked for could not be written whole: there is none of that name, or the old one is as it was."""

    code = "not_written"
    exit_code = ExitCode.INTERNAL


class AccountsDoNotBalance(RunStopped):
    """The accounting identity does not hold: a defect, or a journal changed by other hands."""

    code = "accounts_do_not_balance"
    exit_code = ExitCode.INTERNAL
