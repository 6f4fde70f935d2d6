"""Rows that may be expenses which are known already, and what a person says of them.

A question is asked where its row first stood. `same`: it is an expense that is known, and nothing more comes of it.
`other`: it is another purchase, and comes in as it was read.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

import msgspec

from runner.domain.expense import Receipt
from runner.domain.identity import short_key, unnamed_id
from runner.domain.ids import CompanyId, ExpenseId
from runner.journal.comparison import with_id
from runner.journal.statements import load

_SQL = load("questions")

_decode_receipts = msgspec.json.Decoder(list[Receipt]).decode


def partners(connection: Connection, questions: Sequence[int]) -> dict[int, int | None]:
    """Return for each question the expense that its row is, if it is one that is known; None where there is none left.

    No expense is two rows of one file: of equal rows as many are the same as there are expenses which nothing in their
    file is.
    """
    taken: dict[int, set[int]] = {}
    found: dict[int, int | None] = {}
    for number in questions:
        (input_no,) = connection.execute(_SQL["input_of"], {"question": number}).fetchone()
        if input_no not in taken:
            rows = connection.execute(_SQL["expenses_in"], {"input": input_no})
            taken[input_no] = {expense_no for (expense_no,) in rows}
        partner = next(
            (
                expense_no
                for (expense_no,) in connection.execute(_SQL["candidates"], {"question": number})
                if expense_no not in taken[input_no]
            ),
            None,
        )
        if partner is not None:
            taken[input_no].add(partner)
        found[number] = partner
    return found


def answer_same(connection: Connection, questions: Sequence[int]) -> None:
    """Let rows be the expenses that they are."""
    for number, expense_no in partners(connection, questions).items():
        if expense_no is not None:
            _end(connection, number, expense_no, "same")


def answer_other(connection: Connection, question: int) -> None:
    """Let a row come in as an expense of its own."""
    row = connection.execute(_SQL["question"], {"question": question}).fetchone()
    input_no, line, company, own_id, rows, cells, key, day, content, currency, units, nanos, back, payload, files = row
    connection.execute(_SQL["add_company"], {"company": company})
    (company_no,) = connection.execute(_SQL["company_no"], {"company": company}).fetchone()
    values: dict[str, Any] = {
        "company_no": company_no, "input": input_no, "line": line, "rows": rows, "named": int(own_id is not None),
        "cells": cells, "day": day, "short_key": short_key(key), "back": back, "content": content,
        "currency": currency, "units": units, "nanos": nanos, "number": None, "expense_id": own_id,
    }  # fmt: skip
    if own_id is None:
        values |= _next_id(connection, CompanyId(company), key, values)
    (expense_no,) = connection.execute(_SQL["add_expense"], values).fetchone()
    before = unnamed_id(CompanyId(company), key=key, number=1) if own_id is None else own_id
    body = with_id(payload, ExpenseId(before), ExpenseId(values["expense_id"]))
    connection.execute(_SQL["add_payload"], {"expense_no": expense_no, "body": body})
    connection.execute(_SQL["count"], values)
    for receipt in _decode_receipts(files) if files else ():
        connection.execute(
            _SQL["add_receipt"],
            (expense_no, company_no, receipt.root, receipt.path, receipt.size, receipt.sha256),
        )
    _end(connection, question, expense_no, "other")


def _next_id(connection: Connection, company: CompanyId, key: bytes, values: dict[str, Any]) -> dict[str, Any]:
    (number,) = connection.execute(_SQL["next_number"], values).fetchone()
    while True:
        own = unnamed_id(company, key=key, number=number)
        taken = {"company_no": values["company_no"], "expense_id": own}
        if connection.execute(_SQL["is_taken"], taken).fetchone() == (0,):
            return {"number": number, "expense_id": own}
        number += 1


def _end(connection: Connection, question: int, expense_no: int, answer: str) -> None:
    values = {"question": question, "expense_no": expense_no, "answer": answer}
    places = connection.execute(_SQL["places"], values).fetchall()
    connection.executemany(_SQL["settle_error"], places)
    for statement in ("became", "end"):
        connection.execute(_SQL[statement], values)
