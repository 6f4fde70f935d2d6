"""Clocks that are set and machines that reboot, in every phase: no wait is cut short, no old key believed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from runner.codat.messages import Request
from tests.scenarios.mutants.catalogue import MUTANTS
from tests.scenarios.world.books import JOURNALS
from tests.scenarios.world.chance import random_plan
from tests.scenarios.world.examining import SCALE, examine
from tests.scenarios.world.history import History, Verdict, run_history
from tests.scenarios.world.loop import VirtualClock
from tests.scenarios.world.plan import Hit, Plan
from tests.scenarios.world.sweeps import ONE, crashes, start_of, worlds

DAY = 86_400.0
LATER = (
    {"gap": 10.0, "wall_jump": 2 * DAY},
    {"gap": 10.0, "wall_jump": -2 * DAY},
    {"gap": 10.0, "wall_jump": 2 * DAY, "reboot": True},
    {"gap": 700.0, "wall_jump": -2 * DAY, "reboot": True},
    {"gap": 6_000.0, "wall_jump": -6_000.0, "reboot": True},
)
"""What lies between a crash and the next life; the last sets the clock back to where it was."""


def every_world():
    return [pytest.param(plan, id=f"{plan.flow}-{plan.world.idempotency}") for plan in worlds(ONE)]


def cut_everywhere(base: Plan) -> Iterator[Verdict]:
    first = run_history(base)
    writes, requests = first.points[0]
    for number, crash in enumerate(crashes(1, min(writes, 40), min(requests, 40), distinct=True)):
        for later in LATER if SCALE > 1 or number % 2 else LATER[::2]:
            yield run_history(replace(base, crashes=(replace(crash, **later),)))


@pytest.mark.parametrize("plan", every_world())
def test_a_crash_at_every_point_with_clocks_set_and_reboots_in_between(plan):
    assert examine("clocks and reboots", cut_everywhere(plan)) > 40


@pytest.mark.parametrize("plan", every_world())
def test_the_same_while_a_start_is_ten_minutes_on_its_way(plan):
    assert examine("clocks and reboots", cut_everywhere(replace(plan, hits=(Hit(start_of(plan), "very_late"),)))) > 40


class SetClock(VirtualClock):
    """Its wall clock can be set while it goes."""

    set_by = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=SetClock.set_by)


class SettingHistory(History):
    """A history in which the wall clock is set when the n-th request leaves."""

    def __init__(self, plan: Plan, n: int, seconds: float) -> None:
        super().__init__(plan)
        self._n, self._seconds = n, seconds

    def trouble_of(self, number: int, request: Request) -> str | None:
        if number == self._n:
            SetClock.set_by += self._seconds
        return super().trouble_of(number, request)


def set_everywhere(base: Plan) -> Iterator[Verdict]:
    for n in range(1, min(run_history(base).points[0][1], 40) + 1):
        for seconds in (2 * DAY, -2 * DAY):
            SetClock.set_by = 0.0
            try:
                yield SettingHistory(base, n, seconds).run()
            finally:
                JOURNALS.discard()


@pytest.mark.parametrize("kind", [None, "very_late", "lost_after", "500_after"])
@pytest.mark.parametrize("plan", every_world())
def test_a_clock_that_is_set_at_every_request(plan, kind, monkeypatch):
    monkeypatch.setattr("tests.scenarios.world.history.VirtualClock", SetClock)
    hits = () if kind is None else (Hit(start_of(plan), kind),)
    assert examine("clocks and reboots", set_everywhere(replace(plan, hits=hits))) >= 10


@pytest.mark.parametrize("chunk", range(max(1, round(2 * SCALE))))
def test_histories_by_chance_with_a_reboot_or_a_set_clock_after_each_crash(chunk):
    def plan_of(seed: int) -> Plan:
        random, plan = Random(seed), random_plan(seed)
        while not plan.crashes or len(plan.companies) > 5:
            plan = random_plan(random.randrange(10**6))
        jumps = (0.0, 2 * DAY, -2 * DAY, 700.0, -700.0)
        made = (replace(each, reboot=random.random() < 0.7, wall_jump=random.choice(jumps)) for each in plan.crashes)
        plan = replace(plan, crashes=tuple(made), watch=random.choice((None, 60.0)))
        return replace(plan, world=replace(plan.world, dates=random.choice(("none", "true"))))

    seeds = range(80_000 + chunk * 25, 80_025 + chunk * 25)
    assert examine("clocks and reboots", (run_history(plan_of(seed)) for seed in seeds)) == 25


@pytest.mark.parametrize("name", ["quiescence is counted on the wall clock", "a reboot counts as quiescence"])
def test_a_program_that_believes_the_wrong_clock_is_caught(name):
    mutant = next(each for each in MUTANTS if each.name == name)
    plan = next(each for each in worlds(ONE) if each.world.idempotency == "ignored")
    late = replace(plan, hits=(Hit(start_of(plan), "very_late"),))
    with mutant.patch():
        assert any(not verdict.ok for verdict in cut_everywhere(late))
