"""The journal's verbs for what people say of that which Codat will not tell."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from runner.domain.ids import CompanyId, DraftNo, ExpenseId, ReceiptNo, SyncId, SyncNo
from runner.domain.money import join
from runner.domain.resolution import Answer, Kind
from runner.domain.states import SyncState
from runner.journal import questions, resends
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("resolutions")

_STATES = {
    (Kind.EXPENSE, Answer.POSTED): " in_doubt failed ",
    (Kind.EXPENSE, Answer.ABSENT): " in_doubt ",
    (Kind.EXPENSE, Answer.DISMISSED): " rejected ",
    (Kind.RECEIPT, Answer.ATTACHED): " in_doubt ",
    (Kind.RECEIPT, Answer.MISSING): " in_doubt ",
    (Kind.RECEIPT, Answer.DISMISSED): " rejected ",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which expenses are meant, or whose receipts; what is None does not matter."""

    ids: tuple[ExpenseId, ...] | None = None
    company: CompanyId | None = None
    code: str | None = None
    sync: SyncId | None = None
    input_name: str | None = None
    """Of files that never came in, and of rows that are asked about."""
    questions: tuple[str, ...] = ()
    """Rows that are asked about, by the number of their file's reading and their line, such as 3.17."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that something is said of."""

    kind: Kind
    place: int
    named: str
    """What people call it."""
    company_id: CompanyId | None
    state: str
    code: str | None = None
    currency: str | None = None
    gross: Decimal = Decimal(0)
    sync: SyncState | None = None
    sync_no: SyncNo | None = None
    draft_no: DraftNo | None = None
    receipt_no: ReceiptNo | None = None
    path: str | None = None
    """Of an input: where its file was."""
    partner: int | None = None
    """Of a question: the expense that the row is, if it is one that is known."""
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """Who says it, where, and why."""

    person: str
    host: str
    note: str | None

    def said(self, answer: Answer) -> str:
        """Return it in a sentence."""
        return f"{self.person} at {self.host} says: {answer}{f' ({self.note})' if self.note else ''}."


class Resolutions(Verbs):
    """Finds what is meant, and takes what is said of it."""

    async def expenses(self, selection: Selection, answer: Answer) -> list[Subject]:
        """Return the expenses meant: those named by id whatever their state, else those the answer could be about."""
        return await self._rows(_expense, _SQL["expenses"], _values(selection, Kind.EXPENSE, answer))

    async def rows(self, selection: Selection) -> list[Subject]:
        """Return the expenses meant that never came in, because rows of theirs are wrong."""
        return await self._rows(_row, _SQL["rows"], _values(selection, Kind.EXPENSE, Answer.DISMISSED))

    async def receipts(self, selection: Selection, answer: Answer) -> list[Subject]:
        """Return the receipts meant that are in doubt, or rejected where they are to be dismissed."""
        return await self._rows(_receipt, _SQL["receipts"], _values(selection, Kind.RECEIPT, answer))

    async def inputs(self, name: str) -> list[Subject]:
        """Return the readings of a file of that name that were cut off, or refused as a whole."""
        return await self._rows(_input, _SQL["inputs"], {"name": name})

    async def questions(self, selection: Selection) -> list[Subject]:
        """Return the open questions meant: by name, company, or the name of a file."""
        named = json.dumps(list(selection.questions)) if selection.questions else None
        values = {"company": selection.company, "questions": named, "name": selection.input_name}

        def operation(connection: Connection) -> list[Subject]:
            rows = connection.execute(_SQL["questions"], values).fetchall()
            known = questions.partners(connection, [row[0] for row in rows])
            return [_question(known[row[0]], *row) for row in rows]

        return await self._read(operation)

    async def record(self, answer: Answer, subjects: Sequence[Subject], word: Word) -> None:
        """Record what is said of them and all that follows from it, at once."""
        said = {**self._context.stamp(), "person": word.person, "host": word.host, "note": word.note}
        rows = [{**said, "answer": answer, "message": word.said(answer), "place": each.place} for each in subjects]

        def operation(connection: Connection) -> None:
            for each, row in zip(subjects, rows, strict=True):
                connection.execute(_SQL[f"say_of_{each.kind}"], row)
                if answer is not Answer.SAME:
                    _follow(connection, answer, each, row)
            if answer is Answer.SAME:
                questions.answer_same(connection, [each.place for each in subjects])

        await self._write(operation)


def _follow(connection: Connection, answer: Answer, subject: Subject, row: dict[str, Any]) -> None:
    statements: tuple[str, ...]
    match answer:
        case Answer.POSTED:
            statements = ("posted", "doubt_receipts")
        case Answer.ABSENT:
            statements = ()
            resends.stage_again(connection, [subject.place])
        case Answer.MISSING:
            statements = ("missing_receipt", "missing_attempt")
        case Answer.ATTACHED:
            statements = ("attached_receipt",)
        case Answer.DROPPED:
            statements = ("dropped_input", "dropped_errors")
        case Answer.OTHER:
            statements = ()
            questions.answer_other(connection, subject.place)
        case Answer.DISMISSED | Answer.SAME:
            statements = (_DISMISSED[subject.kind],)
    for statement in statements:
        connection.execute(_SQL[statement], row)


_DISMISSED = {Kind.EXPENSE: "dismissed_expense", Kind.ROW: "dismissed_row", Kind.RECEIPT: "dismissed_receipt"}


def _values(selection: Selection, kind: Kind, answer: Answer) -> dict[str, Any]:
    return {
        "ids": None if selection.ids is None else json.dumps(selection.ids),
        "company": selection.company,
        "code": selection.code,
        "sync": selection.sync,
        "states": _STATES.get((kind, answer), ""),
    }


def _expense(*row: Any) -> Subject:
    place, company, expense, currency, units, nanos, state, code, sync, sync_no, draft_no = row
    return Subject(
        Kind.EXPENSE,
        place,
        expense,
        CompanyId(company),
        state,
        code,
        currency,
        join(units, nanos),
        None if sync is None else SyncState(sync),
        sync_no,
        draft_no,
    )


def _receipt(*row: Any) -> Subject:
    place, company, expense, currency, units, nanos, state, code, path = row
    named = f"{path} of {expense}"
    gross = join(units, nanos)
    return Subject(
        Kind.RECEIPT, place, named, CompanyId(company), state, code, currency, gross, receipt_no=ReceiptNo(place)
    )


def _row(place: int, company: str, named: str, code: str, file: str, line: int) -> Subject:
    return Subject(Kind.ROW, place, f"{named} ({file}, line {line})", CompanyId(company) or None, "rejected", code)


def _question(partner: int | None, *row: Any) -> Subject:
    place, question, name, line, company, reason, currency, units, nanos = row
    named = f"{question} ({name}, line {line})"
    gross = join(units, nanos)
    return Subject(Kind.QUESTION, place, named, CompanyId(company), "asked", reason, currency, gross, partner=partner)


def _input(place: int, name: str, path: str | None, sha256: str | None, refused: int) -> Subject:
    state = "refused" if refused else "begun"
    return Subject(Kind.INPUT, place, name, None, state, path=path, sha256=sha256)
