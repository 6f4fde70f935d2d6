"""A journal's accounts in words and as JSON: pure rendering."""

from collections.abc import Iterable, Iterator

from runner.domain.money import NOTHING, canonical
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.records import Books, CompanyBooks, Hold, Listed, OpenRowError, RequestTotals, Standing
from runner.report.amounts import money
from runner.report.result_types.parts import CompanyBook, ExpenseCounts, ReceiptCounts, ReportedHold, RequestCounts
from runner.report.words import counted

_SHOWN = 20
"""Lines of one kind; the rest is counted."""

_MEANING = {
    ExpenseState.POSTED: "in the books",
    ExpenseState.SENT: "in syncs that have not ended",
    ExpenseState.STAGED: "not sent yet",
    ExpenseState.HELD: "kept, because their companies are held",
    ExpenseState.REJECTED: "wrong: a person must change the row",
    ExpenseState.FAILED: "not taken by the accounting software; may be sent again",
    ExpenseState.IN_DOUBT: "may or may not be in the books",
}


def expenses_json(books: Books) -> ExpenseCounts:
    """Return the number of expenses in all and by state, and of these what is so by somebody's word."""
    return {
        "total": books.total,
        "staged": books.count(ExpenseState.STAGED),
        "sent": books.count(ExpenseState.SENT),
        "posted": books.count(ExpenseState.POSTED),
        "rejected": books.count(ExpenseState.REJECTED),
        "failed": books.count(ExpenseState.FAILED),
        "in_doubt": books.count(ExpenseState.IN_DOUBT),
        "held": books.count(ExpenseState.HELD),
        "posted_by_word": sum(each.count for each in books.resolved.values()),
        "dismissed": books.dismissed.expenses,
    }


def receipts_json(books: Books) -> ReceiptCounts:
    """Return the number of receipts in all and by state."""
    return {
        "total": sum(books.receipts.values()),
        "attached": books.receipts.get(ReceiptState.ATTACHED, 0),
        "waiting": books.receipts.get(ReceiptState.WAITING, 0),
        "rejected": books.receipts.get(ReceiptState.REJECTED, 0),
        "in_doubt": books.receipts.get(ReceiptState.IN_DOUBT, 0),
    }


def requests_json(requests: RequestTotals) -> RequestCounts:
    """Return the requests of all runs."""
    return {"total": requests.total, "retried": requests.retried, "rate_limited": requests.rate_limited}


def requests_words(requests: RequestTotals) -> str:
    """Say what all runs together sent; where one has no end, what is known of it at least."""
    at_least = "At least " if requests.unended else ""
    known = f"{counted(requests.total, 'request')} in {counted(requests.runs, 'run')}"
    return f"{at_least}{known}, {requests.retried:,} of them retries"


def companies_json(books: Books) -> list[CompanyBook]:
    """Return each company's expenses by currency and state, amounts as decimal texts."""
    return [
        {
            "company_id": each.company_id,
            "currency": each.currency,
            "expenses": {state.value: value.count for state, value in each.by_state.items()},
            "amounts": {state.value: canonical(value.amount) for state, value in each.by_state.items()},
        }
        for each in books.companies
    ]


def holds_json(holds: Iterable[Hold]) -> list[ReportedHold]:
    """Return the held companies with their reasons."""
    return [
        {"company_id": h.company_id, "code": h.code, "message": h.message, "hint": h.hint, "since": h.held_at}
        for h in holds
    ]


def totals_lines(books: Books) -> Iterator[str]:
    """Say where all expenses stand, in count."""
    yield counted(books.total, "expense")
    for state, meaning in _MEANING.items():
        if count := books.count(state):
            yield f"  {count:>8,}  {state.value:<9} {meaning}"
            if state is ExpenseState.REJECTED and books.questions:
                yield f"  {books.questions:>8,}  {'':<9} of these may be known already: a person must say"
    yield from word_lines(books)
    if receipts := sum(books.receipts.values()):
        yield counted(receipts, "receipt")
        for kind, count in sorted(books.receipts.items(), reverse=True):
            yield f"  {count:>8,}  {kind.value}"


def word_lines(books: Books) -> Iterator[str]:
    """Say what stands where it does by somebody's word alone."""
    if posted := sum(each.count for each in books.resolved.values()):
        amounts = ", ".join(f"{money(each.amount, currency)} {currency}" for currency, each in books.resolved.items())
        yield f"  {posted:>8,}  of the posted by somebody's word ({amounts})"
    if dismissed := books.dismissed.expenses:
        yield f"  {dismissed:>8,}  of the rejected dismissed by somebody"


def company_lines(books: Books) -> Iterator[str]:
    """Say where each company's expenses stand, in count and in money."""
    shown = books.companies[:_SHOWN]
    for each in shown:
        yield f"  {each.company_id}  {each.currency}  {_states(each)}"
    if len(books.companies) > len(shown):
        yield f"  … and {len(books.companies) - len(shown):,} more"


def _states(each: CompanyBooks) -> str:
    parts = []
    for state in ExpenseState:
        value = each.by_state.get(state, NOTHING)
        if value.count:
            parts.append(f"{value.count:,} {state.value} ({value.amount:,.2f})")
    return ", ".join(parts) or "nothing"


def hold_lines(holds: Iterable[Hold]) -> Iterator[str]:
    """Say which companies are held, why, and what can be done."""
    for hold in holds:
        yield f"  {hold.company_id}: {hold.message}"
        if hold.hint:
            yield f"      {hold.hint}"


def row_error_lines(errors: list[OpenRowError], *, total: int) -> Iterator[str]:
    """Say which rows are wrong, file by file, where, and what is expected."""
    file = None
    for error in errors[:_SHOWN]:
        if error.file != file:
            file = error.file
            yield f"  {file}"
        own = "" if error.own_id is None or error.column == "id" else f" (id {error.own_id!r})"
        what = f"{own}, {error.column}" if error.column else own
        value = f" {error.value!r}" if error.value else ""
        yield f"    line {error.line}{what}{value}: expected {error.expected} [{error.code}]"
    if total > _SHOWN:
        yield f"  … and {total - _SHOWN:,} more"


def standing_lines(standings: list[Standing], *, total: int) -> Iterator[str]:
    """Say which expenses need attention, and why; `total` is how many there are in all."""
    for each in standings[:_SHOWN]:
        named = f", reference {each.reference}" if each.reference else ""
        yield f"  {each.state.value} {each.expense_id} ({each.file}, line {each.line}{named})"
        yield f"      {each.message or each.code} [{each.code}]"
    if total > _SHOWN:
        yield f"  … and {total - _SHOWN:,} more"


def listing_lines(expenses: list[Listed]) -> Iterator[str]:
    """Say what became of every expense, company by company, one line each."""
    company = None
    for each in expenses:
        standing = each.standing
        if standing.company_id != company:
            company = standing.company_id
            yield f"  {company}"
        amount = f"{each.gross:,.2f} {each.currency}"
        receipts = f", {counted(each.attached, 'receipt')}" if each.attached else ""
        yield f"    {standing.expense_id}  {amount:>14}  {standing.state.value}{receipts}"


def next_steps(books: Books, *, journal: str) -> Iterator[str]:
    """Say what a person can do about what running again alone will not settle; `journal` names it in commands."""
    where = f"--journal {journal}"
    if books.open(ExpenseState.REJECTED) > books.questions:
        yield f"Rejected: `expense-runner errors {where} --out rejects.csv` gives the rows to correct and run again."
    if books.questions:
        yield (
            f"Questions: {counted(books.questions, 'row')} may be known already. `expense-runner errors {where}` says "
            f"which and how to answer; a whole file at once: `expense-runner resolve {where} --input FILE --same` or "
            "`--other`."
        )
    if books.count(ExpenseState.FAILED):
        yield f"Failed: look into the books, then `expense-runner retry {where}` and run again."
    if books.count(ExpenseState.IN_DOUBT):
        yield f"In doubt: `expense-runner verify {where}` asks Codat again, expense by expense."
        yield f"What it leaves: look into the books, then `expense-runner resolve {where} ID… --posted` or `--absent`."
    if books.receipts.get(ReceiptState.IN_DOUBT):
        yield (
            f"Receipts in doubt: look into the books, then `expense-runner resolve {where} --receipts ID… --attached` "
            "or `--missing`."
        )
