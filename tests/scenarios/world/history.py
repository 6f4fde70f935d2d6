"""One history: lives one after the other until the journal says that nothing is open, and then the verdict."""

import contextlib
import gc
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from random import Random

from runner.codat.messages import Request
from runner.codat.routes import Route, route_of
from runner.journal.journal import Journal
from runner.simulator import NO_LIMITS, Behaviour, Limits, Service
from runner.simulator.companies import CompanySpec
from tests.filing import file_in
from tests.scenarios.world import oracle
from tests.scenarios.world.books import JOURNALS, Savepoints, all_staged, company_id
from tests.scenarios.world.life import Life, new_key
from tests.scenarios.world.loop import BEGINNING, VirtualClock, VirtualLoop
from tests.scenarios.world.plan import DEFINITE, Crash, Moment, Plan

SPARE_LIVES = 14
"""Lives that a history may have beyond its crashes before it is said not to end."""
PATIENT_FROM = 6
REPAIRED_AFTER = 2

Patch = Callable[[], AbstractContextManager[object]]
"""Changes the program for one history: makes a mutant of it."""


@dataclass(slots=True)
class Verdict:
    """What became of a history."""

    plan: Plan
    violations: list[str]
    trace: list[tuple]
    lives: int
    requests: int
    points: list[tuple[int, int]]
    """Writes and requests of each life: every one of them is a place to crash at."""
    cuts: Counter = field(default_factory=Counter)
    """Moments at which lives were cut off."""
    struck: Counter = field(default_factory=Counter)
    """Trouble that requests met: (kind, route)."""
    states: Counter = field(default_factory=Counter)
    """How many expenses and receipts ended in each state."""

    @property
    def ok(self) -> bool:
        return not self.violations

    def explain(self) -> str:
        """The plan, what is wrong, what happened, and the command that repeats it."""
        return "\n".join(
            [
                *(f"VIOLATION {each}" for each in self.violations),
                f"repeat with: python -m tests.scenarios.soak --plan '{self.plan.text()}'",
                *(
                    f"{time:10.3f}  life {life}  {what:16} {' '.join(map(str, rest))}"
                    for time, life, what, *rest in self.trace
                ),
            ]
        )


def run_history(plan: Plan, *, patch: Patch | None = None) -> Verdict:
    """Run one history and judge it.

    `patch` gives a context manager that is entered for the time of the history: it may replace any part of
    the program, which is how a mutant is shown to be caught.
    """
    with contextlib.nullcontext() if patch is None else patch(), _no_collecting():
        history = History(plan)
        try:
            return history.run()
        finally:
            JOURNALS.end()


@contextlib.contextmanager
def _no_collecting():
    """Leave the garbage of a history lie until its end: a quarter of the time would go into looking for it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class History:
    """The world of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        staged = None if plan.restage else (plan.flow, plan.companies)
        self.connection = JOURNALS.begin(staged, self._stage)
        self.service = Service(_behaviour(plan), seed=plan.seed, faults=plan.world.faults)
        self.hits = {hit.n: hit.kind for hit in plan.hits}
        self.time = 1_000.0
        self.boots = 1
        self.booted_at = -4_000.0
        self.wall_offset = 0.0
        self.requests = 0
        self.most_in_flight = 0
        self.trace: list[tuple] = []
        self.violations: list[str] = []
        self.disturbed: set[str] = set()
        """Paths of attachments that met trouble, or a crash."""
        self.refused: set[str] = set()
        """Kinds of definite refusal that were made up."""
        self.in_doubt_for_good = False
        self.hit: Counter = Counter()
        self.cuts: Counter = Counter()
        self.points: list[tuple[int, int]] = []
        self.stopped: list[Life] = []

    def clock_of(self, life: int, loop: VirtualLoop) -> VirtualClock:
        """Return the clocks of the machine that a life takes place on."""
        hosts = self.plan.hosts
        if not hosts:
            boot = f"boot-{self.boots}"
            return VirtualClock(loop, boot=boot, booted_at=self.booted_at, wall_offset=self.wall_offset)
        place = (life - 1) % len(hosts)
        host = hosts[place]
        return VirtualClock(loop, boot=f"host-{place}", booted_at=1_000.0 - host.uptime, wall_offset=host.wall)

    def new_key(self) -> str:
        return new_key(self.random)

    def complain(self, violation: str) -> None:
        if violation not in self.violations:
            self.violations.append(violation)

    def trouble_of(self, number: int, _request: Request) -> str | None:
        """Return what goes wrong with the history's n-th request, if anything does."""
        return self.hits.get(number)

    def struck(self, kind: str, request: Request) -> None:
        """Note that a request met trouble."""
        route = route_of(request)
        self.hit[kind, route.value] += 1
        if kind in DEFINITE:
            self.refused.add(kind)
        if route is Route.ATTACH:
            self.disturbed.add(request.path)

    def run(self) -> Verdict:
        plan = self.plan
        for number in plan.disconnected:
            self.service.company(company_id(number))
            self.service.set_status(company_id(number), "Unlinked")
        crashes = {crash.life: crash for crash in plan.crashes}
        for number in range(1, len(crashes) + SPARE_LIVES):
            life = self._live(number, crashes.get(number))
            if self.violations:
                break
            if not life.dead and not oracle.is_anything_open(self.connection, auto_retry=plan.auto_retry):
                break
            if number > PATIENT_FROM and not life.dead and oracle.may_stay_in_doubt(self):
                self.in_doubt_for_good = True
                break
            self._between(number, crashes.get(number) if life.dead else None)
        else:
            self.complain("it does not end: the journal still says that something is open")
        lives = len(self.points)
        if not self.violations:
            self._one_more(lives + 1)
        states = oracle.judge(self)
        return Verdict(
            plan, self.violations, self.trace, lives, self.requests, self.points, self.cuts, self.hit, states
        )

    def _live(self, number: int, crash: Crash | None) -> Life:
        life = Life(self, number, crash)
        life.run()
        self.points.append((life.writes, life.requests))
        if life.dead and crash is not None:
            self.cuts[crash.moment.value] += 1
        if life.failure is not None and not life.dead:
            self.complain(f"life {number} broke: {life.failure!r}")
            life.failure = None
        if life.asleep is not None:
            self.stopped.append(life)
        elif not life.dead:
            while self.stopped:
                self.stopped.pop().wake()
        return life

    def _between(self, number: int, crash: Crash | None) -> None:
        # Syncs may take longer than lives follow one another: at last there is an hour in between.
        patience = self.plan.gap if number < PATIENT_FROM else max(self.plan.gap, 3_600.0)
        self.time += patience if crash is None else crash.gap
        if crash is not None:
            self.wall_offset += crash.wall_jump
            if crash.reboot:
                self.boots += 1
                self.booted_at = self.time - 5.0
        if number == REPAIRED_AFTER:
            for company in self.plan.disconnected:
                self.service.set_status(company_id(company), "Linked")
        self.service.advance(self.time)

    def _one_more(self, number: int) -> None:
        """Run again on a finished journal, when all that was late has arrived: not one POST may leave."""
        self.time += 7_200.0
        self.service.advance(self.time)
        # Naming a file again is asking again for receipts that were refused.
        if self.connection.execute("SELECT count(*) FROM receipt WHERE state = 'rejected'").fetchone()[0]:
            self.plan = replace(self.plan, restage=False)
        life = self._live(number, None)
        if life.posts:
            self.complain(f"a run on a finished journal sent {life.posts} POSTs")
        self.time += 7_200.0
        self.service.advance(self.time)

    def _stage(self, connection: sqlite3.Connection) -> None:
        """Let the input into the journal before the first life, unless the lives do it."""
        if self.plan.restage:
            return
        loop = VirtualLoop()
        clock = VirtualClock(loop, boot="boot-0", booted_at=0.0, wall_offset=0.0)
        journal = Journal(Savepoints(connection), clock)
        # No part of the staging verbs waits for anything: they can be run without a loop.
        _at_once(journal.runs.begin(version="0", flow=self.plan.flow))
        _at_once(file_in(journal, all_staged(self.plan.companies), name="input.csv"))
        _at_once(journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0))
        loop.close()


def _at_once(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


def _behaviour(plan: Plan) -> Behaviour:
    world = plan.world
    return Behaviour(
        speaks="both",
        duplicate_check=world.duplicate_check,
        guard_looks=world.guard_looks,
        idempotency=world.idempotency,
        sync_seconds=world.sync_seconds,
        list_lag=world.list_lag,
        status_lag=world.status_lag,
        rows_lag=world.rows_lag,
        rows_when_not_run=world.rows_when_not_run,
        push_error_lands=world.push_error_lands,
        bank_feed_rows=world.bank_feed_rows,
        forget_datasets_after=world.forget_datasets_after,
        unknown_dataset_status=world.unknown_dataset_status,
        no_datasets="all_pending",
        dataset_named_twice="twice",
        limits=Limits() if world.real_limits else NO_LIMITS,
        epoch=BEGINNING,
        companies=() if plan.preflight == "off" else _declared(len(plan.companies)),
    )


def _declared(companies: int) -> tuple[CompanySpec, ...]:
    """Declare the accounts: rows name one of them by its id, and the other by its name."""
    accounts = ({"id": "account-1"}, {"id": "ledger-2", "name": "account-2", "validTransactionTypes": None})
    return tuple(CompanySpec(company_id(number), accounts=accounts) for number in range(companies))


__all__ = ["History", "Moment", "Verdict", "run_history"]
