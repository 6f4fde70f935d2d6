"""Amounts as people write them are read right or not at all: never with another sign, never another size."""

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.money import parse_decimal
from runner.intake.mapping.numbers import Number, NumberFormat, NumberReader
from runner.intake.mapping.profile import Amounts
from runner.intake.mapping.taxes import Money, MoneyReader

PLAIN = re.compile(r"-?[0-9]*\.?[0-9]*")
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
        ("\u201312.00", ENGLISH, "-12"),
        ("12,00\u2013", GERMAN, "-12"),
        ("12,00- EUR", GERMAN, "-12"),
        ("12,-\u00a0EUR", GERMAN, "12"),
        ("\u20ac 1.250,=", GERMAN, "1250"),
        ("(EUR\u00a012,00)", GERMAN, "-12"),
        ("CHF 1\u2032250.-", SWISS, "1250"),
        ("-.5", ENGLISH, "-0.5"),
    ],
)
def test_a_dash_for_the_cents_is_no_sign(text: str, style: NumberFormat, amount: str) -> None:
    assert value(text, style) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["12, -", "12,-- -", "12,---", "12,-+", "12.-", "-12,--", "12,-5", "12\u2013", "12 \u2014", "\u20ac 12\u2014",
     "12--", "-,50", "\u2013,50 \u20ac", "\u20ac -,50", "--,50", "\u20ac 12-", "12-\u20ac", "12:-", "12/-"],
)  # fmt: skip
def test_what_could_be_either_is_not_read_as_the_other(text: str) -> None:
    assert value(text, GERMAN) in {None, Decimal(-12) if text.startswith("-12") else None}


@pytest.mark.parametrize("text", ["0,125", "00,125", "0,125.00", "1,25", "12,5", "1,2500"])
def test_a_comma_that_separates_no_thousands_is_not_passed_over(text: str) -> None:
    assert value(text, ENGLISH) is None


STYLES = [NumberFormat(point, between) for point, between in
          ((".", None), (".", ","), (",", None), (",", "."), (",", " "), (".", "'"), (".", " "))]  # fmt: skip
BLANKS = ["", " ", "\u00a0", "\u202f", "\u2009"]
LONG, MINUS = ["\u2013", "\u2014"], ["-", "\u2212", "\uff0d", "\u2010"]


@st.composite
def spelt(draw: st.DrawFn) -> tuple[str, Decimal]:
    """An amount as real files spell it, and what it is."""
    point, between = draw(
        st.sampled_from([(".", ","), (",", "."), (".", "'"), (".", "\u2019"), (",", "\u00a0"), (",", " ")])
    )
    whole = draw(st.one_of(st.integers(0, 20), st.integers(0, 10**9)))
    cents = draw(st.none() | st.integers(0, 99))
    amount = Decimal(whole) + Decimal(cents or 0) / 100
    digits = f"{whole:,}".replace(",", between) if draw(st.booleans()) else str(whole)
    if cents is None:
        dashes = [dash * times for dash in [*LONG, *MINUS, "="] for times in (1, 2)]
        digits += draw(st.sampled_from(["", point, *(point + each for each in dashes), *LONG]))
    else:
        digits = digits if whole or draw(st.booleans()) else draw(st.sampled_from(["", *LONG, "-"]))
        digits += f"{point}{cents:02}"
    signs = ["", "+{}", *(each + draw(st.sampled_from(BLANKS)) + "{}" for each in MINUS + LONG)]
    signs += ["({})", "{} CR", "{}CR", "{} DR"]
    signs += ["{}-", "{} -", "{}\u2212", "{}\u2013"] if digits[-1].isdigit() else []
    sign = draw(st.sampled_from(signs))
    blank = draw(st.sampled_from(BLANKS))
    money = draw(
        st.sampled_from(["{}", f"\u20ac{blank}{{}}", f"EUR{blank}{{}}", f"{{}}{blank}\u20ac", f"{{}}{blank}EUR"])
    )
    first, then = (sign or "{}", money) if draw(st.booleans()) else (money, sign or "{}")
    minus = bool(sign) and "+" not in sign and "DR" not in sign
    return then.format(first.format(digits)), -amount if minus else amount


@settings(max_examples=500)
@given(spelt(), st.sampled_from(STYLES))
def test_every_spelling_is_read_right_or_not_at_all_whatever_the_profile_says(
    case: tuple[str, Decimal], style: NumberFormat
) -> None:
    text, amount = case
    reader = MoneyReader(Amounts("profile", {"gross": ("amount",)}, style, negative="keep"), {"gross": "Amount"})
    found = reader.read({"gross": text}, currency="EUR", type_="Payment")
    assert not isinstance(found, Money) or found.net == amount, text


@settings(max_examples=500)
@given(spelt())
def test_canonical_amounts_are_plain_numbers_or_refused(case: tuple[str, Decimal]) -> None:
    text, amount = case
    plain = text.translate({ord("+"): None})
    assert parse_decimal(text.strip()) in {None, amount, Decimal(plain) if PLAIN.fullmatch(plain) else None}, text
