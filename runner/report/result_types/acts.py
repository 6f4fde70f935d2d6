"""The results of commands that do something, and of those that look at what is around."""

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from runner.report.result_types.parts import (
    Count,
    ExitNumber,
    ExpenseCounts,
    KnownFromFile,
    OutcomeNames,
    ReceiptCounts,
    Time,
    one_of,
)


class CompanyLine(TypedDict):
    """One line of `companies`: what Codat and the journal know of a company."""

    company_id: str
    name: str | None
    connection: str | None
    linked: bool | None
    platform: str | None
    at_codat: bool
    in_journal: bool


class DoctorCheck(TypedDict):
    """One of `check` in the result of `doctor`."""

    check: str
    level: Annotated[str, one_of("ok", "warning", "problem")]
    message: str
    fix: str | None
    exit_code: ExitNumber


class DoctorResult(TypedDict):
    """What `doctor` found."""

    exit_code: ExitNumber
    checks: list[DoctorCheck]


class SaidError(TypedDict):
    """One of `error` in the result of `error`."""

    code: str
    message: str
    hint: str | None


class ErrorResult(TypedDict):
    """What a command prints that failed before it had a result."""

    exit_code: ExitNumber
    outcomes: Annotated[list[Any], Meta(max_length=0)]
    error: SaidError


class JournalBackupResult(TypedDict):
    """The copy that `journal backup` made."""

    exit_code: ExitNumber
    file: str
    bytes: Count
    schema: Count
    expenses: Count


class JournalCheckViolation(TypedDict):
    """One of `violation` in the result of `journal check`."""

    rule: str
    meaning: str
    count: Count
    subjects: list[str]


class JournalCheckResult(TypedDict):
    """What `journal check` found."""

    exit_code: ExitNumber
    sound: bool
    full: bool
    expenses: Count | None
    violations: list[JournalCheckViolation]


class PrunedRows(TypedDict):
    """What went of one kind."""

    rows: Count
    bytes: Count


class JournalPruneResult(TypedDict):
    """What `journal prune` removed, or would."""

    exit_code: ExitNumber
    dry_run: bool
    pruned: dict[Annotated[str, one_of("payloads", "rows", "receipts", "attempts", "errors", "events")], PrunedRows]
    bytes_before: Count
    bytes_after: Count
    bytes_free: Count


class ResolvedItem(TypedDict):
    """One of `resolved` in the result of `resolve`."""

    kind: Annotated[str, one_of("expense", "row", "receipt", "input", "question")]
    id: str
    company_id: str | None


class RefusedItem(TypedDict):
    """One of `refused` in the result of `resolve`."""

    id: str
    reason: str


class ResolveResult(TypedDict):
    """What a word of a person has settled."""

    answer: Annotated[str, one_of("posted", "absent", "dismissed", "attached", "missing", "dropped", "same", "other")]
    person: str
    host: str
    note: str | None
    resolved: list[ResolvedItem]
    amounts: dict[str, str]
    attach_by_hand: list[str]
    refused: list[RefusedItem]


class RetryResult(TypedDict):
    """What `retry` has put back."""

    staged_again: list[str]
    not_verified: Count
    came_again: list[str]
    """Rejected ones that are left alone: an expense that means the same has come in since by another file."""


class RunRequests(TypedDict):
    """`requests` in the result of `run`."""

    total: Count
    retried: Count
    rate_limited: Count
    this_run: Count
    predicted: Count | None


class TakenFile(TypedDict):
    """One of `taken` of the inbox in the result of `run`."""

    file: str
    outcome: Annotated[str, one_of("staged", "known", "refused")]
    reason: str | None
    moved_to: str | None
    not_moved: str | None
    rows: Count
    accepted: Count
    repeated: Count
    corrected: Count
    rejected: Count
    known_from: KnownFromFile
    sha256: str | None


class RunInbox(TypedDict):
    """`inbox` in the result of `run`."""

    folder: str
    taken: list[TakenFile]
    growing: list[str]
    ignored: list[str]


class RunStop(TypedDict):
    """`stop` in the result of `run`."""

    code: str
    message: str
    hint: str | None


class RunResult(TypedDict):
    """How a run ended."""

    exit_code: ExitNumber
    outcomes: OutcomeNames
    expenses: ExpenseCounts
    receipts: ReceiptCounts
    requests: RunRequests
    seconds: Annotated[float, Meta(ge=0)]
    resume: str | None
    inbox: NotRequired[RunInbox]
    stop: NotRequired[RunStop]
    resume_at: NotRequired[Time]


class UnitState(TypedDict):
    """One of `units` in the result of `schedule show`."""

    file: str
    state: Annotated[str, one_of("absent", "ours", "edited", "foreign")]


class SystemdFacts(TypedDict):
    """`systemd` in the result of `schedule show`."""

    timer: dict[str, Any] | None
    service: dict[str, Any] | None


class ScheduleShowResult(TypedDict):
    """What is installed of the units."""

    installed: bool
    units: dict[str, UnitState]
    drop_ins: list[str]
    systemd: SystemdFacts
