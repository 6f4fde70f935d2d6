"""An id from an answer is believed once: what gives another one's id counts as no answer, and is looked for."""

from dataclasses import replace

import pytest

from runner.codat.flows import Flow
from runner.report.catalog import explain
from runner.simulator.faults import Fault, FaultKind
from runner.steps.verifying import verify_company
from tests.scenarios_steps.walking import COMPANY_ID
from tests.simulator_client import COMPANY

FLOWS = pytest.mark.parametrize("flow", list(Flow))
STARTS = {Flow.DATASETS: "/syncs", Flow.DIRECT: "/expense-transactions"}
OTHER = "7d1f6b0e-52c8-4e52-9b5e-70e14cf54b02"


def repeated(path, **more):
    return Fault(FaultKind.REPEATED_ID, method="POST", path=f"{path}$", **{"nth": 2, **more})


def starts(w):
    return w.connection.execute("SELECT count(*) FROM sync WHERE state <> 'void'").fetchone()[0]


@FLOWS
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("idempotency", ["honoured", "ignored"])
async def test_a_start_that_is_given_an_old_id_holds_the_company_until_it_is_settled(world, flow, when, idempotency):
    w = world(flow=flow, faults=[repeated(STARTS[flow], when=when)], idempotency=idempotency, duplicate_check="never")
    await w.stage(1)
    assert await w.live() == 0
    await w.stage(2)

    assert await w.live() == 7
    assert await w.hold() == "id_repeated"
    assert await w.live() == 0
    assert await w.hold() is None
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert len(w.noted("company_held")) == 1


@FLOWS
async def test_the_id_of_another_company_s_sync_holds_that_company_and_the_others_go_on(world, flow):
    w = world(flow=flow, faults=[repeated(STARTS[flow], company=OTHER, nth=1)], idempotency="ignored")
    await w.stage(1)
    await w.live()
    await w.stage(2, company=OTHER)
    await w.stage(3)

    assert await w.live() == 7
    assert (await w.hold(OTHER), await w.hold(COMPANY)) == ("id_repeated", None)
    assert w.state(3) == "posted"
    assert await w.live() == 0
    assert (w.posted(2, OTHER), w.posted(3)) == (1, 1)


async def test_two_creates_that_are_given_one_dataset_put_neither_into_a_start(world):
    w = world(faults=[repeated("/expense-transactions")], limits={"draft_size": 1}, dataset_named_twice="twice")
    await w.stage(1, 2)

    assert await w.live() == 4
    assert await w.hold() == "id_repeated"
    assert w.connection.execute("SELECT dataset_id FROM draft").fetchall() == [(None,), (None,)]
    assert starts(w) == 0
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
    # The id that was told twice is nobody's, for ever.
    datasets = [row[0] for row in w.connection.execute("SELECT dataset_id FROM draft WHERE dataset_id IS NOT NULL")]
    told = w.connection.execute(
        "SELECT unbelieved_dataset FROM attempt WHERE unbelieved_dataset IS NOT NULL"
    ).fetchone()
    assert told[0] not in datasets


async def test_a_dataset_of_an_earlier_sync_is_looked_for_there(world):
    """The create puts its expense into a dataset that is on its way already: there it is posted, and not once more."""
    w = world(faults=[repeated("/expense-transactions")], idempotency="ignored", duplicate_check="never")
    await w.stage(1)
    await w.live()
    await w.stage(2)
    await w.live()
    assert await w.hold() == "id_repeated"
    company, account = w.service.company(COMPANY), w.service.account
    sync = account.syncs.find(company, company.syncs[0])
    dataset = next(reversed(account.datasets._by_id.values()))
    item = replace_item(sync.items[0], dataset.transactions[0])
    sync.items = [*sync.items, item]

    assert await w.live() == 0
    assert w.states()[2] == ("posted", None)
    assert len(w.noted("found_where_named")) == 1
    assert starts(w) == 1


def replace_item(item, transaction):
    made = type(item)(transaction, item.dataset)
    made.status, made.message, made.resolved_at = item.status, item.message, item.resolved_at
    return made


async def test_an_answer_that_keeps_repeating_holds_again_and_sends_nothing_twice(world):
    fault = Fault(FaultKind.REPEATED_ID, method="POST", path="/syncs$", when="before", times=4)
    w = world(faults=[fault], limits={"drafts_a_sync": 1, "draft_size": 1, "syncs_in_flight": 1})
    await w.stage(1, 2)
    for _ in range(3):
        await w.live()
        assert await w.hold() == "id_repeated"
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


@FLOWS
async def test_a_person_is_told_who_can_mend_it_and_how_the_hold_ends(world, flow):
    w = world(flow=flow, faults=[repeated(STARTS[flow])], duplicate_check="never")
    await w.stage(1)
    await w.live()
    await w.stage(2)
    await w.live()
    hold = await w.journal.companies.hold_of(COMPANY_ID)
    (old,) = w.connection.execute("SELECT sync_id FROM sync WHERE sync_id IS NOT NULL").fetchone()
    assert old in hold.message
    assert "goes on by itself" in hold.hint
    ((_, entry),) = explain("id_repeated")
    assert "by itself" in entry.way_out


async def test_verify_does_not_agree_while_expenses_are_sent_in_a_sync_that_codat_does_not_know(world):
    w = world(faults=[Fault(FaultKind.FORGOTTEN, times=1)])
    await w.stage(1, 2)
    await w.live()
    assert w.state(1) == "sent"

    await w.journal.runs.begin(version="test", flow=w.flow, purpose="verify")
    findings = await verify_company(COMPANY_ID, w.kit(), idle=700.0)
    assert not findings.agrees
    assert len(findings.sync_unknown) == len(findings.in_doubt) == 2


async def test_verify_asks_for_a_sync_that_the_list_lacks_yet(world):
    w = world(list_lag=5_000.0, limits={"wait": 1.0}, sync_seconds=(500.0, 500.0))
    await w.stage(1)
    await w.live()

    await w.journal.runs.begin(version="test", flow=w.flow, purpose="verify")
    findings = await verify_company(COMPANY_ID, w.kit(), idle=0.0)
    assert findings.agrees
    assert not findings.sync_unknown


async def test_a_create_that_starts_a_sync_against_the_settings_and_repeats_an_id_is_found_too(world):
    w = world(flow=Flow.DIRECT, speaks="direct", faults=[repeated("/expense-transactions")], idempotency="ignored")
    await w.stage(1)
    await w.live()
    w.flow = Flow.DATASETS
    await w.stage(2)

    assert await w.live() == 4
    assert await w.hold() == "id_repeated"
    assert await w.live() == 78
    assert "speaks the direct flow" in w.stop.message
    w.flow = Flow.DIRECT
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_a_direct_start_that_stores_a_dataset_which_is_another_s_is_looked_for_first(world):
    w = world(speaks="datasets", faults=[repeated("/expense-transactions")], limits={"draft_size": 1})
    await w.stage(1)
    await w.live()
    w.flow = Flow.DIRECT
    w.service.account.behaviour = replace(w.service.account.behaviour, speaks="both")
    handle = w.service.handle

    def stores(call, *, now):
        if call.path.endswith("/expense-transactions") and call.body.startswith(b"["):
            call = replace(call, body=b'{"items":' + call.body + b"}")
        return handle(call, now=now)

    w.service.handle = stores
    await w.stage(2)

    assert await w.live() == 7
    assert await w.hold() == "id_repeated"
    w.flow = Flow.DATASETS
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
