"""The journal's verbs for single rows: what became of each row of a file that was read."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from sqlite3 import Connection
from typing import NamedTuple

from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import join
from runner.domain.states import ExpenseState
from runner.journal.context import Verbs
from runner.journal.statements import load

_SQL = load("results")

WRONG = "wrong"
"""State of a row that never became part of an expense, because it or another row of its expense is wrong."""
NOT_READ = "not_read"
"""State of a row that the journal knows nothing of."""


@dataclass(frozen=True, slots=True)
class InputRead:
    """One reading of one file, to its end."""

    number: InputNo
    name: str
    path: str | None
    receipts: str | None
    mapping: str | None
    sha256: str | None
    superseded: int
    came_back: int
    """Whether it is a file of rejects that came back."""


class Asked(NamedTuple):
    """One row to be looked up."""

    origin: str
    """A digest of the file in which it first stood."""
    origin_line: int
    line: int
    """Where it stands in the file that is looked at."""
    company_id: CompanyId | None
    expense_id: ExpenseId | None


class Wrongness(NamedTuple):
    """One thing that is wrong with a row."""

    line: int
    code: str
    column: str | None
    value: str | None
    expected: str
    settled: int


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
    """File and line in which the row came back."""
    changed: bool = False
    """Whether it said something else there, or was wrong before."""
    at: InputNo | None = None
    """The reading in which the expense, or the error, was last met."""
    stands_for: int | None = None
    """Of a wrong row the expense that it was to correct, if there is one."""


class Results(Verbs):
    """Looks rows up."""

    async def inputs(self) -> list[InputRead]:
        """Return every reading that came to its end, in order."""
        return await self._rows(InputRead, _SQL["inputs"])

    async def has_own(self, number: InputNo) -> bool:
        """Say whether a reading brought anything that did not first stand in another file."""
        return bool(await self._value(_SQL["has_own"], {"input": number}))

    async def in_trouble(self) -> set[InputNo]:
        """Return the readings in which something was last met that needs a person, or time."""
        return set(await self._rows(InputNo, _SQL["inputs_in_trouble"]))

    async def wrong_lines(self, number: InputNo) -> Sequence[int]:
        """Return the lines with errors of a reading, rising, settled or not; eight bytes each."""

        def operation(connection: Connection) -> Sequence[int]:
            return array("q", (line for (line,) in connection.execute(_SQL["wrong_lines"], {"input": number})))

        return await self._read(operation)

    async def look_up(self, number: InputNo, rows: Iterable[Asked]) -> list[Stood]:
        """Return what became of rows of one reading, each for itself."""

        def operation(connection: Connection) -> list[Stood]:
            has = _Has(*connection.execute(_SQL["has"], {"input": number}).fetchone())
            return [_stood(connection, number, row, has) for row in rows]

        return await self._read(operation)

    async def open_lines(self, number: InputNo) -> int:
        """Return in how many lines of a reading something is still wrong."""
        return int(await self._value(_SQL["open_lines"], {"input": number}))

    async def troubled(self, *, after: int, everything: bool, limit: int) -> list[int]:
        """Return the numbers of rejected expenses; with `everything` of failed ones and those in doubt as well."""
        return await self._rows(int, _SQL["troubled"], {"after": after, "all": everything, "limit": limit})

    async def place_of(self, expense_no: int) -> tuple[str, int]:
        """Return file and line in which an expense was last met."""
        (place,) = await self._rows(lambda file, line: (file, line), _SQL["place_of"], {"expense_no": expense_no})
        return place


class _Has(NamedTuple):
    errors: int
    """Of this reading."""
    returned: int
    receipts: int


def _stood(connection: Connection, number: InputNo, row: Asked, has: _Has) -> Stood:
    values = {"input": number, "line": row.line, "expense_id": row.expense_id, "company": row.company_id}
    # What is wrong here is settled as soon as the row has come back elsewhere.
    errors = _errors(connection, values) if has.errors else []
    if still := [each for each in errors if not each.settled]:
        return _wrong(row, still, came=None, at=number, stands_for=_expense_no(connection, row))
    back = None
    if has.returned:
        back = connection.execute(_SQL["returned"], {"origin": row.origin, "line": row.origin_line}).fetchone()
    came, changed, own = None, False, None
    if back is not None:
        own, at, at_line, changed_, name = back
        came, changed = (None if at == number else (name, at_line)), bool(changed_)
    own = _expense_no(connection, row) if own is None else own
    if back is not None and back[0] is None:
        there = _errors(connection, {**values, "input": back[1], "line": back[2]})
        if still := [each for each in there if not each.settled]:
            return _wrong(row, still, came=came, at=InputNo(back[1]), stands_for=own)
    if own is not None:
        return _of_expense(connection, own, has, came=came, changed=changed)
    if errors:
        return _wrong(row, errors, came=came, at=number, stands_for=None)
    return Stood(NOT_READ, company_id=row.company_id, expense_id=row.expense_id)


def _expense_no(connection: Connection, row: Asked) -> int | None:
    if row.company_id is None or row.expense_id is None:
        return None
    values = {"company": row.company_id, "expense_id": row.expense_id}
    found = connection.execute(_SQL["expense_no"], values).fetchone()
    return None if found is None else int(found[0])


def _errors(connection: Connection, values: Mapping[str, object]) -> list[Wrongness]:
    """Return what is wrong with a row, or else with another one of its expense."""
    found = connection.execute(_SQL["errors_at"], values).fetchall()
    if not found and values["expense_id"] is not None:
        found = connection.execute(_SQL["errors_of"], values).fetchall()
    return [Wrongness(*each) for each in found]


def _wrong(
    row: Asked, errors: list[Wrongness], *, came: tuple[str, int] | None, at: InputNo, stands_for: int | None
) -> Stood:
    return Stood(
        WRONG, errors[0].code, None, tuple(errors), company_id=row.company_id, expense_id=row.expense_id, came=came,
        changed=came is not None, at=at, stands_for=stands_for,
    )  # fmt: skip


def _of_expense(
    connection: Connection, expense_no: int, has: _Has, *, came: tuple[str, int] | None, changed: bool
) -> Stood:
    values = {"expense_no": expense_no}
    found = connection.execute(_SQL["expense"], values).fetchone()
    company, expense_id, state, code, message, units, nanos, currency, dataset, sync, posted, *rest = found
    at, last, draft_no, sync_no = rest
    return Stood(
        state, code, message, (), expense_no, CompanyId(company), ExpenseId(expense_id), join(units, nanos), currency,
        dataset, sync, posted, None if state == ExpenseState.POSTED else _correlation_id(connection, draft_no, sync_no),
        _receipts(connection, expense_no) if has.receipts else _NONE, came, changed, InputNo(max(at, last or 0)),
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
