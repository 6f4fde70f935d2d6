"""Judging many histories in a test."""

import os
from collections.abc import Iterable

import pytest

from tests.scenarios.world.coverage import COVERAGE
from tests.scenarios.world.history import Verdict

SCALE = float(os.environ.get("PROOF_SCALE", "1"))
"""How much of everything: 1 in the test command, more for a long proof."""


def examine(sweep: str, verdicts: Iterable[Verdict]) -> int:
    """Count every history, and fail with the story of the first that is wrong. Returns how many there were."""
    count = 0
    for verdict in verdicts:
        count += 1
        COVERAGE.add(sweep, verdict)
        if not verdict.ok:
            pytest.fail(verdict.explain(), pytrace=False)
    return count
