"""The expense that somebody means: by its UUID, or by the text that its row has in the id column."""

from runner.domain.identity import named_id
from runner.domain.ids import ExpenseId, is_uuid, normal_company
from runner.errors import RefusedToStart


def meant(expense: str, *, company: str | None) -> ExpenseId:
    """Return the id of an expense that is named as its CSV names it.

    Raises `RefusedToStart` where that is no UUID and the company is not said: the id is made of both.
    """
    text = expense.strip()
    if is_uuid(text):
        return ExpenseId(text.lower())
    if company is None or not text:
        raise RefusedToStart(
            f"{expense!r} is no UUID.", hint="Name the company as well, with --company: the id is made of both."
        )
    return named_id(normal_company(company), text)
