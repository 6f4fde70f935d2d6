"""The preflight changes nothing about exactly once: it only reads, and what it writes is written before any draft."""

from dataclasses import replace

import pytest

from tests.scenarios.world.examining import examine
from tests.scenarios.world.history import run_history
from tests.scenarios.world.plan import Hit
from tests.scenarios.world.sweeps import ONE, crashes, worlds

CHECKED = replace(ONE, companies=((3, 1),), preflight="rows")
PASSING = (
    "not_sent",
    "lost_before",
    "lost_after",
    "500_before",
    "503_after",
    "429",
    "truncated",
    "html_200",
    "redirect",
)
"""Trouble that passes: no reason to reject, and none to hold."""


def _crashed(plan):
    first = run_history(plan)
    yield first
    for crash in crashes(1, *first.points[0], distinct=True):
        yield run_history(replace(plan, crashes=(crash,)))


def _troubled(plan, requests):
    for n in range(1, requests + 1):
        for kind in PASSING:
            yield run_history(replace(plan, hits=(Hit(n, kind),)))


@pytest.mark.parametrize("plan", [pytest.param(p, id=f"{p.flow}-{p.world.idempotency}") for p in worlds(CHECKED)])
def test_a_crash_at_every_point_of_a_run_with_a_preflight(plan):
    assert examine("preflight, one crash", _crashed(plan)) > 30


@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_trouble_that_passes_while_companies_are_checked_rejects_and_holds_nobody(flow):
    plan = replace(CHECKED, flow=flow)
    assert examine("preflight, one trouble", _troubled(plan, requests=3)) == 3 * len(PASSING)


@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_companies_that_are_found_disconnected_are_sent_nothing_until_they_are_connected(flow):
    plan = replace(CHECKED, flow=flow, companies=((2, 1), (2, 0), (1, 0)), disconnected=(0, 2))
    verdict = run_history(plan)
    assert examine("preflight, disconnected", [verdict]) == 1
    posts = [
        rest[3] for _, life, event, *rest in verdict.trace if life == 1 and event == "request" and rest[2] == "POST"
    ]
    assert posts
    assert all("company-1/" in path for path in posts)
