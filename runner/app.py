"""The composition root: builds the parts of a run, once, in reading order, and runs them."""

import math
import random
import shlex
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from runner import __version__
from runner.batch import Batch
from runner.clock import Clock
from runner.codat.address import checked_address
from runner.codat.budgets import ending_at
from runner.codat.client import Codat
from runner.codat.counting import RequestCounts
from runner.codat.draining import Draining, pause
from runner.codat.governor import Governor
from runner.codat.listening import Reception, listening
from runner.domain.forecast import Batches, OpenWork, requests_for
from runner.domain.ids import IdempotencyKey
from runner.errors import ExitCode, RefusedToStart, RunStopped, TooManyErrors
from runner.inbox import InboxReport, find_settled, take
from runner.inspection import Inspection, inspect
from runner.intake.inbox import Found
from runner.intake.read import Options
from runner.intake.receipts import load_receipt
from runner.intake.sources import Source
from runner.journal.journal import Journal, require_journal, scratch, writing
from runner.journal.records import Books, Hold, OpenRowError, RequestTotals, Standing
from runner.journal.watching import watching
from runner.meant import companies_meant
from runner.outcome import exit_code_of, outcomes_of, require_balance
from runner.planning import Plan, batches_of, plan_of
from runner.progress import Notes
from runner.report.words import counted
from runner.settings import RunSettings
from runner.stack import connected, governor_for
from runner.stage import Foreseen, StagedInput, Unread, foresee, stage, unfinished, unread_inputs
from runner.steps.checks import Checks
from runner.steps.holds import BY_REBUILD
from runner.steps.kit import Kit, Limits
from runner.steps.polls import Polls
from runner.steps.proof import Proofs
from runner.steps.roster import Roster
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
    attention_total: int
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
    unread: Unread
    """Inputs of an earlier run that were only half read, and that are gone or have been overwritten."""
    stop: RunStopped | None
    inbox: InboxReport | None = None
    """None where none was named."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How a comparison ended."""

    exit_code: ExitCode
    findings: list[Findings]
    stop: RunStopped | None
    holds: Sequence[Hold] = ()
    """Companies that a rebuild leaves held."""


AtEnd = Callable[[Journal, RunReport], Awaitable[None]]
"""Does something with the report of a run that still holds its journal."""


class App:
    """The parts that all commands share."""

    def __init__(self, *, clock: Clock, notes: Notes, draining: Draining, alarm: Clock | None = None) -> None:
        self.clock = clock
        # Told apart, because a wait for the run's own end says nothing about whether its work goes on.
        self.alarm = alarm or clock
        self.notes = notes
        self.draining = draining
        self.counts = RequestCounts()
        self.governor: Governor | None = None
        self.predicted: int | None = None
        self.ends = math.inf
        """When the run has to end, in monotonic seconds."""
        self.inbox: InboxReport | None = None

    async def run(self, settings: RunSettings, sources: Sequence[Source], *, at_end: AtEnd | None = None) -> RunReport:
        """Stage the sources, walk every company with open work, account for every expense.

        Running again is resuming: what an earlier life left open is taken up, with or without sources. `at_end` is
        awaited when all is recorded and before the journal is let go.
        Raises `RunnerError` where nothing could be begun; what stops a run later is in the report.
        """
        checked_address(settings.base_url)
        started, until = self.clock.monotonic(), self._end_of(settings)
        self.ends = math.inf if until is None else started + (until - self.clock.now()).total_seconds()
        options = Options(receipts_dir=settings.receipts_dir, mapping=settings.mapping, overlap=settings.overlap)
        if not sources and settings.inbox is None:
            require_journal(settings.journal)
        found = await self._look_into_inbox(settings)
        dropped = [] if found is None else [each.source for each in found.ready]
        if settings.strict:
            await self._refuse_wrong_rows([*sources, *dropped], options)
        async with writing(settings.journal, self.clock, check=settings.check_journal) as journal:
            await _require_whole(journal, settings.journal)
            await journal.runs.begin(purpose="run", version=__version__, flow=settings.flow)
            inputs: list[StagedInput] = []
            unread = Unread()
            stop: RunStopped | None = None
            try:
                async with (
                    ending_at(until, draining=self.draining, clock=self.alarm),
                    watching(journal, self.alarm),
                ):
                    unread = await self._stage(journal, options, sources, inputs, found)
                    await self._walk(settings, journal)
            except RunStopped as error:
                stop = error
            report = await self._conclude(settings, journal, started, inputs, unread, stop)
            if at_end is not None:
                await at_end(journal, report)
            return report

    async def verify(
        self,
        settings: RunSettings,
        *,
        companies: Sequence[str],
        rebuild: Sequence[Source] | None,
        everything: bool,
        others_posted: bool = False,
    ) -> VerifyReport:
        """Compare the journal with Codat and repair it; with `rebuild` make it anew from CSVs and the API alone.

        With `everything` the syncs that an earlier comparison has read are read again; a rebuild always does. With
        `others_posted` a rebuild takes what no file explains for another program's.

        No companies named means all of them. Raises `RefusedToStart` for one that the journal does not have: of a
        journal that is made anew, after its files are read.
        """
        checked_address(settings.base_url)
        purpose = "verify" if rebuild is None else "rebuild"
        if rebuild is None:
            require_journal(settings.journal)
        async with writing(
            settings.journal, self.clock, rebuild=rebuild is not None, check=settings.check_journal
        ) as journal:
            if rebuild is None:
                await _require_whole(journal, settings.journal)
            chosen = [] if rebuild is not None else await companies_meant(journal, companies)
            await journal.runs.begin(purpose=purpose, version=__version__, flow=settings.flow)
            findings: list[Findings] = []
            stop: RunStopped | None = None
            try:
                async with watching(journal, self.alarm):
                    if rebuild is not None:
                        await self._stage_for_rebuild(settings, journal, rebuild)
                        chosen = await companies_meant(journal, companies)
                    async with self._account(settings, journal) as codat:
                        verifier = Verifier(self._kit(settings, codat, journal), settings.concurrency)
                        if rebuild is not None:
                            await verifier.rebuild(others_posted=others_posted)
                        findings = await verifier.verify(chosen, everything=everything or rebuild is not None)
            except RunStopped as error:
                stop = error
            holds = () if rebuild is None else await _held_by_rebuild(journal)
            agrees = not holds and all(each.agrees for each in findings)
            code = stop.exit_code if stop is not None else ExitCode.OK if agrees else ExitCode.IN_DOUBT
            # A rebuild that ended has done its work, whatever the comparison says afterwards.
            ended = ExitCode.OK if rebuild is not None and stop is None else code
            counts = self.counts
            await journal.runs.end(
                exit_code=ended, requests=counts.total, retried=counts.retried, rate_limited=counts.rate_limited
            )
            return VerifyReport(code, findings, stop, holds)

    async def _stage_for_rebuild(self, settings: RunSettings, journal: Journal, sources: Sequence[Source]) -> None:
        """Stage all that the journal shall know before it is compared: what a run staged later would be sent again."""
        options = Options(receipts_dir=settings.receipts_dir, mapping=settings.mapping, overlap=settings.overlap)
        unread = await self._stage(journal, options, sources, [])
        if unread.lost:
            raise RefusedToStart(
                unread.lost[0].words,
                hint="Name the file as it was: expense-runner verify --rebuild FILE…",
            )

    async def check(self, sources: Sequence[Source], options: Options, journal: Journal) -> list[StagedInput]:
        """Stage into a journal that is forgotten, to see what is wrong with these files."""
        await journal.runs.begin(purpose="check", version=__version__, flow="datasets")
        return await stage(sources, options, journal, draining=self.draining, note=self.notes)

    async def foresee(self, sources: Sequence[Source], options: Options, journal: Journal) -> list[Foreseen | None]:
        """Say what these files would be beside a journal that is only read."""
        return await foresee(sources, options, journal, draining=self.draining, note=self.notes)

    async def plan(
        self,
        sources: Sequence[Source],
        options: Options,
        batches: Batches,
        journal: Journal,
        *,
        changeable: bool,
        receipts_in_doubt: bool = False,
    ) -> Plan:
        """Say what a run with these sources would do, from the code of the run up to where it would send.

        `journal` is a copy, or one that is forgotten; one that is not `changeable` is planned as it stands, for
        which there must be no sources, no input that was read only in part, and no receipts to be sent again.
        """
        if (reason := await journal.runs.open_rebuild()) is not None:
            raise RefusedToStart(
                f"{reason} A run would send nothing.",
                hint="Finish it, naming all files that it had staged: expense-runner verify --rebuild FILE…",
            )
        inputs: list[StagedInput] = []
        unread = Unread()
        if changeable:
            await journal.runs.begin(purpose="check", version=__version__, flow="datasets")
            unread = await self._stage(journal, options, sources, inputs)
            if receipts_in_doubt:
                await journal.receipts.retry_in_doubt()
        return await plan_of(journal, batches, inputs=inputs, unread=unread)

    async def preflight_check(self, settings: RunSettings, journal: Journal) -> Inspection:
        """Ask Codat about all that `check` has staged into a journal that is forgotten: nothing is sent.

        Raises `RunStopped`, such as `KeyRefused`.
        """
        async with self._account(settings, journal) as codat:
            checks = _checks(settings, codat, await journal.outlook.open_work())
            # Told by the report, not by notes as well.
            kit = replace(self._kit(settings, codat, journal), checks=checks, note=_untold)
            return await inspect(kit, concurrency=settings.concurrency)

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
                f"{counted(wrong, 'error')} in the input, and --strict sends nothing until there are none.",
                hint="See them all with: expense-runner check FILE…",
            )

    async def _stage(
        self,
        journal: Journal,
        options: Options,
        sources: Sequence[Source],
        inputs: list[StagedInput],
        found: Found | None = None,
    ) -> Unread:
        again = await unfinished(journal, [*sources, *([] if found is None else found.sources)])
        for source, begun in again:
            own = replace(begun, max_receipt_bytes=options.max_receipt_bytes)
            inputs += await stage([source], own, journal, draining=self.draining, note=self.notes)
        inputs += await stage(sources, options, journal, draining=self.draining, note=self.notes)
        if found is not None and self.inbox is not None:
            await take(found, options, journal, draining=self.draining, note=self.notes, report=self.inbox)
            inputs += (taken.staged for taken in self.inbox.taken)
        unread = await unread_inputs(journal, inputs, growing=() if self.inbox is None else self.inbox.growing)
        for each in unread.lost:
            self.notes("input_lost", file=each.name)
        return unread

    async def _look_into_inbox(self, settings: RunSettings) -> Found | None:
        if settings.inbox is None:
            return None
        self.inbox = InboxReport(settings.inbox.absolute())
        return await find_settled(
            settings.inbox, settle=settings.inbox_settle, draining=self.draining, clock=self.clock
        )

    async def _walk(self, settings: RunSettings, journal: Journal) -> None:
        if settings.retry_receipts_in_doubt:
            await journal.receipts.retry_in_doubt()
        async with self._account(settings, journal) as codat:
            work = await journal.outlook.open_work(auto_retry=settings.auto_retry)
            kit = replace(
                self._kit(settings, codat, journal),
                checks=_checks(settings, codat, work),
                requests_left=partial(self._requests_left, settings),
            )
            batches = batches_of(settings.flow, drafts_a_sync=settings.drafts_a_sync, preflight=settings.preflight)
            self.predicted = requests_for(work, batches)
            receipts = await journal.outlook.open_receipts()
            self.notes(
                "walking",
                expenses=await journal.outlook.open_expenses(auto_retry=settings.auto_retry),
                receipts=receipts.count,
                requests=self.predicted,
                in_syncs=sum(each.in_syncs for each in work if not each.held),
                in_datasets=sum(each.stored for each in work if not each.held) * batches.draft_size,
            )
            if settings.max_errors is not None:
                self.notes.listen(partial(self._count_errors, settings.max_errors))
            async with self._hinted(settings.webhooks, kit.polls):
                await Batch(kit, self.draining, settings.concurrency).run()

    @asynccontextmanager
    async def _hinted(self, reception: Reception | None, polls: Polls) -> AsyncIterator[None]:
        """Let webhooks, where they are received, tell when to look at a sync."""
        if reception is None:
            yield
            return
        polls.hinted = True
        async with listening(reception, arrived=lambda hint: polls.hint(*hint), note=self.notes):
            yield

    @asynccontextmanager
    async def _account(self, settings: RunSettings, journal: Journal) -> AsyncIterator[Codat]:
        since_previous = await journal.ages.since_speaking()
        self.governor = governor_for(settings, clock=self.clock, since_previous=since_previous)
        async with connected(
            settings,
            self.governor,
            clock=self.clock,
            draining=self.draining,
            counts=self.counts,
            service_time=journal.service_time,
        ) as codat:
            yield codat

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

    def _requests_left(self, settings: RunSettings) -> float:
        """Return how many requests this run may still send, by all that bounds it."""
        if self.governor is not None:
            return self.governor.requests_left(seconds=self.ends - self.clock.monotonic())
        return math.inf if settings.max_requests is None else settings.max_requests - self.counts.total

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
        unread: Unread,
        stop: RunStopped | None,
    ) -> RunReport:
        books = await journal.accounts.books()
        try:
            require_balance(books)
        except RunStopped as error:
            stop = error
        # Without a limit only a person decides that something has failed for good.
        again = settings.auto_retry == 0 or await journal.accounts.may_be_retried(limit=settings.auto_retry)
        outcomes = outcomes_of(
            books, stop=stop, retries_left=again, unread=bool(unread.waiting), lost=bool(unread.lost)
        )
        code = exit_code_of(outcomes, stop)
        counts = self.counts
        await journal.runs.end(
            exit_code=code, requests=counts.total, retried=counts.retried, rate_limited=counts.rate_limited
        )
        if settings.drop_payloads and (stop is None or stop.exit_code is ExitCode.BUDGET):
            # After all is recorded; whoever is told to stop at once leaves it to the next run.
            dropped = await journal.retention.drop_settled()
            if dropped:
                self.notes("payloads_dropped", expenses=dropped)
        return RunReport(
            exit_code=code,
            outcomes=outcomes,
            books=books,
            row_errors=await journal.staging.open_row_errors(limit=SHOWN),
            attention=await journal.accounts.attention(limit=SHOWN),
            attention_total=await journal.accounts.count_attention(),
            requests=await journal.runs.request_totals(),
            sent=counts.total,
            predicted=self.predicted,
            split=await journal.drafts.count_extra(),
            left=self.notes.progress.left,
            left_because=self.notes.progress.left_because,
            seconds=self.clock.monotonic() - started,
            inputs=inputs,
            unread=unread,
            stop=stop,
            inbox=self.inbox,
        )


def _untold(event: str, **facts: object) -> None:
    """Take no note."""
    del event, facts


def _checks(settings: RunSettings, codat: Codat, work: Sequence[OpenWork]) -> Checks:
    wanted = sum(not each.held and bool(each.undrafted or each.drafted or each.stored) for each in work)
    return Checks(settings.preflight, Roster(codat, wanted=wanted))


async def _held_by_rebuild(journal: Journal) -> list[Hold]:
    return [hold for hold in (await journal.accounts.books()).holds if hold.code in BY_REBUILD]


async def _require_whole(journal: Journal, path: Path) -> None:
    """Raise `RefusedToStart` where the journal may not know all that was sent."""
    if (reason := await journal.runs.open_rebuild()) is not None:
        command = f"expense-runner verify --rebuild --journal {shlex.quote(str(path))} FILE…"
        raise RefusedToStart(
            f"{reason} Nothing may be sent before it is rebuilt.",
            hint=f"Rebuild it, naming all files that it had staged: {command}",
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
