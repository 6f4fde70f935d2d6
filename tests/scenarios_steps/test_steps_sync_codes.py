"""What becomes of expenses, holds and the exit code for every status code that a sync can end with."""

import pytest

from runner.codat.flows import Flow
from runner.simulator import Fault, FaultKind
from tests.simulator_client import expense_id

FLOWS = pytest.mark.parametrize("flow", list(Flow))


def ends(code, **more):
    return Fault(FaultKind.SYNC_CODE, code=code, nth=1, **more)


@FLOWS
async def test_2000_posts_every_expense_and_a_second_life_sends_nothing(world, flow):
    w = world(flow=flow)
    await w.stage(1, 2, 3)

    assert await w.live() == 0
    assert {state for state, _ in w.states().values()} == {"posted"}
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 1, 1]
    requests = len(w.service.requests)
    assert await w.live() == 0
    assert len(w.service.requests) == requests


@pytest.mark.parametrize("code", [2000, 2010, 5000, 5120, 5130, 5999])
async def test_an_expense_that_is_completed_is_posted_whatever_final_code_its_sync_has(world, code):
    w = world(faults=[ends(code, part=1.0)])
    await w.stage(1, 2)

    assert await w.live() == 0
    assert w.states() == {1: ("posted", None), 2: ("posted", None)}
    assert (w.posted(1), w.posted(2)) == (1, 1)


@pytest.mark.parametrize("code", [2040, 2010, 5000, 5120, 5130, 5999])
async def test_an_expense_that_a_finished_sync_never_came_to_is_in_doubt_and_not_sent_again(world, code):
    w = world(faults=[ends(code, part=0.0)])
    await w.stage(1)

    assert await w.live() == 7
    assert w.states() == {1: ("in_doubt", "pending")}
    assert await w.hold() is None
    posts = w.service.posts()
    assert await w.live() == 7
    assert w.service.posts() == posts


@pytest.mark.parametrize("code", [1000, 1010, 1020])
async def test_a_code_of_the_1000s_is_never_final_and_the_sync_is_left_to_a_later_life(world, code):
    w = world(sync_seconds=(100_000.0, 100_000.0)) if code != 1020 else world(faults=[ends(1020)])
    if code == 1010:
        w = world(sync_seconds=(100_000.0, 100_000.0), limits={"wait": 2_000.0})
    await w.stage(1)

    assert await w.live() == 4
    assert w.state() == "sent"
    assert len(w.noted("sync_left")) == 1
    seen = {facts["code"] for facts in w.noted("undocumented_status")}
    assert seen == ({1020} if code == 1020 else set())


async def test_a_sync_in_progress_for_long_is_polled_slower(world):
    w = world(sync_seconds=(100_000.0, 100_000.0), limits={"wait": 5_000.0, "poll_interval": 2.0})
    await w.stage(1)
    await w.live()

    assert max(w.clock.sleeps) == w.limits.poll_maximum


@pytest.mark.parametrize(
    ("code", "hold"),
    [
        (4000, "configuration_error"),
        (4040, "company_not_found"),
        (4220, "not_authorized"),
        (4260, "billing_expired"),
        (4999, "sync_4999"),
    ],
)
async def test_a_code_of_the_4000s_holds_the_company_keeps_its_expenses_and_goes_on_once_it_is_well(world, code, hold):
    w = world(faults=[ends(code)])
    await w.stage(1, 2)

    assert await w.live() == 4
    assert await w.hold() == hold
    assert {state for state, _ in w.states().values()} == {"staged"}
    books = await w.journal.accounts.books()
    assert books.count("held") == 2

    assert await w.live() == 0
    assert await w.hold() is None
    assert (w.posted(1), w.posted(2)) == (1, 1)


@pytest.mark.parametrize("code", [4000, 4260, 4999])
async def test_a_hold_code_is_not_believed_where_the_push_had_begun(world, code):
    w = world(faults=[ends(code, part=0.5)])
    await w.stage(1, 2)
    await w.live()

    assert w.states() == {1: ("posted", None), 2: ("in_doubt", "pending")}
    await w.live()
    assert (w.posted(1), w.posted(2)) == (1, 0)


async def test_what_a_held_sync_lists_late_is_seen_before_anything_is_sent_again(world):
    # Without the duplicate guard only a second look keeps the expenses from being posted twice.
    w = world(faults=[ends(4260, part=1.0)], rows_lag=60.0, duplicate_check="never")
    await w.stage(1, 2)
    assert await w.live() == 4
    w.clock.advance(600)

    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_5080_that_names_an_expense_of_an_earlier_sync_adopts_it_and_sends_the_rest(world):
    w = world()
    await w.stage(1)
    await w.live()
    other = world(beside=w)
    await other.stage(1, 2, 3)

    assert await other.live() == 0
    assert other.states() == {1: ("posted", "external"), 2: ("posted", None), 3: ("posted", None)}
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 1, 1]


async def test_5080_without_a_readable_message_is_settled_by_the_sync_that_completed_it(world):
    w = world()
    await w.stage(1)
    await w.live()
    w.service.add_fault(ends(5080, message="duplicates"))
    other = world(beside=w)
    await other.stage(1, 2)

    assert await other.live() == 0
    assert other.states() == {1: ("posted", "external"), 2: ("posted", None)}


async def test_5080_without_message_and_evidence_is_halved_until_the_one_it_means_stands_alone(world):
    w = world(faults=[Fault(FaultKind.SYNC_CODE, code=5080, message="duplicates", expense=expense_id(3))])
    await w.stage(1, 2, 3, 4)

    assert await w.live() == 0
    assert w.states()[3] == ("posted", "external")
    assert [w.posted(n) for n in (1, 2, 4)] == [1, 1, 1]
    assert w.posted(3) == 0  # It is what the account insists on, and marked external for that.


async def test_5080_leaves_an_unknown_expense_in_doubt(world):
    w = world(
        faults=[
            ends(5080, part=1.0, message=f"previously been processed: {expense_id(1)}"),
            Fault(FaultKind.UNKNOWN, expense=expense_id(2), lands=True),
        ],
        duplicate_check="never",
    )
    await w.stage(1, 2)

    assert await w.live() == 7
    assert w.states()[2] == ("in_doubt", "unknown")
    assert w.posted(2) == 1


@FLOWS
async def test_a_sync_that_dies_half_way_posts_what_it_came_to_and_leaves_the_rest_in_doubt(world, flow):
    w = world(flow=flow, faults=[Fault(FaultKind.DIES_HALF_WAY, times=1)])
    await w.stage(1, 2, 3, 4)

    assert await w.live() == 7
    states = [state for state, _ in w.states().values()]
    assert states.count("posted") == 2
    assert states.count("in_doubt") == 2
