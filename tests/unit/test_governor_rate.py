"""The governor before an independent judge: never above the limits, and hardly ever below."""

import asyncio
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.codat.governing.limits import Limits
from runner.codat.governing.pacing import Pace
from runner.codat.governing.window import Window
from runner.codat.governor import Governor
from tests.unit.governor_world import MINUTE, LoopClock, Service, asking, play, send, send_all, until_quiet


def _busy(count, *, companies=40):
    return [asking(f"c{number % companies}") for number in range(count)]


def _slow_service(seed):
    chance = random.Random(seed)
    return Service(
        delay=lambda: chance.uniform(0.005, 0.1),
        work=lambda: min(5.0, 0.05 + chance.expovariate(1 / 0.6)),
    )


def _used(arrivals, *, after):
    """Return the share of the 1,000 a minute that was used from `after` seconds on, to the end."""
    start = arrivals[0] + after
    seen = [moment for moment in arrivals if moment >= start]
    return len(seen) / ((seen[-1] - start) * 1_000 / MINUTE)


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_requests_keep_every_limit_and_use_nearly_all_that_is_allowed(seed):
    service = _slow_service(seed)

    async def history():
        governor = Governor(LoopClock())
        await send_all(governor, service, _busy(6_000))

    play(history)
    assert service.violations == []
    assert len(service.arrivals) == 6_000
    assert _used(service.arrivals, after=MINUTE) >= 0.97


def test_the_first_minute_uses_the_whole_allowance_too():
    service = Service()

    async def history():
        await send_all(Governor(LoopClock()), service, _busy(1_500))

    play(history)
    first = [moment for moment in service.arrivals if moment < service.arrivals[0] + MINUTE]
    assert 970 <= len(first) <= 980


def test_a_small_job_leaves_at_once():
    service = Service(work=lambda: 0.2)

    async def history():
        governor = Governor(LoopClock(), Limits(in_flight=500))
        await send(governor, service, asking())
        begun = asyncio.get_running_loop().time()
        await send_all(governor, service, _busy(200))
        return asyncio.get_running_loop().time() - begun

    assert play(history) == pytest.approx(0.2, abs=0.01)


def test_after_the_burst_the_pace_is_even_and_no_minute_begins_with_a_burst_again():
    service = Service()

    async def history():
        await send_all(Governor(LoopClock()), service, _busy(3_500))

    play(history)
    start = service.arrivals[0]
    seconds = [0] * 300
    for moment in service.arrivals:
        seconds[int(moment - start)] += 1
    assert seconds[0] >= 245
    assert max(seconds[1:]) <= 2 * 980 / 60 + 2


def test_a_network_that_stalls_and_delivers_everything_at_once_does_not_break_the_limit():
    service = Service(work=lambda: 0.05)

    async def history():
        loop = asyncio.get_running_loop()
        governor = Governor(LoopClock())
        sending = asyncio.ensure_future(send_all(governor, service, _busy(4_000)))
        await asyncio.sleep(100)
        service.stalled_until = loop.time() + 20
        await sending

    play(history)
    assert service.violations == []
    assert len(service.arrivals) == 4_000


@settings(max_examples=15, deadline=None)
@given(
    lives=st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 5.0), st.floats(0.0, 20.0)), min_size=2, max_size=8)
)
def test_any_number_of_kills_and_resumes_keeps_the_limit(lives):
    """Each life idles, trickles, then floods, and is killed; the next starts at once or a little later."""
    service = Service(work=lambda: 0.02)

    async def history():
        ended = None
        loop = asyncio.get_running_loop()
        for trickle, flood, gap in lives:
            ago = None if ended is None else loop.time() - ended
            governor = Governor(LoopClock(), Limits(in_flight=300), previous_life_seconds_ago=ago)
            life = asyncio.ensure_future(_life(governor, service, trickle))
            await asyncio.sleep(trickle + flood)
            await _kill(life)
            ended = loop.time()
            await asyncio.sleep(gap)

    play(history)
    assert service.violations == []


def test_ten_resumes_within_a_minute_keep_the_limit():
    service = Service(work=lambda: 0.02)

    async def history():
        ended = None
        loop = asyncio.get_running_loop()
        for _ in range(11):
            ago = None if ended is None else loop.time() - ended
            governor = Governor(LoopClock(), Limits(in_flight=300), previous_life_seconds_ago=ago)
            life = asyncio.ensure_future(_life(governor, service, 0.0))
            await asyncio.sleep(5.5)
            await _kill(life)
            ended = loop.time()

    play(history)
    assert service.violations == []
    assert len(service.arrivals) >= 900


def test_a_life_killed_after_a_steady_minute_with_a_burst_at_its_end_leaves_room_for_the_next():
    service = Service(work=lambda: 0.02)

    async def history():
        governor = Governor(LoopClock(), Limits(in_flight=300))
        life = asyncio.ensure_future(_life(governor, service, 44.0))
        await asyncio.sleep(45)
        await _kill(life)
        governor = Governor(LoopClock(), Limits(in_flight=300), previous_life_seconds_ago=0.0)
        await send_all(governor, service, _busy(1_500))

    play(history)
    assert service.violations == []


@pytest.mark.parametrize("ago", [0.0, 59.9, -5.0, math.nan])
def test_after_a_recent_life_there_is_no_burst(ago):
    assert _sent_in_first_second(ago) <= 13


@pytest.mark.parametrize("ago", [None, 60.0, 86_400.0])
def test_without_a_recent_life_there_is_a_burst(ago):
    assert _sent_in_first_second(ago) >= 200


def _sent_in_first_second(ago):
    async def history():
        governor = Governor(LoopClock(), previous_life_seconds_ago=ago)
        sending = asyncio.ensure_future(send_all(governor, Service(work=lambda: 0.01), _busy(500)))
        await asyncio.sleep(1.0)
        sent = governor._sent
        await _kill(sending)
        return sent

    return play(history)


async def _life(governor, service, trickle):
    """Send at the full pace without waiting for it, then everything at once."""
    begun = asyncio.get_running_loop().time()
    waiting = []
    while asyncio.get_running_loop().time() < begun + trickle:
        waiting.append(asyncio.ensure_future(send(governor, service, asking(f"c{len(waiting) % 40}"))))
        await asyncio.sleep(MINUTE / 980)
    await asyncio.gather(*waiting, send_all(governor, service, _busy(600)))


async def _kill(task):
    """End a life without a goodbye, as far as one loop can."""
    mine = asyncio.current_task()
    others = [each for each in asyncio.all_tasks() if each is not mine]
    for each in others:
        each.cancel()
    await asyncio.gather(task, *others, return_exceptions=True)
    await until_quiet()


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 40),
    steps=st.lists(st.floats(0.0, 25.0), min_size=1, max_size=200),
)
def test_the_window_never_lets_more_than_its_limit_through_and_never_stays_shut(limit, steps):
    window = Window(limit, max(1, limit // 4))
    now, sends = 0.0, []
    for step in steps:
        now += step
        if window.clear_at(now) <= now:
            window.record(now)
            sends.append(now)
        else:
            assert now < window.clear_at(now) <= now + MINUTE
    for moment in sends:
        assert sum(moment <= other < moment + MINUTE for other in sends) <= limit


def test_a_window_without_an_even_part_opens_again_when_the_minute_is_over():
    window = Window(1, 1)
    window.forbid_burst(0.0)
    assert window.clear_at(10.0) == MINUTE
    assert window.clear_at(MINUTE) == MINUTE


@pytest.mark.parametrize("rpm", [1, 2, 3, 60, 1_000])
def test_small_and_large_limits_reach_their_rate(rpm):
    service = Service(work=lambda: 0.01)
    count = 4 * rpm

    async def history():
        await send_all(Governor(LoopClock(), Limits(max_rpm=rpm)), service, _busy(count))

    play(history)
    assert len(service.arrivals) == count
    for moment in service.arrivals:
        assert sum(moment <= other < moment + MINUTE - 0.02 for other in service.arrivals) <= rpm
    assert service.arrivals[-1] - service.arrivals[0] <= 4 * MINUTE + 1


def test_credit_comes_from_idleness_and_never_exceeds_the_burst():
    pace = Pace(60, 15, now=0.0)
    pace.restart(0.0)
    assert pace.clear_at(0.0) == pytest.approx(1.0)
    assert pace.clear_at(1_000.0) == 1_000.0
    for _ in range(15):
        assert pace.clear_at(1_000.0) == 1_000.0
        pace.record()
    assert pace.clear_at(1_000.0) == pytest.approx(1_001.0)
