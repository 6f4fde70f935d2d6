"""How many requests the engine spends, beside the least that could do the same work.

The real engine (walk, governor, journal in memory) over the simulator's core, which enforces Codat's limits, in
virtual time: hours pass in seconds, nothing leaves the process.

    python -m benchmarks.request_economy [--quick]

It ends with status 1 where the target is missed: at most 1.15 times the least, for companies with full syncs of
2,000 expenses that take 1 to 60 seconds each.
"""

import argparse
import asyncio
import random
import selectors
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from urllib.parse import unquote
from uuid import UUID

from runner.backoff import Backoff
from runner.batch import Batch
from runner.clock import Clock
from runner.codat.client import Codat
from runner.codat.draining import Draining, pause
from runner.codat.flows import Flow
from runner.codat.gate import Gate
from runner.codat.governor import Governor
from runner.codat.governor import Limits as Rates
from runner.codat.messages import Begin, Request, Response
from runner.codat.payload import encode_expense
from runner.codat.retrying import Retrying
from runner.codat.routes import route_of
from runner.domain.expense import Expense, ExpenseLine, ExpenseType, Receipt
from runner.domain.identity import content_digest
from runner.domain.ids import CompanyId, ExpenseId, IdempotencyKey, SyncId
from runner.domain.preflight import Preflight
from runner.domain.remote import ReceiptFile
from runner.errors import RunStopped
from runner.journal.journal import Journal, scratch
from runner.journal.records import StagedExpense
from runner.simulator import Behaviour, Call, CompanySpec, Service
from runner.simulator.behaviour import Limits as ServiceLimits
from runner.simulator.syncs import Sync
from runner.steps.checks import Checks
from runner.steps.kit import Kit, Limits
from runner.steps.polls import Polls
from runner.steps.proof import Proofs
from runner.steps.roster import Roster
from tests.filing import file_in, marked

TARGET = 1.15
LATENCY = 0.15
TICK = 0.05
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
UNBOUNDED_DAY = ServiceLimits(a_day=None)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps from one timer to the next."""

    def __init__(self, start: float = 0.0) -> None:
        self.moment = start
        super().__init__(_Instant(self))

    def time(self) -> float:
        return self.moment


class _Instant(selectors.SelectSelector):
    """Never blocks: what would be waited for has passed."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self._loop.moment += max(0.0, timeout)
        return []


class LoopClock(Clock):
    """The running loop's time; second 0 is noon."""

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def boottime(self) -> float:
        return self.monotonic() + 10_000.0

    def boot_id(self) -> str:
        return "boot"

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Wire:
    """Brings requests to the simulator's core; answers take a while to come back."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.counts: Counter[str] = Counter()
        self.refused = 0

    async def send(self, request: Request, _begin: Begin | None = None) -> Response:
        self.counts[route_of(request).value] += 1
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["authorization"] = "Basic c2VjcmV0"
        call = Call(request.method, unquote(request.path), dict(request.query), headers, request.body or b"")
        answer = self.service.handle(call, now=asyncio.get_running_loop().time())
        await asyncio.sleep(LATENCY)
        self.refused += answer.status == 429
        return Response(answer.status, dict(answer.headers), answer.body)


@dataclass(slots=True)
class Rehearsal:
    """One journal in memory and one simulated Codat, for as many runs as wanted."""

    service: Service
    limits: Limits = field(default_factory=Limits)
    rates: Rates = field(default_factory=Rates)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    stop: RunStopped | None = None
    late: list[float] = field(default_factory=list)
    """Seconds from the end of each sync until it was found."""
    webhooks: float | None = None
    """The part of webhooks that arrive, a moment after the end of each sync; None: none are received."""
    webhooks_end: float = float("inf")
    """When they stop to arrive, as they do behind a changed firewall; in seconds of the run."""
    preflight: int = 0
    """Companies that are checked before anything is sent; 0: none."""
    flow: Flow = Flow.DATASETS

    async def run(self, journal: Journal, *, wire: Wire | None = None, draining: Draining | None = None) -> Wire:
        """Run once; return the wire with its counts."""
        wire, draining = wire or Wire(self.service), draining or Draining()
        clock, chance = LoopClock(), self.chance
        self.stop = None
        await journal.runs.begin(version="0", flow=self.flow)
        since = await journal.ages.since_speaking()
        governor = Governor(clock, self.rates, previous_life_seconds_ago=since, jitter=chance.uniform)
        gate = Gate(wire, governor=governor, draining=draining, clock=clock, service_time=journal.service_time)
        retrying = Retrying(gate, clock=clock, jitter=chance.uniform, backoff=Backoff(), draining=draining)
        codat = Codat(retrying, flow=self.flow)
        kit = Kit(
            codat=codat,
            journal=journal,
            clock=clock,
            jitter=chance.uniform,
            pause=partial(pause, draining, clock),
            new_key=lambda: IdempotencyKey(str(UUID(int=chance.getrandbits(128), version=4))),
            load_receipt=lambda receipt: ReceiptFile(receipt.path, "application/pdf", b"%PDF"),
            proofs=Proofs(codat, journal),
            note=self._note,
            limits=self.limits,
            checks=Checks(Preflight.ROWS, Roster(codat, wanted=self.preflight)) if self.preflight else Checks(),
            requests_left=governor.requests_left,
        )
        telling = asyncio.ensure_future(self._tell(kit.polls))
        try:
            await Batch(kit, draining, 64).run()
        except RunStopped as stop:
            self.stop = stop
        finally:
            telling.cancel()
            await governor.aclose()
        code = 0 if self.stop is None else int(self.stop.exit_code)
        await journal.runs.end(exit_code=code, requests=wire.counts.total(), retried=0, rate_limited=wire.refused)
        return wire

    async def _tell(self, polls: Polls) -> None:
        """Let syncs end in their own time, not only when somebody asks, and tell of it."""
        if self.webhooks is None:
            return
        loop, arriving = asyncio.get_running_loop(), self.webhooks
        polls.hinted = True

        def ended(sync: Sync) -> None:
            if loop.time() < self.webhooks_end and self.chance.random() < arriving:
                loop.call_later(LATENCY, polls.hint, CompanyId(sync.company.id), SyncId(sync.id))

        self.service.announce(ended)
        while True:
            at = self.service.next_event_at()
            await asyncio.sleep(TICK if at is None else max(TICK, at - loop.time()))
            self.service.advance(loop.time())

    def _note(self, event: str, **facts: object) -> None:
        if event == "sync_finished":
            company = self.service.company(str(facts["company"]))
            sync = self.service.account.syncs.find(company, str(facts["sync"]))
            if sync is not None and sync.finished_at is not None:
                self.late.append(asyncio.get_running_loop().time() - sync.finished_at)


def expense_of(company: int, number: int, receipts: int = 0) -> StagedExpense:
    """Make the expense of that number, as staging lets it into the journal."""
    identifier = ExpenseId(f"{company:08x}-0000-4000-8000-{number:012x}")
    expense = Expense(
        company_id=CompanyId(f"company-{company}"),
        id=identifier,
        type=ExpenseType.PAYMENT,
        issue_date=NOON,
        currency="GBP",
        lines=(ExpenseLine(Decimal(number + 1), "400", Decimal("2.50")),),
        reference=f"ref-{number}",
        receipts=tuple(Receipt("/receipts", f"{identifier}-{each}.pdf", 4, bytes(32)) for each in range(receipts)),
    )
    payload = encode_expense(expense)
    return marked(
        StagedExpense(
            company_id=expense.company_id,
            expense_id=identifier,
            line=number + 2,
            rows=1,
            content_hash=content_digest(expense, expense.lines),
            currency=expense.currency,
            gross=expense.gross,
            payload=payload,
            key=b"",
            cells=0,
            day="2026-03-01",
            lines=(),
            receipts=expense.receipts,
        )
    )


async def stage(journal: Journal, companies: int, expenses: int, *, receipts: int = 0) -> None:
    """Stage so many expenses for each of so many companies."""
    await journal.runs.begin(version="0", flow=Flow.DATASETS)
    for company in range(companies):
        await file_in(journal, [expense_of(company, each, receipts) for each in range(expenses)])


@dataclass(frozen=True, slots=True)
class Case:
    """One workload: for each company so many syncs, full unless `draft_size` says less."""

    name: str
    companies: int
    expenses: int
    """Of each company."""
    sync_seconds: tuple[float, float]
    draft_size: int = 50
    syncs_in_flight: int = 2
    counts: bool = False
    """Whether it must keep to the target."""
    webhooks: float | None = None
    """The part of webhooks that arrive; None: none are received."""
    webhooks_end: float = float("inf")
    """Seconds after which none arrive any more."""
    preflight: bool = False
    """Whether each company is checked first, as in its first run."""

    @property
    def least(self) -> int:
        """The least number of requests: creates, and for each sync one initiate, one status and one page."""
        drafts = -(-self.expenses // self.draft_size)
        return self.companies * (drafts + 3 * -(-drafts // 40))


@dataclass(frozen=True, slots=True)
class Spent:
    """What a case took."""

    least: int
    requests: Counter[str]
    posted: int
    refused: int
    late: list[float]
    """Seconds from the end of each sync until it was found."""
    seconds: float
    """Of virtual time."""

    polls: int
    """How often the status of syncs was asked for."""

    @property
    def ratio(self) -> float:
        """Requests beside the least possible."""
        return self.requests.total() / self.least


def measure(case: Case, *, seed: int = 1) -> Spent:
    """Run a case and return what it took."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_measured(case, seed))
    finally:
        loop.close()


async def _measured(case: Case, seed: int) -> Spent:
    behaviour = Behaviour(
        sync_seconds=case.sync_seconds,
        latency=LATENCY,
        limits=UNBOUNDED_DAY,
        epoch=NOON,
        usual_options=True,
        companies=tuple(CompanySpec(f"company-{each}") for each in range(case.companies)),
    )
    service = Service(behaviour, seed=seed)
    limits = Limits(draft_size=case.draft_size, syncs_in_flight=case.syncs_in_flight)
    rehearsal = Rehearsal(service, limits=limits, chance=random.Random(seed), webhooks=case.webhooks)
    rehearsal.webhooks_end = case.webhooks_end
    rehearsal.preflight = case.companies if case.preflight else 0
    with scratch(LoopClock()) as journal:
        await stage(journal, case.companies, case.expenses)
        wire = await rehearsal.run(journal)
    posted = len(service.ledger.entries)
    now = asyncio.get_running_loop().time()
    # One list a company is no poll: it is read before the first sync, to know others' syncs from ours.
    polls = wire.counts["status"] + wire.counts["statuses"] - case.companies
    return Spent(case.least, wire.counts, posted, wire.refused, rehearsal.late, now, polls)


CASES = (
    Case("one company, syncs of 1-60 s", 1, 40_000, (1.0, 60.0), counts=True),
    Case("one company, one sync at a time", 1, 40_000, (1.0, 60.0), syncs_in_flight=1, counts=True),
    Case("one company, four syncs side by side", 1, 40_000, (1.0, 60.0), syncs_in_flight=4, counts=True),
    Case("8 companies with one sync each", 8, 2_000, (1.0, 60.0), counts=True),
    Case("8 companies with five syncs each", 8, 10_000, (1.0, 60.0), counts=True),
    Case("one company, syncs of 20-25 s", 1, 40_000, (20.0, 25.0)),
    Case("one company, syncs of 1-3 s", 1, 40_000, (1.0, 3.0)),
    Case("one company, syncs of 5-15 min", 1, 20_000, (300.0, 900.0)),
    Case("200 companies with 50 expenses each", 200, 50, (1.0, 60.0)),
    Case("one company, 1-60 s, preflight", 1, 40_000, (1.0, 60.0), counts=True, preflight=True),
    Case("8 companies, 5 syncs each, preflight", 8, 10_000, (1.0, 60.0), counts=True, preflight=True),
    Case("8 companies, one sync each, preflight", 8, 2_000, (1.0, 60.0), preflight=True),
    Case("one company, 1-60 s, webhooks", 1, 40_000, (1.0, 60.0), counts=True, webhooks=1.0),
    Case("8 companies, 5 syncs each, webhooks", 8, 10_000, (1.0, 60.0), counts=True, webhooks=1.0),
    Case("the same, a fifth of them lost", 8, 10_000, (1.0, 60.0), webhooks=0.8),
)


def main() -> int:
    """Measure every case, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one expense a dataset: the same requests, sooner")
    quick = parser.parse_args().quick
    print(f"{'workload':<38}{'requests':>9}{'least':>7}{'ratio':>7}{'polls a sync':>14}{'found after':>23}{'429':>5}")
    good = True
    for full in CASES:
        begun = time.perf_counter()
        shrinks = quick and full.expenses >= 2_000
        case = replace(full, expenses=full.expenses // 50, draft_size=1) if shrinks else full
        spent = measure(case)
        syncs = len(spent.late)
        late = sorted(spent.late)
        found = f"{sum(late) / syncs:.1f} s, {late[-1]:.1f} at most"
        print(
            f"{case.name:<38}{spent.requests.total():>9}{spent.least:>7}{spent.ratio:>7.3f}{spent.polls / syncs:>14.1f}"
            f"{found:>23}{spent.refused:>5}  ({time.perf_counter() - begun:.0f} s)",
            flush=True,
        )
        good = good and spent.refused == 0 and spent.posted == case.companies * case.expenses
        good = good and (not case.counts or spent.ratio <= TARGET)
    print("target kept" if good else "TARGET MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
