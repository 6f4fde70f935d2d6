"""What Codat's limits allow, and what a plan says of it."""

import pytest

from runner.domain.allowance import Allowance
from runner.report.planned import Bounds, runs_needed, time_json, time_lines
from runner.report.words import counted, lasting, megabytes

ONE = Allowance(companies=5, max_rpm=980)


def test_the_quota_grows_with_the_companies_and_a_reserve_is_taken_from_it():
    assert ONE.quota == ONE.a_day == 6_000
    assert Allowance(companies=5, max_rpm=980, reserve=1_000).a_day == 5_000
    assert Allowance(companies=0, max_rpm=980, reserve=9_000).a_day == 0


@pytest.mark.parametrize(("requests", "days"), [(0, 0), (1, 1), (6_000, 1), (6_001, 2), (18_000, 3)])
def test_requests_are_spread_over_days_of_quota(requests, days):
    assert ONE.days(requests) == days


def test_time_is_that_of_all_addresses_together():
    assert ONE.seconds(980) == 60
    assert Allowance(companies=5, max_rpm=980, addresses=2).seconds(980) == 30
    assert Allowance(companies=5, max_rpm=0).seconds(980) is None


def test_a_second_address_brings_nothing_below_as_many_companies_as_spend_the_rate_in_a_day():
    assert Allowance(companies=1_438, max_rpm=1_000).quota_binds()
    assert Allowance(companies=1_439, max_rpm=1_000).quota_binds()
    assert not Allowance(companies=1_440, max_rpm=1_000).quota_binds()
    for companies in (0, 5, 1_410, 1_411, 1_412):
        allowance = Allowance(companies=companies, max_rpm=980)
        assert allowance.quota_binds() == (companies < allowance.companies_for_another())


def said(requests, allowance, bounds=Bounds()):  # noqa: B008 - frozen
    return "\n".join(time_lines(requests, allowance, bounds))


def test_a_plan_says_that_a_second_address_brings_nothing_and_from_when_on_it_would():
    text = said(500, ONE)
    assert "A second source address (--source-ip) would bring nothing over a whole day" in text
    assert "From 1,411 connected companies on" in text
    assert "would help" in said(500_000, Allowance(companies=2_000, max_rpm=980))


def test_a_plan_says_what_a_second_address_would_still_do_for_a_long_day():
    text = said(90_000, Allowance(companies=100, max_rpm=980))
    assert "bring the end of these requests forward: 45 min 55 s instead of 1 h 31 min" in text


def test_a_plan_says_the_days_and_the_runs_that_limits_make_of_them():
    text = said(18_000, ONE, Bounds(max_requests=1_000))
    assert "work for 3 days" in text
    assert "18 runs" in text
    assert runs_needed(980, ONE, Bounds(seconds=30.0)) == 2
    assert runs_needed(980, ONE, Bounds(seconds=0.0)) is None


def test_a_plan_admits_that_a_reserve_leaves_nothing():
    nothing = Allowance(companies=0, max_rpm=980, reserve=1_000)
    assert "--reserve leaves nothing" in said(5, nothing)
    assert time_json(5, nothing, Bounds())["quota"]["days"] is None


def test_numbers_agree_with_their_nouns():
    assert [counted(n, "company") for n in (0, 1, 1_200)] == ["0 companies", "1 company", "1,200 companies"]
    assert counted(2, "expense") == "2 expenses"


def test_lengths_of_time_and_sizes_are_short():
    assert [lasting(s) for s in (0, 0.2, 59.6, 61, 3_600, 90_000)] == [
        "0 s",
        "1 s",
        "1 min",
        "1 min 1 s",
        "1 h",
        "1 d 1 h",
    ]
    assert [megabytes(size) for size in (0, 5_100, 3_400_000)] == ["0.0 MB", "5.1 kB", "3.4 MB"]
