"""One bad expense never sinks the others, and a company that refuses everything is not blamed on its rows."""

import pytest

from runner.codat.flows import Flow
from runner.domain.judging import Verdict
from runner.domain.states import ExpenseState
from runner.errors import Refused, RefusedItem
from runner.simulator import CompanySpec, Fault, FaultKind
from runner.simulator.companies import DEFAULT_ACCOUNTS
from runner.steps import isolation
from tests.scenarios_steps.walking import COMPANY_ID
from tests.simulator_client import COMPANY, expense_id

FLOWS = pytest.mark.parametrize("flow", list(Flow))
GUARD = "One or more transactions have previously been processed"


def refuses(*numbers, status=400, **more):
    """The create is refused, naming nobody, as long as it holds one of these expenses."""
    return [
        Fault(
            FaultKind.ERROR,
            method="POST",
            path="expense-transactions$",
            expense=expense_id(n),
            status=status,
            when="before",
            **more,
        )
        for n in numbers
    ]


def creates(w):
    return w.sent(ending="/expense-transactions")


@FLOWS
async def test_a_refusal_that_names_expenses_costs_one_more_request(world, flow):
    w = world(flow=flow, companies=(CompanySpec(COMPANY, accounts=DEFAULT_ACCOUNTS),))
    await w.stage(*range(1, 11))
    await w.stage(11, 12, account="nowhere")

    assert await w.live() == 3
    states = w.states()
    assert {states[n] for n in range(1, 11)} == {("posted", None)}
    assert {states[n] for n in (11, 12)} == {("rejected", "invalid")}
    assert len(creates(w)) == 2


@FLOWS
@pytest.mark.parametrize("bad", [(1,), (16,), (3, 4), (1, 9, 16)])
async def test_a_refusal_that_names_nobody_is_halved_until_the_bad_stand_alone(world, flow, bad):
    w = world(flow=flow, faults=refuses(*bad))
    await w.stage(*range(1, 17))

    assert await w.live() == 3
    states = w.states()
    assert {n for n, (state, _) in states.items() if state == "rejected"} == set(bad)
    assert {states[n] for n in bad} == {("rejected", "refused")}
    assert all(w.posted(n) == (n not in bad) for n in range(1, 17))
    refused = sum(r.status == 400 for r in creates(w))
    assert len(creates(w)) <= 1 + 2 * 16 - 2
    assert refused <= len(bad) * 5


async def test_even_where_all_but_one_are_refused_there_are_no_more_than_2n_minus_2_extra_requests(world):
    w = world(faults=refuses(*range(2, 18)))
    await w.stage(1)
    await w.live()
    await w.stage(*range(2, 18))
    before = len(creates(w))

    assert await w.live() == 3
    assert len(creates(w)) - before == 1 + 2 * 16 - 2
    assert await w.journal.drafts.count_extra() == 2 * 16 - 2
    assert await w.hold() is None


async def test_a_request_that_is_too_large_is_halved(world):
    w = world(faults=[Fault(FaultKind.ERROR, path="expense-transactions$", status=413, when="before", times=1)])
    await w.stage(1, 2, 3)

    assert await w.live() == 0
    assert len(creates(w)) == 3
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 1, 1]


@FLOWS
async def test_a_company_that_refuses_everything_is_held_and_its_expenses_are_kept(world, flow):
    w = world(flow=flow, faults=[Fault(FaultKind.ERROR, path="expense-transactions$", status=400, when="before")])
    await w.stage(*range(1, 21))

    assert await w.live() == 4
    assert await w.hold() == "everything_refused"
    assert {state for state, _ in w.states().values()} == {"staged"}

    w.service.faults.clear()
    assert await w.live() == 0
    assert all(w.posted(n) == 1 for n in range(1, 21))


@FLOWS
async def test_once_anything_was_accepted_refused_expenses_are_rejected_and_the_company_is_not_held(world, flow):
    w = world(flow=flow)
    await w.stage(1)
    await w.live()
    for fault in refuses(*range(2, 12)):
        w.service.add_fault(fault)
    await w.stage(*range(2, 12))

    assert await w.live() == 3
    assert await w.hold() is None
    assert [state for state, _ in w.states().values()].count("rejected") == 10


@FLOWS
@pytest.mark.parametrize("n", [1, 6])
async def test_a_400_that_says_previously_processed_and_names_adopts_the_named_and_sends_the_rest(world, flow, n):
    w = world(flow=flow, duplicate_check="request")
    await w.stage(1)
    await w.live()
    other = world(flow=flow, beside=w)
    await other.stage(*range(1, n + 1))

    assert await other.live() == 0
    assert other.states()[1] == ("posted", "external")
    assert all(other.posted(each) == 1 for each in range(1, n + 1))
    (evidence,) = other.connection.execute("SELECT evidence_sync FROM expense WHERE code = 'external'").fetchone()
    assert evidence in {entry.sync for entry in w.service.ledger.entries}


@FLOWS
async def test_a_400_that_says_previously_processed_and_names_nobody_is_halved(world, flow):
    w = world(flow=flow, faults=refuses(3, message=GUARD))
    await w.stage(1, 2, 3, 4)

    assert await w.live() == 0
    assert w.states() == {
        1: ("posted", None),
        2: ("posted", None),
        3: ("posted", "external"),
        4: ("posted", None),
    }


async def test_what_is_posted_between_create_and_initiate_is_adopted(world):
    w = world(duplicate_check="request")
    await w.stage(1, 2, 3)
    other = world(beside=w)
    await other.stage(2)

    async def others_are_faster():
        await other.live()

    pending = []
    send = w.wire.send

    async def wrapped(request, begin=None):
        if request.path.endswith("/syncs") and not pending:
            pending.append(True)
            await others_are_faster()
        return await send(request, begin)

    w.wire.send = wrapped
    assert await w.live() == 0
    assert w.states() == {1: ("posted", None), 2: ("posted", "external"), 3: ("posted", None)}
    assert [w.posted(n) for n in (1, 2, 3)] == [1, 1, 1]


async def test_a_start_that_is_refused_without_a_name_holds_the_company(world):
    w = world(faults=[Fault(FaultKind.ERROR, method="POST", path="/syncs$", status=400, when="before")])
    await w.stage(1, 2)

    assert await w.live() == 4
    assert await w.hold() == "start_refused"
    assert {state for state, _ in w.states().values()} == {"staged"}
    w.service.faults.clear()
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


async def test_an_expense_that_is_only_mentioned_in_anothers_error_is_not_rejected(world):
    ids = [expense_id(1), expense_id(2)]
    refusal = Refused("invalid", status=400, items=(RefusedItem(ids[0], f"It looks like {ids[1]}."),))

    verdicts = await isolation._verdicts(COMPANY_ID, ids, refusal, world().kit(), certain=True)

    assert verdicts == {ids[0]: Verdict(ExpenseState.REJECTED, "invalid", f"It looks like {ids[1]}.")}


async def test_refused_expenses_are_counted_for_the_limit_of_errors(world):
    w = world(faults=refuses(2, 3))
    await w.stage(1, 2, 3, 4)
    await w.live()

    assert sum(facts["rejected"] for facts in w.noted("draft_refused")) == 2


@FLOWS
async def test_an_isolated_expense_that_a_person_corrects_is_posted_once(world, flow):
    w = world(flow=flow, companies=(CompanySpec(COMPANY, accounts=DEFAULT_ACCOUNTS),))
    await w.stage(1)
    await w.stage(2, account="nowhere")
    await w.live()
    staged = await w.stage(2, net="99.00")

    assert staged.corrected == 1
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert str(w.service.ledger.postings_of(COMPANY, expense_id(2))[0].net) == "99.00"
