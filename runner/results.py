"""Results: one line for each row of the files that were read, with what became of it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.errors import RefusedToStart
from runner.intake.digested import FileChanging, digest_of
from runner.intake.sources import Source
from runner.journal.journal import Journal
from runner.journal.results import NOT_READ, InputRead, RowStood
from runner.report.amounts import moment, money
from runner.report.rejected import message_of

COLUMNS: Final = (
    "_file", "_line", "_id", "_expense_id", "_company_id", "_state", "_code", "_message", "_amount", "_currency",
    "_dataset_id", "_sync_id", "_posted_at", "_receipts", "_receipts_attached", "_corrected_in",
)  # fmt: skip

Values = tuple[str | int | None, ...]

PRUNED: Final = "its rows have been pruned from the journal"


@dataclass(slots=True)
class Results:
    """What was found, and which files cannot be told row by row."""

    lines: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    """By name: why."""


async def results_of(journal: Journal, sources: Sequence[Source] | None, told: Results) -> AsyncGenerator[Values, None]:
    """Yield a line for each row of these files, in the order of files and lines; None means all that were read.

    A row that stands in several files is told where it first stood, unless a file is named itself. The files are not
    needed any more: the journal keeps their rows. Raises `RefusedToStart` for a named file that the journal has not
    read as it is now.
    """
    inputs = await journal.results.inputs()
    named = sources is not None
    chosen = _named(inputs, sources) if sources is not None else [each for each in inputs if not each.superseded]
    if not named:
        for name, expected in await journal.results.refused():
            told.unreadable[name] = f"it was refused as a whole; expected {expected}"
    for each in chosen:
        if not each.kept:
            if not each.came_back:
                told.unreadable[each.name] = PRUNED
            continue
        for line in range(1, each.header_line):
            told.lines += 1
            yield _skipped(each.name, line, "title: above the header")
        after = 0
        while (group := await journal.results.groups(each.number, after=after)) is not None:
            rows, after = group
            for row in rows:
                if named or not (row.told_first or (each.came_back and row.first.number != each.number)):
                    told.lines += 1
                    yield _values(row, each.name)


def _named(inputs: Sequence[InputRead], sources: Sequence[Source]) -> list[InputRead]:
    found = []
    by_number = {each.number: each for each in inputs}
    for source in sources:
        path = Path() if source.path is None else source.path
        same = _same_bytes(inputs, source)
        here = [each for each in same if each.path == str(path.absolute())]
        if not same:
            known = any(each.path == str(path.absolute()) for each in inputs)
            reason = "has changed since it was read" if known else "has not been read by a run of this journal"
            raise RefusedToStart(
                f"{source.name} {reason}: its lines cannot be told.",
                hint="Run it first, or name the file as it was read.",
            )
        read = (here or same)[-1]
        found.append(by_number[read.as_read] if read.as_read is not None else read)
    return found


def _same_bytes(inputs: Sequence[InputRead], source: Source) -> list[InputRead]:
    try:
        digested = digest_of(source)
    except FileChanging:
        return []
    return [] if digested is None else [each for each in inputs if each.sha256 == digested.sha256]


def _skipped(file: str, line: int, message: str) -> Values:
    return (file, line, None, None, None, "skipped", None, message, *[None] * 8)


def _values(found: RowStood, file: str) -> Values:
    row, stood = found.row, found.stood
    if row.skipped is not None and stood.state == NOT_READ:
        return _skipped(file, row.line, row.skipped)
    came = None if stood.came is None or stood.came == (file, row.line) else f"{stood.came[0]}:{stood.came[1]}"
    receipts = stood.receipts
    has = stood.expense_no is not None
    amount = None
    if stood.amount is not None:
        amount = money(stood.amount, stood.currency or "").replace(",", "")
    return (
        file, row.line, row.own_id or None, stood.expense_id, stood.company_id or row.company_id, stood.state,
        stood.code, message_of(stood, row.line), amount, stood.currency, stood.dataset_id, stood.sync_id,
        moment(stood.posted_at) or None, receipts.total if has else None, receipts.attached if has else None, came,
    )  # fmt: skip
