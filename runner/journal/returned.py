"""Rows that were rejected and come back: which row each was, and under which further ids it is known."""

from itertools import count
from sqlite3 import Connection
from typing import NamedTuple

from runner.domain.identity import unnamed_id
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.row_key import Origin, RowKey
from runner.journal.statements import load

_SQL = load("returned")


class Alias(NamedTuple):
    """An expense that is known by the id of a row that was corrected."""

    expense_no: int
    content_hash: bytes
    came_at: int | None
    """Its line, if its row came back in the file that is being read."""


class Elsewhere(NamedTuple):
    """Another file's expense without an id that says the same."""

    file: str
    line: int


def has_aliases(connection: Connection) -> bool:
    """Say whether any expense is known under further ids."""
    (found,) = connection.execute(_SQL["has_aliases"]).fetchone()
    return bool(found)


def alias_of(connection: Connection, company_no: int, expense_id: ExpenseId, *, number: InputNo) -> Alias | None:
    """Return the expense that a row without an id is, where it came in as the correction of another row."""
    values = {"company_no": company_no, "expense_id": expense_id, "input": number}
    found = connection.execute(_SQL["alias_of"], values).fetchone()
    return None if found is None else Alias(*found)


def is_replaced(connection: Connection, expense_no: int, content_hash: bytes) -> bool:
    """Say whether this is what an expense said before a correction."""
    values = {"expense_no": expense_no, "content_hash": content_hash}
    (found,) = connection.execute(_SQL["is_replaced"], values).fetchone()
    return bool(found)


def replace(connection: Connection, expense_no: int, *, before: bytes) -> None:
    """Remember what an expense said before it was corrected."""
    connection.execute(_SQL["replace"], {"expense_no": expense_no, "content_hash": before})


def further_id(
    connection: Connection,
    company: CompanyId,
    company_no: int,
    origin: Origin,
    *,
    number: InputNo,
    expense_no: int | None,
) -> ExpenseId | Elsewhere | None:
    """Return the id that a corrected row would get in its file as corrected; None where it needs none.

    Equal rows are counted as in one file. Where the next number is an expense's of another file, nobody can say
    whether it is the same purchase: then that one is returned, unless a person has said that it is not.
    """
    if origin.seed is None:
        return None
    for occurrence in count(1):
        expense_id = unnamed_id(company, content=origin.seed, occurrence=occurrence)
        values = {
            "company_no": company_no, "expense_id": expense_id, "origin": origin.key.origin, "input": number,
        }  # fmt: skip
        found = connection.execute(_SQL["owner"], values).fetchone()
        if found is None:
            return expense_id
        owner, file, line, same_file = found
        if owner == expense_no:
            return None
        if not same_file and not origin.key.sure:
            return Elsewhere(file, line)
    raise AssertionError("unreachable")


def add_alias(connection: Connection, company_no: int, expense_id: ExpenseId, *, expense_no: int) -> None:
    """Let an expense be known by a further id."""
    values = {"company_no": company_no, "expense_id": expense_id, "expense_no": expense_no}
    connection.execute(_SQL["add_alias"], values)


def came_in_as(connection: Connection, key: RowKey) -> tuple[CompanyId, ExpenseId] | None:
    """Return the company and id of the expense that a row has come in as before; None where it has not."""
    found = connection.execute(_SQL["came_in_as"], {"origin": key.origin, "line": key.line}).fetchone()
    return None if found is None else (CompanyId(found[0]), ExpenseId(found[1]))


def record(
    connection: Connection, number: InputNo, key: RowKey, at_line: int, *, expense_no: int | None, changed: bool
) -> None:
    """Record that a row came back, as a row of an expense or (None) wrong again; what was wrong before is settled."""
    values = {
        "origin": key.origin, "line": key.line, "input": number, "at_line": at_line, "expense_no": expense_no,
        "changed": changed,
    }  # fmt: skip
    before = connection.execute(_SQL["before"], values).fetchone()
    connection.execute(_SQL["settle_origin"], values)
    if before is not None:
        if before[0] < number:
            connection.execute(_SQL["settle_at"], {"input": before[0], "line": before[1]})
        if before[2] is not None and expense_no is None:
            return  # it is known what it became
    connection.execute(_SQL["record"], values)


def mark(connection: Connection, number: InputNo) -> None:
    """Record that a file is one of rejects that came back."""
    connection.execute(_SQL["mark"], {"input": number})


def end_reading(connection: Connection, values: dict[str, object]) -> None:
    """Settle what is said elsewhere, and open again what an earlier reading of this file said and it does not.

    `values` are `input`, `name` and `sha256` of the file that was read to its end.
    """
    connection.execute(_SQL["settle_returned"], values)
    for origin, line in connection.execute(_SQL["gone"], values).fetchall():
        for statement in ("forget", "reopen"):
            connection.execute(_SQL[statement], {"origin": origin, "line": line})
