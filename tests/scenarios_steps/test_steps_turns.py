"""What an earlier run left under way is finished first; what is new has a turn of its own, in the same run."""

import asyncio
from dataclasses import replace

import pytest

from runner.batch import Batch
from runner.codat.draining import Draining
from runner.simulator import Fault, FaultKind
from tests.scenarios_steps.walking import LIMITS, Wire
from tests.simulator_client import COMPANY


class SlowForOne(Wire):
    """Answers one company so late that others have had their turns meanwhile."""

    async def send(self, request, begin=None):
        for _ in range(2_000 if request.company == COMPANY else 0):
            await asyncio.sleep(0)
        return await super().send(request, begin)


@pytest.fixture
def left_under_way(world):
    """A world in which one run has left a sync running, and the next one finds something new."""

    async def prepare(**how):
        w = world(limits={"wait": 0.0}, sync_seconds=(30.0, 30.0), **how)
        await w.stage(1)
        await w.live()
        assert w.state(1) == "sent"
        w.clock.advance(3_600)
        await w.stage(2)
        w.limits = replace(LIMITS)
        return w

    return prepare


async def live(w, *, concurrency):
    await w.begin()
    draining = Draining()
    await Batch(w.kit(draining), draining, concurrency).run()
    return await w.exit_code()


@pytest.mark.parametrize("concurrency", [1, 2, 4])
async def test_what_is_new_is_sent_in_the_run_that_finishes_what_was_under_way(left_under_way, concurrency):
    w = await left_under_way()
    # Their turns come and go while the first company is still being finished.
    for number in range(3, 8):
        await w.stage(number, company=f"c0ffee00-0000-4000-8000-00000000000{number}")
    w.wire = SlowForOne(w.service, w.clock)

    assert await live(w, concurrency=concurrency) == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_a_company_that_is_held_while_it_is_finished_is_sent_nothing_new_in_that_run(left_under_way, concurrency):
    w = await left_under_way(faults=[Fault(FaultKind.SYNC_CODE, code=4000, times=1)])
    before = len(w.sent())

    assert await live(w, concurrency=concurrency) == 4
    assert await w.hold() == "configuration_error"
    assert len(w.sent()) == before
    assert len(w.noted("company_held")) == 1
