"""Expenses let into a journal as a file of them would be, without the file."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from runner.domain.expense import RowError
from runner.domain.identity import cells_of_rows, meaning_key
from runner.domain.ids import ExpenseId, InputNo
from runner.journal.comparison import Subject
from runner.journal.journal import Journal
from runner.journal.kept import KeptRow
from runner.journal.records import StagedExpense
from runner.journal.staging import Begun, IncomingRow, InputFacts, Undecided


class Filed(NamedTuple):
    """What came of them."""

    number: InputNo
    accepted: int
    repeated: int
    corrected: int
    conflicts: list[Undecided]


async def begin(
    journal: Journal,
    name: str = "a.csv",
    *,
    path: str | None = None,
    sha256: str | None = None,
    mapping: str | None = None,
) -> InputNo:
    """Note that a file is about to be read."""
    return await journal.staging.begin_input(Begun(name, path, None, mapping, "", sha256, 1))


async def file_in(
    journal: Journal,
    expenses: Sequence[StagedExpense],
    *,
    name: str = "a.csv",
    path: str | None = None,
    sha256: str | None = None,
    wrong: Sequence[tuple[RowError, ExpenseId | None]] = (),
) -> Filed:
    """Let expenses with ids of their own in, in their order, each row of them a line of its own."""
    number = await begin(journal, name, path=path, sha256=sha256)
    rows, placed, line = [], [], 1
    for each in expenses:
        lines = tuple(range(line + 1, line + 1 + each.rows))
        digests = [each.cells + place for place in range(each.rows)]
        rows += [
            IncomingRow(KeptRow(at, [each.expense_id], None, each.company_id, each.expense_id), digest)
            for at, digest in zip(lines, digests, strict=True)
        ]
        placed.append(each._replace(line=lines[0], lines=lines, cells=cells_of_rows(digests)))
        line += each.rows
    errors = [(replace(error, line=line + place), own_id) for place, (error, own_id) in enumerate(wrong, start=1)]
    rows += [
        IncomingRow(
            KeptRow(error.line, [], None, error.company_id, error.expense_key), -zlib.crc32(error.expense_key.encode())
        )
        for error, _ in errors
    ]
    await journal.staging.clear()
    await journal.staging.add(rows, placed, errors)
    subject = Subject(number, sha256, "", None)
    compared = await journal.staging.compare(subject)
    conflicts = await journal.staging.undecided("conflict", after=0, limit=1_000)
    await journal.staging.let_in(subject, InputFacts(sha256, ",", "utf-8", len(rows)), compared)
    counts = compared.outcomes
    known = counts.get("known", 0) + counts.get("noted", 0)
    return Filed(number, counts.get("new", 0), known, counts.get("corrected", 0), conflicts)


def marked(expense: StagedExpense) -> StagedExpense:
    """Return an expense with the marks that its row would give it, company and id among its cells."""
    key = meaning_key(expense.company_id, expense.day, expense.gross, expense.currency, (expense.expense_id,))
    row = f"{expense.company_id}\n{expense.expense_id}\n".encode() + expense.content_hash
    return expense._replace(key=key, cells=int.from_bytes(sha256(row).digest()[:7], "big"))
