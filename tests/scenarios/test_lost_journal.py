"""The journal is lost, or restored from an older copy, at every point: a rebuild finds out where everything stands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from random import Random

import pytest

from runner.codat.draining import Draining
from runner.journal.statements import load
from runner.simulator import Fault, FaultKind
from runner.steps.kit import Kit
from runner.verifier import Verifier
from tests.scenarios.mutants.edits import edited, statement
from tests.scenarios.world.books import JOURNALS, expense_id
from tests.scenarios.world.chance import random_plan
from tests.scenarios.world.examining import SCALE, examine
from tests.scenarios.world.history import History, Verdict
from tests.scenarios.world.life import Disk, Life
from tests.scenarios.world.plan import Crash, Hit, Moment, Plan, World
from tests.scenarios.world.sweeps import ONE, TINY, worlds

EMPTY = 0
"""The copy of a journal that holds nothing yet, as if the file had been deleted."""


@dataclass(frozen=True, slots=True)
class Loss:
    """When the process dies and the journal with it, and which copy comes back."""

    at: Crash
    copy: int
    """The durable write, counted from 1 over all lives, after which the copy was made; or `EMPTY`."""


class CopyingDisk(Disk):
    """Keeps what the journal holds after one of the durable writes."""

    async def write(self, operation):
        life = self._life
        before = life.writes
        try:
            return await super().write(operation)
        finally:
            if life.writes > before:
                life.history.wrote()


class RebuildLife(Life):
    """`verify --rebuild` with all input files."""

    purpose = "rebuild"

    async def _work(self, kit: Kit, draining: Draining) -> None:
        await self._stage(kit.journal)
        verifier = Verifier(kit, self.history.plan.concurrency)
        await verifier.rebuild()
        self.findings = await verifier.verify(())


class LossHistory(History):
    """A history in which the journal is lost when a life is cut off, and rebuilt before anything else is sent."""

    def __init__(self, plan: Plan, loss: Loss, *, rebuild: bool = True) -> None:
        others = tuple(each for each in plan.crashes if each.life != loss.at.life)
        super().__init__(replace(plan, crashes=(*others, loss.at), restage=True))
        self.loss = loss
        self.rebuild = rebuild
        self.writes = 0
        self.copied = loss.copy == EMPTY
        self.lost = False

    def wrote(self) -> None:
        """Keep a copy, if this is the moment."""
        self.writes += 1
        if self.writes == self.loss.copy and not self.lost:
            self.connection.execute("SAVEPOINT copy")
            self.copied = True

    def _live(self, number: int, crash: Crash | None) -> Life:
        if self.lost and self.rebuild and self._must_be_rebuilt():
            return self._rebuild(number, crash)
        life = super()._live(number, crash)
        if life.dead and number == self.loss.at.life and self.copied:
            self.connection.execute("ROLLBACK TO filled" if self.loss.copy == EMPTY else "ROLLBACK TO copy")
            self.lost = True
            self.trace.append((round(self.time, 3), number, "lost", f"restored as after write {self.loss.copy}"))
        return life

    def _rebuild(self, number: int, crash: Crash | None) -> Life:
        life = RebuildLife(self, number, crash)
        life.run()
        self.points.append((life.writes, life.requests))
        if life.dead and crash is not None:
            self.cuts[crash.moment.value] += 1
        if life.failure is not None and not life.dead:
            self.complain(f"the rebuild broke: {life.failure!r}")
        if life.posts:
            self.complain(f"the rebuild sent {life.posts} POSTs")
        # Nobody knows any more which receipts of these are attached.
        self.disturbed |= {f"/transactions/{each.expense}/" for each in self.service.ledger.entries}
        return life

    def _must_be_rebuilt(self) -> bool:
        """Say whether the command line would send nothing yet, or not for every company."""
        # One that died before it wrote anything has left nothing behind: whoever began it begins it again.
        begun, unfinished, held = self.connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM run WHERE purpose = 'rebuild'), EXISTS ({load('runs')['open_rebuild']}),"
            " EXISTS (SELECT 1 FROM company WHERE hold_code = 'not_rebuilt')"
        ).fetchone()
        return bool(not begun or unfinished or held)


def run(plan: Plan, loss: Loss, *, rebuild: bool = True) -> Verdict | None:
    """Live, lose the journal, rebuild it, run to the end, and judge; None where it was never lost."""
    history = LossHistory(plan, loss, rebuild=rebuild)
    try:
        verdict = history.run()
        verdict.trace.insert(0, (0.0, 0, "loss", loss))
        return verdict if history.lost or verdict.violations else None
    finally:
        JOURNALS.discard()


@pytest.fixture(autouse=True)
def copying(monkeypatch):
    monkeypatch.setattr("tests.scenarios.world.life.Disk", CopyingDisk)


def ends(plan: Plan) -> Iterator[Crash]:
    """After every durable write and after every request of the first life."""
    try:
        writes, requests = LossHistory(plan, Loss(Crash(10_000, Moment.AFTER_WRITE, 1), EMPTY)).run().points[0]
    finally:
        JOURNALS.discard()
    for n in range(1, writes + 1):
        yield Crash(1, Moment.AFTER_WRITE, n)
    for n in range(1, requests + 1):
        yield Crash(1, Moment.AFTER_EFFECT, n)


def losses(plan: Plan, *, step: int = 1) -> Iterator[Verdict]:
    """Every end of the first life, and for each the journal empty, or as it was after each `step`-th earlier write."""
    for number, end in enumerate(ends(plan)):
        for copy in chain([EMPTY], count(1 + number % step, step)):
            verdict = run(plan, Loss(end, copy))
            if verdict is None or (end.moment is Moment.AFTER_WRITE and copy >= end.n):
                break
            yield verdict


def every_world(base):
    return [pytest.param(plan, id=f"{plan.flow}-{plan.world.idempotency}") for plan in worlds(base)]


@pytest.mark.parametrize("plan", every_world(ONE if SCALE < 2 else TINY))
def test_a_journal_lost_or_restored_at_every_point_is_rebuilt_and_nothing_is_lost_or_doubled(plan):
    assert examine("journal lost", losses(plan)) > 100


TROUBLED = {
    "a start that arrives ten minutes later": replace(ONE, hits=(Hit(3, "very_late"), Hit(2, "very_late"))),
    "a long sync that shows its rows one by one": replace(
        ONE, companies=((3, 1),), wait=60.0, world=World(sync_seconds=(800.0, 800.0), rows_lag=8.0)
    ),
    "late lists": replace(ONE, world=World(list_lag=40.0, rows_lag=8.0, status_lag=5.0)),
    "expenses of every fate": replace(
        ONE,
        companies=((6, 2),),
        draft_size=3,
        world=World(
            bank_feed_rows="completed",
            faults=(
                Fault(FaultKind.VALIDATION_ERROR, expense=expense_id(0, 1)),
                Fault(FaultKind.PUSH_ERROR, expense=expense_id(0, 2)),
                Fault(FaultKind.PENDING, expense=expense_id(0, 3)),
                Fault(FaultKind.UNKNOWN, expense=expense_id(0, 4), lands=True),
            ),
        ),
    ),
}


@pytest.mark.parametrize("flow", ["datasets", "direct"])
@pytest.mark.parametrize("trouble", TROUBLED)
def test_a_journal_lost_amid_trouble_is_rebuilt(flow, trouble):
    plan = replace(TROUBLED[trouble], flow=flow)
    assert examine("journal lost", losses(plan, step=max(1, round(6 / SCALE)))) > 20


CHUNK = 50


@pytest.mark.parametrize("chunk", range(max(1, round(4 * SCALE))))
def test_a_journal_lost_by_chance_is_rebuilt(chunk):
    seeds = range(50_000 + chunk * CHUNK, 50_000 + (chunk + 1) * CHUNK)
    found = (verdict for seed in seeds if (verdict := by_chance(seed)) is not None)
    assert examine("journal lost by chance", found) > CHUNK / 10


def by_chance(seed: int) -> Verdict | None:
    """A history by chance, with a loss at the end of one of its lives."""
    random = Random(seed)
    plan = random_plan(seed)
    while len(plan.companies) > 3 or any(fault.kind is FaultKind.MISSING for fault in plan.world.faults):
        # What no row was ever shown of is known to the journal alone.
        plan = random_plan(random.randrange(10**6))
    life = random.randint(1, max(1, len(plan.crashes)))
    at = next((each for each in plan.crashes if each.life == life), Crash(life, Moment.AFTER_WRITE, 7))
    copy = EMPTY if random.random() < 0.3 else random.randrange(60)
    return run(plan, Loss(at, copy))


LATE_START, LONG_SYNC, _, EVERY_FATE = TROUBLED
BROKEN = {
    "a running sync counts as clear": (
        LONG_SYNC,
        edited("runner.steps.verifying:rebuild_company", ("not remote.running", "True")),
    ),
    "quiescence is skipped": (
        LATE_START,
        edited("runner.verifier:Verifier.rebuild", ("elapsed >= kit.limits.quiescence", "True")),
    ),
    "receipts are attached all the same": (
        EVERY_FATE,
        edited(
            "runner.steps.verifying:rebuild_company",
            ("await kit.journal.verification.doubt_receipts(", "dict(company="),
        ),
    ),
    "what Codat has refused since is not believed": (
        EVERY_FATE,
        edited("runner.steps.verifying:_rebuilt", ("if expense not in remote.latest:", "if True:")),
    ),
    "the dataset of an expense that is posted is still started": (
        EVERY_FATE,
        statement("runner.journal.drafts:_SQL.close_open_draft", "'closed'", "state"),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rebuild_is_caught(name):
    trouble, patch = BROKEN[name]
    with patch():
        plans = (replace(TROUBLED[trouble], flow=flow) for flow in ("datasets", "direct"))
        assert any(not verdict.ok for plan in plans for verdict in losses(plan, step=2))


def test_without_a_rebuild_a_lost_journal_doubles_expenses():
    loss = Loss(Crash(1, Moment.AFTER_WRITE, 14), EMPTY)

    assert run(ONE, loss).ok
    assert any("times in the books" in each for each in run(ONE, loss, rebuild=False).violations)
