"""A whole walk without a network: the steps over the simulator's core, a journal in memory and a clock set by hand."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from hashlib import sha256
from urllib.parse import unquote

from runner.backoff import Backoff
from runner.batch import Batch
from runner.codat.client import Codat
from runner.codat.draining import Draining, pause
from runner.codat.flows import Flow
from runner.codat.gate import Gate, Unlimited
from runner.codat.messages import Response
from runner.codat.payload import encode_expense
from runner.codat.retrying import Retrying
from runner.domain.expense import Expense, ExpenseLine, ExpenseType, Receipt
from runner.domain.identity import content_digest
from runner.domain.ids import CompanyId, ExpenseId, IdempotencyKey
from runner.domain.preflight import Preflight
from runner.domain.remote import ReceiptFile
from runner.errors import NotSent, OutcomeUnknown, RunStopped
from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.records import StagedExpense
from runner.journal.store import Inline
from runner.outcome import exit_code_of, outcomes_of, require_balance
from runner.simulator.behaviour import NO_LIMITS, Behaviour
from runner.simulator.service import Service
from runner.simulator.values import Call
from runner.steps.checks import Checks
from runner.steps.kit import Kit, Limits
from runner.steps.proof import Proofs
from runner.steps.roster import Roster
from tests.clocks import FakeClock
from tests.filing import file_in, marked
from tests.simulator_client import COMPANY, expense_id

COMPANY_ID = CompanyId(COMPANY)
CONTENT = b"%PDF-1.7"
LIMITS = Limits(poll_interval=2.0, wait=600.0, quiescence=660.0, unknown=Backoff(initial=1.0, attempts=3))


class Killed(BaseException):
    """The process dies here."""


class Wire:
    """Brings requests to the simulator's core; `before` and `after` may let the process die around one."""

    def __init__(self, service, clock):
        self.service = service
        self.clock = clock
        self.before = self.after = lambda _request: None
        self.dead = False

    async def send(self, request, begin=None):
        if self.dead:
            raise Killed
        try:
            return self._send(request)
        except Killed:
            # All tasks of a process die together.
            self.dead = True
            raise

    def _send(self, request):
        self.before(request)
        if request.is_late(self.clock.boottime()):
            raise NotSent("too late")
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(
            request.method,
            unquote(request.path),
            dict(request.query),
            {**headers, "authorization": "Basic c2VjcmV0"},
            request.body or b"",
        )
        answer = self.service.handle(call, now=self.clock.monotonic())
        self.after(request)
        if answer.lost:
            raise OutcomeUnknown("the connection was closed", received=False)
        return Response(answer.status, dict(answer.headers), answer.body)


class World:
    """One account at Codat, one journal, and as many lives of the runner as a test wants."""

    worlds = 0

    def __init__(
        self, *, flow=Flow.DATASETS, faults=(), limits=None, beside=None, preflight=Preflight.OFF, wanted=0, **dials
    ):
        """`beside` is another world with whose account and clock this one works, out of a journal of its own.

        `wanted` is how many companies the preflight expects to have something new.
        """
        dials.setdefault("limits", NO_LIMITS)
        dials.setdefault("sync_seconds", (10.0, 10.0))
        World.worlds += 1
        self._name = World.worlds
        self.clock = FakeClock() if beside is None else beside.clock
        self.service = Service(Behaviour(**dials), seed=7, faults=faults) if beside is None else beside.service
        self.wire = Wire(self.service, self.clock)
        self.connection = open_scratch()
        self.journal = Journal(Inline(self.connection), self.clock)
        self.flow = flow
        self.preflight = preflight
        self.wanted = wanted
        self.limits = replace(LIMITS, **(limits or {}))
        self.notes = []
        self.files = {}
        self.load = self._load
        self.stop = None
        self._keys = 0

    def close(self):
        self.connection.close()

    # ---- before ----

    async def stage(self, *numbers, company=COMPANY, **changed):
        """Stage the expenses of these numbers."""
        await self.begin()
        return await file_in(self.journal, [staged(each, company, **changed) for each in numbers], name="expenses.csv")

    async def begin(self):
        return await self.journal.runs.begin(version="test", flow=self.flow)

    # ---- a life ----

    def kit(self, draining=None):
        draining = draining or Draining()
        transport = Gate(
            self.wire,
            governor=Unlimited(),
            draining=draining,
            clock=self.clock,
            service_time=self.journal.service_time,
        )
        transport = Retrying(
            transport, clock=self.clock, jitter=highest, backoff=Backoff(attempts=3), draining=draining
        )
        codat = Codat(transport, flow=self.flow)
        return Kit(
            codat=codat,
            journal=self.journal,
            clock=self.clock,
            jitter=highest,
            pause=partial(pause, draining, self.clock),
            new_key=self._new_key,
            load_receipt=self.load,
            proofs=Proofs(codat, self.journal),
            note=self._note,
            limits=self.limits,
            checks=Checks(self.preflight, Roster(codat, wanted=self.wanted)),
        )

    async def live(self):
        """Run once; return the exit code."""
        await self.begin()
        draining = Draining()
        self.stop = None
        try:
            await Batch(self.kit(draining), draining, 4).run()
        except RunStopped as stop:
            self.stop = stop
        return await self.exit_code()

    async def live_until_killed(self):
        """Run once, and be killed where the wire says so."""
        await self.begin()
        draining = Draining()
        with suppress(Killed):
            await Batch(self.kit(draining), draining, 1).run()
        assert self.wire.dead
        self.wire.dead = False
        self.wire.before = self.wire.after = lambda _request: None

    def kill_after(self, method, ending):
        """Die when the first such request has had its effect and before its answer is read."""

        def die(request):
            if request.method == method and request.path.endswith(ending):
                raise Killed

        self.wire.after = die

    async def exit_code(self):
        books = await self.journal.accounts.books()
        require_balance(books)
        limit = self.limits.auto_retry
        again = limit == 0 or await self.journal.accounts.may_be_retried(limit=limit)
        outcomes = outcomes_of(books, stop=self.stop, retries_left=again, unread=False)
        return int(exit_code_of(outcomes, self.stop))

    # ---- what came of it ----

    async def hold(self, company=COMPANY):
        found = await self.journal.companies.hold_of(CompanyId(company))
        return None if found is None else found.code

    def states(self):
        """State and code of each expense, by its number."""
        rows = self.connection.execute("SELECT expense_id, state, code FROM expense").fetchall()
        by_id = {expense: (state, code) for expense, state, code in rows}
        return {n: by_id[expense_id(n)] for n in range(1, 400) if expense_id(n) in by_id}

    def state(self, number=1):
        return self.states()[number][0]

    def receipts(self):
        return [row[0] for row in self.connection.execute("SELECT state FROM receipt ORDER BY receipt_no")]

    def posted(self, number=1, company=COMPANY):
        """How often the expense stands in the books, after all that is still under way has ended."""
        self.service.advance(self.clock.monotonic() + 100_000)
        return len(self.service.ledger.postings_of(company, expense_id(number)))

    def sent(self, method="POST", ending=""):
        return [r for r in self.service.requests if r.method == method and r.path.endswith(ending)]

    def noted(self, event):
        return [facts for name, facts in self.notes if name == event]

    # ---- parts ----

    def _new_key(self):
        self._keys += 1
        return IdempotencyKey(f"00000000-0000-4000-8000-{self._name:06d}{self._keys:06d}")

    def _load(self, receipt):
        found = self.files.get(receipt.path, CONTENT)
        if isinstance(found, Exception):
            raise found
        return ReceiptFile(receipt.path, "application/pdf", found)

    def _note(self, event, **facts):
        self.notes.append((event, facts))


def highest(_low, high):
    """No chance: always the longest."""
    return high


def staged(number=1, company=COMPANY, *, net="12.50", receipts=(), **changed):
    """The expense of that number as it is staged; `changed` are fields of it."""
    expense = Expense(
        company_id=CompanyId(company),
        id=ExpenseId(expense_id(number)),
        type=ExpenseType.PAYMENT,
        issue_date=datetime(2026, 3, 1, tzinfo=UTC),
        currency=changed.pop("currency", "GBP"),
        lines=(ExpenseLine(Decimal(net), changed.pop("account", "400"), Decimal("2.50")),),
        reference=f"ref-{number}",
        **changed,
    )
    return marked(
        StagedExpense(
            company_id=expense.company_id,
            expense_id=expense.id,
            line=number + 1,
            rows=1,
            content_hash=content_digest(expense, expense.lines),
            currency=expense.currency,
            gross=expense.gross,
            payload=encode_expense(expense),
            key=b"",
            cells=0,
            day="2026-03-01",
            lines=(),
            receipts=tuple(Receipt("/receipts", path, 8, sha256(CONTENT).digest()) for path in receipts),
        )
    )
