"""What several results have in common."""

from typing import Annotated, TypedDict

from msgspec import Meta


def one_of(*values: str | int) -> Meta:
    """Say which values there are."""
    return Meta(extra_json_schema={"enum": list(values)})


Count = Annotated[int, Meta(ge=0)]

ExitNumber = Annotated[int, one_of(0, 1, 2, 3, 4, 5, 6, 7, 8, 75, 77, 78, 130, 143)]


CountByState = dict[
    Annotated[str, one_of("staged", "sent", "posted", "rejected", "failed", "in_doubt", "held")],
    Count,
]


Amount = Annotated[str, Meta(description="A decimal number.", pattern="^-?[0-9]+(\\.[0-9]+)?$")]


AmountByState = dict[
    Annotated[str, one_of("staged", "sent", "posted", "rejected", "failed", "in_doubt", "held")],
    Amount,
]


class CompanyBook(TypedDict):
    """What one company has in one currency, by state."""

    company_id: str
    currency: str
    expenses: CountByState
    amounts: AmountByState


CompanyBooks = list[CompanyBook]


WhoName = Annotated[str, one_of("fix-data", "fix-mapping", "decide", "reconnect-company", "wait", "ask-codat")]


class ReportedRowError(TypedDict):
    """Something that is wrong with a row, or with a file."""

    file: str
    line: Count
    column: str | None
    value: str | None
    expected: str
    code: str
    company_id: str | None
    id: str | None
    """The file's own, where the row has one."""


Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ExpenseCounts(TypedDict):
    """Expenses by state; what a person has said is counted in its state as well."""

    total: Count
    staged: Count
    sent: Count
    posted: Count
    rejected: Count
    failed: Count
    in_doubt: Count
    held: Count
    posted_by_word: Count
    dismissed: Count


class CountedMoney(TypedDict):
    """Expenses of one currency, in number and money."""

    count: Count
    amount: Amount


MoneyByState = dict[Annotated[str, Meta(pattern="^[A-Z]{3}$")], CountedMoney]


class RequestCounts(TypedDict):
    """Requests of all runs."""

    total: Count
    retried: Count
    rate_limited: Count


Amounts = dict[Annotated[str, Meta(pattern="^[A-Z]{3}$")], Amount]


class ReportedHold(TypedDict):
    """A company that is put aside."""

    company_id: str
    code: str
    message: str
    hint: str | None
    since: Time


OutcomeNames = list[Annotated[str, one_of("in_doubt", "max_errors", "rejected", "work_remains", "budget")]]


class ReceiptCounts(TypedDict):
    """Receipts by state."""

    total: Count
    attached: Count
    waiting: Count
    rejected: Count
    in_doubt: Count


class KnownFile(TypedDict):
    """The file, and the run, in which the same was read before."""

    file: str
    run: int


KnownFromFile = KnownFile | None
