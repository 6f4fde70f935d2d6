"""Results: one line for each row of the files that were read, with what became of it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.errors import RefusedToStart
from runner.intake.lines import key_of
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.journal.results import InputRead
from runner.report.amounts import moment, money
from runner.report.rejected import message_of
from runner.standing import Again, CannotReadAgain, Row, again, digest_of, rows_of

COLUMNS: Final = (
    "_file", "_line", "_id", "_expense_id", "_company_id", "_state", "_code", "_message", "_amount", "_currency",
    "_dataset_id", "_sync_id", "_posted_at", "_receipts", "_receipts_attached", "_corrected_in",
)  # fmt: skip

Values = tuple[str | int | None, ...]


@dataclass(slots=True)
class Results:
    """What was found, and which files could not be read again."""

    lines: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    """By name: why."""


async def results_of(journal: Journal, sources: Sequence[Source] | None, told: Results) -> AsyncGenerator[Values, None]:
    """Yield a line for each row of these files, in the order of files and lines; None means all that were read.

    Rows that came back in a file of rejects are told where they first stood, unless that file is named itself.
    Raises `RefusedToStart` for a named file that the journal has not read as it is now.
    """
    inputs = await journal.results.inputs()
    chosen = [each for each in inputs if not each.superseded] if sources is None else _named(inputs, sources)
    readable: list[Again] = []
    for read in chosen:
        try:
            readable.append(again(read))
        except CannotReadAgain as reason:
            # The rows of one that came back are told where they first stood.
            if not read.came_back or await journal.results.has_own(read.number):
                told.unreadable[read.name] = str(reason)
    origins = {each.origin for each in readable} if sources is None else set()
    for each in readable:
        titles = True
        try:
            async with aclosing(rows_of(each, journal)) as rows:
                async for row in rows:
                    if titles:
                        for line in range(1, row.shape.header_line):
                            yield _skipped(each.source.name, line, "title: above the header")
                            told.lines += 1
                        titles = False
                    if not (origins and _told_elsewhere(row, each, origins)):
                        told.lines += 1
                        yield _values(row, each.source.name)
        except CannotReadAgain as reason:
            told.unreadable[each.source.name] = str(reason)


def _told_elsewhere(row: Row, each: Again, origins: set[str]) -> bool:
    key = key_of(row.line)
    return key is not None and key.origin in origins and key.origin != each.origin


def _named(inputs: Sequence[InputRead], sources: Sequence[Source]) -> list[InputRead]:
    found = []
    for source in sources:
        path = Path() if source.path is None else source.path
        digest = None if source.path is None else digest_of(path)
        same = [each for each in inputs if digest is not None and each.sha256 == digest]
        here = [each for each in same if each.path == str(path.absolute())]
        if not same:
            known = any(each.path == str(path.absolute()) for each in inputs)
            reason = "has changed since it was read" if known else "has not been read by a run of this journal"
            raise RefusedToStart(
                f"{source.name} {reason}: its lines cannot be told.",
                hint="Run it first, or name the file as it was read.",
            )
        found.append((here or same)[-1])
    return found


def _skipped(file: str, line: int, message: str) -> Values:
    return (file, line, None, None, None, "skipped", None, message, *[None] * 8)


def _values(row: Row, file: str) -> Values:
    line, stood = row.line, row.stood
    if line.skipped is not None:
        return _skipped(file, line.line, line.skipped)
    came = None if stood.came is None or not stood.changed else f"{stood.came[0]}:{stood.came[1]}"
    receipts = stood.receipts
    has = stood.expense_no is not None
    amount = None
    if stood.amount is not None:
        amount = money(stood.amount, stood.currency or "").replace(",", "")
    return (
        file, line.line, line.own_id or None, stood.expense_id if has else None, stood.company_id or line.company_id,
        stood.state, stood.code, message_of(stood, line.line), amount,
        stood.currency, stood.dataset_id, stood.sync_id, moment(stood.posted_at) or None,
        receipts.total if has else None, receipts.attached if has else None, came,
    )  # fmt: skip
