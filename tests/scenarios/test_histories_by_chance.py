"""Exactly once in worlds that nobody thought of: seeded histories of one to two hundred companies."""

import pytest

from tests.scenarios.world.chance import random_plan
from tests.scenarios.world.examining import SCALE, examine
from tests.scenarios.world.history import run_history
from tests.scenarios.world.plan import read_plan

CHUNK = 100
CHUNKS = max(1, round(20 * SCALE))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_history_by_chance_keeps_every_promise(chunk):
    seeds = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    assert examine("by chance", (run_history(random_plan(seed)) for seed in seeds)) == CHUNK


@pytest.mark.parametrize("seed", range(7_000, 7_040))
def test_the_same_seed_gives_the_same_history(seed):
    first, second = run_history(random_plan(seed)), run_history(random_plan(seed))

    assert first.trace == second.trace
    assert first.states == second.states


@pytest.mark.parametrize("seed", range(7_100, 7_110))
def test_the_printed_plan_repeats_its_history(seed):
    plan = random_plan(seed)

    assert run_history(read_plan(plan.text())).trace == run_history(plan).trace
