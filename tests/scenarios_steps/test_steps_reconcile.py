"""A start without an answer is settled before anything else, and never repeated while it may still post."""

from dataclasses import replace

import pytest

from runner.codat.flows import Flow
from runner.simulator import Fault, FaultKind
from tests.scenarios_steps.walking import COMPANY_ID, Killed
from tests.simulator_client import Client, expense, expense_id

FLOWS = pytest.mark.parametrize("flow", list(Flow))
STARTS = {Flow.DATASETS: "/syncs", Flow.DIRECT: "/expense-transactions"}


def start_fault(flow, kind=FaultKind.LOST, **more):
    more = {"times": 1, **more}
    return Fault(kind, method="POST", path=f"{STARTS[flow]}$", **more)


def starts(w):
    return [r for r in w.sent(ending=STARTS[w.flow]) if r.status not in {400, 422}]


@FLOWS
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_proven_key_settles_a_lost_answer_in_seconds(world, flow, when):
    w = world(flow=flow, faults=[start_fault(flow, when=when)])
    await w.stage(1, 2)
    began = w.clock.monotonic()

    assert await w.live() == 0
    assert len(w.noted("start_recovered")) == 1
    assert w.clock.monotonic() - began < 60
    assert (w.posted(1), w.posted(2)) == (1, 1)


@FLOWS
async def test_without_keys_a_sync_that_holds_our_expenses_is_adopted(world, flow):
    w = world(flow=flow, faults=[start_fault(flow)], idempotency="ignored", duplicate_check="never")
    await w.stage(1, 2)

    assert await w.live() == 0
    assert len(w.noted("sync_adopted")) == 1
    assert len(starts(w)) == 1
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert w.connection.execute("SELECT adopted FROM sync").fetchall() == [(1,)]


@FLOWS
async def test_without_keys_an_absent_sync_is_sent_again_only_after_the_quiescence_time(world, flow):
    w = world(flow=flow, faults=[start_fault(flow, when="before")], idempotency="ignored", duplicate_check="never")
    await w.stage(1)

    assert await w.live() == 0
    first, second = starts(w)
    assert second.now - first.now >= w.limits.quiescence
    assert w.posted(1) == 1
    assert w.connection.execute("SELECT state FROM sync ORDER BY sync_no").fetchall() == [("void",), ("judged",)]
    assert w.connection.execute("SELECT outcome FROM attempt WHERE kind = 'start'").fetchall() == [
        ("absent",),
        ("done",),
    ]


@FLOWS
async def test_a_request_that_arrives_ten_minutes_late_is_still_adopted(world, flow):
    w = world(
        flow=flow,
        faults=[start_fault(flow, FaultKind.LATE, seconds=600.0)],
        idempotency="ignored",
        duplicate_check="never",
    )
    await w.stage(1)

    assert await w.live() == 0
    assert w.posted(1) == 1


@FLOWS
async def test_a_list_that_lags_does_not_lead_to_a_second_sync(world, flow):
    w = world(flow=flow, faults=[start_fault(flow)], idempotency="ignored", duplicate_check="never", list_lag=500.0)
    await w.stage(1)

    assert await w.live() == 0
    assert w.posted(1) == 1


@FLOWS
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_received_500_is_never_replayed_under_its_burnt_key(world, flow, when):
    w = world(flow=flow, faults=[start_fault(flow, FaultKind.ERROR, status=500, when=when)])
    await w.stage(1)

    assert await w.live() == 0
    keys = [r.key for r in w.sent(ending=STARTS[flow]) if r.status in {200, 202, 500}]
    assert len(keys) == len(set(keys))
    assert w.posted(1) == 1


@FLOWS
@pytest.mark.parametrize("idempotency", ["honoured", "ignored"])
async def test_a_start_that_died_unrecorded_is_found_by_the_next_life(world, flow, idempotency):
    w = world(flow=flow, idempotency=idempotency, duplicate_check="never")
    await w.stage(1, 2)
    w.kill_after("POST", STARTS[flow])
    await w.live_until_killed()
    books = await w.journal.accounts.books()
    assert books.count("in_doubt") == 2
    assert await w.exit_code() == 7

    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


@pytest.mark.parametrize("jump", [7_200.0, -7_200.0])
async def test_a_wall_clock_that_jumps_does_not_change_the_quiescence_time(world, jump):
    w = world(
        flow=Flow.DIRECT,
        faults=[start_fault(Flow.DIRECT, FaultKind.LATE, seconds=640.0)],
        idempotency="ignored",
        duplicate_check="never",
    )
    await w.stage(1)
    w.kill_after("POST", STARTS[Flow.DIRECT])
    await w.live_until_killed()
    w.clock.jump(jump)

    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_after_a_reboot_the_key_is_not_relied_on_and_the_time_counts_from_the_next_run(world):
    w = world(flow=Flow.DIRECT, faults=[start_fault(Flow.DIRECT, when="before")])
    await w.stage(1)
    w.kill_after("POST", STARTS[Flow.DIRECT])
    await w.live_until_killed()
    w.clock.reboot()
    booted = w.clock.monotonic()

    assert await w.live() == 0
    assert w.noted("start_recovered") == []
    assert starts(w)[-1].now - booted >= w.limits.quiescence
    assert w.posted(1) == 1


@FLOWS
async def test_another_machine_does_not_take_its_own_uptime_for_the_age_of_a_start(world, flow):
    w = world(flow=flow, idempotency="ignored", duplicate_check="never", list_lag=600.0)
    await w.stage(1)
    w.kill_after("POST", STARTS[flow])
    await w.live_until_killed()
    w.clock.reboot(uptime=900_000)

    assert await w.live() == 0
    assert len(starts(w)) == 1
    assert len(w.noted("sync_adopted")) == 1
    assert w.posted(1) == 1


@FLOWS
async def test_what_short_runs_on_two_machines_have_watched_adds_up(world, flow):
    w = world(flow=flow, faults=[start_fault(flow, when="before")], idempotency="ignored", duplicate_check="never")
    await w.stage(1)
    w.kill_after("POST", STARTS[flow])
    await w.live_until_killed()
    for _ in range(3):
        w.clock.reboot(uptime=900_000)
        await w.begin()
        w.clock.advance(200)
        await w.journal.runs.go_on()
        w.clock.advance(5_000)
    w.clock.reboot(uptime=900_000)
    before = w.clock.monotonic()

    assert await w.live() == 0
    assert 60 <= starts(w)[-1].now - before < 120
    assert w.posted(1) == 1


async def test_a_key_from_before_a_reboot_is_not_taken_for_young_because_the_boot_clock_began_anew(world):
    w = world(flow=Flow.DIRECT, faults=[start_fault(Flow.DIRECT)], duplicate_check="never")
    await w.stage(1)
    w.kill_after("POST", STARTS[Flow.DIRECT])
    await w.live_until_killed()
    w.clock.reboot()
    w.clock.advance(6_000)  # The key is forgotten after 5,400: replaying it now would post a second time.

    assert await w.live() == 0
    assert w.noted("start_recovered") == []
    assert w.posted(1) == 1


async def test_a_key_older_than_eighty_minutes_is_not_replayed(world):
    w = world(flow=Flow.DIRECT, faults=[start_fault(Flow.DIRECT)])
    await w.stage(1)
    w.kill_after("POST", STARTS[Flow.DIRECT])
    await w.live_until_killed()
    w.clock.advance(81 * 60)

    assert await w.live() == 0
    assert len(w.noted("sync_adopted")) == 1
    assert w.posted(1) == 1


async def test_an_unknown_sync_that_does_not_end_keeps_the_doubt_and_nothing_is_sent(world):
    w = world(
        faults=[start_fault(Flow.DATASETS, when="before")],
        idempotency="ignored",
        duplicate_check="never",
        sync_seconds=(50_000.0, 50_000.0),
    )
    await w.stage(1)
    stranger = Client()
    stranger.service, stranger.now = w.service, w.clock.monotonic()
    stranger.create_directly(expense(300))

    assert await w.live() == 7
    assert len([r for r in w.sent(ending="/syncs") if r.reached]) == 0
    w.clock.advance(60_000)
    assert await w.live() == 4  # Its own sync now runs for hours.
    assert w.posted(1) == 1


async def test_a_sync_that_ended_before_our_first_start_is_not_read_at_all(world):
    w = world(faults=[start_fault(Flow.DATASETS, when="before")], idempotency="ignored", duplicate_check="never")
    stranger = Client()
    stranger.service, stranger.now = w.service, w.clock.monotonic()
    stranger.create_directly(expense(300))
    w.clock.advance(60)
    await w.stage(1)

    assert await w.live() == 0
    read = [r.path for r in w.sent("GET", "/transactions")]
    assert len(read) == 1  # Our own.


async def test_what_became_of_an_expense_in_somebody_elses_earlier_sync_does_not_judge_ours(world):
    w = world(
        faults=[
            start_fault(Flow.DATASETS, when="after"),
            Fault(FaultKind.VALIDATION_ERROR, expense=expense_id(1), times=1),
        ],
        idempotency="ignored",
        duplicate_check="never",
        list_lag=300.0,
    )
    stranger = Client()
    stranger.service, stranger.now = w.service, w.clock.monotonic()
    stranger.create_directly(expense(1))
    w.clock.advance(600)
    await w.stage(1)

    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_while_a_start_is_in_doubt_no_other_sync_of_the_company_is_started(world):
    w = world(
        faults=[start_fault(Flow.DATASETS, when="before", nth=2, times=None)],
        idempotency="ignored",
        duplicate_check="never",
        limits={"drafts_a_sync": 1, "draft_size": 2, "syncs_in_flight": 4},
    )
    await w.stage(*range(1, 9))

    assert await w.live() == 0
    moments = [r.now for r in w.sent(ending="/syncs")]
    assert len(moments) == 5
    assert moments[2] - moments[1] >= w.limits.quiescence
    assert [w.posted(n) for n in range(1, 9)] == [1] * 8


async def test_another_company_goes_on_while_one_is_in_doubt(world):
    w = world(
        faults=[start_fault(Flow.DATASETS, when="before", company="company-1")],
        idempotency="ignored",
        duplicate_check="never",
    )
    await w.stage(1)
    await w.stage(2, company="company-2")
    await w.live()

    first = {r.company: r.now for r in reversed(w.sent("GET", "/transactions"))}
    assert first["company-2"] < first["company-1"]
    assert w.posted(2, company="company-2") == 1


async def test_a_company_that_may_not_be_looked_at_is_held_with_its_doubt(world):
    w = world(
        faults=[
            start_fault(Flow.DATASETS),
            Fault(FaultKind.ERROR, method="GET", path="list/status$", status=403, when="before"),
        ],
        idempotency="ignored",
        duplicate_check="never",
    )
    await w.stage(1)

    assert await w.live() == 7
    assert await w.hold() == "forbidden"
    w.service.faults.clear()
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_a_second_sync_of_unknown_fate_is_refused_by_the_journal(world):
    w = world()
    await w.stage(1, 2)
    drafts = await w.journal.drafts.take(COMPANY_ID, limit=2, size=1)
    await w.journal.syncs.begin(COMPANY_ID, drafts[:1], key="a", body_hash=b"")

    with pytest.raises(Exception, match="UNIQUE"):
        await w.journal.syncs.begin(COMPANY_ID, drafts[1:], key="b", body_hash=b"")
    assert w.states() == {1: ("sent", None), 2: ("staged", None)}


# ---- the flow is not the account's ----


async def test_a_direct_account_met_in_the_dataset_flow_stops_the_run_and_nothing_is_doubled(world):
    w = world(speaks="direct")
    await w.stage(1, 2)

    assert await w.live() == 78
    assert w.state(1) == "sent"
    w.flow = Flow.DIRECT
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


@pytest.mark.parametrize("idempotency", ["honoured", "ignored"])
async def test_a_direct_account_whose_answer_is_lost_is_found_out_before_the_create_is_repeated(world, idempotency):
    w = world(speaks="direct", idempotency=idempotency, faults=[start_fault(Flow.DIRECT)])
    await w.stage(1)

    assert await w.live() == 78
    w.flow = Flow.DIRECT
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_a_dataset_account_met_in_the_direct_flow_stops_the_run_and_the_dataset_is_used(world):
    w = world(flow=Flow.DIRECT)
    await w.stage(1, 2)
    send = w.wire.send

    async def wrapped(request, begin=None):
        if request.method == "POST" and request.path.endswith("/expense-transactions"):
            request = replace(request, body=b'{"items":' + request.body + b"}")
        return await send(request, begin)

    w.wire.send = wrapped
    assert await w.live() == 78
    w.wire.send = send
    w.flow = Flow.DATASETS
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert len(w.sent(ending="/expense-transactions")) == 1


async def test_an_account_without_initiate_is_said_to_speak_the_direct_flow(world):
    w = world(faults=[Fault(FaultKind.ERROR, path="/syncs$", method="POST", status=404, when="before")])
    await w.stage(1)

    assert await w.live() == 78
    assert "direct" in w.stop.hint
    assert w.state() == "staged"


@pytest.mark.parametrize("status", [400, 404])
async def test_datasets_that_codat_has_forgotten_are_created_again(world, status):
    w = world(forget_datasets_after=3_600.0, unknown_dataset_status=status)
    await w.stage(1, 2)

    def die(request):
        if request.path.endswith("/syncs") and request.method == "POST":
            raise Killed

    w.wire.before = die
    await w.live_until_killed()
    w.clock.advance(7_200)

    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_a_direct_account_whose_list_lags_is_not_sent_the_create_twice(world):
    w = world(
        speaks="direct",
        idempotency="ignored",
        duplicate_check="never",
        list_lag=120.0,
        faults=[start_fault(Flow.DIRECT)],
    )
    await w.stage(1)
    await w.live()

    assert w.posted(1) == 1


@FLOWS
async def test_a_start_that_was_held_up_after_its_intention_is_begun_anew_before_it_leaves(world, flow):
    w = world(flow=flow, idempotency="ignored", duplicate_check="never")
    await w.stage(1)
    w.journal.syncs.begin = holding_up(w, w.journal.syncs.begin)

    assert await w.live() == 0
    ((sends, first, last),) = w.connection.execute(
        "SELECT sends, first_boottime, last_boottime FROM attempt WHERE kind = 'start'"
    )
    assert sends == 2
    assert last - first >= 31.0
    assert len(starts(w)) == 1
    assert w.posted(1) == 1


@FLOWS
async def test_a_start_that_is_held_up_every_time_is_not_sent_and_the_next_run_sends_it(world, flow):
    w = world(flow=flow, idempotency="ignored", duplicate_check="never")
    await w.stage(1)
    syncs, attempts = w.journal.syncs, w.journal.attempts
    for verbs, name in ((syncs, "begin"), (attempts, "again")):
        setattr(verbs, name, holding_up(w, getattr(verbs, name)))

    await w.live()
    assert starts(w) == []
    assert w.connection.execute("SELECT outcome FROM attempt WHERE kind = 'start'").fetchall() == [("not_sent",)]
    assert w.state() == "staged"

    del syncs.begin, attempts.again
    assert await w.live() == 0
    assert len(starts(w)) == 1
    assert w.posted(1) == 1


def holding_up(w, verb):
    async def held_up(*given, **more):
        done = await verb(*given, **more)
        w.clock.advance(31.0)
        return done

    return held_up
