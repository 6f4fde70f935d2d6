"""A company that needs a person is put aside with a reason, looked at once a life, and goes on when it is well."""

import pytest

from runner.codat.flows import Flow
from runner.simulator import Fault, FaultKind
from runner.steps.verifying import verify_company
from tests.scenarios_steps.walking import COMPANY_ID

FLOWS = pytest.mark.parametrize("flow", list(Flow))


@FLOWS
async def test_a_company_without_a_connection_is_held_looked_at_once_and_released_when_it_is_linked(world, flow):
    w = world(flow=flow)
    await w.stage(1, 2)
    w.service.company("company-1").status = "Deauthorized"

    assert await w.live() == 4
    assert await w.hold() == "no_connection"
    posts = w.service.posts()

    requests = len(w.service.requests)
    assert await w.live() == 4
    assert w.service.posts() == posts
    assert len(w.service.requests) == requests + 1

    w.service.set_status("company-1", "Linked")
    assert await w.live() == 0
    assert await w.hold() is None
    assert (w.posted(1), w.posted(2)) == (1, 1)


@FLOWS
async def test_a_deleted_company_is_held_and_no_other_suffers(world, flow):
    w = world(flow=flow)
    await w.stage(1)
    await w.stage(1, company="company-2")
    w.service.set_status("company-1", "Deleted")

    assert await w.live() == 4
    assert await w.hold() == "company_not_found"
    assert await w.hold("company-2") is None
    assert w.posted(1, company="company-2") == 1


@FLOWS
async def test_a_company_that_the_key_may_not_touch_is_held(world, flow):
    w = world(flow=flow, faults=[Fault(FaultKind.ERROR, method="POST", status=403, when="before")])
    await w.stage(1)

    assert await w.live() == 4
    assert await w.hold() == "forbidden"


async def test_a_hold_keeps_the_date_of_its_beginning(world):
    w = world()
    await w.stage(1)
    w.service.company("company-1").status = "Unlinked"
    await w.live()
    first = (await w.journal.companies.hold_of("company-1")).held_at
    w.clock.advance(3_600)
    await w.live()

    assert (await w.journal.companies.hold_of("company-1")).held_at == first


async def held_at(w):
    hold = await w.journal.companies.hold_of(COMPANY_ID)
    return None if hold is None else hold.held_at


async def test_a_hold_that_was_released_in_vain_keeps_the_date_of_its_beginning(world):
    w = world(faults=[Fault(FaultKind.SYNC_CODE, code=4220, times=2)], limits={"draft_size": 1})
    await w.stage(1, 2)
    await w.live()
    first = await held_at(w)
    w.clock.advance(3_600)

    await w.live()
    assert (await w.hold(), await held_at(w)) == ("not_authorized", first)
    assert len(w.noted("company_released")) == 1


@pytest.mark.parametrize("between", ["well", "another"])
async def test_a_hold_that_was_over_begins_anew(world, between):
    w = world(faults=[Fault(FaultKind.SYNC_CODE, code=4220, times=1)])
    await w.stage(1)
    await w.live()
    first = await held_at(w)
    w.clock.advance(3_600)
    code = 4220 if between == "well" else 4260
    if between == "well":
        assert await w.live() == 0
        await w.stage(2)
    w.service.add_fault(Fault(FaultKind.SYNC_CODE, code=code, times=1))
    w.clock.advance(3_600)

    await w.live()
    assert await held_at(w) > first


@FLOWS
async def test_receipts_of_what_a_held_company_has_posted_are_attached(world, flow):
    stopped = Fault(FaultKind.SYNC_CODE, code=4000, part=0.5, times=1)
    w = world(flow=flow, faults=[stopped])
    await w.stage(1, receipts=("a.pdf",))
    await w.stage(2, receipts=("b.pdf",))

    await w.live()
    assert await w.hold() == "configuration_error"
    assert w.receipts() == ["attached", "waiting"]


async def test_a_later_run_attaches_the_receipts_of_a_company_that_is_still_held(world):
    lost = Fault(FaultKind.RATE_LIMITED, method="POST", path="/attachments$", seconds=5_000.0, times=1)
    w = world(flow=Flow.DIRECT, limits={"draft_size": 1}, faults=[lost])
    await w.stage(1, receipts=("a.pdf",))
    await w.live()
    assert w.receipts() == ["waiting"]
    await w.stage(2)
    w.service.add_fault(Fault(FaultKind.ERROR, method="POST", path="/expense-transactions$", status=403, when="before"))

    await w.live()
    assert await w.hold() == "forbidden"
    assert w.receipts() == ["attached"]


async def test_a_company_that_is_not_connected_is_not_sent_receipts(world):
    w = world(faults=[Fault(FaultKind.SYNC_CODE, code=4000, part=0.5, times=1)], sync_seconds=(10.0, 10.0))
    await w.stage(1, receipts=("a.pdf",))
    await w.stage(2)
    w.service.add_fault(Fault(FaultKind.ERROR, method="POST", path="/attachments$", status=422, when="before", times=1))
    company = w.service.company(COMPANY_ID)
    handle = w.service.handle

    def unlinked_at_the_first_attachment(call, *, now):
        if call.path.endswith("/attachments"):
            company.status = "Unlinked"
        return handle(call, now=now)

    w.service.handle = unlinked_at_the_first_attachment
    await w.live()
    await w.live()
    assert len(w.sent(ending="/attachments")) == 1
    assert w.receipts() == ["waiting"]


async def test_a_held_companys_running_sync_is_still_seen_through(world):
    w = world(sync_seconds=(300.0, 300.0), limits={"wait": 20.0})
    await w.stage(1)
    await w.live()
    await w.journal.companies.hold("company-1", code="forbidden", message="no", hint=None)
    w.clock.advance(1_000)
    w.service.company("company-1").status = "Unlinked"

    assert await w.live() == 4
    assert w.state() == "posted"


async def test_a_refused_key_stops_the_whole_run_with_nothing_in_doubt(world):
    w = world(faults=[Fault(FaultKind.ERROR, status=401, when="before")])
    await w.stage(1)
    await w.stage(2, company="company-2")

    assert await w.live() == 77
    assert {state for state, _ in w.states().values()} == {"staged"}
    w.service.faults.clear()
    assert await w.live() == 0


async def test_an_account_at_its_limit_stops_the_run_with_75_but_a_rejection_comes_first(world):
    w = world(faults=[Fault(FaultKind.ERROR, status=402, when="before", company="company-2")])
    await w.stage(2, company="company-2")
    assert await w.live() == 75
    w.service.faults.clear()
    w.service.add_fault(Fault(FaultKind.VALIDATION_ERROR))
    assert await w.live() == 3
    w.service.add_fault(Fault(FaultKind.ERROR, status=402, when="before"))
    await w.stage(3)

    assert await w.live() == 3
    assert w.stop.code == "account_limited"


@FLOWS
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_service_that_fails_for_a_while_leaves_work_that_a_later_life_finishes(world, flow, method):
    w = world(flow=flow, faults=[Fault(FaultKind.ERROR, method=method, status=503, when="before", cached=False)])
    await w.stage(1, 2)

    assert await w.live() in {4, 7}
    w.service.faults.clear()
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_a_sync_that_codat_no_longer_knows_holds_the_company_and_keeps_its_expenses_as_sent(world):
    w = world(faults=[Fault(FaultKind.ERROR, method="GET", path="/syncs/[0-9a-f-]{36}/status$", status=404)])
    await w.stage(1)

    assert await w.live() == 4
    assert await w.hold() == "sync_not_found"
    assert w.state() == "sent"
    w.service.faults.clear()
    assert await w.live() == 0
    assert w.posted(1) == 1


async def test_a_doubt_whose_sync_can_no_longer_be_read_does_not_keep_the_rest_of_the_company_back(world):
    w = world(faults=[Fault(FaultKind.UNKNOWN, times=1)])
    await w.stage(1)
    assert await w.live() == 7
    w.service.add_fault(Fault(FaultKind.ERROR, method="GET", path="/transactions$", status=404, nth=1))
    await w.stage(2)

    assert await w.live() == 7
    assert w.states()[2] == ("posted", None)
    assert await w.hold() is None


# ---- a sync that Codat forgets ----


async def forgotten(w):
    """One expense whose sync Codat has forgotten, after a run that has found so."""
    await w.stage(1)
    assert await w.live() == 4
    assert (await w.hold(), w.state()) == ("sync_not_found", "sent")


FORGETTING = Fault(FaultKind.FORGOTTEN, times=1)


@FLOWS
async def test_a_sync_that_codat_has_forgotten_is_given_up_by_the_second_run_that_misses_it(world, flow):
    w = world(flow=flow, faults=[FORGETTING], sync_seconds=(60.0, 60.0))
    await forgotten(w)
    w.clock.advance(1_000)
    assert await w.live() == 4
    await w.stage(2)

    assert await w.live() == 7
    assert w.states() == {1: ("in_doubt", "sync_not_found"), 2: ("posted", None)}
    assert await w.hold() is None
    posts = w.service.posts()
    assert await w.live() == 7
    assert w.service.posts() == posts
    assert w.posted(1) == 1


async def test_a_sync_that_codat_does_not_know_is_not_given_up_before_the_quiescence_time(world):
    w = world(faults=[FORGETTING], sync_seconds=(60.0, 60.0))
    await forgotten(w)
    for _ in range(3):
        w.clock.advance(60)
        assert await w.live() == 4
    assert w.state() == "sent"


async def test_another_machines_uptime_does_not_give_up_a_sync(world):
    w = world(faults=[FORGETTING], sync_seconds=(60.0, 60.0))
    await forgotten(w)
    for _ in range(3):
        w.clock.advance(1_000)
        w.clock.reboot(uptime=900_000)
        assert await w.live() == 4
    assert w.state() == "sent"
    # Whoever has watched for as long themselves knows.
    w.clock.advance(661)
    await w.journal.runs.go_on()
    assert [await w.live(), await w.live()] == [4, 7]
    assert w.state() == "in_doubt"


async def test_a_sync_that_was_seen_in_between_has_to_be_missed_twice_again(world):
    w = world(sync_seconds=(200_000.0, 200_000.0))

    async def life(*, forgotten):
        for sync in w.service.account.syncs._by_id.values():
            sync.forgetting = sync.forgotten = forgotten
        w.clock.advance(1_000)
        await w.live()
        return w.state(), await w.hold()

    await w.stage(1)
    await w.live()
    assert await life(forgotten=True) == ("sent", "sync_not_found")
    assert await life(forgotten=False) == ("sent", None)
    assert await life(forgotten=True) == ("sent", "sync_not_found")
    assert await life(forgotten=True) == ("in_doubt", None)


async def test_a_sync_that_is_still_listed_is_not_given_up(world):
    w = world(faults=[Fault(FaultKind.ERROR, method="GET", path="/[0-9a-f-]{36}/status$", status=404)])
    await forgotten(w)
    for _ in range(3):
        w.clock.advance(1_000)
        assert await w.live() == 4
    assert w.state() == "sent"


async def test_what_was_in_a_forgotten_sync_is_settled_when_codat_finds_it_again(world):
    w = world(faults=[FORGETTING], sync_seconds=(60.0, 60.0))
    await forgotten(w)
    for _ in range(2):
        w.clock.advance(1_000)
        await w.live()
    assert w.state() == "in_doubt"
    posts = w.service.posts()
    for sync in w.service.account.syncs._by_id.values():
        sync.forgetting = sync.forgotten = False

    assert await w.live() == 0
    assert w.state() == "posted"
    assert w.service.posts() == posts


async def test_nobody_can_have_sent_again_what_was_in_a_forgotten_sync(world):
    w = world(faults=[FORGETTING], sync_seconds=(60.0, 60.0))
    await forgotten(w)
    for _ in range(2):
        w.clock.advance(1_000)
        await w.live()
    w.clock.advance(1_000)
    findings = await verify_company(COMPANY_ID, w.kit(), idle=1_000.0)
    assert (len(findings.in_doubt), findings.absent) == (1, [])
    posts = w.service.posts()
    await w.journal.resends.stage_again(await w.journal.resends.candidates())

    assert await w.live() == 7
    assert w.service.posts() == posts
    assert w.states()[1] == ("in_doubt", "sync_not_found")
