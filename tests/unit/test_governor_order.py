"""Who goes first, who waits, and that nobody leaves a place taken behind."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.codat.governing.limits import Limits
from runner.codat.governor import Governor
from runner.codat.messages import Priority
from tests.unit.governor_world import (
    LoopClock,
    Service,
    answering,
    asking,
    play,
    send,
    send_all,
    until_quiet,
)


async def _queue_up(governor, requests, *, hold=0.0):
    """Start one task for each, in order; return the order in which they were admitted, and the tasks."""
    order = []

    async def one(request):
        async with governor.admitted(request):
            order.append((request.company, request.priority))
            await asyncio.sleep(hold)

    tasks = [asyncio.ensure_future(one(request)) for request in requests]
    await until_quiet()
    return order, tasks


def _order(requests, limits=None):
    """Return the order of admission, one at a time, of requests that all wait already."""

    async def history():
        governor = Governor(LoopClock(), limits or Limits(in_flight=1))
        async with governor.admitted(asking(None)):
            order, tasks = await _queue_up(governor, requests)
            assert order == []
        await asyncio.gather(*tasks)
        return order

    return play(history)


def test_what_is_sent_goes_before_polls_and_polls_before_receipts():
    order = _order([asking("a", priority) for priority in (2, 1, 0, 2, 1, 0)])
    assert [priority for _, priority in order] == [0, 0, 1, 1, 2, 2]


def test_companies_take_turns_within_a_priority():
    order = _order([asking("a")] * 4 + [asking("b")] * 2 + [asking("c")])
    assert "".join(company for company, _ in order) == "abcabaa"


def test_requests_of_no_company_take_their_turn_and_know_no_limit_of_a_company():
    async def history():
        governor = Governor(LoopClock())
        governor.observe(asking(), answering())
        order, tasks = await _queue_up(governor, [asking(None)] * 40, hold=1.0)
        count = len(order)
        await asyncio.gather(*tasks)
        return count

    assert play(history) == 40


def test_a_company_with_everything_in_flight_does_not_hold_up_the_others():
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=3))
        governor.observe(asking(), answering())
        requests = [asking("a")] * 10 + [asking("b")] * 2 + [asking(None)]
        order, tasks = await _queue_up(governor, requests, hold=1.0)
        companies = [company for company, _ in order]
        await asyncio.gather(*tasks)
        return companies

    assert play(history) == ["a", "a", "a", "b", "b", None]


def test_the_total_in_flight_is_kept_and_used():
    async def history():
        governor = Governor(LoopClock(), Limits(in_flight=20))
        governor.observe(asking(), answering())
        highest = 0
        sending = asyncio.ensure_future(
            send_all(governor, Service(work=lambda: 2.0), [asking(f"c{n}") for n in range(100)])
        )
        while not sending.done():
            highest = max(highest, governor._in_flight)
            await asyncio.sleep(0.5)
        return highest

    assert play(history) == 20


@pytest.mark.parametrize(("priority", "longest"), [(Priority.POLL, 60), (Priority.RECEIPT, 90)])
def test_under_a_flood_of_more_urgent_requests_the_others_still_get_through(priority, longest):
    async def history():
        loop = asyncio.get_running_loop()
        governor = Governor(LoopClock(), Limits(max_rpm=60, per_company=10))
        service = Service(work=lambda: 0.1)
        urgent = [asking(f"c{n % 20}", Priority.SUBMIT) for n in range(300)]
        flood = asyncio.ensure_future(send_all(governor, service, urgent))
        await asyncio.sleep(1)
        begun = loop.time()
        await send(governor, service, asking("late", priority))
        waited = loop.time() - begun
        await flood
        return waited

    # It goes up after 30 seconds, and then each of the 20 companies takes at most one turn before it.
    assert 30 <= play(history) <= longest


def test_a_cancelled_request_is_passed_over_and_leaves_no_trace():
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=1))
        async with governor.admitted(asking("a")):
            order, tasks = await _queue_up(governor, [asking("a"), asking("a", Priority.SUBMIT)])
            tasks[1].cancel()
        # The place was freed before the cancelled task could take itself out of the line.
        await until_quiet()
        assert order == [("a", Priority.POLL)]
        return governor._in_flight, len(governor._line)

    assert play(history) == (0, 0)


def test_a_request_cancelled_in_the_moment_it_is_admitted_gives_its_place_back():
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=1))
        async with governor.admitted(asking("a")):
            order, tasks = await _queue_up(governor, [asking("a"), asking("a")])
        tasks[0].cancel()
        await until_quiet()
        return len(order), governor._in_flight, len(governor._line)

    assert play(history) == (1, 0, 0)


def test_an_error_while_in_flight_gives_the_place_back():
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=1))
        for _ in range(3):
            with pytest.raises(ValueError, match="wrong"):
                async with governor.admitted(asking("a")):
                    raise ValueError("wrong")
        return governor._in_flight

    assert play(history) == 0


def test_the_last_cancelled_request_takes_the_waker_with_it():
    async def history():
        governor = Governor(LoopClock())
        async with governor.admitted(asking()):
            governor.observe(asking(), answering(429, retry_after="100"))
        _, tasks = await _queue_up(governor, [asking("a"), asking("b")])
        for task in tasks:
            task.cancel()
        await until_quiet()
        return len(asyncio.all_tasks())

    assert play(history) == 1


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["a", "b", "c", None]), st.sampled_from(list(Priority))),
        st.tuples(st.just("cancel"), st.integers(0, 100), st.just(0)),
        st.tuples(st.just("pass"), st.sampled_from([0.0, 0.01, 0.5, 3.0, 40.0]), st.just(0)),
        st.tuples(st.just("turn"), st.just(0), st.just(0)),
        st.tuples(st.just("answer"), st.sampled_from([200, 429, 503]), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=_STEPS)
def test_whatever_is_cancelled_whenever_no_place_leaks_and_the_others_are_served(steps):
    async def history():
        governor = Governor(LoopClock(), Limits(max_rpm=40, per_company=2, in_flight=4))
        cancelled, tasks, done = set(), [], set()

        async def one(number, request):
            async with governor.admitted(request):
                assert governor._in_flight <= 4
                await asyncio.sleep(0.7 * (number % 3))
            done.add(number)

        for what, which, priority in steps:
            if what == "ask":
                tasks.append(asyncio.ensure_future(one(len(tasks), asking(which, priority))))
            elif what == "cancel" and tasks:
                cancelled.add(which % len(tasks))
                tasks[which % len(tasks)].cancel()
            elif what == "pass":
                await asyncio.sleep(which)
            elif what == "turn":
                await asyncio.sleep(0)
            elif what == "answer":
                governor.observe(asking(), answering(which, retry_after="2"))
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await until_quiet()
        assert done | cancelled == set(range(len(tasks)))
        assert (governor._in_flight, len(governor._line)) == (0, 0)
        assert governor._by_company == {}
        assert all(not rank.lines and not rank.ring and not rank.by_age for rank in governor._line._ranks)

    play(history)
