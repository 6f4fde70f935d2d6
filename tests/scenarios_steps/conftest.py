"""Worlds that are closed after each test."""

import pytest

from tests.scenarios_steps.walking import World


@pytest.fixture
def world():
    """Builds worlds."""
    made = []

    def build(**options):
        made.append(World(**options))
        return made[-1]

    yield build
    for each in made:
        each.close()
