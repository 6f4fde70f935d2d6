"""Staging: rows are read, checked and stored in the journal before anything is sent."""

import asyncio
import hashlib
import shlex
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from runner.codat.compare import differences
from runner.codat.draining import Draining
from runner.codat.payload import encode_content
from runner.domain.expense import RowError
from runner.domain.identity import named_id
from runner.domain.ids import ExpenseId, InputNo, is_uuid
from runner.domain.row_key import SURE, RowKey
from runner.domain.states import ExpenseState
from runner.intake.added import KEY
from runner.intake.codes import Code
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Batch, Options, Parsed, Reading
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.journal.records import Conflict, StagedExpense, UnfinishedInput
from runner.journal.staging import InputFacts
from runner.steps.kit import Note

PORTION = 5
"""Batches that become durable together: a commit writes each page of an index once, however many rows it got."""

_NO_INPUT = InputNo(0)


@dataclass(frozen=True, slots=True)
class StagedInput:
    """What came of one file."""

    name: str
    rows: int
    accepted: int
    repeated: int
    corrected: int
    errors: int
    delimiter: str
    encoding: str
    unknown: tuple[str, ...]
    """Columns that are not read."""
    skipped: tuple[tuple[str, int], ...] = ()
    """How many rows each rule of the mapping profile skipped, by the rule's file and line."""
    mapping: str | None = None
    """The mapping profile that it was read with."""
    number: InputNo = _NO_INPUT
    sha256: str | None = None
    """Hex digest of the bytes; None where the file could not be read to its end."""
    usable: bool = True
    """False where the file as a whole was refused."""


async def stage(
    sources: Sequence[Source],
    options: Options,
    journal: Journal,
    *,
    draining: Draining,
    note: Note,
    dropped: bool = False,
) -> list[StagedInput]:
    """Read every source into the journal; wrong rows are recorded beside the good ones.

    `dropped`: another file may have taken the name since the last reading, and corrects nothing of that one.

    Raises what draining was started with: then the file being read counts as unfinished and is read again.
    """
    return [
        await _stage_one(source, options, journal, draining=draining, note=note, dropped=dropped) for source in sources
    ]


async def _stage_one(
    source: Source, options: Options, journal: Journal, *, draining: Draining, note: Note, dropped: bool
) -> StagedInput:
    path = None if source.path is None else str(source.path.absolute())
    folder = None if options.receipts_dir is None else str(options.receipts_dir.absolute())
    profile = None if options.mapping is None else options.mapping.profile_for(source)
    named = None if profile is None else profile.named
    number = await journal.staging.begin_input(source.name, path=path, receipts=folder, mapping=named)
    with Reading(source, options) as reading:
        came = await _let_in(reading, source.name, number, journal, draining=draining, note=note)
        described = reading.described
    await journal.staging.end_input(
        number,
        source.name,
        InputFacts(described.sha256, described.delimiter, described.encoding, described.rows, came.repeated),
        only_same=dropped,
    )
    return StagedInput(
        source.name,
        described.rows,
        came.accepted,
        came.repeated,
        came.corrected,
        came.errors,
        described.delimiter,
        described.encoding,
        described.unknown,
        described.skipped,
        described.mapping,
        number=number,
        sha256=described.sha256,
        usable=described.usable,
    )


@dataclass(slots=True)
class _Came:
    """What has come of a file so far."""

    accepted: int = 0
    repeated: int = 0
    corrected: int = 0
    errors: int = 0


async def _let_in(
    reading: Reading, name: str, number: InputNo, journal: Journal, *, draining: Draining, note: Note
) -> _Came:
    """Let everything that is read into the journal, wrong rows beside the good ones."""
    came = _Came()
    known: str | None = None
    async with aclosing(_ahead(reading.batches())) as batches:
        async for expenses, wrong, returned in batches:
            draining.check()
            # The first expense comes in when the whole file has been read once: so it is known what is cut off.
            digest = reading.described.sha256 if known is None else None
            known = known or digest
            staged = await journal.staging.stage(number, expenses, wrong_again=returned, sha256=digest)
            found = [*wrong, *(_conflict(conflict, name) for conflict in staged.conflicts)]
            if found:
                await _record_errors(journal, number, found)
            came.accepted += staged.accepted
            came.repeated += staged.repeated
            came.corrected += staged.corrected
            came.errors += len(found)
            if expenses or found:
                facts = {"expenses": staged.accepted, "errors": len(found), "repeated": staged.repeated}
                note("staged", file=name, **facts)
            else:
                note("reading", file=name)
    return came


_Portion = tuple[list[StagedExpense], list[RowError], list[tuple[RowKey, int]]]


async def _ahead(batches: Iterator[Batch]) -> AsyncGenerator[_Portion, None]:
    """Yield what is read, expenses as the journal takes them and errors, one portion ahead in a thread.

    So rows are parsed while the journal writes those before them, and a signal is heard meanwhile.
    """

    def take() -> _Portion | None:
        portion = list(islice(batches, PORTION))
        if not portion:
            return None
        return (
            [_encode(each) for batch in portion for each in batch.expenses],
            [error for batch in portion for error in batch.errors],
            [each for batch in portion for each in batch.returned],
        )

    coming = asyncio.ensure_future(asyncio.to_thread(take))
    try:
        while (taken := await coming) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(take))
            yield taken
    finally:
        # Nobody may read on while the file is closed.
        await asyncio.gather(coming, return_exceptions=True)


def _encode(parsed: Parsed) -> StagedExpense:
    head = parsed.head
    return StagedExpense(
        company_id=head.company_id,
        expense_id=parsed.id,
        line=parsed.line,
        rows=parsed.rows,
        content_hash=parsed.content_hash,
        currency=head.currency or "",
        gross=parsed.gross,
        payload=encode_content(parsed.id, head, parsed.members, issued=head.issued or ""),
        receipts=parsed.receipts,
        named=parsed.named,
        returned=tuple((row.origin, row.line) for row in parsed.members if row.origin is not None),
    )


def _conflict(conflict: Conflict, file: str) -> RowError:
    staged = conflict.staged
    if conflict.came_in_as is not None:
        company, expense_id = conflict.came_in_as
        expected = (
            f"the id and company with which this row has come in already ({expense_id} of company {company}); or a "
            f"blank {KEY} for a new expense"
        )
        return _of_expense(staged, file, Code.ROW_KEY_WRONG, expected, column=KEY)
    if conflict.elsewhere is not None:
        name, line = conflict.elsewhere
        expected = (
            f"another purchase than that of {name or file}, line {line}: leave the row out if it is the same one; "
            f"if it is another one, write {SURE} behind its {KEY}, or give it an id if it has none"
        )
        return _of_expense(staged, file, Code.EQUAL_ELSEWHERE, expected, column=KEY)
    stands = "is in the books" if conflict.state is ExpenseState.POSTED else f"is {conflict.state} in the journal"
    if conflict.payload is None:
        what = "other content"
    else:
        what = "; ".join(differences(conflict.payload, staged.payload)) or "other content"
    expected = f"the same content as before, or another id: this expense {stands} with {what}"
    return _of_expense(staged, file, "id_conflict", expected, column="id", value=staged.expense_id)


def _of_expense(
    staged: StagedExpense, file: str, code: str, expected: str, *, column: str, value: str | None = None
) -> RowError:
    return RowError(
        file=file,
        line=staged.line,
        code=code,
        column=column,
        value=value,
        expected=expected,
        company_id=staged.company_id,
        expense=staged.expense_id,
        expense_key=staged.expense_id,
    )


async def _record_errors(journal: Journal, number: InputNo, errors: Sequence[RowError]) -> None:
    await journal.staging.add_row_errors(number, [(error, _id_of(error)) for error in errors])


def _id_of(error: RowError) -> ExpenseId | None:
    """Return the id that the wrong expense would have, so that its correction can settle the error."""
    if error.company_id is None or not error.expense:
        return None
    return ExpenseId(error.expense.lower()) if is_uuid(error.expense) else named_id(error.company_id, error.expense)


@dataclass(frozen=True, slots=True)
class LostInput:
    """A file that was read only in part: it is gone, or another one has taken its place."""

    name: str
    came_in: int
    """How many of its expenses are in the journal; nothing is known of the others."""

    @property
    def words(self) -> str:
        """Say what happened, and how to end it."""
        return (
            f"{self.name} was read only in part, and then it was overwritten or went away: {self.came_in:,} of its "
            f"expenses came in. Run with the original file, under any name; if it is lost for good: "
            f"expense-runner resolve --input {shlex.quote(self.name)} --dropped"
        )


async def unfinished(journal: Journal, taken: Sequence[Source]) -> list[tuple[Source, Options]]:
    """Return the files whose reading an earlier life did not finish, and which are still where they were.

    Running again without naming files must not leave half a file behind. Each is read as it was begun, with the
    same receipts folder and the same mapping profile; raises `ConfigurationWrong` where that one is gone. A file that
    has changed is read once: whether it holds what the other one held is seen from what it gives, by `lost_inputs`.
    """
    again: dict[str, tuple[Source, Options]] = {}
    names = {source.name for source in taken}
    for each in await journal.staging.unfinished_inputs():
        path = None if each.path is None else Path(each.path)
        if each.name in names or path is None or not path.is_file():
            continue
        if not await _is_read_since(each, path, journal):
            again[each.name] = Source(each.name, path), _as_begun(each)
    return list(again.values())


async def lost_inputs(journal: Journal, *, waiting: Collection[str] = ()) -> list[LostInput]:
    """Return what is still read only in part when all was read that can be; files that are `waiting` come later."""
    found: dict[str, int] = {}
    for each in await journal.staging.unfinished_inputs():
        if each.name not in waiting:
            found[each.name] = found.get(each.name, 0) + each.came_in
    return [LostInput(name, came_in) for name, came_in in sorted(found.items())]


async def _is_read_since(each: UnfinishedInput, path: Path, journal: Journal) -> bool:
    if each.sha256 is None:
        return False
    digest = await asyncio.to_thread(_digest, path)
    return digest not in {None, each.sha256} and await journal.staging.is_read_since(each.number, sha256=str(digest))


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _as_begun(each: UnfinishedInput) -> Options:
    return Options(
        receipts_dir=None if each.receipts is None else Path(each.receipts),
        mapping=None if each.mapping is None else read_mappings([each.mapping]),
    )
