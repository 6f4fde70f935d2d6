"""Every rule of the protocol is needed: a program that breaks one of them is caught in the act."""

import pytest

from tests.scenarios.mutants.catalogue import MUTANTS
from tests.scenarios.mutants.scenes import play


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_broken_rule_is_caught(mutant):
    for scene in mutant.scenes:
        if not play(scene, mutant.patch).ok:
            return
    pytest.fail(f"{mutant.name}, and nobody notices")


SCENES = list(dict.fromkeys(scene for mutant in MUTANTS for scene in mutant.scenes))


@pytest.mark.parametrize("chunk", range(4))
def test_the_program_as_it_is_survives_the_same_histories(chunk):
    for scene in SCENES[chunk::4]:
        verdict = play(scene)
        if not verdict.ok:
            pytest.fail(verdict.explain(), pytrace=False)


def test_there_are_as_many_mutants_as_rules():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 25
