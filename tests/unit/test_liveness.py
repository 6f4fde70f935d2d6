"""What a watchdog is fed for: a run that gets on, or waits for something that will come."""

import asyncio

import pytest

from runner.cli.liveness import GRACE, LONGEST_REQUEST, Liveness, WatchedClock
from runner.codat.counting import RequestCounts
from runner.progress import Notes, Progress
from tests.clocks import FakeClock


class Log:
    def __getattr__(self, _):
        return lambda *_, **__: None


class Sleeping(FakeClock):
    """A clock on which sleepers wake only when they are told to, as on a loop that does not come to them."""

    def __init__(self):
        super().__init__()
        self.woken = asyncio.Event()

    async def sleep(self, _seconds):
        await self.woken.wait()


class Run:
    def __init__(self):
        self.time = Sleeping()
        self.clock = WatchedClock(self.time)
        self.notes = Notes(Log(), Progress())
        self.counts = RequestCounts()
        self.liveness = Liveness(self.clock, self.notes, self.counts)
        # The beginning of the run is something that happened.
        assert self.liveness.is_alive()

    def later(self, seconds=600.0):
        self.time.advance(seconds)
        return self.liveness.is_alive()


@pytest.fixture
async def run():
    return Run()


async def test_a_run_that_waits_for_nothing_and_does_nothing_is_stuck(run):
    assert not run.later(1)


@pytest.mark.parametrize("happens", ["note", "leaves", "ends"])
async def test_whatever_happened_since_the_last_look_is_a_sign_of_life_once(run, happens):
    if happens == "note":
        run.notes("staged", expenses=1)
    elif happens == "leaves":
        run.counts.total += 1
        run.counts.ended += 1
    else:
        run.counts.ended += 1
    assert run.later()
    assert not run.later()


async def test_waiting_for_a_moment_to_come_is_legitimate_however_long_it_is(run):
    sleeper = asyncio.ensure_future(run.clock.sleep(3000))
    await asyncio.sleep(0)
    assert all(run.later(600) for _ in range(5))
    run.time.advance(GRACE)
    assert run.liveness.is_alive()
    assert not run.later(1), "the moment is over, and nobody woke"
    run.time.woken.set()
    await sleeper
    assert not run.later(1), "who has woken waits no more"


async def test_a_wait_for_something_later_does_not_excuse_one_that_is_overdue(run):
    sleepers = [asyncio.ensure_future(run.clock.sleep(seconds)) for seconds in (10, 100_000)]
    await asyncio.sleep(0)
    assert not run.later(10 + GRACE + 1)
    run.time.woken.set()
    await asyncio.gather(*sleepers)


async def test_one_whose_wait_was_cancelled_waits_no_more(run):
    sleeper = asyncio.ensure_future(run.clock.sleep(1000))
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    assert not run.later(1)


async def test_a_request_under_way_is_waited_for_but_not_for_ever(run):
    run.counts.total += 1
    assert run.later(1)
    assert run.later(LONGEST_REQUEST)
    assert not run.later(1)
