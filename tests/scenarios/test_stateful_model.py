"""Whatever a user, Codat, the network and the machine do, in whatever order: nothing is lost and nothing doubled.

Hypothesis draws the order and shrinks what it finds to the shortest story. More of it: PROOF_SCALE=20.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runner.codat.draining import Draining
from runner.codat.messages import Request
from runner.codat.payload import encode_expense
from runner.codat.routes import Route, route_of
from runner.domain.expense import Expense, ExpenseLine, ExpenseType
from runner.domain.states import ExpenseState
from runner.journal.journal import Journal
from runner.journal.records import StagedExpense
from runner.simulator import Call, Fault, FaultKind
from runner.steps.kit import Kit
from runner.verifier import Verifier
from tests.filing import file_in, marked
from tests.scenarios.mutants.catalogue import MUTANTS
from tests.scenarios.world import oracle
from tests.scenarios.world.books import JOURNALS, Savepoints, company_id, expense_id, receipt_of
from tests.scenarios.world.coverage import COVERAGE
from tests.scenarios.world.examining import SCALE
from tests.scenarios.world.history import PATIENT_FROM, SPARE_LIVES, History, Verdict, _at_once
from tests.scenarios.world.life import Life
from tests.scenarios.world.loop import VirtualLoop
from tests.scenarios.world.plan import KINDS, Crash, Moment, Plan, World

COMPANIES = 2
MOST_EXPENSES = 40
OURS = st.integers(0, COMPANIES - 1)
NEW = st.tuples(OURS, st.integers(0, 2), st.integers(0, 1))
"""Company, expenses and receipts of a file."""
UNANSWERED = ("lost_before", "lost_after", "late", "very_late", "500_after", "503_after", "garbage", "cut", "too_slow")
TROUBLE = st.tuples(st.sampled_from([each for each in Route if each is not Route.OTHER]), st.sampled_from(list(KINDS)))
TIMES = st.sampled_from((1.0, 30.0, 300.0, 700.0, 6_000.0, 90_000.0))


def expense(company: int, number: int, *, version: int = 0, receipt: bool = False) -> StagedExpense:
    """The expense of that number; its versions have the same id and other content."""
    identifier = expense_id(company, number)
    made = Expense(
        company_id=company_id(company),
        id=identifier,
        type=ExpenseType.PAYMENT,
        issue_date=datetime(2026, 1, 2, tzinfo=UTC),
        currency="GBP",
        lines=(ExpenseLine(Decimal(number + 1) + Decimal(version) / 10, "account-1", Decimal("0.02")),),
        receipts=(receipt_of(f"{identifier}.pdf"),) if receipt else (),
    )
    payload = encode_expense(made)
    digest = hashlib.sha256(payload).digest()
    return marked(StagedExpense(
        made.company_id, identifier, number + 2, 1, digest, made.currency, made.gross, payload, b"", 0, "2026-01-02",
        (), receipts=made.receipts,
    ))  # fmt: skip


class ToldHistory(History):
    """A history in which the next request of a kind can be told to meet trouble."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.next: dict[Route, list[str]] = {}

    def trouble_of(self, number: int, request: Request) -> str | None:
        waiting = self.next.get(route_of(request))
        return waiting.pop(0) if waiting else super().trouble_of(number, request)


class VerifyLife(Life):
    """`verify`."""

    purpose = "verify"

    async def _work(self, kit: Kit, draining: Draining) -> None:
        await Verifier(kit, 2).verify(())


class Story(RuleBasedStateMachine):
    """Everything that may happen, one thing after the other."""

    flow: ClassVar = "datasets"
    keys: ClassVar = "honoured"

    @initialize(
        guard=st.sampled_from(("never", "push", "request")),
        lag=st.sampled_from((0.0, 8.0)),
        list_lag=st.sampled_from((0.0, 40.0)),
        when_not_run=st.sampled_from(("pending", "missing")),
        slow=st.booleans(),
    )
    def begin(self, guard, lag, list_lag, when_not_run, slow):
        world = World(
            idempotency=self.keys,
            duplicate_check=guard,
            guard_looks="started",
            rows_lag=lag,
            list_lag=list_lag,
            rows_when_not_run=when_not_run,
            sync_seconds=(40.0, 120.0) if slow else (0.4, 3.0),
        )
        plan = Plan(flow=self.flow, companies=(), world=world, concurrency=2, page_size=20, wait=20.0, governed=True)
        self.history = ToldHistory(plan)
        self.history.plan = replace(plan, companies=((0, 0),) * COMPANIES)
        self.input: dict[tuple[int, int], StagedExpense] = {}
        self.versions = 0
        self.files = 0
        self.foreign: list[Fault] = []
        self.lives = 0
        self.states = None
        oracle.all_staged = lambda _companies: list(self.input.values())

    # ---- the user ----

    @rule(company=OURS, count=st.integers(1, 3), receipts=st.integers(0, 2))
    def stage_a_new_file(self, company, count, receipts):
        self._stage_some(company, count, receipts)

    def _stage_some(self, company, count, receipts):
        first = sum(owner == company for owner, _ in self.input)
        for number in range(first, min(first + count, MOST_EXPENSES)):
            self.input[company, number] = expense(company, number, receipt=number < first + receipts)
        batch = self._stage([each for (owner, n), each in self.input.items() if owner == company and n >= first])
        assert not batch.conflicts

    @precondition(lambda self: self.input)
    @rule()
    def stage_everything_again(self):
        batch = self._stage(list(self.input.values()))
        assert (batch.accepted, batch.conflicts) == (0, [])

    @precondition(lambda self: self.input)
    @rule(data=st.data())
    def stage_an_expense_with_other_content(self, data):
        company, number = data.draw(st.sampled_from(sorted(self.input)))
        self.versions += 1
        before = self.input[company, number]
        other = expense(company, number, version=self.versions, receipt=bool(before.receipts))
        was = self._state(before)
        batch = self._stage([other])
        assert batch.corrected == (was == ExpenseState.REJECTED)
        if batch.corrected:
            self.input[company, number] = other

    @rule()
    def run_to_the_end(self):
        self._live()

    @rule(new=NEW, moment=st.sampled_from(list(Moment)), n=st.integers(1, 20), data=st.data())
    def run_until_cut_off(self, new, moment, n, data):
        self._stage_some(*new)
        if moment in {Moment.AT_TIME, Moment.DRAIN}:
            n *= data.draw(st.sampled_from((1, 40)))
        self._live(Crash(self.lives + 1, moment, n))

    @rule(new=NEW, troubles=st.lists(TROUBLE, min_size=1, max_size=3))
    def run_amid_trouble(self, new, troubles):
        self._stage_some(*new)
        for route, kind in troubles:
            self.history.next.setdefault(route, []).append(kind)
        self._live()

    @rule(new=NEW, kind=st.sampled_from(UNANSWERED), cut=st.integers(0, 6))
    def run_with_an_unanswered_start(self, new, kind, cut):
        self._stage_some(*new)
        start = Route.INITIATE if self.flow == "datasets" else Route.CREATE
        self.history.next[start] = [kind]
        self._live(Crash(self.lives + 1, Moment.AT_TIME, 5**cut) if cut else None)

    @rule(doubts=st.booleans())
    def retry(self, doubts):
        def put_back(journal):
            found = _at_once(journal.resends.candidates())
            chosen = [
                each
                for each in found
                if each.state is ExpenseState.FAILED
                or (doubts and each.state is ExpenseState.IN_DOUBT and each.absence_checked)
            ]
            _at_once(journal.resends.stage_again(chosen))

        self._with_journal(put_back, purpose="retry")

    @rule()
    def verify(self):
        life = self._life(VerifyLife)
        self._finish(life)
        assert not life.posts

    # ---- Codat, the network, others ----

    @rule(after=st.integers(1, 8), kind=st.sampled_from(list(KINDS)))
    def a_request_will_meet_trouble(self, after, kind):
        self.history.hits[self.history.requests + after] = kind

    @rule(
        company=OURS,
        ahead=st.integers(-2, 3),
        kind=st.sampled_from(("validation_error", "push_error", "pending", "unknown", "missing")),
        times=st.sampled_from((1, None)),
    )
    def an_expense_will_meet_trouble(self, company, ahead, kind, times):
        number = max(0, ahead + sum(owner == company for owner, _ in self.input))
        self._fault(
            Fault(FaultKind(kind), company=company_id(company), expense=expense_id(company, number), times=times)
        )

    @rule(
        company=OURS, code=st.sampled_from((2040, 4000, 4220, 5000, 5130)), part=st.sampled_from((None, 0.0, 0.5, 1.0))
    )
    def a_sync_will_end_with_a_code(self, company, code, part):
        self._fault(Fault(FaultKind.SYNC_CODE, company=company_id(company), code=code, part=part, times=1))

    @rule()
    def all_is_well_again(self):
        self.history.hits.clear()
        self.history.next.clear()
        self.history.service.faults.clear()
        for fault in self.foreign:
            self.history.service.add_fault(fault)

    @rule(company=OURS, linked=st.booleans())
    def a_company_is_unlinked_or_linked(self, company, linked):
        self.history.service.company(company_id(company))
        self.history.service.set_status(company_id(company), "Linked" if linked else "Unlinked")

    @rule(company=OURS)
    def somebody_else_syncs_an_expense_of_theirs(self, company):
        identifier = expense_id(company, 100 + len(self.foreign))
        fault = Fault(FaultKind.VALIDATION_ERROR, company=company_id(company), expense=identifier)
        self.foreign.append(fault)
        self.history.service.add_fault(fault)
        self._somebody_posts(company, expense(company, 100 + len(self.foreign) - 1))

    @precondition(lambda self: self.input and self.history.plan.world.duplicate_check != "never")
    @rule(data=st.data())
    def somebody_else_posts_an_expense_of_ours(self, data):
        company, number = data.draw(st.sampled_from(sorted(self.input)))
        ours, service = self.input[company, number], self.history.service
        remote = service.company(company_id(company))
        syncs = [service.account.syncs.find(remote, each) for each in remote.syncs]
        # Two that send the same at the same time are beyond anybody's guard.
        if service._late or self._state(ours) != "staged" or any(sync.finished_at is None for sync in syncs):
            return
        self._somebody_posts(company, ours)
        self._pass(3_000.0)

    # ---- time and machine ----

    @rule(seconds=TIMES)
    def time_passes(self, seconds):
        self._pass(seconds)

    @rule(seconds=st.sampled_from((-200_000.0, -700.0, 700.0, 200_000.0)))
    def the_wall_clock_is_set(self, seconds):
        self.history.wall_offset += seconds

    @rule(uptime=st.sampled_from((5.0, 900_000.0)))
    def the_machine_reboots_or_another_takes_its_place(self, uptime):
        self._pass(30.0)
        self.history.boots += 1
        self.history.booted_at = self.history.time - uptime

    # ---- what must be true ----

    @invariant()
    def nothing_is_doubled_and_what_is_called_posted_is(self):
        history = getattr(self, "history", None)
        if history is None:
            return
        ledger = history.service.ledger
        for key, count in ledger.doubled().items():
            history.complain(f"{key} stands {count} times in the books")
        for each in self.input.values():
            state, posted = self._state(each), ledger.postings_of(each.company_id, each.expense_id)
            if state == "posted" and (not posted or posted[0].gross != each.gross):
                history.complain(f"{each.expense_id} is called posted, and does not stand in the books with its amount")
            if state == "rejected" and posted:
                history.complain(f"{each.expense_id} is called rejected and stands in the books")
        oracle._no_two_syncs(history)
        self._must_be_right()

    def teardown(self):
        if not hasattr(self, "history"):
            return
        try:
            if not self.history.violations:
                self._settle()
        finally:
            JOURNALS.discard()

    def _settle(self):
        """Let all be well again, run until nothing is open, and judge."""
        history = self.history
        self.all_is_well_again()
        for number in range(COMPANIES):
            self.a_company_is_unlinked_or_linked(number, linked=True)
        for number in range(SPARE_LIVES):
            self._live()
            if not oracle.is_anything_open(history.connection):
                break
            if number > PATIENT_FROM and oracle.may_stay_in_doubt(history):
                history.in_doubt_for_good = True
                break
            # The look before a resend waits a day for the rows of a sync that has ended without any.
            self._pass(3_600.0 if number <= PATIENT_FROM else 43_200.0)
        else:
            history.complain("it does not end: the journal still says that something is open")
        history._one_more(self.lives + 1)
        states = oracle.judge(history)
        COVERAGE.add(
            "stateful",
            Verdict(
                history.plan,
                history.violations,
                history.trace,
                len(history.points),
                history.requests,
                history.points,
                history.cuts,
                history.hit,
                states,
            ),
        )
        self._must_be_right()

    # ---- parts ----

    def _must_be_right(self):
        history = self.history
        if history.violations:
            for time, life, what, *rest in history.trace[-150:]:
                note(f"{time:10.3f}  life {life}  {what:16} {' '.join(map(str, rest))}")
            pytest.fail("; ".join(history.violations), pytrace=False)

    def _state(self, staged):
        row = self.history.connection.execute(
            "SELECT state FROM expense WHERE expense_id = ?", (staged.expense_id,)
        ).fetchone()
        return None if row is None else row[0]

    def _fault(self, fault):
        history = self.history
        history.service.add_fault(fault)
        world = history.plan.world
        history.plan = replace(history.plan, world=replace(world, faults=(*world.faults, fault)))

    def _somebody_posts(self, company, staged):
        path = f"/companies/{company_id(company)}/sync/expenses/expense-transactions"
        call = Call("POST", path, {}, {"authorization": "Basic b3RoZXI="}, b"[" + staged.payload + b"]")
        self.history.service.handle(call, now=self.history.time)

    def _pass(self, seconds):
        self.history.time += seconds
        self.history.service.advance(self.history.time)

    def _with_journal(self, act, purpose="run"):
        history = self.history
        loop = VirtualLoop(start=history.time)
        clock = self.history.clock_of(1, loop)
        journal = Journal(Savepoints(history.connection), clock)
        try:
            if purpose is None:
                return act(journal)
            _at_once(journal.runs.begin(version="0", flow=self.flow, purpose=purpose))
            result = act(journal)
            _at_once(journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0))
            return result
        finally:
            loop.close()

    def _stage(self, expenses):
        self.files += 1
        name = f"file-{self.files}.csv"

        def stage(journal):
            return _at_once(file_in(journal, expenses, name=name))

        return self._with_journal(stage)

    def _life(self, kind=Life, crash=None):
        self.lives += 1
        return kind(self.history, self.lives, crash)

    def _live(self, crash=None):
        self._finish(self._life(crash=crash))

    def _finish(self, life):
        history = self.history
        life.run()
        history.points.append((life.writes, life.requests))
        if life.dead:
            history.cuts[life.crash.moment.value] += 1
        elif life.failure is not None:
            history.complain(f"life {life.number} broke: {life.failure!r}")
        self._pass(10.0)
        self._must_be_right()


class DatasetsIgnored(Story):
    keys = "ignored"


class Direct(Story):
    flow = "direct"


class DirectIgnored(Story):
    flow = "direct"
    keys = "ignored"


PROFILE = settings(
    max_examples=round(75 * SCALE),
    stateful_step_count=50,
    derandomize=SCALE == 1,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def input_of_its_own(monkeypatch):
    # The oracle asks for the input of a plan; here it is what was staged.
    monkeypatch.setattr(oracle, "all_staged", oracle.all_staged)


@pytest.mark.parametrize(
    "story", [Story, DatasetsIgnored, Direct, DirectIgnored], ids=lambda story: f"{story.flow}-{story.keys}"
)
def test_no_order_of_events_loses_or_doubles_anything(story):
    run_state_machine_as_test(story, settings=PROFILE)


MUTANTS_OF = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.parametrize("name", ["quiescence is skipped", "an unanswered start counts as absent"])
def test_a_broken_program_does_not_get_through(name):
    with MUTANTS_OF[name].patch(), pytest.raises(BaseException, match=r"stands 2 times|two syncs at once"):
        run_state_machine_as_test(DirectIgnored, settings=settings(PROFILE, phases=[Phase.generate]))
