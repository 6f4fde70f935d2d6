"""Amounts as people write them are read right or not at all: never with another sign, never another size."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.intake.mapping.numbers import Number, NumberFormat, NumberReader

GERMAN, SWISS, ENGLISH = NumberFormat(",", "."), NumberFormat(".", "'"), NumberFormat(".", ",")


def value(text: str, style: NumberFormat) -> Decimal | None:
    found = NumberReader(style).read(text)
    if not isinstance(found, Number):
        return None
    return -found.magnitude if found.negative or found.mark == "CR" else found.magnitude


@pytest.mark.parametrize(
    ("text", "style", "amount"),
    [
        ("12,-", GERMAN, "12"),
        ("€ 1.250,-", GERMAN, "1250"),
        ("12,--", GERMAN, "12"),
        ("12,\u2014", GERMAN, "12"),
        ("5,\u2013", GERMAN, "5"),
        ("-12,-", GERMAN, "-12"),
        ("(12,-)", GERMAN, "-12"),
        ("12,- CR", GERMAN, "-12"),
        ("12.-", SWISS, "12"),
        ("CHF 1'250.-", SWISS, "1250"),
        ("CHF 1\u2019250.\u2013", SWISS, "1250"),
        ("12-", ENGLISH, "-12"),
        ("12.00-", ENGLISH, "-12"),
        ("\u221212.00", ENGLISH, "-12"),
        ("\uff0d12.00", ENGLISH, "-12"),
    ],
)
def test_a_dash_for_the_cents_is_no_sign(text: str, style: NumberFormat, amount: str) -> None:
    assert value(text, style) == Decimal(amount)


@pytest.mark.parametrize("text", ["12, -", "12,-- -", "12,---", "12,-+", "12.-", "-12,--", "12,-5"])
def test_what_could_be_either_is_not_read_as_the_other(text: str) -> None:
    assert value(text, GERMAN) in {None, Decimal(-12) if text.startswith("-") else None}


@st.composite
def spelt(draw: st.DrawFn) -> tuple[str, NumberFormat, Decimal]:
    style = draw(st.sampled_from([GERMAN, SWISS, ENGLISH]))
    whole = draw(st.integers(0, 10**9))
    cents = draw(st.none() | st.integers(0, 99))
    digits = f"{whole:,}".replace(",", style.thousands or "") if draw(st.booleans()) else str(whole)
    no_cents = draw(st.sampled_from(["", "-", "--", "\u2013", "\u2014", " -", "\u2212"]))
    digits += f"{style.decimal}{cents:02}" if cents is not None else (style.decimal + no_cents if no_cents else "")
    before = draw(st.sampled_from(["", "-", "+", "\u2212", "- "]))
    behind = "" if before.strip() else draw(st.sampled_from(["", "", " CR", " DR"]))
    sign = draw(st.sampled_from(["", "€", "EUR ", "€ "]))
    amount = Decimal(whole) + Decimal(cents or 0) / 100
    return (
        f"{before}{sign}{digits}{behind}",
        style,
        -amount if before.strip() not in {"", "+"} or behind == " CR" else amount,
    )


@given(spelt())
def test_every_spelling_is_read_right_or_not_at_all(case: tuple[str, NumberFormat, Decimal]) -> None:
    text, style, amount = case
    assert value(text, style) in {None, amount}, text
