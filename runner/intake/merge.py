"""Rows of one expense put together: what all its lines share is said once, or everywhere the same."""

from collections.abc import Sequence
from typing import Final

from runner.domain.expense import Expense, ExpenseLine, Receipt
from runner.domain.ids import ExpenseId
from runner.intake.codes import Code, Fault, cut
from runner.intake.row import Row, expected

HEAD: Final = {
    "type": "type",
    "issued": "issue_date",
    "currency": "currency",
    "currency_rate": "currency_rate",
    "merchant_name": "merchant_name",
    "contact_id": "contact_id",
    "bank_account_id": "bank_account_id",
    "reference": "reference",
    "notes": "notes",
}
"""Fields of a `Row` that all rows of an expense share, and the columns that they come from."""
_REQUIRED: Final = ("type", "issued", "currency")


def merge_head(rows: Sequence[Row], *, complete: bool) -> tuple[Row, list[tuple[int, Fault]]]:
    """Return the first row with its gaps filled from the others, and where they disagree, with line numbers.

    With `complete`, a required value that no row has is a fault of the first row.
    """
    values = {name: getattr(rows[0], name) for name in HEAD}
    said_at = dict.fromkeys(HEAD, rows[0].line)
    faults: list[tuple[int, Fault]] = []
    for row in rows[1:]:
        for name in HEAD:
            value, known = getattr(row, name), values[name]
            if value is None:
                continue
            if known is None:
                values[name], said_at[name] = value, row.line
            elif value != known:
                wanted = f"{_shown(known)!r} as on line {said_at[name]}, or nothing: both are lines of one expense"
                faults.append((row.line, Fault(Code.LINES_DISAGREE, HEAD[name], _shown(value), wanted)))
    if complete:
        for name in _REQUIRED:
            if values[name] is None:
                wanted = expected(HEAD[name])
                if len(rows) > 1:
                    wanted += f", on at least one of the {len(rows)} rows of this expense"
                faults.append((rows[0].line, Fault(Code.VALUE_MISSING, HEAD[name], "", wanted)))
    return _with_head(rows[0], values), faults


def make_expense(head: Row, rows: Sequence[Row], *, expense_id: ExpenseId) -> Expense:
    """Return the expense of these rows, in their order; `head` has no gaps."""
    issue_date = head.issue_date
    if head.type is None or issue_date is None or head.currency is None:
        raise ValueError("an expense needs a type, a date and a currency")
    return Expense(
        head.company_id,
        expense_id,
        head.type,
        issue_date,
        head.currency,
        tuple(map(_line, rows)),
        head.currency_rate,
        head.merchant_name,
        head.contact_id,
        head.bank_account_id,
        head.reference,
        head.notes,
        receipts_of(head, rows),
    )


def receipts_of(head: Row, rows: Sequence[Row]) -> tuple[Receipt, ...]:
    """Return the receipts of an expense's rows, each once."""
    if len(rows) == 1:
        return head.receipts
    return tuple({receipt.path: receipt for row in rows for receipt in row.receipts}.values())


def _line(row: Row) -> ExpenseLine:
    return ExpenseLine(
        row.net_amount, row.account_id, row.tax_amount, row.tax_rate_id, row.tracking_ids, row.invoice_to_id
    )


def _with_head(row: Row, values: dict[str, object]) -> Row:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return Row(**(fields | values))


def _shown(value: object) -> str:
    return cut(str(value))
