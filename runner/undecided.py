"""Expenses that do not come in for what the journal holds, in words: conflicts, copies and questions."""

import shlex

from runner.codat.compare import differences
from runner.domain.expense import RowError
from runner.domain.ids import InputNo
from runner.domain.states import ExpenseState
from runner.intake.added import KEY
from runner.intake.codes import Code
from runner.journal.staging import Undecided

UNDECIDED = ("conflict", "another", "repeated_line", "asked")


def error_of(found: Undecided, file: str, number: InputNo) -> RowError:
    """Return what is told of an expense that does not come in for what the journal holds."""
    met = found.met
    match found.outcome:
        case "repeated_line":
            expected = (
                f"each row of an expense once: line {found.repeated_line} says what an earlier line of this id says, "
                'cell by cell; if both are meant: [id] repeated_lines = "keep" in the mapping profile'
            )
            return _of_expense(found, file, Code.LINE_REPEATED, expected, line=found.repeated_line)
        case "another" if met is not None:
            expected = (
                f"the id and company with which this row has come in already ({met.expense_id} of company "
                f"{met.company_id}); or a blank {KEY} for a new expense"
            )
            return _of_expense(found, file, Code.ROW_KEY_WRONG, expected, column=KEY)
        case "asked":
            return _of_expense(found, file, Code.POSSIBLE_DUPLICATE, _question(found, file, number))
        case _:
            return _conflict(found, file)


def _question(found: Undecided, file: str, number: InputNo) -> str:
    met = found.met
    at, line = found.first or (number, found.entry)
    side = ""
    if met is not None:
        side = f" It would be {met.expense_id} ({met.file or 'standard input'}, line {met.line}), which is {met.state}."
    how = f"expense-runner resolve q{at}.{line} --same, or --other if it is another purchase"
    if found.reason == "overlap":
        return (
            f"an answer: do your exports overlap? An earlier file covers this day, and rows without an id cannot say "
            f"whether they were in it.{side} For this row: {how}; for the whole file: expense-runner resolve --input "
            f'{shlex.quote(file)} --same or --other; for good: [id] overlap = "yes" or "no" in the mapping profile, or '
            "--overlap with canonical columns, and run again"
        )
    return f"an answer: is this a purchase that is known already?{side} {how}"


def _conflict(found: Undecided, file: str) -> RowError:
    met = found.met
    stands, what = "is in the journal", "other content"
    if met is not None:
        stands = "is in the books" if met.state is ExpenseState.POSTED else f"is {met.state} in the journal"
        if met.payload is not None:
            what = "; ".join(differences(met.payload, found.payload)) or what
    expected = f"the same content as before, or another id: this expense {stands} with {what}"
    return _of_expense(found, file, "id_conflict", expected, column="id", value=found.own_id or found.expense_id)


def _of_expense(
    found: Undecided,
    file: str,
    code: str,
    expected: str,
    *,
    column: str | None = None,
    value: str | None = None,
    line: int | None = None,
) -> RowError:
    return RowError(
        file=file,
        line=found.entry if line is None else line,
        code=code,
        column=column,
        value=value,
        expected=expected,
        company_id=found.company_id,
        expense=found.own_id or None,
        expense_key=found.own_id or f"line {found.entry}",
        rows=found.rows,
    )
