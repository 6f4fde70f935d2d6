"""What a run amounts to: its outcomes, its exit code, and whether the accounts balance."""

from dataclasses import dataclass

from runner.domain.money import canonical, total
from runner.domain.states import ExpenseState, ReceiptState
from runner.errors import AccountsDoNotBalance, ExitCode, RunStopped, TooManyErrors
from runner.journal.records import Books

OUTCOMES = {
    "in_doubt": ExitCode.IN_DOUBT,
    "max_errors": ExitCode.MAX_ERRORS,
    "rejected": ExitCode.REJECTED,
    "work_remains": ExitCode.WORK_REMAINS,
    "budget": ExitCode.BUDGET,
}
"""Several can apply; the exit code is that of the first that does."""


@dataclass(frozen=True, slots=True)
class Imbalance:
    """One company and currency whose expenses are not all accounted for."""

    company: str
    currency: str
    accepted: str
    standing: str


def imbalances(books: Books) -> list[Imbalance]:
    """Compare, for each company and currency, what intake let in with what stands in all states together.

    Both in count and in money: staged + sent + posted + rejected + failed + in_doubt + held = all expenses.
    """
    found = []
    for each in books.companies:
        standing = total(each.by_state.values())
        if standing != each.accepted:
            found.append(
                Imbalance(
                    each.company_id,
                    each.currency,
                    f"{each.accepted.count} expenses, {canonical(each.accepted.amount)}",
                    f"{standing.count} expenses, {canonical(standing.amount)}",
                )
            )
    return found


def require_balance(books: Books) -> None:
    """Raise `AccountsDoNotBalance` unless every expense is in exactly one state, in count and in money."""
    found = imbalances(books)
    if found:
        first = found[0]
        raise AccountsDoNotBalance(
            f"The accounts do not balance for {len(found)} of the journal's companies and currencies; "
            f"{first.company} {first.currency}: accepted {first.accepted}, standing {first.standing}.",
            hint="Keep the journal as it is and report this: nothing more should be sent from it.",
        )


def outcomes_of(
    books: Books, *, stop: RunStopped | None, retries_left: bool, unread: bool = False, lost: bool = False
) -> list[str]:
    """Return every outcome that applies, gravest first.

    `retries_left` says whether failed expenses may still be sent again; if not they have failed for good.
    `unread` says that a file which was begun lies there still, and the next run reads it; `lost` that one is gone,
    and only a person can help.
    """
    failed = books.count(ExpenseState.FAILED)
    # What a spent budget left undone waits for the budget, not for anything that running again at once would change.
    spent = stop is not None and stop.exit_code is ExitCode.BUDGET
    applies = {
        "in_doubt": books.count(ExpenseState.IN_DOUBT) or books.receipts.get(ReceiptState.IN_DOUBT, 0),
        "max_errors": isinstance(stop, TooManyErrors),
        "rejected": books.open(ExpenseState.REJECTED)
        or books.row_errors > books.dismissed.row_errors
        or books.rejected_receipts
        or (failed and not retries_left)
        or lost,
        "work_remains": books.count(ExpenseState.HELD)
        or books.holds
        or failed
        or (not spent and (books.count(ExpenseState.STAGED) or books.count(ExpenseState.SENT)))
        or (not spent and (books.attachable or unread)),
        "budget": spent,
    }
    return [name for name in OUTCOMES if applies[name]]


def exit_code_of(outcomes: list[str], stop: RunStopped | None) -> ExitCode:
    """Return the exit code: a stop that is nobody's budget or error limit speaks for itself."""
    if stop is not None and stop.exit_code not in {ExitCode.BUDGET, ExitCode.MAX_ERRORS}:
        return stop.exit_code
    return OUTCOMES[outcomes[0]] if outcomes else ExitCode.OK
