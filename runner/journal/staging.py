"""The journal's verbs for staging: a file comes in whole or not at all.

`begin_input` notes which bytes are about to be read. What is read is put into temporary tables beside the journal
(`clear`, `add`), and `compare` says what each row is. `let_in` then writes all of it in one transaction, in which
nothing is parsed or compared any more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from runner.domain.expense import Receipt, RowError
from runner.domain.identity import short_key
from runner.domain.ids import CompanyId, ExpenseId, InputNo
from runner.domain.money import split, split_units
from runner.domain.row_key import RowKey
from runner.domain.states import ExpenseState
from runner.journal.comparison import Compared, Subject, compare, with_id
from runner.journal.context import Verbs
from runner.journal.kept import TOGETHER, KeptRow, KeptRows, pack
from runner.journal.records import OpenRowError, StagedExpense, UnfinishedInput
from runner.journal.statements import insert, load
from runner.journal.store import Operation

_SQL = load("staging")
_INCOMING = load("incoming")

T = TypeVar("T")

_TABLES: Final = ("rows", "expenses", "errors", "kept", "earlier", "candidates", "pairs")
_NAMES: Final = ("incoming_row", "incoming", "incoming_error", "incoming_kept", "earlier", "candidate", "pair")
_INDEXES: Final = ("index_cells", "index_entry", "index_first")
_SKIPPED: Final = 2
_WRONG: Final = 1

_encode_receipts = msgspec.json.Encoder().encode
_decode_receipts = msgspec.json.Decoder(list[Receipt]).decode


class OtherFileCameIn(Exception):
    """Another file has come in since the comparison: it has to be made once more."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What is noted of a file before it is read."""

    name: str
    path: str | None
    receipts: str | None
    mapping: str | None
    source: str
    """What its rows are compared with: the name of its mapping profile; blank for canonical columns."""
    sha256: str | None
    size: int | None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What a file turned out to be."""

    sha256: str | None
    delimiter: str | None
    encoding: str | None
    rows: int
    header: Sequence[str] = ()
    """The user's own columns, as written."""
    header_line: int = 1
    refused: bool = False
    came_back: bool = False
    """Whether it is a file of rejects."""


class IncomingRow(NamedTuple):
    """One row as the user wrote it, before it is known what it makes."""

    row: KeptRow
    cells: int
    key: RowKey | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """An expense that did not come in, and what it met in the journal."""

    entry: int
    """The line of its first row."""
    rows: int
    company_id: CompanyId
    expense_id: ExpenseId
    named: bool
    outcome: str
    """`conflict`, `another`, `repeated_line` or `asked`."""
    reason: str | None
    repeated_line: int | None
    payload: bytes
    met: "Met | None"
    first: tuple[int, int] | None
    """Reading and line where its first row first stood, if that was elsewhere."""
    own_id: str
    """Its `id` cell; blank where it has none."""


@dataclass(frozen=True, slots=True)
class Met:
    """An expense of the journal."""

    state: ExpenseState
    payload: bytes | None
    """Its wire form, if the journal still has it."""
    file: str
    line: int
    company_id: CompanyId
    expense_id: ExpenseId


@dataclass(frozen=True, slots=True)
class LetIn:
    """What came of a file."""

    errors: int
    """Rows' errors that are told now and were not before."""


class Staging(Verbs):
    """Lets files in, each whole, and each of their expenses once."""

    async def begin_input(self, begun: Begun) -> InputNo:
        """Record that a file is about to be read."""
        facts = {
            **self._context.stamp(),
            "name": begun.name,
            "path": begun.path,
            "receipts": begun.receipts,
            "mapping": begun.mapping,
            "source": begun.source,
            "sha256": begun.sha256,
            "size": begun.size,
        }

        def operation(connection: Connection) -> int:
            (number,) = connection.execute(_SQL["begin_input"], facts).fetchone()
            return int(number)

        return InputNo(await self._write(operation))

    async def forget_input(self, number: InputNo) -> None:
        """Forget a reading that was begun: the file had changed before it was read."""
        await self._change(_SQL["forget_input"], {"input": number})

    async def clear(self) -> None:
        """Make the temporary tables anew."""
        await self._aside(make_tables)

    async def add(
        self,
        rows: Sequence[IncomingRow] = (),
        expenses: Sequence[StagedExpense] = (),
        errors: Sequence[tuple[RowError, ExpenseId | None]] = (),
    ) -> None:
        """Put some of what was read beside the journal; the rows of an expense come before it."""
        kept = [rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]
        groups = [(part[0].row.line, part[-1].row.line, pack([each.row for each in part])) for part in kept]

        def operation(connection: Connection) -> None:
            insert(connection, _INCOMING["add_row"], [_row(each) for each in rows])
            insert(connection, _INCOMING["add_kept"], groups)
            _add_expenses(connection, expenses)
            insert(connection, _INCOMING["add_error"], [_error(error, expense_id) for error, expense_id in errors])

        await self._aside(operation)

    async def compare(self, subject: Subject) -> Compared:
        """Say what all that lies beside the journal is; see `runner.journal.comparison`."""

        def operation(connection: Connection) -> Compared:
            connection.execute(_INCOMING["belong_alone"])
            for statement in _INDEXES:
                connection.execute(_INCOMING[statement])
            return compare(connection, subject)

        return await self._aside(operation)

    async def forget_undecided(self) -> None:
        """Take back what an earlier comparison of this file has said of expenses that do not come in."""
        await self._aside(lambda connection: connection.execute(_SQL["forget_undecided"]))

    async def undecided(self, outcome: str, *, after: int, limit: int) -> list[Undecided]:
        """Return what does not come in, of one outcome, in file order, from behind line `after`."""

        def operation(connection: Connection) -> list[Undecided]:
            values = {"outcome": outcome, "after": after, "limit": limit}
            found = connection.execute(_SQL["outcomes"], values).fetchall()
            kept = KeptRows(connection)
            return [_undecided(connection, kept, *each) for each in found]

        return await self._read(operation)

    async def let_in(
        self, subject: Subject, facts: InputFacts, compared: Compared, *, met: Sequence[InputNo] = ()
    ) -> LetIn:
        """Write all of it into the journal, at once; raises `OtherFileCameIn`.

        `met` are earlier readings that were never ended whose bytes this file begins with.
        """
        counts = compared.outcomes
        values = {
            **self._context.stamp(),
            "input": subject.number,
            "sha256": facts.sha256,
            "delimiter": facts.delimiter,
            "encoding": facts.encoding,
            "header": json.dumps(list(facts.header)),
            "header_line": facts.header_line,
            "rows": facts.rows,
            "repeated": counts.get("known", 0) + counts.get("noted", 0),
            "noted": counts.get("noted", 0),
            "refused": int(facts.refused),
            "came_back": int(facts.came_back),
            "company": subject.company,
            "known": compared.known_bytes,
            "at": subject.number if compared.known_bytes is None else compared.known_bytes,
        }

        def operation(connection: Connection) -> LetIn:
            (readings,) = connection.execute(_SQL["readings"]).fetchone()
            if readings != compared.readings:
                raise OtherFileCameIn
            return _write_all(connection, compared, values, met)

        return await self._write(operation)

    async def end_refused(self, number: InputNo, facts: InputFacts, errors: Sequence[RowError]) -> None:
        """Record that a file was refused as a whole: none of its rows is anything."""
        values = {
            **self._context.stamp(),
            "input": number,
            "sha256": facts.sha256,
            "delimiter": facts.delimiter,
            "encoding": facts.encoding,
            "header": None,
            "header_line": None,
            "rows": facts.rows,
            "repeated": 0,
            "noted": 0,
            "refused": 1,
            "came_back": 0,
            "company": "",
        }

        def operation(connection: Connection) -> None:
            connection.execute(_SQL["end_input"], values)
            _meet(connection, (), values)
            for error in errors:
                connection.execute(_SQL["add_row_error"], (number, *_columns(error, None)))

        await self._write(operation)

    async def unfinished_inputs(self) -> list[UnfinishedInput]:
        """Return the readings that were begun and never ended, and have not been met since."""
        return await self._rows(UnfinishedInput, _SQL["unfinished_inputs"])

    async def notes(self) -> list[tuple[InputNo, int, str]]:
        """Return number, size and SHA-256 of the files that were begun and never came in, or were refused."""
        return await self._rows(lambda number, size, sha256: (InputNo(number), size, sha256), _SQL["notes"])

    async def open_row_errors(self, *, limit: int = -1) -> list[OpenRowError]:
        """Return row errors that no later reading has settled, in file order."""
        return await self._rows(OpenRowError, _SQL["open_row_errors"], {"limit": limit})

    async def _aside(self, operation: Operation[T]) -> T:
        """Run an operation that changes nothing but temporary tables."""

        def within(connection: Connection) -> T:
            connection.execute("SAVEPOINT aside")
            try:
                return operation(connection)
            except BaseException:
                connection.execute("ROLLBACK TO aside")
                raise
            finally:
                connection.execute("RELEASE aside")

        return await self._read(within)


def make_tables(connection: Connection) -> None:
    """Make the temporary tables anew in which a file lies until it comes in."""
    for name in _NAMES:
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
    for statement in _TABLES:
        connection.execute(_INCOMING[statement])


def _row(each: IncomingRow) -> tuple[object, ...]:
    kind = _WRONG if each.row.skipped is None else _SKIPPED
    key = each.key
    return (each.row.line, each.cells, kind, None if key is None else key.origin, None if key is None else key.line)


def _add_expenses(connection: Connection, expenses: Sequence[StagedExpense]) -> None:
    rows = []
    belongs: list[tuple[int, int]] = []
    for each in expenses:
        units, nanos = split(each.gross)
        receipts = _encode_receipts(each.receipts).decode() if each.receipts else None
        rows.append((
            each.line, each.company_id, each.expense_id, each.named, each.named or each.returned, each.returned,
            each.rows, each.cells, each.key, short_key(each.key), each.day, each.content_hash, each.currency, units,
            nanos, each.back, each.payload, receipts, each.repeated_line,
        ))  # fmt: skip
        if each.rows > 1:
            belongs += [(each.line, line) for line in each.lines]
    insert(connection, _INCOMING["add_expense"], rows)
    connection.executemany(_INCOMING["belongs"], belongs)


def _error(error: RowError, expense_id: ExpenseId | None) -> tuple[object, ...]:
    company, key, own, rows, line, *rest = _columns(error, expense_id)
    return (line, company, key, own, rows, *rest)


def _columns(error: RowError, expense_id: ExpenseId | None) -> tuple[object, ...]:
    return (
        error.company_id, error.expense_key, expense_id, error.rows, error.line, error.code, error.column, error.value,
        error.expected,
    )  # fmt: skip


def _undecided(connection: Connection, kept: KeptRows, *row: Any) -> Undecided:
    entry, rows, company, expense_id, own_no, other_no, outcome, reason, repeated, payload, named, *first = row
    met = None
    number = own_no if other_no is None else other_no
    if number is not None:
        state, body, file, line, of, its = connection.execute(_SQL["known_expense"], {"expense_no": number}).fetchone()
        met = Met(ExpenseState(state), body, file, line, CompanyId(of), ExpenseId(its))
    here = kept.here(entry) if named else None
    return Undecided(
        entry, rows, CompanyId(company), ExpenseId(expense_id), bool(named), outcome, reason, repeated, payload, met,
        None if first[0] is None else (first[0], first[1]), "" if here is None else here.own_id,
    )  # fmt: skip


def _write_all(connection: Connection, compared: Compared, values: dict[str, Any], met: Sequence[InputNo]) -> LetIn:
    run = connection.execute
    run(_SQL["end_input"], values)
    run(_SQL["count_reading"])
    run(_SQL["add_companies"])
    run(_SQL["find_companies"])
    for statement in ("add_expenses", "add_payloads", "count_new"):
        run(_SQL[statement], values)
    if compared.outcomes.get("corrected"):
        _correct(connection, values)
    run(_SQL["add_aliases"])
    _add_receipts(connection)
    run(_SQL["mark_kinds"])
    if compared.known_bytes is None:
        run(_SQL["add_rows"], values)
        run(_SQL["keep_rows"], values)
        if not values["came_back"]:
            run(_SQL["sketch"], values)
    for statement in (
        "became",
        "settle_places",
        "settle_conflicts",
        "settle_ids",
        "answer_by_setting",
        "add_questions",
        "ask_about",
    ):
        run(_SQL[statement], values)
    if compared.known_bytes is not None:
        run(_SQL["wrong_now"])
    errors = run(_SQL["add_errors"], values).rowcount
    for earlier in compared.revised:
        _supersede(connection, earlier)
    if compared.known_bytes is not None:
        run(_SQL["supersede"], {"earlier": values["input"]})
    _meet(connection, met, values)
    return LetIn(errors)


def _meet(connection: Connection, met: Sequence[InputNo], values: dict[str, Any]) -> None:
    """Let rest what was begun or refused and has been read now: of these bytes, and what these bytes begin with."""
    same = [number for (number,) in connection.execute(_SQL["same_bytes"], values)]
    for number in dict.fromkeys((*same, *met)):
        connection.execute(_SQL["meet"], {"met": number})
        connection.execute(_SQL["settle_met"], {"met": number})


def _correct(connection: Connection, values: dict[str, Any]) -> None:
    run = connection.execute
    ids = run(_SQL["correct_payload_ids"]).fetchall()
    renamed = [(with_id(payload, new, own), entry) for entry, new, own, payload in ids]
    connection.executemany(_SQL["rewrite_payload"], renamed)
    number = values["input"]
    counts: list[tuple[object, ...]] = []
    for _, company, currency, units, nanos, now, new_units, new_nanos, _ in run(_SQL["corrections"]):
        counts.append((number, company, currency, -1, *split_units(-units), -nanos))
        counts.append((number, company, now, 1, *split_units(new_units), new_nanos))
    connection.executemany(_SQL["count_accepted"], counts)
    for statement in ("replace", "keep_replaced"):
        run(_SQL[statement], values)
    changes = [(*row[:-1], number, row[-1]) for row in run(_SQL["corrected"])]
    connection.executemany(_SQL["correct_expense"], changes)
    for statement in ("correct_payloads", "drop_receipts"):
        run(_SQL[statement], values)
    run(_SQL["correction_events"], values)


def _add_receipts(connection: Connection) -> None:
    rows = [
        (expense_no, company_no, receipt.root, receipt.path, receipt.size, receipt.sha256)
        for expense_no, company_no, receipts in connection.execute(_SQL["with_receipts"])
        for receipt in _decode_receipts(receipts)
    ]
    connection.executemany(_SQL["add_receipt"], rows)


def _supersede(connection: Connection, earlier: InputNo) -> None:
    """Let a reading rest all of whose rows stand in this one."""
    values = {"earlier": earlier}
    (gone,) = connection.execute(_SQL["gone"], values).fetchone()
    if not gone:
        for statement in ("supersede", "drop_sketch", "drop_kept"):
            connection.execute(_SQL[statement], values)
