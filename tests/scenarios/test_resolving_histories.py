"""What a person has said of a doubt stands, wherever the life after it is cut off."""

from dataclasses import replace

import pytest

from runner.domain.resolution import Answer
from runner.simulator import FaultKind
from tests.scenarios.mutants.catalogue import BASES, fate, over
from tests.scenarios.mutants.scenes import Scene, play, says
from tests.scenarios.world.examining import examine
from tests.scenarios.world.plan import Crash, Moment

POINTS = 14


@pytest.mark.parametrize("answer", [Answer.POSTED, Answer.ABSENT])
@pytest.mark.parametrize("base", [pytest.param(p, id=f"{p.flow}-{p.world.idempotency}") for p in BASES])
def test_a_crash_at_every_point_after_somebody_has_settled_a_doubt(base, answer):
    plan = over(base, faults=(fate(FaultKind.UNKNOWN, times=1, lands=answer is Answer.POSTED),))
    crashes = [Crash(2, moment, n) for moment in list(Moment)[:4] for n in range(1, POINTS)]

    verdicts = [play(Scene(replace(plan, crashes=(crash,)), then=says(answer))) for crash in crashes]

    assert examine("resolved, one crash", verdicts) == len(crashes)
    assert {verdict.states["posted"] for verdict in verdicts} == {2}
    # What is posted by a word leaves nothing to do, and so no life to cut off.
    assert answer is Answer.POSTED or sum(bool(verdict.cuts) for verdict in verdicts) >= 30
