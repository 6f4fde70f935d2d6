"""Staging: rows are read, checked and stored in the journal before anything is sent."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from runner.codat.compare import differences
from runner.codat.draining import Draining
from runner.codat.wire import encode_content
from runner.domain.expense import RowError
from runner.domain.identity import named_id
from runner.domain.ids import ExpenseId, InputNo, is_uuid
from runner.domain.states import ExpenseState
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Batch, Options, Reading
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.journal.records import Conflict, StagedExpense, UnfinishedInput
from runner.journal.staging import InputFacts
from runner.steps.kit import Note

PORTION = 5
"""Batches that become durable together: a commit writes each page of an index once, however many rows it got."""


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


async def stage(
    sources: Sequence[Source], options: Options, journal: Journal, *, draining: Draining, note: Note
) -> list[StagedInput]:
    """Read every source into the journal; wrong rows are recorded beside the good ones.

    Raises what draining was started with: then the file being read counts as unfinished and is read again.
    """
    return [await _stage_one(source, options, journal, draining=draining, note=note) for source in sources]


async def _stage_one(
    source: Source, options: Options, journal: Journal, *, draining: Draining, note: Note
) -> StagedInput:
    path = None if source.path is None else str(source.path.absolute())
    folder = None if options.receipts_dir is None else str(options.receipts_dir.absolute())
    profile = None if options.mapping is None else options.mapping.profile_for(source)
    named = None if profile is None else profile.named
    number = await journal.staging.begin_input(source.name, path=path, receipts=folder, mapping=named)
    accepted = repeated = corrected = errors = 0
    with Reading(source, options) as reading:
        async with aclosing(_ahead(reading.batches())) as batches:
            async for expenses, wrong in batches:
                draining.check()
                staged = await journal.staging.stage(number, expenses)
                found = [*wrong, *(_conflict(conflict, source.name) for conflict in staged.conflicts)]
                if found:
                    await _record_errors(journal, number, found)
                accepted += staged.accepted
                repeated += staged.repeated
                corrected += staged.corrected
                errors += len(found)
                if expenses or found:
                    facts = {"expenses": staged.accepted, "errors": len(found), "repeated": staged.repeated}
                    note("staged", file=source.name, **facts)
        described = reading.described
    await journal.staging.end_input(
        number,
        source.name,
        InputFacts(described.sha256, described.delimiter, described.encoding, described.rows, repeated),
    )
    return StagedInput(
        source.name,
        described.rows,
        accepted,
        repeated,
        corrected,
        errors,
        described.delimiter,
        described.encoding,
        described.unknown,
        described.skipped,
        described.mapping,
    )


async def _ahead(batches: Iterator[Batch]) -> AsyncGenerator[tuple[list[StagedExpense], list[RowError]], None]:
    """Yield what is read, expenses as the journal takes them and errors, one portion ahead in a thread.

    So rows are parsed while the journal writes those before them, and a signal is heard meanwhile.
    """

    def take() -> tuple[list[StagedExpense], list[RowError]] | None:
        portion = list(islice(batches, PORTION))
        if not portion:
            return None
        return [each for batch in portion for each in _encode(batch)], [e for batch in portion for e in batch.errors]

    coming = asyncio.ensure_future(asyncio.to_thread(take))
    try:
        while (taken := await coming) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(take))
            yield taken
    finally:
        # Nobody may read on while the file is closed.
        await asyncio.gather(coming, return_exceptions=True)


def _encode(batch: Batch) -> list[StagedExpense]:
    return [
        StagedExpense(
            company_id=parsed.head.company_id,
            expense_id=parsed.id,
            line=parsed.line,
            rows=parsed.rows,
            content_hash=parsed.content_hash,
            currency=parsed.head.currency or "",
            gross=parsed.gross,
            payload=encode_content(parsed.id, parsed.head, parsed.members, issued=parsed.head.issued or ""),
            receipts=parsed.receipts,
            named=parsed.named,
        )
        for parsed in batch.expenses
    ]


def _conflict(conflict: Conflict, file: str) -> RowError:
    staged = conflict.staged
    stands = "is in the books" if conflict.state is ExpenseState.POSTED else f"is {conflict.state} in the journal"
    if conflict.payload is None:
        what = "other content"
    else:
        what = "; ".join(differences(conflict.payload, staged.payload)) or "other content"
    return RowError(
        file=file,
        line=staged.line,
        code="id_conflict",
        column="id",
        value=staged.expense_id,
        expected=f"the same content as before, or another id: this expense {stands} with {what}",
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


async def unfinished(journal: Journal, taken: Sequence[Source]) -> tuple[list[tuple[Source, Options]], list[str]]:
    """Return the files whose reading an earlier life did not finish, and the names of those that cannot be read.

    Running again without naming files must not leave half a file behind. Each is read as it was begun, with the
    same receipts folder and the same mapping profile; raises `ConfigurationWrong` where that one is gone.
    """
    again, lost = [], []
    names = {source.name for source in taken}
    for each in await journal.staging.unfinished_inputs():
        if each.name in names:
            continue
        path = None if each.path is None else Path(each.path)
        if path is not None and path.is_file():
            again.append((Source(each.name, path), _as_begun(each)))
        else:
            lost.append(each.name)
    return list({source.name: (source, options) for source, options in again}.values()), sorted(set(lost))


def _as_begun(each: UnfinishedInput) -> Options:
    return Options(
        receipts_dir=None if each.receipts is None else Path(each.receipts),
        mapping=None if each.mapping is None else read_mappings([each.mapping]),
    )
