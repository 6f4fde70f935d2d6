"""Staging: a file is read, checked and compared with what is known, and comes in whole or not at all."""

import asyncio
import shlex
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from runner.codat.draining import Draining
from runner.codat.payload import encode_content
from runner.domain.expense import RowError
from runner.domain.identity import named_id
from runner.domain.ids import ExpenseId, InputNo, is_uuid
from runner.domain.odd_rows import OddRows, RowsSeen
from runner.errors import Interrupted
from runner.intake.digested import Digested, FileChanging, digest_of, spooled
from runner.intake.mapping.choose import Mappings, read_mappings
from runner.intake.mapping.profile import Profile
from runner.intake.read import Batch, Described, Options, Parsed, Reading, RowRead
from runner.intake.rows import profile_for
from runner.intake.sources import Source
from runner.journal.comparison import Compared, Subject
from runner.journal.journal import Journal
from runner.journal.kept import KeptRow
from runner.journal.records import StagedExpense, UnfinishedInput
from runner.journal.staging import Begun, IncomingRow, InputFacts, OtherFileCameIn
from runner.steps.kit import Note
from runner.undecided import UNDECIDED, error_of

PORTION = 5
"""Batches that are put beside the journal together."""

_NO_INPUT = InputNo(0)


@dataclass(frozen=True, slots=True)
class StagedInput:
    """What came of one file."""

    name: str
    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    corrected: int = 0
    errors: int = 0
    """Rows' errors that were not told before, questions among them."""
    delimiter: str = ","
    encoding: str = "utf-8"
    unknown: tuple[str, ...] = ()
    """Columns that are not read."""
    skipped: tuple[tuple[str, int], ...] = ()
    """How many rows each rule of the mapping profile skipped, by the rule's file and line."""
    mapping: str | None = None
    """The mapping profile that it was read with."""
    number: InputNo = _NO_INPUT
    sha256: str | None = None
    """Hex digest of the bytes; None where the file could not be read."""
    usable: bool = True
    """False where the file as a whole was refused."""
    noted: int = 0
    """Known expenses whose rows would read otherwise today, and which it is too late to change."""
    asked: int = 0
    """Expenses that may be known ones: a person has to say."""
    unread_sheets: tuple[str, ...] = ()
    """The names of a workbook's sheets that are not read."""
    odd: Sequence[OddRows] = ()
    """What is odd about its rows beside one another."""
    changing: str | None = None
    """How the file changed while it was read: then nothing of it was taken, and the next run reads it."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How one file is read."""

    source: Source
    options: Options
    profile: Profile | None

    @property
    def overlap(self) -> str | None:
        """Whether exports of this source overlap, as somebody has said."""
        return self.options.overlap if self.profile is None else self.profile.id.overlap

    @property
    def keeps_repeated(self) -> bool:
        """Whether a row that stands twice under one id is two lines."""
        return self.profile is not None and self.profile.id.repeated_lines == "keep"

    @property
    def source_name(self) -> str:
        """What the file's rows are compared with: blank for canonical columns, which are one source."""
        return "" if self.profile is None else self.profile.name

    def begun(self, digested: Digested | None) -> Begun:
        """Return what is noted of the file before it is read."""
        source, receipts = self.source, self.options.receipts_dir
        return Begun(
            name=source.name,
            path=None if source.path is None else str(source.path.absolute()),
            receipts=None if receipts is None else str(receipts.absolute()),
            mapping=None if self.profile is None else self.profile.named,
            source=self.source_name,
            sha256=None if digested is None else digested.sha256,
            size=None if digested is None else digested.size,
        )


async def stage(
    sources: Sequence[Source],
    options: Options,
    journal: Journal,
    *,
    draining: Draining,
    note: Note,
    stdin: BinaryIO | None = None,
) -> list[StagedInput]:
    """Read every source into the journal; wrong rows are recorded beside the good ones.

    Raises what draining was started with: between two files whatever that is, within one only for a signal. A file
    that was cut off is as if it had never been read, but for a note that it was begun.
    """
    found = []
    for source in sources:
        draining.check()
        profile = profile_for(source, options.mapping or Mappings(()))
        with spooled(source, stdin) as aside:
            way = _Way(source, options, profile)
            found.append(await _stage_one(way, aside, journal, draining=draining, note=note))
    return found


async def _stage_one(
    way: _Way, aside: BinaryIO | None, journal: Journal, *, draining: Draining, note: Note
) -> StagedInput:
    notes = await journal.staging.notes()
    sizes = {size for _, size, _ in notes}
    try:
        digested = await asyncio.to_thread(digest_of, way.source, aside, beginnings=sizes)
    except FileChanging as changing:
        note("input_changing", file=way.source.name)
        return StagedInput(way.source.name, usable=False, changing=str(changing))
    number = await journal.staging.begin_input(way.begun(digested))
    if aside is not None:
        aside.seek(0)
    with Reading(way.source, way.options, stdin=aside) as reading:
        await journal.staging.clear()
        seen = await _collect(reading, way, journal, draining=draining, note=note)
        described = reading.described
    if digested is not None and described.sha256 != digested.sha256:
        changed = await _changed(way, aside, digested)
        if changed is not None:
            await journal.staging.forget_input(number)
            note("input_changing", file=way.source.name)
            return StagedInput(way.source.name, usable=False, changing=changed)
    facts = _facts(described, digested)
    if not described.usable:
        refusals = [] if described.refusal is None else [described.refusal]
        await journal.staging.end_refused(number, facts, refusals)
        return _staged(way, number, described, digested, errors=len(refusals))
    subject = _subject(number, way, facts.sha256, described)
    met = [] if digested is None else [no for no, size, sha in notes if digested.beginnings.get(size) == sha]
    compared, errors = await _let_in(subject, facts, met, way.source.name, journal)
    counts = compared.outcomes
    note("staged", file=way.source.name, expenses=counts.get("new", 0), errors=errors,
         repeated=counts.get("known", 0) + counts.get("noted", 0))  # fmt: skip
    return replace(_staged(way, number, described, digested, errors=errors, counts=counts), odd=seen.found())


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a file's expenses would be beside a journal, by count and money."""

    counts: dict[str, int]
    """By outcome: `new`, `known`, `corrected`, `asked`, `conflict` and so on."""
    amounts: dict[str, dict[str, Decimal]]
    """The same by currency."""

    @property
    def kept_out(self) -> int:
        """How many would not come in, though their rows are right."""
        return sum(self.counts.get(outcome, 0) for outcome in (*UNDECIDED, "asked_before"))


async def foresee(
    sources: Sequence[Source], options: Options, journal: Journal, *, draining: Draining, note: Note
) -> list[Foreseen | None]:
    """Say what each of these files would be beside a journal, which is not changed; None where one cannot be read.

    Each for itself: what one would bring is not known to the next. Standard input, which has been read, is None.
    """
    found: list[Foreseen | None] = []
    for source in sources:
        draining.check()
        if source.path is None:
            found.append(None)
            continue
        way = _Way(source, options, profile_for(source, options.mapping or Mappings(())))
        try:
            digested = await asyncio.to_thread(digest_of, source)
        except FileChanging:
            digested = None
        with Reading(source, options) as reading:
            await journal.staging.clear()
            await _collect(reading, way, journal, draining=draining, note=note)
        if digested is None or not reading.described.usable:
            found.append(None)
            continue
        subject = _subject(_NO_INPUT, way, digested.sha256, reading.described)
        compared = await journal.staging.compare(subject)
        found.append(Foreseen(compared.outcomes, compared.amounts))
    return found


def _subject(number: InputNo, way: _Way, sha256: str | None, described: Described) -> Subject:
    return Subject(
        number, sha256, way.source_name, way.overlap, described.came_back, described.header, described.whole_company
    )


async def _changed(way: _Way, aside: BinaryIO | None, digested: Digested) -> str | None:
    """Return how a file has changed since its digest was taken; None where it has not."""
    try:
        now = await asyncio.to_thread(digest_of, way.source, aside)
    except FileChanging as changing:
        return str(changing)
    if now is None:
        return "it cannot be read any more"
    return None if now.sha256 == digested.sha256 else f"it had {digested.size:,} bytes, and has {now.size:,} others now"


async def _let_in(
    subject: Subject, facts: InputFacts, met: Sequence[InputNo], name: str, journal: Journal
) -> tuple[Compared, int]:
    """Compare what was read and let it in; return what it was and how many errors are told now."""
    while True:
        compared = await journal.staging.compare(subject)
        await journal.staging.forget_undecided()
        for outcome in UNDECIDED:
            after = 0
            while compared.outcomes.get(outcome) and (
                page := await journal.staging.undecided(outcome, after=after, limit=1_000)
            ):
                errors = [
                    (error_of(each, name, subject.number), each.expense_id if each.named else None) for each in page
                ]
                await journal.staging.add(errors=errors)
                after = page[-1].entry
        try:
            let_in = await journal.staging.let_in(subject, facts, compared, met=met)
        except OtherFileCameIn:
            continue
        return compared, let_in.errors


def _staged(
    way: _Way,
    number: InputNo,
    described: Described,
    digested: Digested | None,
    *,
    errors: int,
    counts: dict[str, int] | None = None,
) -> StagedInput:
    counts = counts or {}
    return StagedInput(
        way.source.name,
        described.rows,
        counts.get("new", 0),
        counts.get("known", 0) + counts.get("noted", 0),
        counts.get("corrected", 0),
        errors,
        described.delimiter,
        described.encoding,
        described.unknown,
        described.skipped,
        described.mapping,
        number=number,
        sha256=None if digested is None else digested.sha256,
        usable=described.usable,
        noted=counts.get("noted", 0),
        asked=counts.get("asked", 0) + counts.get("asked_before", 0),
        unread_sheets=described.unread_sheets,
    )


def _facts(described: Described, digested: Digested | None) -> InputFacts:
    return InputFacts(
        sha256=None if digested is None else digested.sha256,
        delimiter=described.delimiter,
        encoding=described.encoding,
        rows=described.rows,
        header=described.header,
        header_line=described.header_line,
        refused=not described.usable,
        came_back=described.came_back,
    )


async def _collect(reading: Reading, way: _Way, journal: Journal, *, draining: Draining, note: Note) -> RowsSeen:
    """Put all that is read beside the journal; return what was seen of it."""
    seen = RowsSeen()
    async with aclosing(_ahead(reading.batches(), seen, keeps_repeated=way.keeps_repeated)) as portions:
        async for rows, expenses, errors in portions:
            await journal.staging.add(rows, expenses, errors)
            note("reading", file=way.source.name)
            if isinstance(draining.error, Interrupted):
                draining.check()
    return seen


_Portion = tuple[list[IncomingRow], list[StagedExpense], list[tuple[RowError, ExpenseId | None]]]


async def _ahead(batches: Iterator[Batch], seen: RowsSeen, *, keeps_repeated: bool) -> AsyncGenerator[_Portion, None]:
    """Yield what is read as the journal takes it, one portion ahead in a thread.

    So rows are parsed while the journal writes those before them, and a signal is heard meanwhile.
    """

    def take() -> _Portion | None:
        portion = list(islice(batches, PORTION))
        if not portion:
            return None
        for batch in portion:
            for each in batch.expenses:
                _see(each, seen)
        return (
            [_incoming(row) for batch in portion for row in batch.lines],
            [_encode(each, keeps_repeated=keeps_repeated) for batch in portion for each in batch.expenses],
            [(error, _id_of(error)) for batch in portion for error in batch.errors],
        )

    coming = asyncio.ensure_future(asyncio.to_thread(take))
    try:
        while (taken := await coming) is not None:
            coming = asyncio.ensure_future(asyncio.to_thread(take))
            yield taken
    finally:
        # Nobody may read on while the file is closed.
        await asyncio.gather(coming, return_exceptions=True)


def _see(parsed: Parsed, seen: RowsSeen) -> None:
    head, amount = parsed.head, parsed.gross
    back = head.type is not None and head.type.money_back
    seen.see(
        line=parsed.line,
        company=head.company_id,
        expense=parsed.id,
        currency=head.currency or "",
        amount=-amount if back else amount,
        texts={"merchant_name": head.merchant_name, "reference": head.reference, "notes": head.notes},
    )


def _incoming(row: RowRead) -> IncomingRow:
    own_id = "" if row.key is not None and not row.key.own_id else row.own_id
    kept = KeptRow(row.line, list(row.own), row.skipped, row.company_id, own_id, row.damaged_key)
    return IncomingRow(kept, row.cells, row.key)


def _encode(parsed: Parsed, *, keeps_repeated: bool) -> StagedExpense:
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
        key=parsed.key,
        cells=parsed.cells,
        day=(head.issued or "")[:10],
        lines=tuple(row.line for row in parsed.members),
        back=head.type is not None and head.type.money_back,
        receipts=parsed.receipts,
        named=parsed.named,
        returned=any(row.key is not None for row in parsed.members),
        repeated_line=None if keeps_repeated else parsed.repeated_line,
    )


def _id_of(error: RowError) -> ExpenseId | None:
    """Return the id that the wrong expense would have, so that its correction can settle the error."""
    if error.company_id is None or not error.expense:
        return None
    return ExpenseId(error.expense.lower()) if is_uuid(error.expense) else named_id(error.company_id, error.expense)


# ---- files that were begun and never came in ----


@dataclass(frozen=True, slots=True)
class LostInput:
    """A file that was begun, is gone or has been overwritten, and of which nothing came in."""

    name: str

    @property
    def words(self) -> str:
        """Say what happened, and how to end it."""
        return (
            f"The reading of {self.name} was cut off, and then the file was overwritten or went away: none of its rows "
            f"came in. Run with the original file, under any name; if it is lost for good: "
            f"expense-runner resolve --input {shlex.quote(self.name)} --dropped"
        )


async def unfinished(journal: Journal, taken: Sequence[Source]) -> list[tuple[Source, Options]]:
    """Return the files whose reading an earlier life did not finish and which still lie where they were, unchanged.

    Each is read as it was begun, with the same receipts folder and the same mapping profile; raises
    `ConfigurationWrong` where that one is gone.
    """
    again: dict[str, tuple[Source, Options]] = {}
    names = {source.name for source in taken}
    for each in await journal.staging.unfinished_inputs():
        if each.name not in names and await _lies_there(each):
            again[each.name] = Source(each.name, Path(each.path or "")), _as_begun(each)
    return list(again.values())


@dataclass(frozen=True, slots=True)
class Unread:
    """Files of which nothing came in yet."""

    lost: Sequence[LostInput] = ()
    """Gone or overwritten: only a person can help."""
    waiting: Sequence[str] = ()
    """Names of those that lie there: the next run reads them."""

    @property
    def words(self) -> list[str]:
        """Say of each what is to be done."""
        return [
            *(each.words for each in self.lost),
            *(f"{name} has not been read to its end yet: run again." for name in self.waiting),
        ]


async def unread_inputs(
    journal: Journal, staged: Sequence[StagedInput] = (), *, growing: Collection[str] = ()
) -> Unread:
    """Return what was begun and never came in; `growing` are files in an inbox that a later run takes anyway."""
    lost: dict[str, LostInput] = {}
    waiting = {each.name for each in staged if each.changing is not None}
    for each in await journal.staging.unfinished_inputs():
        if await _lies_there(each):
            waiting.add(each.name)
        elif each.name not in growing:
            lost[each.name] = LostInput(each.name)
    return Unread([lost[name] for name in sorted(lost)], sorted(waiting))


async def _lies_there(each: UnfinishedInput) -> bool:
    """Say whether a file that was begun lies where it was, with the same bytes."""
    if each.path is None or each.sha256 is None:
        return False
    try:
        found = await asyncio.to_thread(digest_of, Source(each.name, Path(each.path)))
    except FileChanging:
        return False
    return found is not None and found.sha256 == each.sha256


def _as_begun(each: UnfinishedInput) -> Options:
    return Options(
        receipts_dir=None if each.receipts is None else Path(each.receipts),
        mapping=None if each.mapping is None else read_mappings([each.mapping]),
    )
