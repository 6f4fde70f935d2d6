"""What slows the governor down, and what ends the run in good order."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

from runner.codat.governing.limits import Limits
from runner.codat.governor import Governor
from runner.errors import BudgetReached, ConfigurationWrong, Interrupted
from tests.clocks import FakeClock
from tests.unit.governor_world import (
    MIDNIGHT,
    NOON,
    LoopClock,
    Service,
    answering,
    asking,
    play,
    send,
    send_all,
    until_quiet,
)


def _no_jitter(low, _high):
    return low


async def _met(governor, *responses):
    """Let one request meet each answer."""
    for response in responses:
        async with governor.admitted(asking()):
            governor.observe(asking(), response)


def _waited_after(response, *, limits=None):
    """Return the seconds that another company's request waits after this answer."""

    async def history():
        governor = Governor(LoopClock(), limits or Limits(), jitter=_no_jitter)
        await _met(governor, response)
        begun = asyncio.get_running_loop().time()
        async with governor.admitted(asking("another")):
            return asyncio.get_running_loop().time() - begun

    return play(history)


# ---- pauses ----


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answering(429, retry_after="7"), 7),
        (answering(503, retry_after="7"), 7),
        (answering(429, retry_after="1.5"), 1.5),
        (answering(429, retry_after="Mon, 05 Jan 2026 12:00:20 GMT"), 20),
        # The answer's own Date is what the date is measured from: the local clock may be wrong.
        (
            answering(429, retry_after="Mon, 05 Jan 2026 12:00:20 GMT", date="Mon, 05 Jan 2026 12:00:15 GMT"),
            5,
        ),
        (answering(429), 1),
        (answering(429, retry_after="0"), 1),
        (answering(429, retry_after="-30"), 1),
        (answering(429, retry_after="soon"), 1),
        (answering(429, retry_after="nan"), 1),
        (answering(429, retry_after="Mon, 05 Jan 2026 11:00:00 GMT"), 1),
    ],
)
def test_a_refusal_of_the_rate_makes_everyone_wait(response, seconds):
    # One slot of the pace comes on top: after a pause there is no credit.
    assert _waited_after(response) == pytest.approx(seconds + 60 / 980, abs=0.005)


@pytest.mark.parametrize("response", [answering(200, retry_after="7"), answering(503), answering(500)])
def test_other_answers_slow_nobody_down(response):
    assert _waited_after(response) == 0


def test_requests_that_wait_already_wait_for_the_end_of_the_pause_and_then_leave_paced():
    async def history():
        governor = Governor(LoopClock(), jitter=_no_jitter)
        service = Service(work=lambda: 0.01)
        async with governor.admitted(asking()):
            sending = asyncio.ensure_future(send_all(governor, service, [asking(f"c{n % 40}") for n in range(400)]))
            await asyncio.sleep(5)
            before = len(service.arrivals)
            governor.observe(asking(), answering(429, retry_after="30"))
            begun = asyncio.get_running_loop().time()
        await sending
        return begun, service.arrivals[before:]

    begun, after = play(history)
    assert after[0] >= begun + 30
    assert sum(moment < after[0] + 1 for moment in after) <= 17


def test_a_pause_ends_at_the_latest_moment_that_was_asked_for():
    async def history():
        governor = Governor(LoopClock(), jitter=_no_jitter)
        async with governor.admitted(asking()):
            governor.observe(asking(), answering(429, retry_after="30"))
            governor.observe(asking(), answering(429, retry_after="2"))
        begun = asyncio.get_running_loop().time()
        await _met(governor, answering())
        return asyncio.get_running_loop().time() - begun

    assert play(history) == pytest.approx(30, abs=0.1)


def test_the_jitter_comes_on_top_of_the_pause():
    async def history():
        governor = Governor(LoopClock(), jitter=lambda _low, high: high)
        await _met(governor, answering(429, retry_after="5"))
        begun = asyncio.get_running_loop().time()
        await _met(governor, answering())
        return asyncio.get_running_loop().time() - begun

    assert play(history) == pytest.approx(5.5, abs=0.1)


def test_refusals_without_a_time_make_the_pause_grow_until_a_request_gets_through():
    async def history():
        governor = Governor(LoopClock(), jitter=_no_jitter)
        pauses = []
        for status in [429] * 9 + [200, 429, 200]:
            begun = asyncio.get_running_loop().time()
            await _met(governor, answering(status))
            pauses.append(round(asyncio.get_running_loop().time() - begun))
        return pauses

    assert play(history) == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 0, 1]


def test_refusals_of_requests_that_were_in_flight_together_count_once():
    async def history():
        governor = Governor(LoopClock(), jitter=_no_jitter)
        await _met(governor, answering())
        places = [governor.admitted(asking(f"c{n}")) for n in range(20)]
        for place in places:
            await place.__aenter__()
        for place in places:
            governor.observe(asking(), answering(429))
            await place.__aexit__(None, None, None)
        begun = asyncio.get_running_loop().time()
        await _met(governor, answering())
        return asyncio.get_running_loop().time() - begun

    assert play(history) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("asked", "resume_at"),
    [
        ("301", "2026-01-05T12:05:01+00:00"),
        ("43200", "2026-01-06T00:00:00+00:00"),
        # Years are believed for a day: every limit of Codat's is renewed within one.
        ("999999999", "2026-01-06T12:00:00+00:00"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "2026-01-06T12:00:00+00:00"),
    ],
)
def test_a_pause_that_is_too_long_ends_the_run_with_the_time_to_go_on(asked, resume_at):
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=1), jitter=_no_jitter)
        await _met(governor, answering())
        async with governor.admitted(asking()):
            waiting = asyncio.ensure_future(_met(governor, answering()))
            await until_quiet()
            governor.observe(asking(), answering(429, retry_after=asked))
            with pytest.raises(BudgetReached) as first:
                await waiting
        with pytest.raises(BudgetReached) as later:
            await _met(governor, answering())
        return first.value, later.value

    first, later = play(history)
    assert first.resume_at == later.resume_at == resume_at
    assert first is not later


def test_a_refusal_for_a_long_pause_stands_until_its_end_and_not_longer():
    async def history():
        governor = Governor(LoopClock(), jitter=_no_jitter)
        await _met(governor, answering(429, retry_after="400"))
        await asyncio.sleep(399)
        with pytest.raises(BudgetReached):
            await _met(governor, answering())
        await asyncio.sleep(2)
        await _met(governor, answering())

    play(history)


# ---- the quota ----


def _left(remaining, **headers):
    known = {"x_rate_limit_limit": "5000", "x_rate_limit_reset": MIDNIGHT.isoformat()}
    return answering(x_rate_limit_remaining=str(remaining), **(known | headers))


@pytest.mark.parametrize(("quota", "reserve"), [(500, 0), (500, 120), (3, 0), (70, 64)])
def test_the_quota_is_used_to_the_last_request_and_never_overdrawn(quota, reserve):
    service = Service(work=lambda: 3.0)
    service.quota = quota + 1

    async def history():
        governor = Governor(LoopClock(), Limits(reserve=reserve))
        await send(governor, service, asking())
        return await send_all(governor, service, [asking(f"c{n % 30}") for n in range(800)])

    results = play(history)
    errors = [each for each in results if isinstance(each, BaseException)]
    assert service.overdrawn == 0
    assert service.quota == reserve
    assert len(errors) == 800 - (quota - reserve)
    assert all(isinstance(each, BudgetReached) for each in errors)
    assert {each.resume_at for each in errors} == {"2026-01-06T00:00:00+00:00"}


def test_another_client_that_eats_the_quota_is_noticed_from_the_answers():
    service = Service(work=lambda: 0.5)
    service.quota = 4_000

    async def glutton():
        while service.quota > 300:
            service.quota -= 20
            await asyncio.sleep(0.1)

    async def history():
        governor = Governor(LoopClock(), Limits(reserve=200))
        eating = asyncio.ensure_future(glutton())
        results = await send_all(governor, service, [asking(f"c{n % 30}") for n in range(1_000)])
        await eating
        return results

    results = play(history)
    assert service.quota == 200
    assert service.overdrawn == 0
    assert sum(isinstance(each, BudgetReached) for each in results) > 300


def test_before_the_first_answer_only_a_few_leave():
    async def history():
        governor = Governor(LoopClock())
        service = Service(work=lambda: 10.0)
        sending = asyncio.ensure_future(send_all(governor, service, [asking(f"c{n}") for n in range(30)]))
        await asyncio.sleep(9)
        before = governor._in_flight
        await asyncio.sleep(2)
        after = governor._in_flight
        await sending
        return before, after

    assert play(history) == (8, 22)


def test_answers_that_arrive_out_of_order_do_not_raise_what_is_left():
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left(100), _left(90), _left(95))
        return governor.snapshot().quota_remaining

    assert play(history) == 90


def test_a_larger_limit_is_taken_as_it_comes():
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left(100), _left(1_090, x_rate_limit_limit="6000"))
        return governor.snapshot().quota_remaining

    assert play(history) == 1_090


def test_the_day_ends_when_the_service_says_so_and_not_when_the_local_clock_does():
    async def history():
        clock = FakeClock(datetime(2026, 1, 9, 3, 0, tzinfo=UTC))
        governor = Governor(clock)
        await _met(governor, _left(0, date="Mon, 05 Jan 2026 23:59:00 GMT"))
        clock.advance(59)
        clock.jump(86_400)
        with pytest.raises(BudgetReached) as refused:
            await _met(governor, answering())
        clock.advance(2)
        await _met(governor, answering())
        assert refused.value.resume_at == "2026-01-06T00:00:00+00:00"

    play(history)


def test_a_late_answer_of_the_day_before_does_not_end_the_new_day():
    async def history():
        clock = LoopClock()
        governor = Governor(clock)
        await _met(governor, _left(5))
        await asyncio.sleep((MIDNIGHT - clock.now()).total_seconds() + 1)
        await _met(governor, _left(4_990, x_rate_limit_reset="2026-01-07T00:00:00Z"), _left(0))
        await _met(governor, answering())
        return governor.snapshot().quota_remaining

    assert play(history) == 4_990


@pytest.mark.parametrize("reset", ["", "tomorrow", "9999-12-31T00:00:00Z", "2001-01-01T00:00:00Z", "9" * 40])
def test_a_reset_that_cannot_be_meant_stands_for_the_next_midnight(reset):
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left(0, x_rate_limit_reset=reset))
        with pytest.raises(BudgetReached) as refused:
            await _met(governor, answering())
        return refused.value.resume_at

    assert play(history) == MIDNIGHT.isoformat()


@pytest.mark.parametrize("remaining", ["", "many", "1e3", "٣", "9" * 400, "3.5"])
def test_a_remaining_that_cannot_be_read_changes_nothing(remaining):
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left(7), _left(remaining))
        return governor.snapshot().quota_remaining

    assert play(history) == 7


@pytest.mark.parametrize(
    "header", ["-1", "unlimited", "Unlimited", "no-limit", "none", "Infinity", "inf", "*", "9223372036854775807"]
)
@pytest.mark.parametrize("which", ["x_rate_limit_remaining", "x_rate_limit_limit"])
def test_a_service_that_names_no_limit_has_none(which, header):
    async def history():
        governor = Governor(LoopClock())
        unlimited = {"x_rate_limit_limit": "5000", "x_rate_limit_remaining": "0", which: header}
        await _met(governor, _left(9), *(answering(**unlimited) for _ in range(3)))
        return governor.snapshot().quota_remaining

    assert play(history) is None


def test_a_limit_after_none_is_a_limit():
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left("-1"), _left(0))
        with pytest.raises(BudgetReached):
            await _met(governor, answering())

    play(history)


def test_lost_answers_count_against_the_quota_until_the_next_answer():
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, _left(10))
        for _ in range(9):
            with pytest.raises(ConnectionError):
                async with governor.admitted(asking()):
                    raise ConnectionError
        async with governor.admitted(asking()):
            second = asyncio.ensure_future(_met(governor, answering()))
            await asyncio.sleep(5)
            held = not second.done()
            governor.observe(asking(), _left(9))
            await second
        return held

    assert play(history)


# ---- limits that the user sets ----


def test_the_number_of_requests_of_a_run_is_kept():
    service = Service()

    async def history():
        governor = Governor(LoopClock(), Limits(max_requests=30))
        return await send_all(governor, service, [asking(f"c{n}") for n in range(50)])

    results = play(history)
    errors = [each for each in results if isinstance(each, BudgetReached)]
    assert len(service.arrivals) == 30
    assert len(errors) == 20
    assert "30 requests" in errors[0].message
    assert errors[0].resume_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_company": 11},
        {"per_company": 0},
        {"max_rpm": 1_001},
        {"max_rpm": 0},
        {"in_flight": 0},
        {"reserve": -1},
        {"max_pause": -1.0},
        {"max_pause": math.nan},
        {"max_requests": -1},
    ],
)
def test_limits_that_codat_would_not_stand_for_are_refused(wrong):
    with pytest.raises(ConfigurationWrong) as refused:
        Limits(**wrong)
    assert next(iter(wrong)) in refused.value.message


# ---- the end, and what is shown ----


def test_a_stop_refuses_those_who_wait_and_those_who_come_later():
    async def history():
        governor = Governor(LoopClock(), Limits(per_company=1))
        async with governor.admitted(asking()):
            waiting = asyncio.ensure_future(_met(governor, answering()))
            await until_quiet()
            governor.stop(lambda: Interrupted("Ctrl-C"))
            with pytest.raises(Interrupted, match="Ctrl-C"):
                await waiting
            with pytest.raises(Interrupted, match="Ctrl-C"):
                await _met(governor, answering())

    play(history)


def test_closing_refuses_those_who_wait_and_leaves_no_task_behind():
    async def history():
        governor = Governor(LoopClock())
        await _met(governor, answering(429, retry_after="60"))
        waiting = asyncio.ensure_future(_met(governor, answering()))
        await until_quiet()
        tasks = len(asyncio.all_tasks())
        await governor.aclose()
        with pytest.raises(Interrupted):
            await waiting
        return tasks, len(asyncio.all_tasks())

    # This one, the waiting one, and the one that would have woken it.
    assert play(history) == (3, 1)


def test_a_defect_of_the_clock_fails_the_requests_that_wait_for_it():
    class Broken(FakeClock):
        async def sleep(self, seconds):
            raise OSError("no time")

    async def history():
        governor = Governor(Broken(), previous_life_seconds_ago=0.0)
        with pytest.raises(OSError, match="no time"):
            await _met(governor, answering())

    play(history)


def test_the_snapshot_shows_what_there_is_to_show():
    async def history():
        governor = Governor(LoopClock(), Limits(max_rpm=600, per_company=1), jitter=_no_jitter)
        await _met(governor, _left(4_000))
        await asyncio.sleep(70)
        async with governor.admitted(asking()):
            governor.observe(asking(), _left(3_999))
            governor.observe(asking(), answering(429, retry_after="20"))
            waiting = asyncio.ensure_future(_met(governor, answering()))
            await until_quiet()
            shown = governor.snapshot()
        await waiting
        return shown, governor.snapshot()

    shown, after = play(history)
    assert (shown.sent_last_minute, shown.limit, shown.quota_remaining) == (1, 600, 3_999)
    assert shown.paused_until == NOON + timedelta(seconds=90)
    assert after.paused_until is None


async def test_without_a_wait_it_works_on_a_clock_that_stands_still():
    clock = FakeClock()
    governor = Governor(clock)
    for _ in range(245):
        await _met(governor, answering())
    assert clock.sleeps == []
    await _met(governor, answering())
    assert clock.sleeps == [pytest.approx(60 / (980 - 245), abs=0.03)]
    await governor.aclose()
