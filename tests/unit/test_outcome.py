"""From books to an exit code: every combination, and the identity that must hold before."""

from decimal import Decimal
from itertools import product

import pytest

from runner.domain.money import NOTHING, Sum
from runner.domain.states import ExpenseState, ReceiptState
from runner.errors import (
    AccountLimited,
    AccountsDoNotBalance,
    BudgetReached,
    ExitCode,
    Interrupted,
    KeyRefused,
    TooManyErrors,
)
from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.records import Books, CompanyBooks, Hold
from runner.journal.store import Inline
from runner.outcome import OUTCOMES, exit_code_of, imbalances, outcomes_of, require_balance
from tests.clocks import FakeClock

PRECEDENCE = ["in_doubt", "max_errors", "rejected", "work_remains", "budget"]
CODES = [7, 5, 3, 4, 75]


def one(count=1, amount="10"):
    return Sum(count, Decimal(amount))


def books(by_state=None, *, accepted=None, **more):
    by_state = by_state or {}
    total = accepted or Sum(
        sum(s.count for s in by_state.values()), sum((s.amount for s in by_state.values()), Decimal(0))
    )
    values = {
        "receipts": {}, "attachable": 0, "broken": 0, "row_errors": 0, "open_syncs": 0, "holds": (), **more
    }  # fmt: skip
    return Books(companies=(CompanyBooks("c", "GBP", by_state, total),), **values)


def outcomes(found, *, stop=None, retries_left=True, unread=False):
    return outcomes_of(found, stop=stop, retries_left=retries_left, unread=unread)


def test_the_precedence_is_frozen():
    assert list(OUTCOMES) == PRECEDENCE
    assert [int(OUTCOMES[name]) for name in PRECEDENCE] == CODES


@pytest.mark.parametrize("present", [each for each in product([False, True], repeat=5) if not (each[1] and each[4])])
def test_of_all_outcomes_that_apply_the_gravest_is_the_exit_code(present):
    doubt, max_errors, rejected, remains, budget = present
    states = {ExpenseState.POSTED: one()}
    states |= {ExpenseState.IN_DOUBT: one()} if doubt else {}
    states |= {ExpenseState.REJECTED: one()} if rejected else {}
    states |= {ExpenseState.HELD: one()} if remains else {}
    stop = TooManyErrors("x") if max_errors else BudgetReached("x") if budget else None
    found = outcomes(books(states), stop=stop)

    assert found == [name for name, there in zip(PRECEDENCE, present, strict=True) if there]
    expected = next((code for code, there in zip(CODES, present, strict=True) if there), 0)
    assert exit_code_of(found, stop) == expected


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (books(), 0),
        (books({ExpenseState.POSTED: one()}), 0),
        (books({ExpenseState.SENT: one()}), 4),
        (books({ExpenseState.HELD: one()}), 4),
        (books({ExpenseState.FAILED: one()}), 4),
        (books(holds=(Hold("c", "x", "y", None, "t"),)), 4),
        (books(attachable=1), 4),
        (books(broken=1, row_errors=1), 3),
        (books(row_errors=1), 3),
        (books(receipts={ReceiptState.REJECTED: 1}), 3),
        (books(receipts={ReceiptState.IN_DOUBT: 1}), 7),
        (books(receipts={ReceiptState.WAITING: 1, ReceiptState.ATTACHED: 1}), 0),
    ],
)
def test_each_thing_that_is_left_has_its_exit_code(found, code):
    assert exit_code_of(outcomes(found), None) == code


def test_failed_expenses_have_failed_for_good_once_no_retries_are_left():
    found = books({ExpenseState.FAILED: one()})
    assert exit_code_of(outcomes(found, retries_left=False), None) == 3


def test_an_input_that_is_half_read_is_work_that_remains():
    assert exit_code_of(outcomes(books(), unread=True), None) == 4


@pytest.mark.parametrize(
    ("stop", "code"), [(KeyRefused("x"), 77), (Interrupted("x"), 130), (AccountsDoNotBalance("x"), 1)]
)
def test_a_stop_that_is_no_budget_speaks_for_itself(stop, code):
    found = books({ExpenseState.IN_DOUBT: one()})
    assert exit_code_of(outcomes(found, stop=stop), stop) == code


@pytest.mark.parametrize("stop", [AccountLimited("x"), BudgetReached("x")])
def test_a_limit_of_the_account_comes_after_a_doubt_and_before_success(stop):
    doubt = books({ExpenseState.IN_DOUBT: one()})
    assert exit_code_of(outcomes(doubt, stop=stop), stop) == 7
    assert exit_code_of(outcomes(books(), stop=stop), stop) == ExitCode.BUDGET


@pytest.mark.parametrize("state", [ExpenseState.STAGED, ExpenseState.SENT])
def test_what_a_spent_budget_left_undone_waits_for_the_budget_alone(state):
    stop = BudgetReached("x")
    assert outcomes(books({state: one()}), stop=stop) == ["budget"]
    assert outcomes(books({state: one()})) == ["work_remains"]


# ---- the identity ----


@pytest.mark.parametrize("state", list(ExpenseState))
def test_books_balance_where_every_expense_is_in_one_state(state):
    require_balance(books({state: one(3, "30.10"), ExpenseState.POSTED: one(1, "1")}))


@pytest.mark.parametrize("accepted", [one(2, "10"), one(1, "10.000000001"), one(1, "-10"), NOTHING])
def test_a_difference_in_count_or_in_money_is_named_with_its_company_and_currency(accepted):
    wrong = books({ExpenseState.POSTED: one()}, accepted=accepted)
    (found,) = imbalances(wrong)
    assert (found.company, found.currency) == ("c", "GBP")
    with pytest.raises(AccountsDoNotBalance, match="c GBP"):
        require_balance(wrong)


async def test_an_empty_journal_balances_and_ends_with_0():
    connection = open_scratch()
    found = await Journal(Inline(connection), FakeClock()).accounts.books()
    connection.close()
    require_balance(found)
    assert exit_code_of(outcomes(found), None) == 0
