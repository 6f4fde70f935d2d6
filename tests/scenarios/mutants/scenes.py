"""Histories that are known to be dangerous, each with what happens in the world beside it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from runner.clock import Clock
from runner.codat.requests import initiate_request
from runner.domain import resolution
from runner.domain.ids import CompanyId, DatasetId
from runner.domain.states import ExpenseState
from runner.journal.journal import Journal
from runner.journal.resolutions import Selection, Word
from runner.resolving import resolve, select
from runner.simulator import Answer, Call, Fault, FaultKind
from tests.scenarios.mutants.edits import Patch
from tests.scenarios.world.books import JOURNALS, Savepoints, company_id, expense_id, staged
from tests.scenarios.world.history import History, Verdict, run_history
from tests.scenarios.world.life import QUIESCENCE, Life
from tests.scenarios.world.loop import VirtualLoop
from tests.scenarios.world.plan import Crash, Hit, Moment, Plan

Act = Callable[[History], None]

_ENDINGS = {
    "create": ("POST", "/expense-transactions"),
    "initiate": ("POST", "/syncs"),
    "attach": ("POST", "/attachments"),
    "status": ("GET", "/status"),
    "transactions": ("GET", "/transactions"),
}

AUDITS = {
    "a sync is no longer of unknown fate, and its attempt is": """
        SELECT count(*) FROM sync JOIN attempt USING (sync_no)
        WHERE sync.state <> 'starting' AND (outcome IS NULL OR outcome = 'unknown')""",
    "a dataset is known, and no attempt made it": """
        SELECT count(*) FROM draft WHERE dataset_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM attempt WHERE attempt.draft_no = draft.draft_no AND outcome = 'done')""",
    "a sync was started of a dataset that is not on disk": """
        SELECT count(*) FROM draft JOIN attempt USING (draft_no)
        WHERE kind = 'create' AND draft.sync_no IS NOT NULL AND dataset_id IS NULL
        AND EXISTS (SELECT 1 FROM attempt AS start WHERE start.sync_no = draft.sync_no AND kind = 'start')""",
    "a receipt is attached, and no attempt did it": """
        SELECT count(*) FROM receipt WHERE state = 'attached' AND NOT EXISTS (
            SELECT 1 FROM attempt WHERE attempt.receipt_no = receipt.receipt_no AND outcome = 'done')""",
}
"""Facts come before what depends on them: also true at the end of every history."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One history. Requests and writes are named by what they are, so that a scene outlives other requests."""

    base: Plan
    hits: tuple[tuple[str, str], ...] = ()
    """Which first request of its kind meets what trouble."""
    cut: str | None = None
    """The request (by its effect) or the durable write (by its verb) after which the first life is cut off."""
    later: tuple[tuple[str, object], ...] = ()
    """What lies between that and the next life: fields of `Crash`."""
    before: Act | None = None
    """What happens in the world before the first life."""
    then: Act | None = None
    """What somebody does, or what happens in the world, right after the first life."""
    after: Act | None = None
    """What is looked at beside the oracle."""

    def plan(self) -> Plan:
        hits = tuple(Hit(_place(self.base, what), kind) for what, kind in self.hits)
        crashes = self.base.crashes
        if self.cut is not None:
            moment = Moment.AFTER_EFFECT if self.cut in _ENDINGS else Moment.AFTER_WRITE
            crashes = (Crash(1, moment, _place(self.base, self.cut), **dict(self.later)), *crashes)
        return replace(self.base, hits=(*self.base.hits, *hits), crashes=crashes)


@lru_cache(maxsize=64)
def _trace(base: Plan) -> list[tuple]:
    return run_history(replace(base, hits=(), crashes=())).trace


def _place(base: Plan, what: str) -> int:
    method, ending = _ENDINGS.get(what, (None, None))
    for _, life, event, *rest in _trace(base):
        if life == 1 and method and event == "request" and rest[2] == method and rest[3].endswith(ending):
            return rest[0]
        if life == 1 and not method and event == "write" and rest[1].startswith(what):
            return rest[0]
    raise LookupError(f"no {what} in the first life")


MOST_TURNS = 3_000
"""Turns of the loop after which a life is said not to end: a mutant often goes round in circles."""


class Watched(History):
    """A history that ends with the first complaint; `then` happens after its first life."""

    def __init__(self, plan: Plan, then: Act | None = None) -> None:
        super().__init__(plan)
        self._then = then

    def _live(self, number: int, crash: Crash | None) -> Life:
        life = super()._live(number, crash)
        if number == 1 and self._then is not None:
            self._then(self)
        return life

    def complain(self, violation: str) -> None:
        super().complain(violation)
        with suppress(RuntimeError):
            asyncio.get_running_loop().stop()


@contextmanager
def _impatient():
    defaults = VirtualLoop.__init__.__kwdefaults__
    before = defaults["most_turns"]
    defaults["most_turns"] = MOST_TURNS
    try:
        yield
    finally:
        defaults["most_turns"] = before


def play(scene: Scene, patch: Patch = nullcontext) -> Verdict:
    """Let a scene happen to the program, whole or patched, and judge it."""
    plan = scene.plan()
    with patch(), _impatient():
        history = Watched(plan, scene.then)
        try:
            if scene.before is not None:
                scene.before(history)
            verdict = history.run()
            _audit(history)
            if scene.after is not None:
                scene.after(history)
            return verdict
        finally:
            JOURNALS.end()


def _audit(history: History) -> None:
    for meaning, query in AUDITS.items():
        if count := history.connection.execute(query).fetchone()[0]:
            history.complain(f"{meaning} ({count})")
    open_ones = history.connection.execute("SELECT count(*) FROM attempt WHERE outcome IS NULL").fetchone()[0]
    if open_ones and not history.cuts:
        history.complain(f"nothing was cut off, and {open_ones} attempts have no outcome")


# ---- what happens beside ----


def stranger(*numbers: int, takes: float = 60.0) -> Act:
    """Somebody else posts expenses of the first company under our ids, and nobody tells us."""

    def act(history: History) -> None:
        payloads = b",".join(staged(0, number, receipt=False).payload for number in numbers)
        path = f"/companies/{company_id(0)}/sync/expenses/expense-transactions"
        answer = history.service.handle(
            Call("POST", path, {}, {"authorization": "Basic b3RoZXI="}, b"[" + payloads + b"]"), now=history.time
        )
        assert answer.status == 200
        history.time += takes
        history.service.advance(history.time)

    return act


def send_again(history: History) -> None:
    """Somebody searches for what is in doubt in vain, and chooses to send again all that may be."""
    with at_the_journal(history, "retry") as (journal, _):
        _send_again(journal)


def _send_again(journal: Journal) -> None:
    found = at_once(journal.resends.candidates())
    doubtful = {each.expense_id: None for each in found if each.state is ExpenseState.IN_DOUBT}
    at_once(journal.verification.record_absent(CompanyId(company_id(0)), doubtful))
    at_once(journal.resends.stage_again(at_once(journal.resends.candidates())))


def says(answer: resolution.Answer, *, later: float = 1_000.0) -> Act:
    """Somebody says that of all that it can be said of."""

    def act(history: History) -> None:
        history.time += later
        history.service.advance(history.time)
        with at_the_journal(history, "resolve") as (journal, clock):
            everything = Selection(company=CompanyId(company_id(0)))
            found = at_once(select(journal, answer, everything, clock=clock, quiescence=QUIESCENCE))
            at_once(resolve(journal, answer, found.chosen, Word("ann", "desk", None)))

    return act


def lands_later(history: History) -> None:
    """What the first sync is not sure of comes to stand in the books, five minutes later."""
    account, due, handle = history.service.account, history.time + 300.0, history.service.handle
    company = history.service.company(company_id(0))
    sync = account.syncs.find(company, next(iter(company.syncs)))
    item = next(item for item in sync.items if item.transaction.id == expense_id(0, 0))

    def handled(call: Call, *, now: float) -> Answer:
        if now >= due:
            history.service.handle = handle
            account.syncs._post(sync, item, due)
        return handle(call, now=now)

    history.service.handle = handled


@contextmanager
def at_the_journal(history: History, purpose: str) -> Iterator[tuple[Journal, Clock]]:
    """Hold the journal between two lives, for a person."""
    loop = VirtualLoop(start=history.time)
    clock = history.clock_of(1, loop)
    journal = Journal(Savepoints(history.connection), clock)
    at_once(journal.runs.begin(version="0", flow=history.plan.flow, purpose=purpose))
    yield journal, clock
    at_once(journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0))
    loop.close()


def at_once(coroutine):
    """What comes of a verb of a journal that does not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


def shown_as(status: str) -> Act:
    """Codat shows the first expense as that in its first sync from now on."""

    def act(history: History) -> None:
        company = history.service.company(company_id(0))
        sync = history.service.account.syncs.find(company, next(iter(company.syncs)))
        next(item for item in sync.items if item.transaction.id == expense_id(0, 0)).status = status

    return act


def one_after_another(*acts: Act) -> Act:
    """Do several things."""

    def act(history: History) -> None:
        for each in acts:
            each(history)

    return act


def troubled(*faults: Fault) -> Act:
    """Let more go wrong than a plan can say."""

    def act(history: History) -> None:
        for fault in faults:
            history.service.add_fault(fault)

    return act


def when_stored(act: Act) -> Act:
    """Wait with something until the first dataset has been stored."""

    def watch(history: History) -> None:
        datasets = history.service.account.datasets
        store = datasets.store

        def stored(dataset):
            store(dataset)
            datasets.store = store
            later.append(history)

        later: list[History] = []
        datasets.store = stored
        handle = history.service.handle

        def handled(call, *, now):
            answer = handle(call, now=now)
            if later:
                history.service.handle = handle
                later.clear()
                act(history)
            return answer

        history.service.handle = handled

    return watch


def next_from_gateway(ending: str) -> Act:
    """The second POST to that endpoint is refused by something in front of the service."""

    def act(history: History) -> None:
        handle = history.service.handle
        seen = 0

        def handled(call, *, now):
            nonlocal seen
            seen += call.method == "POST" and call.path.endswith(ending)
            if seen == 2:
                seen += 1
                return Answer(404, {"content-type": "text/html"}, b"<html>Not here</html>")
            return handle(call, now=now)

        history.service.handle = handled

    return act


def stale_list(*nth: int) -> Act:
    """Some answers of the list of syncs come from a replica that knows nothing yet."""

    def act(history: History) -> None:
        account = history.service.account
        whole = account.list_syncs
        seen = 0

        def list_syncs(company, *, now):
            nonlocal seen
            seen += 1
            if seen in nth:
                return whole(company, now=-1.0)
            return whole(company, now=now)

        account.list_syncs = list_syncs

    return act


def repeated(path: str) -> Act:
    """The second answer of an endpoint has the id that the first one had."""
    return troubled(Fault(FaultKind.REPEATED_ID, method="POST", path=path, nth=2))


def merged(ending: str) -> Act:
    """The second start adds to the first sync, which has ended, instead of starting one of its own, and says so."""

    def act(history: History) -> None:
        handle = history.service.handle
        company = company_id(0)
        started: list[str] = []

        def handled(call, *, now):
            answer = handle(call, now=now)
            if call.method != "POST" or not call.path.endswith(ending) or answer.status >= 300:
                return answer
            syncs, owner = history.service.account.syncs, history.service.company(company)
            started.append(owner.syncs[-1])
            if len(started) != 2:
                return answer
            first, second = (syncs.find(owner, each) for each in started)
            first.items = [*first.items, *second.items]
            second.forgotten = True
            return replace(answer, body=answer.body.replace(second.id.encode(), first.id.encode()))

        history.service.handle = handled

    return act


def rows_late_from_the_second_sync(history: History) -> None:
    """The rows of the first sync are there at its end, and those of later ones show up 40 seconds later."""
    syncs = history.service.account.syncs
    accept = syncs.accept
    accepted = 0

    def accepting(*arguments, **more):
        nonlocal accepted
        accepted += 1
        if accepted == 2:
            syncs._behaviour = replace(syncs._behaviour, rows_lag=40.0)
        return accept(*arguments, **more)

    syncs.accept = accepting


def both_at_once(history: History) -> None:
    """A create stores a dataset and starts a sync of the same expenses, and says both."""
    handle = history.service.handle

    def handled(call, *, now):
        answer = handle(call, now=now)
        if call.path.endswith("/expense-transactions") and answer.status == 200:
            items = call.body.removeprefix(b'{"items":').removesuffix(b"}")
            started = handle(replace(call, headers={"authorization": "Basic x"}, body=items), now=now)
            return replace(answer, body=answer.body[:-1] + b"," + started.body[1:])
        return answer

    history.service.handle = handled


def without_index_of(index: str, act: Act) -> Act:
    """The schema no longer refuses what an index of its refuses."""

    def acted(history: History) -> None:
        history.connection.execute(f"DROP INDEX {index}")
        act(history)

    return acted


def without_index(history: History) -> None:
    """The schema no longer refuses a second sync of unknown fate."""
    history.connection.execute("DROP INDEX sync_of_unknown_fate")


async def starts_of_nothing(company, kit) -> bool:
    """Ask whether there is an endpoint to start syncs of datasets, with a start that names none."""
    some = initiate_request(company, [DatasetId("none")], key=kit.new_key())
    asked = replace(some, body=b'{"datasetIds":[]}')

    async def begin(_request) -> None:
        pass

    return (await kit.codat._transport.send(asked, begin)).status in {400, 422}


def no_post_before_connected(history: History) -> None:
    """A company that is disconnected from the beginning is sent nothing at all before it is connected."""
    for _, life, event, *rest in history.trace:
        if life == 1 and event == "request" and rest[2] == "POST":
            history.complain(f"a disconnected company was sent {rest[3]}")


def no_post_while_held(history: History) -> None:
    """A company that is still disconnected is looked at, and sent nothing."""
    for _, life, event, *rest in history.trace:
        if life == 2 and event == "request" and rest[2] == "POST":
            history.complain(f"a held company was sent {rest[3]}")


def attached_in_the_first_life(history: History) -> None:
    """What the first life has posted has its receipt at the end of that life, whatever became of the rest."""
    requests = (rest for _, life, event, *rest in history.trace if life == 1 and event == "request")
    if not any(rest[3].endswith("/attachments") for rest in requests):
        history.complain("the receipt of a posted expense was left to a later life")


def sent_once(history: History) -> None:
    """No expense was put into a second sync."""
    account = history.service.account
    company = history.service.company(company_id(0))
    sent = Counter(item.transaction.id for each in company.syncs for item in account.syncs.find(company, each).items)
    for expense, times in sent.items():
        if times > 1:
            history.complain(f"{expense} was in {times} syncs, and nobody had asked for that")


def sent_twice(history: History) -> None:
    """The first expense was sent again, as somebody had chosen."""
    company = history.service.company(company_id(0))
    items = [i for each in company.syncs for i in history.service.account.syncs.find(company, each).items]
    if sum(item.transaction.id == expense_id(0, 0) for item in items) != 2:
        history.complain("what was chosen to be sent again was not")


def nothing_intended_that_never_left(history: History) -> None:
    """When the first life was cut off, what was intended had left: a queue that waits for admission is in no doubt."""
    end = next(time for time, life, event, *_ in history.trace if life == 1 and event == "killed")
    left = {request.key for request in history.service.requests if request.now <= end}
    rows = history.connection.execute(
        "SELECT idempotency_key FROM attempt WHERE run_no = (SELECT min(run_no) FROM attempt)"
    ).fetchall()
    if waiting := sum(key not in left for (key,) in rows):
        history.complain(f"{waiting} of {len(rows)} requests that were intended had not left: all of them in doubt")
