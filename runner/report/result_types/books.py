"""The results of commands that look into the journal: `status`, `report`, `show`, `errors`, `verify`, `explain`."""

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from runner.report.result_types.parts import (
    Amount,
    AmountByState,
    Amounts,
    CompanyBooks,
    Count,
    CountByState,
    ExitNumber,
    ExpenseCounts,
    MoneyByState,
    OutcomeNames,
    ReceiptCounts,
    ReportedHold,
    RequestCounts,
    Time,
    WhoName,
    one_of,
)


class ErrorsCauseExample(TypedDict):
    """`example` of a cause in the result of `errors`."""

    company_id: str | None
    file: str | None
    line: Count | None
    text: str


class ErrorsCause(TypedDict):
    """One of `cause` in the result of `errors`."""

    about: Annotated[str, one_of("row", "expense", "receipt")]
    state: str
    code: str
    accounting: str | None
    count: Count
    who: WhoName
    meaning: str
    way_out: str
    example: ErrorsCauseExample


class ErrorsHold(TypedDict):
    """One of `hold` in the result of `errors`."""

    company_id: str
    code: str
    who: WhoName
    message: str
    way_out: str
    since: Time


class ErrorsResult(TypedDict):
    """What `errors` tells, by cause."""

    causes: list[ErrorsCause]
    holds: list[ErrorsHold]
    inputs_lost: list[str]
    """Files that were begun, are gone or overwritten, and of which nothing came in."""


class Explanation(TypedDict):
    """What a code means, in one connection."""

    about: str
    meaning: str
    who: WhoName | None
    way_out: str | None


class ReportVerdict(TypedDict):
    """`verdict` in the result of `report`."""

    tone: Annotated[str, one_of("good", "work", "attention", "bad")]
    headline: str
    detail: str | None


class ReportReceipts(TypedDict):
    """`receipts` in the result of `report`."""

    total: Count
    attached: Count
    waiting: Count
    rejected: Count
    in_doubt: Count
    missing: Count


class AcceptedSum(TypedDict):
    """`accepted` of a currency in the result of `report`."""

    expenses: Count
    amount: Amount | None


class ReportedCurrency(TypedDict):
    """One of `currencies` in the result of `report`."""

    currency: str
    balanced: bool
    accepted: AcceptedSum
    expenses: CountByState
    amounts: AmountByState


class ReportCause(TypedDict):
    """One of `cause` in the result of `report`."""

    about: Annotated[str, one_of("expense", "row", "receipt", "company")]
    state: str
    code: str
    accounting: str | None
    count: Count
    companies: Count
    amounts: Amounts
    who: WhoName
    meaning: str
    way_out: str
    command: str | None


class CompanyMoney(TypedDict):
    """What one company has in one currency."""

    accepted: Amount
    open: Amount
    """What of it is not in the books."""


class ReportedCompany(TypedDict):
    """One of `companies` in the result of `report`."""

    company_id: str
    expenses: CountByState
    row_errors: Count
    receipts: dict[Annotated[str, one_of("attached", "waiting", "rejected", "in_doubt")], Count]
    amounts: Annotated[dict[str, CompanyMoney], Meta(description="By currency; empty where amounts are left out.")]
    receipts_missing: Count
    hold: str | None
    syncs: Count
    open_syncs: Count
    last_sync_at: Time | None
    last_sync_code: int | None


class ReportedTrouble(TypedDict):
    """One of `attention` in the result of `report`."""

    about: str
    company_id: str | None
    expense_id: str | None
    state: str
    code: str | None
    accounting: str | None
    message: str | None
    file: str | None
    line: Count | None
    currency: str | None
    amount: Amount | None
    sync_id: str | None
    receipt: str | None
    date: str | None
    merchant: str | None
    reference: str | None
    who: WhoName
    command: str | None


class ReportSync(TypedDict):
    """One of `sync` in the result of `report`."""

    company_id: str
    sync_id: str | None
    state: str
    code: int | None
    meaning: str | None
    error: str | None
    adopted: bool
    begun_at: Time
    ended_at: Time | None
    expenses: Count
    posted: Count
    run: int | None


class ReportInput(TypedDict):
    """One of `input` in the result of `report`."""

    file: str
    sha256: str | None
    rows: Count | None
    repeated: Count | None
    expenses: Count | None
    mapping: str | None
    begun_at: Time
    staged_at: Time | None
    superseded: bool
    run: int | None


class ReportRun(TypedDict):
    """One of `run` in the result of `report`."""

    run: int
    purpose: str
    flow: str | None
    started_at: Time
    ended_at: Time | None
    exit_code: int | None
    version: str
    requests: Count | None
    retried: Count | None
    rate_limited: Count | None


class PostedAt(TypedDict):
    """One of `posted` in the result of `report`."""

    at: str
    expenses: Count


class AttachedAt(TypedDict):
    """One of `attached` in the result of `report`."""

    at: str
    receipts: Count


class ReportHold(ReportedHold):
    """A company that is put aside, and what can be done."""

    way_out: str


class ReportResult(TypedDict):
    """The report, as its page shows it."""

    taken_at: Time
    company_id: str | None
    verdict: ReportVerdict
    balanced: bool
    expenses: ExpenseCounts
    receipts: ReportReceipts
    row_errors: Count
    requests: RequestCounts | None
    currencies: list[ReportedCurrency]
    causes: list[ReportCause]
    companies: list[ReportedCompany]
    holds: list[ReportHold]
    attention: list[ReportedTrouble]
    attention_left_out: Count
    syncs: list[ReportSync]
    syncs_left_out: Count
    inputs: list[ReportInput]
    inputs_left_out: Count
    runs: list[ReportRun]
    posted: list[PostedAt]
    attached: list[AttachedAt]


class StoryDraft(TypedDict):
    """One of `drafts` in the result of `show`."""

    draft: int
    draft_state: str
    dataset_id: str | None
    sync_no: int | None
    sync_id: str | None
    sync_state: str | None
    status_code: int | None
    error: str | None
    adopted: int | None
    begun_at: Time | None
    running_at: Time | None
    finished_at: Time | None
    judged_at: Time | None


class StoryAttempt(TypedDict):
    """One of `attempts` in the result of `show`."""

    kind: str
    idempotency_key: str
    first_sent_at: Time | None
    last_sent_at: Time | None
    sends: Count
    outcome: str | None
    http_status: int | None
    correlation_id: str | None
    detail: str | None
    run: int


class StoryReceipt(TypedDict):
    """One of `receipts` in the result of `show`."""

    path: str
    size: Count
    state: str
    attachment_id: str | None
    code: str | None
    message: str | None


class Story(TypedDict):
    """One expense's whole story."""

    company_id: str
    expense_id: str
    file: str
    line: Count
    rows: Count
    state: str
    code: str | None
    message: str | None
    currency: str
    amount: Amount
    retries: Count
    evidence_sync: str | None
    external: bool
    payload: str | None
    drafts: list[StoryDraft]
    attempts: list[StoryAttempt]
    receipts: list[StoryReceipt]
    events: list[dict[str, Any]]


class NoJournalResult(TypedDict):
    """A journal that does not exist, with `--fail-if-stale`."""

    stale: bool
    last_run: str


class StatusResult(TypedDict):
    """Where every expense stands."""

    outcomes: OutcomeNames
    balanced: bool
    stale: bool
    last_run: str | None
    last_run_ended_at: Time | None
    last_exit_code: int | None
    expenses: ExpenseCounts
    receipts: ReceiptCounts
    requests: RequestCounts
    companies: CompanyBooks
    holds: list[ReportedHold]
    row_errors: Count
    questions: Count
    """Rows that may be known already, among `row_errors`: a person has to say."""
    inputs_lost: list[str]
    """Files that were begun, are gone or overwritten, and of which nothing came in."""


class ComparedCompany(TypedDict):
    """One of `companies` in the result of `verify`."""

    company_id: str
    agrees: bool
    unread: str | None
    expenses: Count
    agreed: MoneyByState
    earlier: MoneyByState
    settled: dict[str, Any]
    missing: list[str]
    doubled: list[str]
    unknown: list[str]
    sync_unknown: list[str]
    in_doubt: list[str]
    absent: list[str]
    rest: dict[str, Annotated[int, Meta(ge=1)]]


class VerifyResult(TypedDict):
    """How the journal and Codat compare."""

    exit_code: ExitNumber
    companies: list[ComparedCompany]
    holds: list[ReportedHold]
    """Companies that a rebuild leaves held."""
