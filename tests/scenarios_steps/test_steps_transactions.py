"""Each expense is judged by its own row, whatever else the answer holds."""

from dataclasses import replace

import pytest

from runner.codat.flows import Flow
from runner.simulator import Fault, FaultKind
from runner.steps.verifying import rebuild_company
from tests.scenarios_steps.walking import COMPANY_ID
from tests.simulator_client import expense_id


@pytest.mark.parametrize("flow", list(Flow))
@pytest.mark.parametrize(
    ("kind", "stands", "exit_code"),
    [
        (FaultKind.VALIDATION_ERROR, ("rejected", "validation_error"), 3),
        (FaultKind.PUSH_ERROR, ("failed", "push_error"), 4),
        (FaultKind.PENDING, ("in_doubt", "pending"), 7),
        (FaultKind.UNKNOWN, ("in_doubt", "unknown"), 7),
        (FaultKind.MISSING, ("in_doubt", "absent"), 7),
    ],
)
async def test_one_expense_that_is_not_completed_leaves_the_others_posted_and_is_not_sent_again(
    world, flow, kind, stands, exit_code
):
    w = world(flow=flow, faults=[Fault(kind, expense=expense_id(2))])
    await w.stage(1, 2, 3)

    assert await w.live() == exit_code
    assert w.states() == {1: ("posted", None), 2: stands, 3: ("posted", None)}
    posts = w.service.posts()
    assert await w.live() == exit_code
    assert w.service.posts() == posts
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 0, 1]


@pytest.mark.parametrize("integration_type", ["expense", "expenses"])
@pytest.mark.parametrize("feeds", ["completed", "push_error"])
async def test_a_bank_feed_row_says_nothing_about_the_expense(world, integration_type, feeds):
    w = world(
        faults=[Fault(FaultKind.VALIDATION_ERROR, expense=expense_id(2))],
        bank_feed_rows=feeds,
        integration_type=integration_type,
    )
    await w.stage(1, 2)

    assert await w.live() == 3
    assert w.states() == {1: ("posted", None), 2: ("rejected", "validation_error")}


async def test_rows_that_come_after_the_status_are_waited_for(world):
    w = world(rows_lag=8.0)
    await w.stage(1, 2)

    assert await w.live() == 0
    assert w.states() == {1: ("posted", None), 2: ("posted", None)}


async def test_a_doubt_is_settled_by_a_later_life_that_only_reads(world):
    w = world(rows_lag=500.0)
    await w.stage(1)
    assert await w.live() == 7
    w.clock.advance(1_000)
    posts = w.service.posts()

    assert await w.live() == 0
    assert w.state() == "posted"
    assert w.service.posts() == posts


async def test_rejected_expenses_are_counted_for_the_limit_of_errors(world):
    w = world(faults=[Fault(FaultKind.VALIDATION_ERROR)])
    await w.stage(1, 2, 3)
    await w.live()

    assert sum(facts["rejected"] for facts in w.noted("sync_judged")) == 3


async def test_an_expense_of_another_company_under_the_same_id_is_judged_on_its_own(world):
    w = world(faults=[Fault(FaultKind.VALIDATION_ERROR, company="company-2")])
    await w.stage(1)
    await w.stage(1, company="company-2")
    await w.live()

    rows = w.connection.execute("SELECT company_id, state FROM expense JOIN company USING (company_no)").fetchall()
    assert sorted(rows) == [("company-1", "posted"), ("company-2", "rejected")]


# ---- sending failed ones again ----


async def test_auto_retry_sends_a_failed_expense_again_after_one_more_look(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, expense=expense_id(2), times=1)], limits={"auto_retry": 1})
    await w.stage(1, 2)

    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert len(w.noted("looked_before_resend")) == 1


async def test_auto_retry_gives_up_after_its_number_of_times_and_the_expense_has_failed_for_good(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR)], limits={"auto_retry": 2})
    await w.stage(1)

    assert await w.live() == 3
    assert w.state() == "failed"
    assert len(w.sent(ending="/syncs")) == 3


async def test_auto_retry_of_a_later_life_sends_what_failed_in_an_earlier_one_without_it(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, expense=expense_id(2), times=2)])
    await w.stage(1, 2)
    assert await w.live() == 4
    w.limits = replace(w.limits, auto_retry=1)

    assert await w.live() == 3
    assert len(w.noted("looked_before_resend")) == 1
    w.limits = replace(w.limits, auto_retry=2)
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_auto_retry_of_a_later_life_sends_nothing_again_that_was_completed_since(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, times=1)])
    await w.stage(1)
    assert await w.live() == 4
    sync = w.service.account.syncs.of(w.service.company("company-1"), now=w.clock.monotonic())[0]
    sync.items[0].status = "Completed"
    posts = w.service.posts()
    w.limits = replace(w.limits, auto_retry=2)

    assert await w.live() == 0
    assert w.state() == "posted"
    assert w.service.posts() == posts


async def test_auto_retry_does_not_promise_to_send_what_only_a_rebuild_knows_to_have_failed(world):
    lost = world(faults=[Fault(FaultKind.PUSH_ERROR, times=1)])
    await lost.stage(1)
    await lost.live()
    w = world(beside=lost, limits={"auto_retry": 2})
    await w.stage(1)
    await rebuild_company(COMPANY_ID, w.kit())
    posts = w.service.posts()

    assert await w.live() == 3
    assert (w.state(), w.service.posts()) == ("failed", posts)


async def test_what_a_held_company_cannot_retry_yet_has_not_failed_for_good(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, times=1)])
    await w.stage(1)
    await w.live()
    await w.journal.companies.hold("company-1", code="forbidden", message="no", hint=None)
    w.service.company("company-1").status = "Unlinked"
    w.limits = replace(w.limits, auto_retry=1)

    assert await w.live() == 4
    assert w.state() == "failed"
    w.service.set_status("company-1", "Linked")
    assert await w.live() == 0


async def test_what_will_be_sent_again_is_counted_as_open_work(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR)])
    await w.stage(1)
    await w.live()
    outlook = w.journal.outlook

    assert (await outlook.open_expenses(), await outlook.open_expenses(auto_retry=1)) == (0, 1)
    assert [each.undrafted for each in await outlook.open_work(auto_retry=1)] == [1]
    await w.journal.resends.stage_again(await w.journal.resends.candidates())
    assert (await outlook.open_expenses(), await outlook.open_expenses(auto_retry=1)) == (1, 1)
    assert [each.undrafted for each in await outlook.open_work()] == [1]


async def test_a_failed_expense_that_turns_out_to_be_completed_is_not_sent_again(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, times=1)])
    await w.stage(1)
    await w.live()
    chosen = await w.journal.resends.candidates()
    await w.journal.resends.stage_again(chosen)
    sync = w.service.account.syncs.of(w.service.company("company-1"), now=w.clock.monotonic())[0]
    sync.items[0].status = "Completed"
    posts = w.service.posts()

    assert await w.live() == 0
    assert w.state() == "posted"
    assert w.service.posts() == posts


async def test_retrying_a_failed_expense_sends_it_under_its_own_id_in_a_new_dataset(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, times=1)])
    await w.stage(1)
    assert await w.live() == 4
    await w.journal.resends.stage_again(await w.journal.resends.candidates())

    assert await w.live() == 0
    assert w.posted(1) == 1
    assert w.connection.execute("SELECT count(DISTINCT dataset_id) FROM draft").fetchone() == (2,)


# ---- waiting ----


async def test_a_sync_that_does_not_end_in_time_is_left_and_found_by_a_later_life(world):
    w = world(sync_seconds=(1_000.0, 1_000.0), limits={"wait": 100.0})
    await w.stage(1)

    assert await w.live() == 4
    assert w.state() == "sent"
    w.clock.advance(2_000)
    posts = w.service.posts()
    assert await w.live() == 0
    assert w.service.posts() == posts
    assert w.posted(1) == 1


@pytest.mark.parametrize("wait", [0.0, 1.0])
async def test_however_short_the_wait_every_life_looks_once(world, wait):
    w = world(limits={"wait": wait, "poll_interval": 5.0})
    await w.stage(1)
    assert await w.live() == 4
    w.clock.advance(60)

    assert await w.live() == 0
    assert w.state() == "posted"


@pytest.mark.parametrize("kind", [FaultKind.UNKNOWN, FaultKind.PUSH_ERROR, FaultKind.VALIDATION_ERROR])
async def test_a_choice_to_send_again_is_spent_by_the_next_sync(world, kind):
    """The second sync seems to have been stopped before it began, and gives its expense back; then its row shows up."""
    stopped = Fault(FaultKind.SYNC_CODE, code=4220, part=1.0, nth=2)
    fates = [Fault(each, expense=expense_id(1), times=1) for each in (FaultKind.PUSH_ERROR, kind)]
    w = world(faults=[stopped, *fates], duplicate_check="never")
    await w.stage(1)
    await w.live()
    assert w.state() == "failed"
    syncs = w.service.account.syncs
    syncs._behaviour = replace(syncs._behaviour, rows_lag=100.0)
    await w.journal.resends.stage_again(await w.journal.resends.candidates())

    await w.live()
    assert w.state() == "staged"
    w.clock.advance(200)
    await w.live()
    expected = {FaultKind.UNKNOWN: "in_doubt", FaultKind.PUSH_ERROR: "failed", FaultKind.VALIDATION_ERROR: "rejected"}
    assert w.state() == expected[kind]
    assert len(w.sent(ending="/syncs")) == 2


async def test_a_corrected_row_begins_anew(world):
    fates = [Fault(each, expense=expense_id(1), times=1) for each in (FaultKind.PUSH_ERROR, FaultKind.VALIDATION_ERROR)]
    w = world(faults=[*fates, Fault(FaultKind.PUSH_ERROR, expense=expense_id(1), times=1)], limits={"auto_retry": 1})
    await w.stage(1)
    await w.live()
    assert w.state() == "rejected"
    await w.stage(1, net="13.00")

    assert await w.live() == 0
    assert w.posted() == 1
