"""The results of commands that read files: `check`, `plan`, `map`."""

from typing import Annotated, Any, TypedDict

from runner.report.result_types.parts import (
    CompanyBooks,
    Count,
    ExitNumber,
    ExpenseCounts,
    MoneyByState,
    ReportedRowError,
    WhoName,
    one_of,
)


class SkippedRows(TypedDict):
    """One of `skipped` of an input in the result of `check`."""

    rule: str
    rows: Count


OutcomeName = Annotated[
    str,
    one_of("new", "known", "noted", "corrected", "asked", "asked_before", "conflict", "repeated_line", "another"),
]


class CheckOutcome(TypedDict):
    """What a file's expenses would be beside the journal, of one outcome."""

    count: Count
    amounts: dict[str, str]


class CheckInput(TypedDict):
    """One of `input` in the result of `check`."""

    file: str
    rows: Count
    expenses: Count
    repeated: Count
    errors: Count
    delimiter: str | None
    encoding: str
    columns_not_read: list[str]
    sheets_not_read: list[str]
    mapping: str | None
    skipped: list[SkippedRows]
    beside_journal: dict[OutcomeName, CheckOutcome] | None


class CheckReceipts(TypedDict):
    """`receipts` in the result of `check`."""

    found: Count
    bytes: Count
    wrong: Count


class HeldCompany(TypedDict):
    """One of `held` of the preflight in the result of `check`."""

    company_id: str
    code: str
    message: str
    hint: str | None


class UnreadCompany(TypedDict):
    """One of `unread` of the preflight in the result of `check`."""

    company_id: str
    message: str


class RejectedRow(TypedDict):
    """One of `rejected` of the preflight in the result of `check`."""

    company_id: str
    expense_id: str
    file: str
    line: Count
    code: str | None
    message: str | None


class CheckPreflight(TypedDict):
    """`preflight` in the result of `check`."""

    held: list[HeldCompany]
    unread: list[UnreadCompany]
    unchecked: list[str]
    rejected: list[RejectedRow]


class CheckCause(TypedDict):
    """One of `cause` in the result of `check`."""

    code: str
    column: str | None
    count: Count
    meaning: str
    who: WhoName
    way_out: str
    example: ReportedRowError


class CheckWarningExample(TypedDict):
    """One of `examples` of a warning in the result of `check`."""

    file: str
    line: Count
    company_id: str
    expense_id: str | None
    column: str | None
    value: str | None


class CheckWarning(TypedDict):
    """One of `warning` in the result of `check`."""

    code: str
    count: Count
    meaning: str
    who: WhoName
    way_out: str
    examples: list[CheckWarningExample]


class CheckHead(TypedDict):
    """What `check` found, the single errors left out: there may be millions."""

    exit_code: ExitNumber
    inputs: list[CheckInput]
    journal: str | None
    companies: CompanyBooks
    receipts: CheckReceipts
    preflight: CheckPreflight | None
    causes: list[CheckCause]
    warnings: list[CheckWarning]


class CheckResult(CheckHead):
    """What `check` found."""

    errors: list[ReportedRowError]


class ProfileLine(TypedDict):
    """A mapping profile."""

    name: str
    about: str
    to_do: list[str]


class TriedRow(TypedDict):
    """One of `row` in the result of `map test`."""

    line: Count
    before: list[str]
    skipped: str | None
    after: dict[str, Any] | None
    expense: dict[str, Any] | None


class TriedError(TypedDict):
    """One of `error` in the result of `map test`."""

    line: Count
    column: str | None
    value: str | None
    expected: str
    code: str


class MapTestResult(TypedDict):
    """How a profile reads a file."""

    rows: list[TriedRow]
    errors: list[TriedError]


class PlanInput(TypedDict):
    """One of `input` in the result of `plan`."""

    file: str
    rows: Count
    new: Count
    known: Count
    corrected: Count
    errors: Count


class PlanCompanies(TypedDict):
    """`companies` in the result of `plan`."""

    total: Count
    open: Count
    held: Count


class PlanReceipts(TypedDict):
    """`receipts` in the result of `plan`."""

    to_attach: Count
    bytes: Count


class PlanRequests(TypedDict):
    """`requests` in the result of `plan`."""

    predicted: Count
    creates: Count
    starts: Count
    statuses: Count
    pages: Count
    receipts: Count
    checks: Count
    lists: Count
    looks: Count


class PlanTime(TypedDict):
    """`time` in the result of `plan`."""

    requests_a_minute: Count | None
    seconds: float | None


class PlanQuota(TypedDict):
    """`quota` in the result of `plan`."""

    companies_assumed: Count
    requests_a_day: Count
    reserve: Count
    days: Count | None


class PlanSourceAddresses(TypedDict):
    """`source addresses` in the result of `plan`."""

    count: Count
    another_helps: bool
    another_helps_from_companies: Count | None


class PlanPace(TypedDict):
    """How long a run takes, and what that rests on."""

    time: PlanTime
    quota: PlanQuota
    source_addresses: PlanSourceAddresses
    runs: Count | None


class PlanResult(PlanPace):
    """What a run would do."""

    exit_code: ExitNumber
    journal: str | None
    inputs: list[PlanInput]
    inputs_lost: list[str]
    companies: PlanCompanies
    expenses: ExpenseCounts
    to_send: MoneyByState
    posted: MoneyByState
    drafts: Count
    syncs: Count
    open_syncs: Count
    receipts: PlanReceipts
    row_errors: Count
    requests: PlanRequests
