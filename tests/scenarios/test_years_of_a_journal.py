"""A journal that is pruned after every life, as early as it can be, keeps every promise; and its own rules hold."""

import pytest

from runner.journal import pruning, retention
from runner.journal.integrity import _broken_rules
from tests.scenarios.world.chance import random_plan
from tests.scenarios.world.examining import SCALE, examine
from tests.scenarios.world.history import JOURNALS, History

CHUNK = 25
CHUNKS = max(1, round(2 * SCALE))
LATE = "9999-12-31T00:00:00.000000+00:00"


class PrunedHistory(History):
    """After each life, cut off or not, everything goes that may ever go; and the rules are looked at."""

    def _live(self, number, crash):
        life = super()._live(number, crash)
        for violation in _broken_rules(self.connection):
            self.complain(f"life {number} left {violation}")
        # As in the program: first what a run drops by itself, then what a person prunes.
        everything = {"after": 0, "until": 1 << 60, "before": LATE}
        self.connection.execute(retention._SQL["drop_settled"], everything)
        for topic in pruning.TOPICS:
            self.connection.execute(pruning._SQL[topic], everything)
        return life


def run(seed):
    history = PrunedHistory(random_plan(seed))
    try:
        return history.run()
    finally:
        JOURNALS.end()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_history_that_is_pruned_after_every_life_keeps_every_promise(chunk):
    seeds = range(40_000 + chunk * CHUNK, 40_000 + (chunk + 1) * CHUNK)
    assert examine("pruned", (run(seed) for seed in seeds)) == CHUNK
