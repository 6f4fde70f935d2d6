"""The composition root: builds the parts of a run, once, in reading order, and runs them."""

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from runner import __version__
from runner.backoff import Backoff
from runner.batch import Batch
from runner.clock import Clock
from runner.codat.client import Codat
from runner.codat.counting import Counting, RequestCounts
from runner.codat.draining import Draining, pause
from runner.codat.gate import Admission, Gate, Unlimited
from runner.codat.governor import Governor
from runner.codat.governor import Limits as Rates
from runner.codat.logged import Logged
from runner.codat.messages import Transport
from runner.codat.retrying import Retrying
from runner.codat.transport import HttpTransport
from runner.domain.ids import IdempotencyKey
from runner.errors import ExitCode, RefusedToStart, RunStopped, TooManyErrors
from runner.intake.read import Options
from runner.intake.receipts import load_receipt
from runner.intake.sources import Source
from runner.journal.journal import Journal, scratch, writing
from runner.journal.records import Books, OpenRowError, RequestTotals, Standing
from runner.outcome import exit_code_of, outcomes_of, require_balance
from runner.progress import Notes
from runner.settings import RunSettings
from runner.stage import StagedInput, stage, unfinished
from runner.steps.kit import Kit, Limits
from runner.steps.proof import KeyProof

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
    seconds: float
    inputs: list[StagedInput]
    lost_inputs: list[str]
    """Inputs of an earlier run that were only half read and cannot be read again without being named."""
    stop: RunStopped | None


class App:
    """The parts that all commands share."""

    def __init__(self, *, clock: Clock, notes: Notes, draining: Draining) -> None:
        self.clock = clock
        self.notes = notes
        self.draining = draining
        self.counts = RequestCounts()
        self.governor: Governor | None = None

    async def run(self, settings: RunSettings, sources: Sequence[Source]) -> RunReport:
        """Stage the sources, walk every company with open work, account for every expense.

        Running again is resuming: what an earlier life left open is taken up, with or without sources.
        Raises `RunnerError` where nothing could be begun; what stops a run later is in the report.
        """
        started = self.clock.monotonic()
        options = Options(receipts_dir=settings.receipts_dir)
        if settings.strict:
            await self._refuse_wrong_rows(sources, options)
        async with writing(settings.journal, self.clock) as journal:
            last = await journal.runs.last_activity()
            await journal.runs.begin(version=__version__, flow=settings.flow)
            inputs: list[StagedInput] = []
            lost: list[str] = []
            stop: RunStopped | None = None
            try:
                lost = await self._stage(journal, options, sources, inputs)
                await self._walk(settings, journal, last)
            except RunStopped as error:
                stop = error
            return await self._conclude(settings, journal, started, inputs, lost, stop)

    async def check(self, sources: Sequence[Source], options: Options, journal: Journal) -> list[StagedInput]:
        """Stage into a journal that is forgotten: what is wrong with these files?"""
        await journal.runs.begin(version=__version__, flow="datasets")
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
        for source, folder in again:
            own = Options(receipts_dir=folder, max_receipt_bytes=options.max_receipt_bytes)
            inputs += await stage([source], own, journal, draining=self.draining, note=self.notes)
        inputs += await stage(sources, options, journal, draining=self.draining, note=self.notes)
        for name in lost:
            self.notes("input_lost", file=name)
        return lost

    async def _walk(self, settings: RunSettings, journal: Journal, last: datetime | None) -> None:
        async with self._codat(settings, last) as codat:
            kit = Kit(
                codat=codat,
                journal=journal,
                clock=self.clock,
                jitter=random.uniform,
                pause=partial(pause, self.draining, self.clock),
                new_key=lambda: IdempotencyKey(str(uuid.uuid4())),
                load_receipt=load_receipt,
                proof=KeyProof(codat, journal),
                note=self.notes,
                limits=_limits(settings),
            )
            if settings.max_errors is not None:
                self.notes.listen(partial(self._count_errors, settings.max_errors))
            await Batch(kit, self.draining, settings.concurrency).run()

    @asynccontextmanager
    async def _codat(self, settings: RunSettings, last: datetime | None) -> AsyncIterator[Codat]:
        """Stack the transports: what a request passes first is built last."""
        async with HttpTransport(
            base_url=settings.base_url,
            credential=settings.credential,
            connect_timeout=settings.connect_timeout,
            total_timeout=settings.request_timeout,
        ) as wire:
            governor = self._admission(settings, last)
            transport: Transport = Counting(wire, counts=self.counts)
            transport = Gate(transport, governor=governor, draining=self.draining)
            transport = Logged(transport, structlog.get_logger("request"), clock=self.clock)
            transport = Retrying(
                transport,
                clock=self.clock,
                jitter=random.uniform,
                backoff=Backoff(),
                on_retry=self.counts.retry,
                max_pause=settings.max_pause,
                draining=self.draining,
            )
            try:
                yield Codat(transport, flow=settings.flow, create_path=settings.create_path)
            finally:
                if isinstance(governor, Governor):
                    await governor.aclose()

    def _admission(self, settings: RunSettings, last: datetime | None) -> Admission:
        if settings.max_rpm == 0:
            return Unlimited()
        self.governor = Governor(
            self.clock,
            Rates(
                max_rpm=settings.max_rpm,
                per_company=settings.in_flight_per_company,
                reserve=settings.reserve,
                max_pause=settings.max_pause,
            ),
            previous_life_seconds_ago=None if last is None else (self.clock.now() - last).total_seconds(),
        )
        return self.governor

    def _count_errors(self, allowed: int, _event: str) -> None:
        if self.notes.progress.rejected > allowed:
            self.draining.start(
                TooManyErrors(
                    f"More than {allowed} expenses were rejected: the run ends before more are sent.",
                    hint="Look at them with: expense-runner status",
                )
            )

    async def _conclude(  # noqa: PLR0913 - what the report is made of
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
            seconds=self.clock.monotonic() - started,
            inputs=inputs,
            lost_inputs=lost,
            stop=stop,
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
