"""The composition root: builds the parts of a run, once, in reading order, and runs them."""

import random
import uuid
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from runner import __version__
from runner.batch import Batch
from runner.clock import Clock
from runner.codat.budgets import ending_at
from runner.codat.client import PAGE_SIZE, Codat
from runner.codat.counting import RequestCounts
from runner.codat.draining import Draining, pause
from runner.codat.governor import Governor
from runner.domain.expense import MAX_EXPENSES_A_DRAFT
from runner.domain.forecast import Batches, requests_for
from runner.domain.ids import CompanyId, IdempotencyKey
from runner.errors import ExitCode, RefusedToStart, RunStopped, TooManyErrors
from runner.intake.read import Options
from runner.intake.receipts import load_receipt
from runner.intake.sources import Source
from runner.journal.journal import Journal, require_journal, scratch, writing
from runner.journal.records import Books, OpenRowError, RequestTotals, Standing
from runner.outcome import exit_code_of, outcomes_of, require_balance
from runner.progress import Notes
from runner.settings import RunSettings
from runner.stack import connected, governor_for
from runner.stage import StagedInput, stage, unfinished
from runner.steps.kit import Kit, Limits
from runner.steps.proof import Proofs
from runner.steps.verifying import Findings
from runner.verifier import Verifier

SHOWN = 20
"""How many single errors and expenses a report names; it counts them all."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    exit_code: ExitCode
    outcomes: list[str]
    books: Books
    row_errors: list[OpenRowError]
    """The first of them; the books count all."""
    attention: list[Standing]
    """The first expenses that are rejected, failed or in doubt."""
    more_attention: bool
    requests: RequestTotals
    """Of all runs of the journal."""
    sent: int
    """Requests of this run."""
    predicted: int | None
    """Requests that this run would take if nothing went wrong; None where it ended before it sent any."""
    split: int
    """Drafts that exist only because others had to be split: the price, in requests, of isolating bad expenses."""
    left: int
    """Companies that were left to a later run, because Codat could not be reached or did not answer."""
    left_because: str
    seconds: float
    inputs: list[StagedInput]
    lost_inputs: list[str]
    """Inputs of an earlier run that were only half read and cannot be read again without being named."""
    stop: RunStopped | None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How a comparison ended."""

    exit_code: ExitCode
    findings: list[Findings]
    books: Books
    stop: RunStopped | None


class App:
    """The parts that all commands share."""

    def __init__(self, *, clock: Clock, notes: Notes, draining: Draining) -> None:
        self.clock = clock
        self.notes = notes
        self.draining = draining
        self.counts = RequestCounts()
        self.governor: Governor | None = None
        self.predicted: int | None = None

    async def run(self, settings: RunSettings, sources: Sequence[Source]) -> RunReport:
        """Stage the sources, walk every company with open work, account for every expense.

        Running again is resuming: what an earlier life left open is taken up, with or without sources.
        Raises `RunnerError` where nothing could be begun; what stops a run later is in the report.
        """
        started, until = self.clock.monotonic(), self._end_of(settings)
        options = Options(receipts_dir=settings.receipts_dir, mapping=settings.mapping)
        if not sources:
            require_journal(settings.journal)
        if settings.strict:
            await self._refuse_wrong_rows(sources, options)
        async with writing(settings.journal, self.clock) as journal:
            if await journal.runs.open_rebuild():
                raise RefusedToStart(
                    "A rebuild of this journal was begun and has not come to its end: nothing may be sent before.",
                    hint="Finish it with: expense-runner verify --rebuild",
                )
            since = await journal.runs.seconds_since_previous_life()
            await journal.runs.begin(purpose="run", version=__version__, flow=settings.flow)
            inputs: list[StagedInput] = []
            lost: list[str] = []
            stop: RunStopped | None = None
            try:
                async with ending_at(until, draining=self.draining, clock=self.clock):
                    lost = await self._stage(journal, options, sources, inputs)
                    await self._walk(settings, journal, since)
            except RunStopped as error:
                stop = error
            return await self._conclude(settings, journal, started, inputs, lost, stop)

    async def verify(
        self, settings: RunSettings, *, companies: Sequence[CompanyId], rebuild: Sequence[Source] | None
    ) -> VerifyReport:
        """Compare the journal with Codat and repair it; with `rebuild` make it anew from CSVs and the API alone.

        No companies named means all of them.
        """
        purpose = "verify" if rebuild is None else "rebuild"
        if rebuild is None:
            require_journal(settings.journal)
        async with writing(settings.journal, self.clock) as journal:
            if rebuild is None and await journal.runs.open_rebuild():
                raise RefusedToStart(
                    "A rebuild of this journal was begun and has not come to its end.",
                    hint="Finish it with: expense-runner verify --rebuild",
                )
            since = await journal.runs.seconds_since_previous_life()
            await journal.runs.begin(purpose=purpose, version=__version__, flow=settings.flow)
            findings: list[Findings] = []
            stop: RunStopped | None = None
            try:
                if rebuild is not None:
                    await self._stage_for_rebuild(settings, journal, rebuild)
                async with self._account(settings, since) as codat:
                    verifier = Verifier(self._kit(settings, codat, journal), settings.concurrency, idle=since or 0.0)
                    if rebuild is not None:
                        await verifier.rebuild()
                    findings = await verifier.verify(companies)
            except RunStopped as error:
                stop = error
            books = await journal.accounts.books()
            agrees = all(each.agrees for each in findings)
            code = stop.exit_code if stop is not None else ExitCode.OK if agrees else ExitCode.IN_DOUBT
            # A rebuild that ended has done its work, whatever the comparison says afterwards.
            ended = ExitCode.OK if rebuild is not None and stop is None else code
            counts = self.counts
            await journal.runs.end(
                exit_code=ended, requests=counts.total, retried=counts.retried, rate_limited=counts.rate_limited
            )
            return VerifyReport(code, findings, books, stop)

    async def _stage_for_rebuild(self, settings: RunSettings, journal: Journal, sources: Sequence[Source]) -> None:
        """Stage all that the journal shall know before it is compared: what a run staged later would be sent again."""
        options = Options(receipts_dir=settings.receipts_dir, mapping=settings.mapping)
        lost = await self._stage(journal, options, sources, [])
        if lost:
            raise RefusedToStart(
                f"{lost[0]} was read only in part, and cannot be read to its end: nothing is known of the rest.",
                hint="Name the file: expense-runner verify --rebuild FILE…",
            )

    async def check(self, sources: Sequence[Source], options: Options, journal: Journal) -> list[StagedInput]:
        """Stage into a journal that is forgotten, to see what is wrong with these files."""
        await journal.runs.begin(purpose="check", version=__version__, flow="datasets")
        return await stage(sources, options, journal, draining=self.draining, note=self.notes)

    async def _refuse_wrong_rows(self, sources: Sequence[Source], options: Options) -> None:
        if any(source.path is None for source in sources):
            raise RefusedToStart(
                "--strict reads its input twice, which standard input does not allow.",
                hint="Write it to a file first.",
            )
        with scratch(self.clock) as journal:
            staged = await self.check(sources, options, journal)
        wrong = sum(each.errors for each in staged)
        if wrong:
            raise RefusedToStart(
                f"{wrong} errors in the input, and --strict sends nothing until there are none.",
                hint="See them all with: expense-runner check FILE…",
            )

    async def _stage(
        self, journal: Journal, options: Options, sources: Sequence[Source], inputs: list[StagedInput]
    ) -> list[str]:
        again, lost = await unfinished(journal, sources)
        for source, begun in again:
            own = replace(begun, max_receipt_bytes=options.max_receipt_bytes)
            inputs += await stage([source], own, journal, draining=self.draining, note=self.notes)
        inputs += await stage(sources, options, journal, draining=self.draining, note=self.notes)
        for name in lost:
            self.notes("input_lost", file=name)
        return lost

    async def _walk(self, settings: RunSettings, journal: Journal, since_previous: float | None) -> None:
        if settings.retry_receipts_in_doubt:
            await journal.receipts.retry_in_doubt()
        async with self._account(settings, since_previous) as codat:
            kit = self._kit(settings, codat, journal)
            self.predicted = requests_for(await journal.outlook.open_work(), _batches(settings))
            if settings.max_errors is not None:
                self.notes.listen(partial(self._count_errors, settings.max_errors))
            await Batch(kit, self.draining, settings.concurrency).run()

    def _account(self, settings: RunSettings, since_previous: float | None) -> AbstractAsyncContextManager[Codat]:
        self.governor = governor_for(settings, clock=self.clock, since_previous=since_previous)
        return connected(settings, self.governor, clock=self.clock, draining=self.draining, counts=self.counts)

    def _kit(self, settings: RunSettings, codat: Codat, journal: Journal) -> Kit:
        return Kit(
            codat=codat,
            journal=journal,
            clock=self.clock,
            jitter=random.uniform,
            pause=partial(pause, self.draining, self.clock),
            new_key=lambda: IdempotencyKey(str(uuid.uuid4())),
            load_receipt=load_receipt,
            proofs=Proofs(codat, journal),
            note=self.notes,
            limits=_limits(settings),
        )

    def _end_of(self, settings: RunSettings) -> datetime | None:
        """Return when the run has to end: at a time or after a while, whichever comes first."""
        ends = [] if settings.until is None else [settings.until]
        if settings.max_duration is not None:
            ends.append(self.clock.now() + timedelta(seconds=settings.max_duration))
        return min(ends, default=None)

    def _count_errors(self, allowed: int, _event: str) -> None:
        if self.notes.progress.rejected > allowed:
            self.draining.start(
                TooManyErrors(
                    f"More than {allowed} expenses were rejected: the run ends before more are sent.",
                    hint="Look at them with: expense-runner status",
                )
            )

    async def _conclude(
        self,
        settings: RunSettings,
        journal: Journal,
        started: float,
        inputs: list[StagedInput],
        lost: list[str],
        stop: RunStopped | None,
    ) -> RunReport:
        books = await journal.accounts.books()
        try:
            require_balance(books)
        except RunStopped as error:
            stop = error
        outcomes = outcomes_of(books, stop=stop, retries_left=settings.auto_retry == 0, unread=bool(lost))
        code = exit_code_of(outcomes, stop)
        counts = self.counts
        await journal.runs.end(
            exit_code=code, requests=counts.total, retried=counts.retried, rate_limited=counts.rate_limited
        )
        attention = await journal.accounts.attention(limit=SHOWN + 1)
        return RunReport(
            exit_code=code,
            outcomes=outcomes,
            books=books,
            row_errors=await journal.staging.open_row_errors(limit=SHOWN),
            attention=attention[:SHOWN],
            more_attention=len(attention) > SHOWN,
            requests=await journal.runs.request_totals(),
            sent=counts.total,
            predicted=self.predicted,
            split=await journal.drafts.count_extra(),
            left=self.notes.progress.left,
            left_because=self.notes.progress.left_because,
            seconds=self.clock.monotonic() - started,
            inputs=inputs,
            lost_inputs=lost,
            stop=stop,
        )


def _batches(settings: RunSettings) -> Batches:
    return Batches(
        creates_datasets=settings.flow.creates_datasets,
        draft_size=MAX_EXPENSES_A_DRAFT,
        drafts_a_sync=settings.drafts_a_sync,
        page_size=PAGE_SIZE,
    )


def _limits(settings: RunSettings) -> Limits:
    return Limits(
        drafts_a_sync=settings.drafts_a_sync,
        syncs_in_flight=settings.syncs_in_flight,
        poll_interval=settings.poll_interval,
        poll_maximum=max(30.0, settings.poll_interval),
        wait=settings.wait,
        quiescence=settings.quiet_time,
        auto_retry=settings.auto_retry,
        retry_receipts_in_doubt=settings.retry_receipts_in_doubt,
    )
