"""One life of the process: the real engine on a virtual loop, a disk that can stop it, and a wire that can lie."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from runner.backoff import Backoff
from runner.batch import Batch
from runner.codat.client import Codat
from runner.codat.draining import Draining, pause
from runner.codat.flows import Flow
from runner.codat.gate import Gate, Unlimited
from runner.codat.governor import Governor
from runner.codat.governor import Limits as Rates
from runner.codat.messages import Request, Response
from runner.codat.retrying import Retrying
from runner.codat.routes import Route, route_of
from runner.domain.ids import IdempotencyKey
from runner.domain.preflight import Preflight
from runner.errors import Interrupted, NotSent, OutcomeUnknown, RunStopped
from runner.journal import store
from runner.journal.journal import Journal
from runner.journal.watching import watching
from runner.simulator import Call
from runner.steps.checks import Checks
from runner.steps.kit import Kit, Limits
from runner.steps.proof import Proofs
from runner.steps.roster import Roster
from tests.filing import file_in
from tests.scenarios.world.books import all_staged, load_receipt
from tests.scenarios.world.loop import BEGINNING, Stuck, VirtualLoop
from tests.scenarios.world.plan import GATEWAY, KINDS, Crash, Moment
from tests.scenarios.world.verbs import verb_at_work

if TYPE_CHECKING:
    from tests.scenarios.world.history import History

TIMEOUT = 60.0
QUIESCENCE = TIMEOUT + 600.0
LONGEST_LIFE = 5 * 86_400.0
_PROBES = frozenset({b'{"items":[{}]}', b'{"items":[{"id":"none"}]}', b"[{}]", b'[{"id":"none"}]'})
"""Lists of one object that is no expense: nothing else may leave without an intention."""


class Life:
    """From the start of the process to its end, orderly or not."""

    purpose = "run"

    def __init__(self, history: "History", number: int, crash: Crash | None) -> None:
        self.history = history
        self.number = number
        self.crash = crash
        self.dead = False
        self.asleep: asyncio.Future[None] | None = None
        """Awaited where the life was stopped."""
        self.woken = False
        self.writes = 0
        self.requests = 0
        self.posts = 0
        self.stop: RunStopped | None = None
        self.failure: BaseException | None = None
        self.loop = VirtualLoop(start=history.time, until=history.time + LONGEST_LIFE)
        self.loop.set_exception_handler(self._complain)
        self.clock = history.clock_of(number, self.loop)
        self.draining: Draining | None = None
        self.in_flight: Counter[str] = Counter()
        self.attaching: set[str] = set()

    # ---- how it ends ----

    def run(self) -> None:
        """Live until the run is over or the crash comes."""
        task = self.loop.create_task(self._main())
        task.add_done_callback(lambda _: self.loop.stop())
        try:
            self.loop.run_forever()
        except Stuck as stuck:
            self.failure = stuck
        else:
            if task.done() and not self.dead:
                self.failure = task.exception()
        if self.dead:
            self.history.disturbed |= self.attaching
        self.history.time = self.loop.now
        if self.asleep is None:
            self.loop.drop()

    def wake(self) -> None:
        """Go on where the life was stopped, until it would write: its journal has had other masters since."""
        assert self.asleep is not None
        self.trace("woken")
        self.dead, self.woken = False, True
        self.loop.now = self.history.time
        self.loop.until = self.loop.now + TIMEOUT
        self.asleep.set_result(None)
        with suppress(Stuck):
            self.loop.run_forever()
        self.dead = True
        self.loop.drop()

    def _complain(self, _loop: object, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        if not self.dead and self.failure is None and not isinstance(error, Stuck | None):
            self.history.complain(f"nobody heard of {error!r}: {context.get('message')}")

    def kill(self) -> None:
        """From here on nothing of this life has any effect."""
        if not self.dead:
            self.dead = True
            self.trace("killed", self.crash.moment.value if self.crash else "")
            self.loop.stop()

    async def die(self) -> None:
        """Be killed here, or stopped if that is the plan; returns only where a stopped one is woken."""
        self.kill()
        if self.crash is None or not self.crash.stopped or self.woken:
            await self.rest()
        self.asleep = self.loop.create_future()
        await self.asleep

    async def rest(self) -> None:
        """Never return."""
        await self.loop.create_future()

    def cut(self, moment: Moment, n: int) -> bool:
        """Say whether the life ends at this point, and note that there is one."""
        crash = self.crash
        return crash is not None and crash.n == n and crash.moment is moment

    def trace(self, what: str, *details: object) -> None:
        self.history.trace.append((round(self.loop.now, 3), self.number, what, *details))

    # ---- what it does ----

    async def _main(self) -> None:
        plan = self.history.plan
        self.draining = draining = Draining()
        if self.crash is not None and self.crash.moment in {Moment.AT_TIME, Moment.DRAIN}:
            self.loop.call_later(self.crash.n / 10, self._at_time)
        journal = Journal(Disk(self), self.clock)
        await journal.runs.begin(version="0", flow=plan.flow, purpose=self.purpose)
        if plan.restage:
            await self._stage(journal)
        transport, governor = self._stack(journal, await journal.ages.since_speaking(), draining)
        codat = Codat(transport, flow=Flow(plan.flow), page_size=plan.page_size)
        random = self.history.random
        kit = Kit(
            codat=codat,
            journal=journal,
            clock=self.clock,
            jitter=random.uniform,
            pause=partial(pause, draining, self.clock),
            new_key=self.history.new_key,
            load_receipt=load_receipt,
            proofs=Proofs(codat, journal),
            note=self._note,
            limits=Limits(
                drafts_a_sync=plan.drafts_a_sync,
                draft_size=plan.draft_size,
                syncs_in_flight=plan.syncs_in_flight,
                wait=plan.wait,
                quiescence=QUIESCENCE,
                auto_retry=plan.auto_retry if self.number >= plan.auto_retry_from else 0,
                retry_receipts_in_doubt=plan.retry_receipts_in_doubt,
            ),
            checks=Checks(Preflight(plan.preflight), Roster(codat, wanted=len(plan.companies))),
        )
        try:
            async with watching(journal, self.clock, every=plan.watch) if plan.watch else nullcontext():
                await self._work(kit, draining)
        except RunStopped as stop:
            self.stop = stop
            self.trace("stopped", stop.code, stop.message)
        finally:
            if isinstance(governor, Governor):
                await governor.aclose()
        code = 0 if self.stop is None else int(self.stop.exit_code)
        await journal.runs.end(exit_code=code, requests=self.requests, retried=0, rate_limited=0)

    async def _work(self, kit: Kit, draining: Draining) -> None:
        await Batch(kit, draining, self.history.plan.concurrency).run()

    def _stack(
        self, journal: Journal, since: float | None, draining: Draining
    ) -> tuple[Retrying, Governor | Unlimited]:
        governor: Governor | Unlimited = Unlimited()
        if self.history.plan.governed:
            governor = Governor(
                self.clock, Rates(), previous_life_seconds_ago=since, jitter=self.history.random.uniform
            )
        gate = Gate(
            Wire(self), governor=governor, draining=draining, clock=self.clock, service_time=journal.service_time
        )
        retrying = Retrying(
            gate, clock=self.clock, jitter=self.history.random.uniform, backoff=Backoff(), draining=draining
        )
        return retrying, governor

    def _at_time(self) -> None:
        assert self.crash is not None
        if self.crash.moment is Moment.AT_TIME:
            self.kill()
        elif self.draining is not None:
            self.trace("drained")
            self.history.cuts[Moment.DRAIN.value] += 1
            self.draining.start(Interrupted("A signal asks for the end."))

    async def _stage(self, journal: Journal) -> None:
        await file_in(journal, all_staged(self.history.plan.companies), name="input.csv")

    def _note(self, event: str, **facts: object) -> None:
        self.trace("note", event, facts)


class Disk:
    """The journal's store: each write is durable at once, and the life can end right before and right after it."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._connection = life.history.connection

    async def write(self, operation: store.Operation[Any]) -> Any:
        life = self._life
        commit = life.history.plan.commit
        if commit:
            await asyncio.sleep(life.history.random.uniform(0.0, commit))
        if life.woken:
            await life.die()
        if life.dead:
            await life.rest()
        life.writes += 1
        name = verb_at_work()
        if life.cut(Moment.BEFORE_WRITE, life.writes):
            life.trace("cut before write", life.writes, name)
            await life.die()
        pending = store.Pending(operation)
        store._attempt(self._connection, pending)
        life.trace("write", life.writes, name, "" if pending.error is None else repr(pending.error))
        if life.cut(Moment.AFTER_WRITE, life.writes):
            await life.die()
        if commit:
            await asyncio.sleep(0)
            if life.dead:
                await life.rest()
        if pending.error is not None:
            raise pending.error
        return pending.result

    async def read(self, operation: store.Operation[Any]) -> Any:
        if self._life.dead:
            await self._life.rest()
        return operation(self._connection)


class Wire:
    """The transport: brings requests to the simulated service, unless something happens to them."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._history = life.history

    async def send(self, request: Request, begin: object = None) -> Response:
        del begin  # the gate has awaited it
        life = self._life
        if life.dead:
            await life.rest()
        if request.is_late(life.clock.boottime()):
            life.trace("late", request.method, request.path)
            raise NotSent("The request was held up for too long.")
        company = str(request.company)
        life.in_flight[company] += 1
        self._history.most_in_flight = max(self._history.most_in_flight, life.in_flight[company])
        attaching = request.path if request.path.endswith("/attachments") else None
        if attaching is not None:
            life.attaching.add(attaching)
        try:
            return await self._send(request)
        finally:
            if not life.dead:
                life.in_flight[company] -= 1
                life.attaching.discard(attaching or "")

    async def _send(self, request: Request) -> Response:
        life, history = self._life, self._history
        history.requests += 1
        life.requests += 1
        number, own = history.requests, life.requests
        if request.is_effect:
            life.posts += 1
            self._look_for_intent(request)
        kind = history.trouble_of(number, request)
        if kind is not None:
            # What arrives late has arrived before this request does.
            history.service.advance(life.loop.now)
            kind = fair(kind, request, history)
        life.trace("request", own, number, request.method, request.path, kind or "")
        if kind is not None:
            history.struck(kind, request)
        if life.cut(Moment.BEFORE_EFFECT, own):
            await life.die()
        if kind == "not_sent":
            await asyncio.sleep(history.plan.latency)
            raise NotSent("The connection was refused.")
        if kind in GATEWAY:
            await asyncio.sleep(history.plan.latency)
            return Response(GATEWAY[kind], {"content-type": "text/html"}, b"<html>Go away</html>")
        fault = None if kind is None else KINDS[kind]
        if fault is not None:
            history.service.add_fault(replace(fault, times=1))
        answer = history.service.handle(_call(request), now=life.loop.now)
        if life.cut(Moment.AFTER_EFFECT, own):
            await life.die()
        delay = min(answer.delay, TIMEOUT) or history.plan.latency
        if delay:
            await asyncio.sleep(delay)
        if life.dead:
            await life.rest()
        if answer.lost or answer.delay > TIMEOUT:
            raise OutcomeUnknown("The answer was lost.", received=False)
        life.trace("answer", own, number, answer.status)
        return Response(answer.status, {**answer.headers, **self._date()}, answer.body)

    def _date(self) -> dict[str, str]:
        life, dates = self._life, self._history.plan.world.dates
        if dates == "none":
            return {}
        seconds = {"true": life.loop.now, "stuck": 0.0, "wrong": life.loop.now + 3_600.0 * life.number}[dates]
        return {"date": format_datetime(BEGINNING + timedelta(seconds=int(seconds)), usegmt=True)}

    def _look_for_intent(self, request: Request) -> None:
        """No POST without an attempt on disk that says so, and that is not over yet."""
        if request.body in _PROBES:
            return
        rows = self._history.connection.execute(
            "SELECT body_hash, outcome FROM attempt WHERE idempotency_key = ?", (request.headers["Idempotency-Key"],)
        ).fetchall()
        if [hash_ for hash_, _ in rows] != [request.body_hash()]:
            self._history.complain(f"{request.path} left without an intention of that key and body on disk")
        elif rows[0][1] not in {None, "unknown"}:
            self._history.complain(f"{request.path} left again after its attempt had ended ({rows[0][1]})")


def fair(kind: str, request: Request, history: "History") -> str | None:
    """Return the trouble that this request may meet: none that no client in the world could survive.

    A network that delivers a request twice to a service that ignores keys has doubled it by itself. An id that is
    told for the first time cannot be known to be another's.
    """
    if not request.is_effect:
        return "lost_after" if kind in {"409_working", "twice", "twice_late"} else kind
    if request.body in _PROBES and kind in {"422", "400"}:
        return "503_before"
    if kind.startswith("repeated_id") and not _was_told(request, history):
        return "lost_after"
    if history.plan.world.idempotency == "honoured":
        return kind
    stores_only = history.plan.flow == "datasets" and route_of(request) is Route.CREATE
    if kind in {"twice", "twice_late", "409_working"} and not stores_only:
        return "lost_after"
    return kind


def _was_told(request: Request, history: "History") -> bool:
    """Say whether the id that the service made last is one that the journal knows, so that it can be a repeated one."""
    account = history.service.account
    starts = history.plan.flow == "direct" or route_of(request) is Route.INITIATE
    last = account.syncs.last_id if starts else account.datasets.last_id
    query = (
        "SELECT sync_id FROM sync UNION ALL SELECT sync_id FROM foreign_sync"
        if starts
        else "SELECT dataset_id FROM draft UNION ALL SELECT unbelieved_dataset FROM attempt"
    )
    return last is not None and (last,) in history.connection.execute(query)


def new_key(random: Any) -> IdempotencyKey:
    digits = f"{random.getrandbits(128):032x}"
    return IdempotencyKey(f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}")


def _call(request: Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["authorization"] = "Basic c2VjcmV0"
    return Call(request.method, unquote(request.path), request.query, headers, request.body or b"")
