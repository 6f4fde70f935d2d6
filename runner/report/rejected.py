"""A row that was not let in, or not taken, in words: at which stage, who can do something, what."""

from typing import NamedTuple

from runner.domain.states import ExpenseState
from runner.journal.results import WRONG, Stood, Wrongness
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.catalog import EXPENSES, HOLDS, ROWS, entry_about, entry_of
from runner.report.entry import Entry, Who

FOR_A_PERSON = frozenset({Who.FIX_DATA, Who.FIX_MAPPING})
"""Whose rows are written into files of rejects: the others only wait, or need a hand elsewhere."""


class Reason(NamedTuple):
    """Why a row is not done with."""

    stage: str
    """`reading`, `sending`, `receipt` or `company`."""
    who: Who
    code: str
    message: str
    way_out: str


def reason_of(stood: Stood, line: int) -> Reason | None:
    """Return why a row needs a person, or time; None where it does not."""
    if stood.state == WRONG:
        entry = entry_of(ROWS, stood.errors[0].code)
        own = next((each for each in stood.errors if each.line == line), stood.errors[0])
        return Reason("reading", entry.who, own.code, message_of(stood, line) or "", entry.way_out)
    if stood.state == ExpenseState.HELD:
        entry = entry_of(HOLDS, stood.code or "")
        return Reason("company", entry.who, stood.code or "", stood.message or entry.meaning, entry.way_out)
    if stood.state in {ExpenseState.REJECTED, ExpenseState.FAILED, ExpenseState.IN_DOUBT}:
        entry = _expense_entry(stood)
        return Reason("sending", entry.who, stood.code or "", stood.message or entry.meaning, entry.way_out)
    receipts = stood.receipts
    if receipts.state is not None:
        entry = entry_about("receipt", receipts.code or "")
        return Reason("receipt", entry.who, receipts.code or "", receipts.message or entry.meaning, entry.way_out)
    return None


def message_of(stood: Stood, line: int) -> str | None:
    """Return what is to be said about a row; None where there is nothing."""
    if stood.state != WRONG:
        return stood.message
    own = [each for each in stood.errors if each.line == line] or (list(stood.errors) if stood.came is not None else [])
    if own:
        return "; ".join(map(_said, own))
    lines = ", ".join(map(str, sorted({each.line for each in stood.errors})))
    return f"not sent, because of line {lines} of the same expense: {_said(stood.errors[0])}"


def _expense_entry(stood: Stood) -> Entry:
    cause = cause_of("expense", stood.state, stood.message)
    return entry_of(EXPENSES, stood.code or "start_unanswered") if cause is None else ACCOUNTING[cause]


def _said(error: Wrongness) -> str:
    value = "" if error.value is None else f" {error.value!r}"
    return f"{error.column}{value}: expected {error.expected}" if error.column else f"expected {error.expected}"
