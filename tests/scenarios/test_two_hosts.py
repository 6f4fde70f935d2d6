"""A journal that two machines take up in turn: neither may take its own uptime for the age of what the other began."""

from dataclasses import replace

import pytest

from tests.scenarios.world.examining import examine
from tests.scenarios.world.history import run_history
from tests.scenarios.world.plan import Crash, Hit, Moment
from tests.scenarios.world.sweeps import (
    BETWEEN_HOSTS,
    FLOWS,
    ONE,
    crashes_on_two_hosts,
    on_two_hosts,
    pairs_on_two_hosts,
    start_of,
    stops_on_two_hosts,
    worlds,
)


def every_world():
    return [pytest.param(plan, id=f"{plan.flow}-{plan.world.idempotency}") for plan in worlds(ONE)]


@pytest.mark.parametrize("plan", every_world())
def test_a_crash_at_every_point_and_the_other_machine_goes_on(plan):
    assert examine("two hosts", crashes_on_two_hosts(plan)) > 200


@pytest.mark.parametrize("plan", every_world())
def test_the_same_while_a_start_is_ten_minutes_on_its_way(plan):
    late = replace(plan, hits=(Hit(start_of(plan), "very_late"),))
    assert examine("two hosts", crashes_on_two_hosts(late, [each for each in BETWEEN_HOSTS if not each[0]])) > 60


@pytest.mark.parametrize("plan", every_world())
def test_a_crash_at_the_start_and_again_at_every_request_of_the_other_machine(plan):
    assert examine("two hosts", pairs_on_two_hosts(plan, start_of(plan))) > 100


@pytest.mark.parametrize(("dates", "replayed"), [("none", 0), ("true", 1)])
@pytest.mark.parametrize("flow", FLOWS)
def test_a_key_is_replayed_on_the_other_machine_where_two_clocks_prove_it_young(flow, dates, replayed):
    plan = on_two_hosts(replace(ONE, flow=flow), lag=0.0, dates=dates)
    verdict = run_history(replace(plan, crashes=(Crash(1, Moment.AFTER_EFFECT, start_of(plan)),)))
    assert verdict.ok
    assert sum(what == "note" and rest[0] == "start_recovered" for _, _, what, *rest in verdict.trace) == replayed


@pytest.mark.parametrize("plan", every_world())
def test_a_machine_that_was_stopped_sends_nothing_behind_the_back_of_the_other(plan):
    assert examine("two hosts", stops_on_two_hosts(plan)) > 10
