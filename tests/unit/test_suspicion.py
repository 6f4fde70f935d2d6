"""What makes a right row suspicious."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runner.domain.suspicion import ENOUGH, Habits, Looks, Oddity, Usual, odd_things

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EUROS = Usual(home=frozenset({"EUR"}), limits={})


def looks(*lines, issued=NOW, currency="EUR", rated=False, kind="Payment"):
    amounts = [(Decimal(net), Decimal(tax)) for net, tax in lines or [("10", "2")]]
    return Looks(kind, issued, currency, rated, amounts)


def odd(expense, usual=EUROS):
    return [each.oddity for each in odd_things(expense, usual, now=NOW)]


def test_an_ordinary_expense_is_not_suspicious():
    assert odd(looks(("10", "2"), ("-1", "-0.2"))) == []


@pytest.mark.parametrize(
    ("issued", "found"),
    [
        (NOW + timedelta(hours=23), []),
        (NOW + timedelta(days=2), [Oddity.DATE_IN_FUTURE]),
        (NOW - timedelta(days=4 * 365), []),
        (NOW - timedelta(days=6 * 365), [Oddity.DATE_LONG_AGO]),
    ],
)
def test_a_date_is_odd_from_tomorrow_on_and_after_five_years(issued, found):
    assert odd(looks(issued=issued)) == found


@pytest.mark.parametrize(
    ("net", "tax", "found"),
    [
        ("10", "10", []),
        ("10", "10.01", [Oddity.TAX_ABOVE_NET]),
        ("10", "-1", [Oddity.TAX_AGAINST_NET]),
        ("0", "3", [Oddity.TAX_ABOVE_NET]),
    ],
)
def test_tax_above_the_net_amount_or_against_it_is_odd(net, tax, found):
    assert odd(looks((net, tax))) == found


def test_each_kind_is_said_once_for_an_expense_with_many_lines():
    assert odd(looks(*[("1", "2")] * 5)) == [Oddity.TAX_ABOVE_NET]


@pytest.mark.parametrize("kind", ["Payment", "Refund", "Reward", "Chargeback"])
def test_an_amount_below_zero_is_odd_whatever_the_type_because_the_type_gives_the_direction(kind):
    assert odd(looks(("-10", "-2"), kind=kind)) == [Oddity.SIGN_AGAINST_TYPE]
    assert odd(looks(("10", "2"), kind=kind)) == []


def test_an_expense_of_nothing_is_odd():
    assert odd(looks(("5", "1"), ("-5", "-1"))) == [Oddity.AMOUNT_ZERO]


# ---- currencies ----


def habits(**currencies):
    found = Habits()
    for currency, amounts in currencies.items():
        for units in amounts:
            found.count(currency, units)
    return found


def test_a_foreign_currency_needs_a_rate_and_the_most_frequent_one_does_not():
    usual = Usual.of(habits(EUR=[10, 10, 10], USD=[10]))
    assert odd(looks(currency="USD"), usual) == [Oddity.RATE_MISSING]
    assert odd(looks(currency="USD", rated=True), usual) == []
    assert odd(looks(currency="EUR"), usual) == []


def test_of_currencies_that_are_equally_frequent_each_may_be_the_foreign_one():
    usual = Usual.of(habits(EUR=[10], USD=[10]))
    assert odd(looks(currency="EUR"), usual) == [Oddity.RATE_MISSING]
    assert odd(looks(currency="USD"), usual) == [Oddity.RATE_MISSING]


def test_one_currency_alone_is_the_companys_own():
    assert odd(looks(currency="JPY"), Usual.of(habits(JPY=[10]))) == []


# ---- amounts far off ----


def test_an_amount_far_above_what_is_usual_is_odd():
    usual = Usual.of(habits(EUR=[*range(50, 90), 95_000]))
    assert odd(looks(("95000", "0")), usual) == [Oddity.AMOUNT_FAR_OFF]
    assert odd(looks(("900", "0")), usual) == []


def test_nothing_is_far_off_where_too_little_is_known():
    assert odd(looks(("95000", "0")), Usual.of(habits(EUR=[*[5] * (ENOUGH - 2), 95_000]))) == []


def test_memory_is_bounded_by_the_sizes_of_amounts_not_by_their_number():
    found = habits(EUR=range(100_000))
    assert len(found.sizes["EUR"]) <= 18
