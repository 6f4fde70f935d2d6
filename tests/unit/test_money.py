"""Exact money: what is read, how it is written, taken apart and put together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain.money import NANOS, NOTHING, Sum, canonical, join, parse_decimal, split, total

AMOUNTS = st.builds(
    lambda whole, nanos, sign: sign * (Decimal(whole) + Decimal(nanos).scaleb(-9)),
    st.integers(0, 10**15 - 1),
    st.integers(0, NANOS - 1),
    st.sampled_from([1, -1]),
)


@given(AMOUNTS)
def test_what_is_split_is_joined_again_without_loss(amount):
    units, nanos = split(amount)
    assert join(units, nanos) == amount
    assert abs(nanos) < NANOS
    assert units * nanos >= 0


@given(st.lists(AMOUNTS, max_size=20))
def test_the_sum_of_the_parts_is_the_sum(amounts):
    parts = [split(each) for each in amounts]
    assert join(sum(u for u, _ in parts), sum(n for _, n in parts)) == sum(amounts, Decimal(0))


@given(AMOUNTS, st.integers(0, 5))
def test_equal_amounts_are_written_alike_and_read_back_equal(amount, zeros):
    text = format(amount, "f")
    longer = text + ("" if "." in text else ".") + "0" * zeros
    assert canonical(Decimal(longer)) == canonical(amount)
    assert Decimal(canonical(amount)) == amount
    assert parse_decimal(canonical(amount)) == amount


@pytest.mark.parametrize(
    ("text", "written"),
    [("12.50", "12.5"), ("-0", "0"), ("-0.00", "0"), ("100", "100"), ("0.10", "0.1"), (".5", "0.5")],
)
def test_the_canonical_form(text, written):
    assert canonical(Decimal(text)) == written


@pytest.mark.parametrize("text", ["12", "+12.50", "-0.01", ".5", "5.", "999999999999999.999999999"])
def test_plain_decimals_are_read_with_their_digits(text):
    assert str(parse_decimal(text)) == str(Decimal(text))


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "+.", "1e5000000", "1E2", "NaN", "inf", "1_000", "1,000", " 1", "1\n", "١٢", "0x1", "1.2.3",
     "1" * 16, "0.1234567890", "--1"],
)  # fmt: skip
def test_everything_else_is_not_a_number(text):
    assert parse_decimal(text) is None


@given(st.lists(st.builds(Sum, st.integers(0, 9), AMOUNTS)))
def test_sums_add_up_in_any_order(sums):
    assert total(sums) == total(reversed(sums))
    assert total([*sums, NOTHING]) == total(sums)
