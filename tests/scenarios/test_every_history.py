"""Exactly once, whatever happens and whenever: all histories of some small scenarios, on the real engine.

The histories of this directory run under virtual time, with every request answered by the simulator. After each of
them the journal is compared with the ledger: see `tests/scenarios/world/oracle.py` for what must be true.
"""

from dataclasses import replace

import pytest

from runner.simulator import Fault, FaultKind
from tests.scenarios.world.books import company_id
from tests.scenarios.world.examining import SCALE, examine
from tests.scenarios.world.plan import KINDS, World
from tests.scenarios.world.sweeps import (
    ONE,
    SMALL,
    TINY,
    pairs_of_crashes,
    single_crashes,
    single_troubles,
    troubles_and_crashes,
    worlds,
)


def every_world(base):
    """The scenario in both flows, with keys honoured and ignored."""
    return [pytest.param(plan, id=f"{plan.flow}-{plan.world.idempotency}") for plan in worlds(base)]


PARTS = 6
KIND_PARTS = [list(KINDS)[part::PARTS] for part in range(PARTS)]
FORGETFUL = replace(
    ONE, world=World(faults=(Fault(FaultKind.FORGOTTEN, company=company_id(0), times=1),), sync_seconds=(5.0, 9.0))
)
PRODUCT = ONE if SCALE < 2 else TINY if SCALE < 20 else SMALL


@pytest.mark.parametrize("plan", every_world(SMALL))
def test_every_kind_of_trouble_at_every_request(plan):
    assert examine("one trouble", single_troubles(plan)) > 11 * len(KINDS)


@pytest.mark.parametrize("plan", every_world(SMALL))
def test_a_crash_at_every_point_followed_by_a_resume_a_reboot_or_a_night(plan):
    assert examine("one crash", single_crashes(plan)) > 200


@pytest.mark.parametrize("kinds", KIND_PARTS, ids=lambda kinds: kinds[0])
@pytest.mark.parametrize("plan", every_world(PRODUCT))
def test_every_kind_of_trouble_at_every_request_and_then_a_crash_at_every_point(plan, kinds):
    assert examine("trouble and crash", troubles_and_crashes(plan, kinds)) > 25 * len(kinds)


@pytest.mark.parametrize("plan", every_world(FORGETFUL))
def test_a_crash_at_every_point_where_codat_forgets_a_sync(plan):
    assert examine("forgotten sync, one crash", single_crashes(plan)) > 60


@pytest.mark.parametrize("plan", every_world(TINY))
def test_every_pair_of_crash_points(plan):
    assert examine("two crashes", pairs_of_crashes(plan)) > 1_000
