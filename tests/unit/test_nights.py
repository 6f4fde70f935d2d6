"""Nights of many companies, in virtual time: what they cost, and that everybody gets a turn."""

from dataclasses import replace
from math import ceil

import pytest

from benchmarks.nights import LEAST, Nights, bound, live, longest_wait
from runner.codat.flows import Flow

SETTLED = Nights(companies=200, nights=3)


@pytest.mark.parametrize("flow", Flow)
def test_a_night_costs_what_it_must_and_the_first_one_three_questions_more(flow):
    first, *later = live(replace(SETTLED, flow=flow))

    assert first.requests <= (LEAST[flow] + 3.35) * SETTLED.companies
    assert all(night.requests <= 1.05 * LEAST[flow] * SETTLED.companies for night in later)
    assert list(later[-1].posted) == [SETTLED.nights * SETTLED.expenses] * SETTLED.companies


def test_a_night_lasts_as_long_as_the_rate_allows():
    case = Nights(companies=700, expenses=1, nights=2)
    _, night = live(case)

    assert night.seconds <= 1.1 * bound(case, night)


def test_with_thirty_five_requests_a_night_ten_companies_get_their_turns():
    case = Nights(companies=10, expenses=1, nights=12, budget=35, checked=False)
    nights = live(case)

    assert max(night.requests for night in nights) <= case.budget
    assert longest_wait(case, nights) <= 2
    assert min(nights[-1].posted) >= case.nights - 3


@pytest.mark.parametrize("part", [0.5, 0.2])
def test_no_company_waits_much_longer_than_the_budget_makes_it(part):
    case = Nights(companies=100, expenses=1, nights=ceil(2.5 / part) + 4, checked=False)
    case = replace(case, budget=int(part * LEAST[Flow.DATASETS] * case.companies))

    assert longest_wait(case, live(case)) <= ceil(1 / part) + 1
