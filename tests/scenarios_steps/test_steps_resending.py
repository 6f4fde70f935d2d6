"""The look before a resend: held against what was known when it was chosen."""

import pytest

from runner.domain.ids import SyncId
from runner.errors import ExitCode
from runner.simulator.faults import Fault, FaultKind
from runner.steps.verifying import verify_company
from tests.scenarios_steps.walking import COMPANY_ID, Killed, World
from tests.simulator_client import COMPANY, expense_id

FAILED = Fault(FaultKind.PUSH_ERROR, times=1)
MISSED = Fault(FaultKind.MISSING, times=1, lands=True)


def the_sync(w, number=0):
    return w.service.account.syncs.of(w.service.company(COMPANY), now=w.clock.monotonic() + 1e6)[number]


async def candidates(w):
    return await w.journal.resends.candidates()


async def choose(w):
    await w.journal.resends.stage_again(await candidates(w))


async def verified(w):
    w.clock.advance(1_000)
    await w.journal.runs.begin(version="test", flow=w.flow, purpose="verify")
    await verify_company(COMPANY_ID, w.kit(), idle=1_000.0)


async def stranger(w, fault):
    """Somebody else sends the expense as well, out of another journal."""
    if fault is not None:
        w.service.add_fault(fault)
    other = World(beside=w)
    await other.stage(1)
    await other.live()
    return other


@pytest.mark.parametrize("status", ["Unknown", "Pending"])
async def test_what_was_searched_for_in_vain_and_shows_up_undecided_is_in_doubt_again(world, status):
    w = world(faults=[MISSED])
    await w.stage(1)
    await w.live()
    await verified(w)
    await choose(w)
    the_sync(w).items[0].status = status
    posts = w.service.posts()

    assert await w.live() == ExitCode.IN_DOUBT
    assert w.states()[1] == ("in_doubt", status.lower())
    assert w.service.posts() == posts
    assert w.posted() == 1


async def test_a_row_in_a_sync_that_was_not_known_puts_it_in_doubt_once_and_then_counts_for_nothing(world):
    w = world(faults=[FAILED])
    await w.stage(1)
    await w.live()
    await choose(w)
    other = await stranger(w, Fault(FaultKind.PUSH_ERROR, times=1))
    posts = w.service.posts()
    await w.live()
    assert w.states()[1] == ("in_doubt", "other_sync")
    assert await w.live() == ExitCode.IN_DOUBT
    assert w.service.posts() == posts
    await verified(w)
    await choose(w)

    assert await w.live() == 0
    assert w.posted() == 1
    other.close()


async def test_what_another_sync_has_completed_since_is_posted_and_external(world):
    w = world(faults=[FAILED])
    await w.stage(1)
    await w.live()
    await choose(w)
    other = await stranger(w, None)
    posts = w.service.posts()

    await w.live()
    assert w.state() == "posted"
    assert w.connection.execute("SELECT external FROM expense").fetchone() == (1,)
    assert w.service.posts() == posts
    other.close()


async def test_others_that_were_known_before_the_choice_are_not_read_again(world):
    w = world(faults=[FAILED])
    await w.stage(1)
    await w.live()
    other = await stranger(w, Fault(FaultKind.VALIDATION_ERROR, times=1))
    ours = {sync for (sync,) in w.connection.execute("SELECT sync_id FROM sync")}
    theirs = {sync.id for sync in w.service.account.syncs.of(w.service.company(COMPANY), now=1e9)} - ours
    await w.journal.syncs.record_foreign(COMPANY_ID, [SyncId(each) for each in theirs])
    await choose(w)

    assert await w.live() == 0
    assert w.posted() == 1
    other.close()


@pytest.mark.parametrize(("later", "counts"), [(0.0, True), (86_000.0, True), (87_000.0, False)])
async def test_a_search_counts_for_a_day(world, later, counts):
    w = world(faults=[Fault(FaultKind.MISSING)])
    await w.stage(1)
    await w.live()
    await verified(w)
    w.clock.advance(later)

    assert [each.sendable for each in await candidates(w)] == [counts]


async def test_a_search_counts_until_a_sync_is_started(world):
    w = world(faults=[Fault(FaultKind.MISSING, expense=expense_id(1))])
    await w.stage(1)
    await w.live()
    await verified(w)
    await w.stage(2)
    assert [each.sendable for each in await candidates(w)] == [True]
    await w.live()

    assert [each.sendable for each in await candidates(w)] == [False]


@pytest.mark.parametrize("ending", ["/expense-transactions", "/syncs"])
async def test_a_look_of_an_earlier_life_is_not_enough(world, ending):
    w = world(faults=[FAILED], idempotency="ignored")
    await w.stage(1)
    await w.live()
    await choose(w)
    die_before(w, ending)
    await w.live_until_killed()
    the_sync(w).items[0].status = "Completed"
    w.clock.advance(1_000)

    starts = len(w.sent(ending="/syncs"))
    assert await w.live() == 0
    assert w.state() == "posted"
    assert len(w.sent(ending="/syncs")) == starts


def die_before(w, ending):
    def die(request):
        if request.method == "POST" and request.path.endswith(ending):
            raise Killed

    w.wire.before = die
