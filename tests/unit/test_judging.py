"""Judging: every status, kind of row and combination; what the duplicate guard names."""

from itertools import permutations, product

import pytest

from runner.codat.messages import Response
from runner.codat.replies import read_transactions
from runner.domain.judging import (
    POSTED,
    is_previously_processed,
    judge,
    named,
    previously_processed,
    statuses,
)
from runner.domain.remote import TransactionRow
from runner.domain.states import ExpenseState, SyncCode, TransactionStatus
from tests.simulator_client import expense_id

ONE, TWO = expense_id(1), expense_id(2)
STANDS = {
    TransactionStatus.COMPLETED: (ExpenseState.POSTED, None),
    TransactionStatus.VALIDATION_ERROR: (ExpenseState.REJECTED, "validation_error"),
    TransactionStatus.PUSH_ERROR: (ExpenseState.FAILED, "push_error"),
    TransactionStatus.PENDING: (ExpenseState.IN_DOUBT, "pending"),
    TransactionStatus.UNKNOWN: (ExpenseState.IN_DOUBT, "unknown"),
}
GRAVITY = ["Completed", "PushError", "Unknown", "Pending", "ValidationError"]
MESSAGE = f"One or more transactions have previously been processed: {ONE}, {TWO.upper()}"


def row(status, expense=ONE, *, is_expense=True, message=None):
    return TransactionRow(expense, TransactionStatus(status), is_expense, message)


@pytest.mark.parametrize("status", list(TransactionStatus))
@pytest.mark.parametrize("message", [None, "", "because"])
def test_each_status_has_its_verdict(status, message):
    verdict = judge([ONE], [row(status, message=message)])[ONE]

    assert (verdict.state, verdict.code) == STANDS[status]
    if status in {TransactionStatus.VALIDATION_ERROR, TransactionStatus.PUSH_ERROR}:
        assert verdict.message == (message or "Codat gave no reason.")
    assert verdict == POSTED or verdict.message


@pytest.mark.parametrize("status", list(TransactionStatus))
@pytest.mark.parametrize("kind", ["expense", "expenses", "Expenses", "bankfeeds"])
@pytest.mark.parametrize("code", list(SyncCode))
def test_the_kind_of_row_decides_and_the_code_of_the_sync_has_no_say(status, kind, code):
    body = f'{{"results":[{{"transactionId":"{ONE}","status":"{status}","integrationType":"{kind}"}}]}}'
    verdict = judge([ONE], read_transactions(Response(200, {}, body.encode())).rows)[ONE]

    assert (verdict.state, verdict.code) == (
        STANDS[status] if kind != "bankfeeds" else (ExpenseState.IN_DOUBT, "absent")
    ), code


def test_an_expense_that_is_not_listed_is_in_doubt():
    verdicts = judge([ONE, TWO], [row("Completed")])
    assert (verdicts[TWO].state, verdicts[TWO].code) == (ExpenseState.IN_DOUBT, "absent")


def test_rows_that_nobody_expects_are_not_judged():
    assert judge([ONE], [row("Completed"), row("Completed", TWO)]) == {ONE: POSTED}


@pytest.mark.parametrize(("one", "other"), list(permutations(GRAVITY, 2)))
def test_of_several_rows_the_one_counts_that_says_most_that_it_may_stand_in_the_books(one, other):
    gravest = min(one, other, key=GRAVITY.index)
    assert statuses([row(one), row(other)])[ONE].status == gravest


@pytest.mark.parametrize(("feed", "status"), list(product(TransactionStatus, TransactionStatus)))
@pytest.mark.parametrize("feed_first", [True, False])
def test_a_bank_feed_row_beside_an_expense_row_changes_nothing(feed, status, feed_first):
    rows = [row(feed, is_expense=False), row(status)]
    verdict = judge([ONE], rows if feed_first else rows[::-1])[ONE]
    assert (verdict.state, verdict.code) == STANDS[status]


# ---- the duplicate guard ----


@pytest.mark.parametrize(
    ("message", "says_so"),
    [
        (MESSAGE, True),
        ("PREVIOUSLY  PROCESSED", True),
        ("was previously been\nprocessed", True),
        ("processed", False),
        ("", False),
        (None, False),
    ],
)
def test_the_guards_message_is_known_by_its_words(message, says_so):
    assert is_previously_processed(message) is says_so


def test_ids_are_found_in_either_case_and_only_ours():
    assert named([MESSAGE, None, ""], [TWO]) == {TWO}
    assert named([MESSAGE], [expense_id(3)]) == set()


def test_5080_names_expenses_in_the_syncs_error_and_in_their_rows():
    rows = {ONE: row("Pending"), TWO: row("PushError", TWO, message="It has previously been processed.")}
    assert previously_processed(MESSAGE, {}, [ONE, TWO]) == {ONE, TWO}
    assert previously_processed(None, rows, [ONE, TWO]) == {TWO}
    assert previously_processed("duplicates", {}, [ONE, TWO]) == set()


def test_an_expense_that_this_sync_completed_itself_needs_no_evidence_from_elsewhere():
    assert previously_processed(MESSAGE, {ONE: row("Completed")}, [ONE, TWO]) == {TWO}


def test_a_name_in_another_error_is_no_evidence():
    assert previously_processed(f"The account of {ONE} is archived.", {}, [ONE]) == set()


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        str.upper,
        lambda text: text.replace("-", ""),
        lambda text: text.replace("-", "").upper(),
        lambda text: "{" + text.upper() + "}",
        lambda text: f"[{text.replace('-', '')}]",
    ],
)
def test_an_id_is_known_however_a_message_spells_it(spelled):
    own, other = "cafe0000-3333-4c33-8c33-cafe00000003", "cafe0000-3333-4c33-8c33-cafe00000004"
    message = f"One or more transactions have previously been processed: {spelled(own)}, {spelled(other)}."

    assert named([message], [own]) == {own}
    assert named([f"digest {'0' * 8}{own.replace('-', '')}"], [own]) == set()
