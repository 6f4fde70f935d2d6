"""Polls: few, not before a sync can have ended, soon after it has, and one look for all who wait."""

import asyncio
import tracemalloc
from dataclasses import replace
from itertools import islice, pairwise

import pytest

from benchmarks.request_economy import CASES, NOON, TARGET, Rehearsal, VirtualLoop, measure, stage
from benchmarks.request_economy import LoopClock as Clock
from runner.codat.draining import Draining
from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.errors import Interrupted
from runner.journal.journal import scratch
from runner.simulator import NO_LIMITS, Behaviour, Fault, FaultKind, Service
from runner.steps.kit import Limits
from runner.steps.pace import GROWTH, RUNS, Pace, Run, growing
from runner.steps.polls import Polls, Watch

FIRST_LIST = 1
"""The list of syncs is read once before a company's first: whatever it holds is not ours."""


def _longest(_low, high):
    return high


def _first(delays, count):
    return list(islice(delays, count))


def play(history):
    """Run it in virtual time; nothing may be left running."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(history())
        loop.run_until_complete(asyncio.sleep(0))
        assert asyncio.all_tasks(loop) == set()
        return result
    finally:
        loop.close()


def rehearse(*, expenses=40, limits=None, faults=(), runs=1, **dials):
    """Walk one company with drafts of one expense; return the rehearsal and the last run's wire."""

    async def history():
        behaviour = Behaviour(**{"limits": NO_LIMITS, "epoch": NOON, "sync_seconds": (30.0, 30.0), **dials})
        rehearsal = Rehearsal(Service(behaviour, seed=3, faults=faults), limits=limits or Limits(draft_size=1))
        with scratch(Clock()) as journal:
            await stage(journal, 1, expenses)
            for _ in range(runs):
                wire = await rehearsal.run(journal)
            return rehearsal, wire, await journal.accounts.books()

    return play(history)


def looks(rehearsal):
    """When the service was asked for statuses, one by one or listed."""
    return [round(each.now, 3) for each in rehearsal.service.requests if each.path.endswith("/status")][FIRST_LIST:]


# ---- the target ----


@pytest.mark.parametrize("case", [case for case in CASES if case.counts], ids=lambda case: case.name)
def test_requests_stay_within_the_target_for_syncs_of_1_to_60_seconds(case):
    # Datasets of one expense: the same requests as with 50, made sooner.
    small = replace(case, expenses=case.expenses // 50, draft_size=1)
    spent = measure(small)

    assert spent.least == case.least
    assert spent.ratio <= TARGET
    assert spent.refused == 0
    assert spent.posted == small.companies * small.expenses
    # The end of a company's last sync holds nobody up: it is found with one look when such syncs have ended.
    assert sum(spent.late) / len(spent.late) < 20.0


def test_2000_expenses_cost_40_creates_one_initiate_and_one_page():
    spent = measure(replace(CASES[0], expenses=2_000, sync_seconds=(1.0, 1.0)))

    listed = {"statuses": FIRST_LIST}
    assert spent.requests == {"create": 40, "initiate": 1, "status": 1, "transactions": 1} | listed
    assert spent.posted == 2_000


# ---- what a company's syncs teach ----


def test_a_company_that_nothing_is_known_of_is_asked_ever_more_rarely_up_to_the_maximum():
    delays = _first(Pace().delays(least=2.0, most=30.0), 20)

    assert delays[0] == 2.0
    assert all(later == min(30.0, earlier * GROWTH) for earlier, later in pairwise(delays))
    assert delays[-1] == 30.0


def test_a_poll_interval_above_the_maximum_is_kept_to():
    assert _first(growing(45.0, 30.0), 3) == [45.0, 45.0, 45.0]


def test_no_look_comes_before_syncs_can_have_ended_and_looks_are_close_while_they_usually_end():
    pace = Pace()
    for _ in range(RUNS):
        pace.learn(Run(still=50.0, ended=60.0))
    delays = _first(pace.delays(least=2.0, most=30.0), 12)

    assert 45.0 < delays[0] <= 50.0
    assert delays[1:7] == [2.0] * 6
    assert delays[-1] > delays[8] > 2.0


def test_one_run_alone_is_not_relied_on():
    pace = Pace()
    pace.learn(Run(still=50.0, ended=52.0))

    assert next(pace.delays(least=2.0, most=30.0)) == 25.0


def test_a_sync_found_ended_at_the_first_look_moves_the_next_first_look_forward():
    pace = Pace()
    firsts = []
    for _ in range(8):
        pace.learn(Run(still=0.0, ended=next(pace.delays(least=2.0, most=30.0))))
        firsts.append(next(pace.delays(least=2.0, most=30.0)))

    assert firsts == sorted(firsts, reverse=True)
    assert firsts[-1] == 2.0


def test_runs_of_long_ago_are_forgotten():
    pace = Pace()
    pace.learn(Run(still=1.0, ended=2.0))
    for _ in range(RUNS):
        pace.learn(Run(still=100.0, ended=101.0))

    assert next(pace.delays(least=2.0, most=30.0)) > 90.0


def test_once_learnt_a_syncs_end_is_found_within_three_seconds_by_a_few_late_looks():
    rehearsal, _, _ = rehearse(expenses=40 * 14, limits=Limits(draft_size=1, syncs_in_flight=1))

    assert max(rehearsal.late[4:]) < 3.0
    started = [each.now for each in rehearsal.service.requests if each.path.endswith("/syncs")]
    for start in started[-4:]:
        after = [moment - start for moment in looks(rehearsal) if start < moment < start + 35.0]
        assert len(after) <= 5
        assert min(after) > 20.0


def test_syncs_of_an_earlier_life_teach_nothing():
    async def history():
        rehearsal = Rehearsal(
            Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(50.0, 50.0))),
            limits=Limits(draft_size=1, wait=1.0, syncs_in_flight=1),
        )
        with scratch(Clock()) as journal:
            await stage(journal, 1, 40)
            await rehearsal.run(journal)
            await asyncio.sleep(500)
            rehearsal.limits = Limits(draft_size=1, syncs_in_flight=1)
            await rehearsal.run(journal)
        return rehearsal

    rehearsal = play(history)
    # Found ended at once; that says nothing of how long it took.
    watch = Watch(Pace())
    watch.wait_for([SyncId("earlier")], now=0.0, wait=60.0)
    watch.saw({SyncId("earlier"): SyncStatus(SyncId("earlier"), 2000)}, now=100.0)
    assert next(watch.pace.delays(least=2.0, most=30.0)) == 2.0
    assert next(iter(islice(watch.pace.delays(least=2.0, most=30.0), 1, None))) == 2.0 * GROWTH
    assert len(looks(rehearsal)) == 2


def test_a_sync_that_waited_behind_another_is_timed_from_that_ones_end():
    watch = Watch(Pace())
    one, two = SyncId("one"), SyncId("two")
    for sync in (one, two):
        watch.started(sync, now=0.0, wait=600.0)
    watch.saw({one: SyncStatus(one, 1000), two: SyncStatus(two, 1000)}, now=35.0)
    watch.saw({one: SyncStatus(one, 2000), two: SyncStatus(two, 1000)}, now=40.0)
    watch.saw({two: SyncStatus(two, 1000)}, now=75.0)
    watch.saw({two: SyncStatus(two, 2000)}, now=80.0)

    assert watch.pace.runs == [Run(still=35.0, ended=40.0)] * 2


# ---- one look for all ----


def test_two_syncs_side_by_side_are_looked_at_with_one_request():
    rehearsal, wire, _ = rehearse(expenses=80)

    second = sorted(each.now for each in rehearsal.service.requests if each.path.endswith("/syncs"))[1]
    listed = [each.now for each in rehearsal.service.requests if each.path.endswith("/list/status")][FIRST_LIST:]
    between = [moment for moment in looks(rehearsal) if second + 1.0 < moment <= max(listed)]
    assert between == [round(moment, 3) for moment in listed if moment > second + 1.0]
    assert len(between) >= 3
    assert wire.counts["transactions"] == 2


def test_one_sync_alone_is_never_listed():
    _, wire, _ = rehearse(expenses=40)

    assert wire.counts["statuses"] == FIRST_LIST
    assert wire.counts["status"] >= 3


def test_twenty_syncs_of_an_earlier_life_cost_one_look():
    async def history():
        service = Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(1.0, 1.0)))
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1, drafts_a_sync=1, wait=0.0, syncs_in_flight=20))
        with scratch(Clock()) as journal:
            await stage(journal, 1, 20)
            await rehearsal.run(journal)
            await asyncio.sleep(3_600)
            before = len(service.requests)
            rehearsal.limits = Limits(draft_size=1, drafts_a_sync=1)
            wire = await rehearsal.run(journal)
        return wire, len(service.requests) - before

    wire, requests = play(history)
    assert wire.counts == {"statuses": 1, "transactions": requests - 1}
    assert requests > 10


def test_a_sync_that_the_list_does_not_show_yet_is_asked_for_by_its_id():
    _, wire, books = rehearse(expenses=80, list_lag=10_000.0)

    polls = wire.counts["statuses"] - FIRST_LIST
    assert polls >= 1
    assert wire.counts["status"] >= 2 * polls
    assert books.count("posted") == 80


def test_where_the_list_is_refused_it_is_not_asked_for_again():
    refused = Fault(FaultKind.ERROR, path="/list/status$", status=404, when="before", cached=False)
    _, wire, books = rehearse(expenses=160, faults=[refused])

    assert wire.counts["statuses"] == FIRST_LIST + 1
    assert books.count("posted") == 160


def test_a_list_that_has_grown_long_is_no_longer_read_to_save_requests():
    _, wire, books = rehearse(expenses=160, limits=Limits(draft_size=1, longest_list=2))

    # The third and fourth sync are in the list that is read last.
    assert FIRST_LIST + 1 < wire.counts["statuses"] < wire.counts["status"]
    assert books.count("posted") == 160


def test_a_list_that_cannot_be_read_leaves_the_syncs_own_statuses():
    _, wire, books = rehearse(expenses=80, faults=[Fault(FaultKind.GARBAGE, path="/list/status$")])

    readings = 3
    assert wire.counts["statuses"] == readings * (FIRST_LIST + 1)
    assert books.count("posted") == 80


def test_a_sync_that_codat_has_lost_holds_the_company_and_the_other_one_is_seen_through():
    lost = Fault(FaultKind.ERROR, path="/[0-9a-f-]{36}/status$", status=404, when="before", cached=False, nth=1)
    rehearsal, _, books = rehearse(expenses=80, faults=[lost], list_lag=5.0)

    assert [hold.code for hold in books.holds] == ["sync_not_found"]
    assert books.count("posted") == 40
    assert rehearsal.stop is None


# ---- its bounds ----


@pytest.mark.parametrize("wait", [0.0, 1.0, 5.0, 40.0])
def test_a_sync_is_left_when_the_waiting_time_is_over_and_looked_at_once_at_least(wait):
    limits = Limits(draft_size=1, wait=wait)
    rehearsal, wire, books = rehearse(expenses=80, sync_seconds=(1_000.0, 1_000.0), limits=limits)

    assert books.count("sent") == 80
    assert wire.counts["status"] + wire.counts["statuses"] >= 1
    started = [r.now for r in rehearsal.service.requests if r.path.endswith("/syncs")]
    assert max(looks(rehearsal)) <= max(started) + wait + 1.0


def test_a_sync_that_codat_says_takes_long_is_asked_for_rarely():
    rehearsal, _, _ = rehearse(sync_seconds=(1_500.0, 1_500.0))

    late = [moment for moment in looks(rehearsal) if moment > 700.0]
    gaps = [later - earlier for earlier, later in pairwise(late)]
    assert min(gaps) >= 30.0 * 0.9


def test_draining_ends_the_wait_of_all_at_once():
    async def history():
        draining = Draining()
        rehearsal = Rehearsal(
            Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(1_000.0, 1_000.0))),
            limits=Limits(draft_size=1),
        )
        with scratch(Clock()) as journal:
            await stage(journal, 1, 80)
            running = asyncio.ensure_future(rehearsal.run(journal, draining=draining))
            await asyncio.sleep(100)
            requests = len(rehearsal.service.requests)
            draining.start(Interrupted("enough"))
            await running
            assert asyncio.get_running_loop().time() < 101
            assert len(rehearsal.service.requests) == requests
        return rehearsal

    assert isinstance(play(history).stop, Interrupted)


def test_chance_takes_a_tenth_off_a_delay_at_most_and_adds_nothing():
    asked = []

    def jitter(low, high):
        asked.append((low, high))
        return low

    watch = Watch(Pace())
    watch.started(SyncId("one"), now=0.0, wait=600.0)

    assert next_look(watch, now=0.0, jitter=jitter) == pytest.approx(1.8)
    assert asked == [(pytest.approx(1.8), 2.0)]


def test_a_look_is_decided_once_and_is_one_for_all():
    watch = Watch(Pace())
    for name in ("one", "two"):
        watch.started(SyncId(name), now=0.0, wait=600.0)

    assert next_look(watch, now=0.0) == 2.0
    assert next_look(watch, now=0.5) == 2.0
    assert not watch.is_due(1.9)
    assert watch.is_due(2.0)
    assert watch.awaited() == ["one", "two"]


def test_a_sync_of_an_earlier_life_is_looked_at_at_once_and_then_ever_more_rarely():
    watch = Watch(Pace("50.0-60.0"))
    watch.wait_for([SyncId("one")], now=100.0, wait=600.0)

    assert watch.is_due(100.0)
    watch.saw({SyncId("one"): SyncStatus(SyncId("one"), 1000)}, now=100.0)
    assert next_look(watch, now=100.0) == 102.0


def test_a_sync_that_nothing_else_waits_for_is_looked_at_when_such_syncs_have_ended():
    watch = Watch(Pace("50.0-60.0 0.0-58.0"))
    watch.started(SyncId("one"), now=0.0, wait=600.0)

    assert 58.0 < next_look(watch, now=5.0, patient=True) < 63.0


def test_a_company_without_syncs_of_its_own_learns_from_all_others():
    polls = Polls()
    polls.begin(CompanyId("one"), "20.0-25.0")
    polls.of(CompanyId("one")).pace.learn(Run(still=40.0, ended=45.0))
    polls.begin(CompanyId("two"), None)
    polls.of(CompanyId("two")).started(SyncId("first"), now=0.0, wait=600.0)

    assert 45.0 <= next_look(polls.of(CompanyId("two")), now=0.0, patient=True) < 50.0


@pytest.mark.parametrize("text", ["", "12", "a-b", "3-2", "-1-2", "1-inf", "nan-nan", "1-2 x"])
def test_a_pace_that_somebody_else_wrote_teaches_nothing(text):
    assert Pace(text).runs == []


def test_a_pace_is_read_as_it_was_written_and_bounded():
    pace = Pace()
    for number in range(RUNS + 3):
        pace.learn(Run(still=number, ended=number + 0.5))

    assert Pace(str(pace)).runs == pace.runs
    assert len(pace.runs) == RUNS


def test_twenty_thousand_companies_that_wait_take_less_than_fifty_megabytes():
    polls = Polls()
    tracemalloc.start()
    try:
        for number in range(2_000):
            company = CompanyId(f"00000000-0000-4000-8000-{number:012d}")
            polls.begin(company, " ".join(["50.0-60.0"] * RUNS))
            polls.of(company).started(SyncId(f"5-{number}"), now=0.0, wait=600.0)
            next_look(polls.of(company), now=0.0, patient=True)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken * 10 < 50_000_000


def next_look(watch, *, now, jitter=_longest, patient=False):
    return watch.next_look(now=now, least=2.0, most=30.0, jitter=jitter, announced=False, patient=patient)
