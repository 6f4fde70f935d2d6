"""The journal's verbs for single rows: what became of each row of a file that was read."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from sqlite3 import Connection
from typing import NamedTuple

from runner.domain.identity import named_id
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import join
from runner.domain.states import ExpenseState
from runner.journal.context import Verbs
from runner.journal.kept import KeptRow, unpack
from runner.journal.statements import load

_SQL = load("results")

WRONG = "wrong"
"""State of a row that never became part of an expense, because it or another row of its expense is wrong."""
NOT_READ = "not_read"
"""State of a row that the journal knows nothing of."""


@dataclass(frozen=True, slots=True)
class InputRead:
    """One reading of one file that came in."""

    number: InputNo
    name: str
    path: str | None
    receipts: str | None
    mapping: str | None
    sha256: str | None
    delimiter: str
    encoding: str
    header: tuple[str, ...]
    """The user's own columns, as written."""
    header_line: int
    """Lines above it are titles."""
    superseded: bool
    """Whether all its rows stand in a later reading."""
    came_back: bool
    """Whether it is a file of rejects that came back."""
    kept: bool
    """Whether the journal still has its rows."""
    as_read: InputNo | None
    """The reading of the same bytes that has its rows."""


class First(NamedTuple):
    """Where a row first stood."""

    number: InputNo
    name: str
    sha256: str
    line: int


class Wrongness(NamedTuple):
    """One thing that is wrong with a row."""

    line: int
    code: str
    column: str | None
    value: str | None
    expected: str
    settled: int
    at: InputNo
    """The reading that tells it."""
    error_no: int


@dataclass(frozen=True, slots=True)
class ReceiptsStood:
    """Where the receipts of an expense stand."""

    total: int = 0
    attached: int = 0
    state: str | None = None
    """`rejected` or `in_doubt`, where any is."""
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Stood:
    """What became of one row."""

    state: str
    code: str | None = None
    message: str | None = None
    errors: tuple[Wrongness, ...] = ()
    expense_no: int | None = None
    company_id: CompanyId | None = None
    expense_id: ExpenseId | None = None
    amount: Decimal | None = None
    currency: str | None = None
    dataset_id: str | None = None
    sync_id: str | None = None
    posted_at: str | None = None
    correlation_id: str | None = None
    receipts: ReceiptsStood = field(default_factory=ReceiptsStood)
    came: tuple[str, int] | None = None
    """File and line in which the row came again, corrected."""
    at: InputNo | None = None
    """The reading in which the expense, or the error, was last met."""
    stands_for: int | None = None
    """Of a wrong row the expense that it was to correct, if there is one."""


class RowStood(NamedTuple):
    """One row of a reading, as the user wrote it, and what became of it."""

    row: KeptRow
    stood: Stood
    first: First
    told_first: bool
    """Whether the reading in which it first stood tells it."""


class Results(Verbs):
    """Looks rows up."""

    async def inputs(self) -> list[InputRead]:
        """Return every reading that came in, in order; not those of files that were refused as a whole."""
        return await self._rows(_input, _SQL["inputs"])

    async def refused(self) -> list[tuple[str, str]]:
        """Return the files that were refused as a whole and have not been met since: name, and what was expected."""
        return await self._rows(lambda name, expected: (name, expected), _SQL["refused"])

    async def in_trouble(self) -> set[InputNo]:
        """Return the readings in which something was last met that needs a person, or time."""
        return set(await self._rows(InputNo, _SQL["inputs_in_trouble"]))

    async def groups(self, number: InputNo, *, after: int) -> tuple[list[RowStood], int] | None:
        """Return the first rows of a reading behind a line, and the last line of them; None behind its end.

        Of a file with millions of rows some hundred are looked up together.
        """

        def operation(connection: Connection) -> tuple[list[RowStood], int] | None:
            found = connection.execute(_SQL["kept"], {"input": number, "after": after}).fetchone()
            if found is None:
                return None
            body, first, last = found
            return _look_up(connection, number, unpack(body), first, last), last

        return await self._read(operation)

    async def troubled(self, *, after: int, everything: bool, limit: int) -> list[int]:
        """Return the numbers of rejected expenses; with `everything` of failed ones and those in doubt as well."""
        return await self._rows(int, _SQL["troubled"], {"after": after, "all": everything, "limit": limit})

    async def place_of(self, expense_no: int) -> tuple[str, int]:
        """Return file and line in which an expense was last met."""
        (place,) = await self._rows(lambda file, line: (file, line), _SQL["place_of"], {"expense_no": expense_no})
        return place


def _input(*row: object) -> InputRead:
    number, name, path, receipts, mapping, sha256, delimiter, encoding, header, line, superseded, back, kept, same = row
    return InputRead(
        InputNo(int(str(number))), str(name), _text(path), _text(receipts), _text(mapping), _text(sha256),
        str(delimiter or ""), str(encoding or "utf-8"), tuple(json.loads(str(header or "[]"))), int(str(line or 1)),
        bool(superseded), bool(back), bool(kept), None if same is None else InputNo(int(str(same))),
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class _Row(NamedTuple):
    """What the journal has of one row."""

    kind: int
    first_input: InputNo
    first_line: int
    expense_no: int | None
    name: str
    sha256: str
    told_first: bool


def _look_up(connection: Connection, number: InputNo, rows: list[KeptRow], first: int, last: int) -> list[RowStood]:
    values = {"input": number, "first": first, "last": last}
    known = {line: _Row(*rest) for line, *rest in connection.execute(_SQL["rows"], values)}
    (has_receipts,) = connection.execute(_SQL["has_receipts"]).fetchone()
    found = []
    for kept in rows:
        row = known[kept.line]
        stood = _stood(connection, number, kept, row, has_receipts=bool(has_receipts))
        place = First(row.first_input, row.name, row.sha256, row.first_line)
        again = (row.first_input, row.first_line) != (number, kept.line)
        found.append(RowStood(kept, stood, place, again and bool(row.told_first)))
    return found


def _stood(connection: Connection, number: InputNo, kept: KeptRow, row: _Row, *, has_receipts: bool) -> Stood:
    expense_no = row.expense_no
    errors: list[Wrongness] = []
    if expense_no is None and row.kind != _KIND_SKIPPED:
        errors = _errors(connection, number, kept, row)
        if errors and all(each.settled for each in errors):
            expense_no = _came_in(connection, errors)
    if expense_no is not None:
        stood = _of_expense(connection, expense_no, number, has_receipts=has_receipts)
        # A row that came back and is wrong again has an expense and an error.
        wrong = _errors_at(connection, number, kept.line) if row.kind == _KIND_WRONG else []
        still = [each for each in wrong if not each.settled]
        return stood if not still else _wrong(kept, still, at=number, stands_for=expense_no)
    if errors:
        return _wrong(kept, errors, at=errors[0].at, stands_for=None)
    company = None if kept.company_id is None else CompanyId(kept.company_id)
    return Stood(NOT_READ, company_id=company)


_KIND_WRONG, _KIND_SKIPPED = 1, 2


def _errors(connection: Connection, number: InputNo, kept: KeptRow, row: _Row) -> list[Wrongness]:
    """Return what is wrong with a row: here, or where it first stood, or came again; else with its expense."""
    places = [(number, kept.line), (row.first_input, row.first_line)]
    values = {"first_input": row.first_input, "first_line": row.first_line}
    places += connection.execute(_SQL["again"], values).fetchall()
    found: list[Wrongness] = []
    for of, line in dict.fromkeys(places):
        found += _errors_at(connection, of, line)
    if all(each.settled for each in found) and kept.own_id and kept.company_id is not None:
        own_id = named_id(CompanyId(kept.company_id), kept.own_id)
        for of in dict.fromkeys(of for of, _ in places):
            own = {"input": of, "company": kept.company_id, "expense_id": own_id}
            found += [Wrongness(*each) for each in connection.execute(_SQL["errors_of"], own)]
    still = [each for each in found if not each.settled]
    return still or found


def _errors_at(connection: Connection, number: InputNo, line: int) -> list[Wrongness]:
    values = {"input": number, "line": line}
    return [Wrongness(*each) for each in connection.execute(_SQL["errors_at"], values)]


def _came_in(connection: Connection, errors: list[Wrongness]) -> int | None:
    """Return the expense that has come in since under the id of rows that were wrong."""
    for each in errors:
        found = connection.execute(_SQL["came_in"], {"error": each.error_no}).fetchone()
        if found is not None:
            return int(found[0])
    return None


def _wrong(kept: KeptRow, errors: list[Wrongness], *, at: InputNo, stands_for: int | None) -> Stood:
    company = None if kept.company_id is None else CompanyId(kept.company_id)
    return Stood(WRONG, errors[0].code, None, tuple(errors), company_id=company, at=at, stands_for=stands_for)


def _of_expense(connection: Connection, expense_no: int, number: InputNo, *, has_receipts: bool) -> Stood:
    found = connection.execute(_SQL["expense"], {"expense_no": expense_no}).fetchone()
    company, expense_id, state, code, message, units, nanos, currency, dataset, sync, posted, *rest = found
    at, name, at_line, draft_no, sync_no = rest
    came = (name, at_line) if at > number else None
    return Stood(
        state, code, message, (), expense_no, CompanyId(company), ExpenseId(expense_id), join(units, nanos), currency,
        dataset, sync, posted, None if state == ExpenseState.POSTED else _correlation_id(connection, draft_no, sync_no),
        _receipts(connection, expense_no) if has_receipts else _NONE, came, InputNo(at),
    )  # fmt: skip


def _correlation_id(connection: Connection, draft_no: int | None, sync_no: int | None) -> str | None:
    found = connection.execute(_SQL["correlation_id"], {"draft": draft_no, "sync": sync_no}).fetchone()
    return None if found is None else str(found[0])


def _receipts(connection: Connection, expense_no: int) -> ReceiptsStood:
    found = {
        state: (count, code, message)
        for state, count, code, message in connection.execute(_SQL["receipts"], {"expense_no": expense_no})
    }
    if not found:
        return _NONE
    bad = next((state for state in ("rejected", "in_doubt") if state in found), None)
    total, attached = sum(each[0] for each in found.values()), found.get("attached", (0,))[0]
    return ReceiptsStood(total, attached, bad, *(found[bad][1:] if bad else (None, None)))


_NONE = ReceiptsStood()
