"""Amounts as people write them."""

from decimal import Decimal

import pytest

from runner.intake.mapping.numbers import Number, NumberFormat, NumberReader, contradicts, too_fine
from runner.intake.mapping.problem import Problem

POINT, COMMA = NumberFormat(".", ","), NumberFormat(",", ".")


@pytest.mark.parametrize(
    ("style", "text", "magnitude", "negative", "mark"),
    [
        (POINT, "12.50", "12.50", False, ""),
        (POINT, "1,234.56", "1234.56", False, ""),
        (COMMA, "1.234,56", "1234.56", False, ""),
        (NumberFormat(",", " "), "1\u00a0234,56", "1234.56", False, ""),
        (NumberFormat(".", "'"), "1\u2019234.56", "1234.56", False, ""),
        (POINT, "(12.50)", "12.50", True, ""),
        (POINT, "(£12.50)", "12.50", True, ""),
        (POINT, "£-12.50", "12.50", True, ""),
        (POINT, "-£12.50", "12.50", True, ""),
        (POINT, "12.50-", "12.50", True, ""),
        (POINT, "\u221212.50", "12.50", True, ""),
        (POINT, "12.50 CR", "12.50", False, "CR"),
        (POINT, "12.50dr", "12.50", False, "DR"),
        (POINT, "EUR 12.50", "12.50", False, ""),
        (POINT, "12.50 €", "12.50", False, ""),
        (POINT, ".5", "0.5", False, ""),
        (POINT, "+3", "3", False, ""),
        (POINT, "-0.00", "0.00", True, ""),
    ],
)
def test_an_amount_is_read_as_its_format_says(
    *, style: NumberFormat, text: str, magnitude: str, negative: bool, mark: str
) -> None:
    number = NumberReader(style).read(text)
    assert isinstance(number, Number)
    assert (number.magnitude, number.negative, number.mark) == (Decimal(magnitude), negative, mark)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (POINT, "1.234,56"),
        (POINT, "12,50"),
        (POINT, "1,23,456.00"),
        (POINT, "1,2345"),
        (NumberFormat("."), "1,234.56"),
        (COMMA, "1,234.56"),
        (COMMA, "12.50"),
        (POINT, "(12.50"),
        (POINT, "(-12.50)"),
        (POINT, "-12.50-"),
        (POINT, "-12.50 CR"),
        (POINT, "£12.50 €"),
        (POINT, "1e5"),
        (POINT, "NaN"),
        (POINT, "١٢"),
        (POINT, "12..5"),
        (POINT, "."),
        (POINT, ""),
        (POINT, "1" * 16),
        (POINT, " " * 60 + "1" + " " * 60),
        (POINT, "=1+1"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(style: NumberFormat, text: str) -> None:
    assert isinstance(NumberReader(style).read(text), Problem)


def test_a_sign_or_code_of_another_currency_contradicts_the_row() -> None:
    assert contradicts("£", "EUR")
    assert contradicts("USD", "CAD")
    assert not contradicts("$", "CAD")
    assert not contradicts("kr.", "SEK")
    assert contradicts("$", "GBP")


def test_three_digits_behind_the_point_are_never_excused_in_a_currency_of_two() -> None:
    assert too_fine(Decimal("1.500"), 2)
    assert too_fine(Decimal("1.2345"), 2)
    assert not too_fine(Decimal("1.5000"), 2)
    assert not too_fine(Decimal("1.500"), 3)
    assert not too_fine(Decimal(1500), 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,00,000.00", "100000.00"),
        ("12,34,56,789.50", "123456789.50"),
        ("(₹ 1,00,000.00)", "100000.00"),
        ("99,999", "99999"),
        ("500.00", "500.00"),
    ],
)
def test_lakhs_are_grouped_in_pairs_above_the_last_three_digits(text: str, value: str) -> None:
    number = NumberReader(NumberFormat(".", ",", lakh=True)).read(text)
    assert isinstance(number, Number)
    assert str(number.magnitude) == value


@pytest.mark.parametrize(
    ("lakh", "text"),
    [(True, "100,000.00"), (True, "1,000,000"), (True, "1,00.00"), (True, "12,34"), (False, "1,00,000")],
)
def test_groups_of_the_other_kind_are_refused(text: str, *, lakh: bool) -> None:
    assert isinstance(NumberReader(NumberFormat(".", ",", lakh=lakh)).read(text), Problem)
