"""Net and tax from what a row says: always adding up, or refused."""

import io
import random
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner.intake.mapping.numbers import NumberFormat, minor_digits
from runner.intake.mapping.profile import Amounts, Lookup
from runner.intake.mapping.taxes import Money, MoneyReader
from tests.unit.mapping_reading import read_mapped, with_amounts

CODES = "{ S = 20, R = 5, Z = 0, H = 17.5 }"


def amounts(folder: Path, header: str, row: str, table: str) -> tuple[str, Decimal, Decimal]:
    found = read_mapped(folder, f"Date,{header}\n03/04/2017,{row}\n", with_amounts(table))
    expense = found.only()
    return expense.type.value, expense.lines[0].net_amount, expense.lines[0].tax_amount


def refusal(folder: Path, header: str, row: str, table: str) -> tuple[str, str | None, str | None]:
    error = read_mapped(folder, f"Date,{header}\n03/04/2017,{row}\n", with_amounts(table)).error()
    return error.code, error.column, error.value


@pytest.mark.parametrize(
    ("header", "row", "table", "expected"),
    [
        ("Amount", "12.50", 'gross = "Amount"', ("Payment", "12.50", "0")),
        ("Amount", "12.50", 'gross = "Amount"\ntax_rate = 20', ("Payment", "10.42", "2.08")),
        (
            "Amount,VAT",
            "12.50,S",
            f'gross = "Amount"\ntax_code = "VAT"\ntax_rates = {CODES}',
            ("Payment", "10.42", "2.08"),
        ),
        (
            "Amount,VAT",
            "(12.50),s ",
            f'gross = "Amount"\ntax_code = "VAT"\ntax_rates = {CODES}',
            ("Refund", "10.42", "2.08"),
        ),
        (
            "Amount,VAT",
            "1.00,H",
            f'gross = "Amount"\ntax_code = "VAT"\ntax_rates = {CODES}',
            ("Payment", "0.85", "0.15"),
        ),
        ("Amount", "0.03", 'gross = "Amount"\ntax_rate = 20\nrounding = "half-up"', ("Payment", "0.02", "0.01")),
        ("Amount", "0.03", 'gross = "Amount"\ntax_rate = 20\nrounding = "down"', ("Payment", "0.03", "0.00")),
        ("G,T", "12.50,2.08", 'gross = "G"\ntax = "T"', ("Payment", "10.42", "2.08")),
        ("G,T", "-12.50,-2.08", 'gross = "G"\ntax = "T"', ("Refund", "10.42", "2.08")),
        ("G,T", "-12.50,2.08", 'gross = "G"\ntax = "T"\ntax_sign = "none"', ("Refund", "10.42", "2.08")),
        ("G,N", "12.50,10.42", 'gross = "G"\nnet = "N"', ("Payment", "10.42", "2.08")),
        ("N,T", "10.42,2.08", 'net = "N"\ntax = "T"', ("Payment", "10.42", "2.08")),
        ("N", "10.42", 'net = "N"\ntax_rate = 20', ("Payment", "10.42", "2.08")),
        ("N,T,G", "10.42,2.08,12.50", 'net = "N"\ntax = "T"\ngross = "G"', ("Payment", "10.42", "2.08")),
        ("Amount", "-12.50", 'gross = "Amount"\nspending = "negative"', ("Payment", "12.50", "0.00")),
        ("Amount", "12.50", 'gross = "Amount"\nspending = "negative"', ("Refund", "12.50", "0.00")),
        ("Amount", "12.50 CR", 'gross = "Amount"', ("Refund", "12.50", "0.00")),
        ("Amount", "12.50 CR", 'gross = "Amount"\nspending = "negative"', ("Refund", "12.50", "0.00")),
        ("Out,In", "12.50,", 'money_out = "Out"\nmoney_in = "In"', ("Payment", "12.50", "0")),
        ("Out,In", ",12.50", 'money_out = "Out"\nmoney_in = "In"', ("Refund", "12.50", "0")),
        ("Out,In", "12.50,0.00", 'money_out = "Out"\nmoney_in = "In"', ("Payment", "12.50", "0")),
        ("Amount", "-12.50", 'gross = "Amount"\nnegative = "keep"', ("Payment", "-12.50", "0.00")),
        ("Amount", '"1.234,5"', 'gross = "Amount"\ndecimal = ","\nthousands = "."', ("Payment", "1234.5", "0")),
    ],
)
def test_amounts_are_found(tmp_path: Path, header: str, row: str, table: str, expected: tuple[str, str, str]) -> None:
    kind, net, tax = amounts(tmp_path, header, row, table)
    assert (kind, net, tax) == (expected[0], Decimal(expected[1]), Decimal(expected[2]))


@pytest.mark.parametrize(
    ("header", "row", "table", "expected"),
    [
        ("Amount", "12.345", 'gross = "Amount"', ("amount_too_fine", "Amount", "12.345")),
        ("Amount", "1.500", 'gross = "Amount"', ("amount_too_fine", "Amount", "1.500")),
        ("Amount", "-1.50", 'gross = "Amount"\nnegative = "refuse"', ("negative_refused", "Amount", "-1.50")),
        ("Amount", "€1.50", 'gross = "Amount"', ("currency_differs", "Amount", "€1.50")),
        ("Amount", "ten", 'gross = "Amount"', ("amount_unreadable", "Amount", "ten")),
        ("Amount", " ", 'gross = "Amount"', ("value_missing", "Amount", "")),
        (
            "Amount,VAT",
            "1,Q",
            f'gross = "Amount"\ntax_code = "VAT"\ntax_rates = {CODES}',
            ("lookup_unknown", "VAT", "Q"),
        ),
        ("G,T", "12.50,-2.08", 'gross = "G"\ntax = "T"', ("amounts_disagree", "T", "-2.08")),
        ("G,T", "2.08,12.50", 'gross = "G"\ntax = "T"', ("amounts_disagree", "T", "12.50")),
        ("N,T,G", "10,2,12.50", 'net = "N"\ntax = "T"\ngross = "G"', ("amounts_disagree", "G", "12.50")),
        ("Out,In", "1,2", 'money_out = "Out"\nmoney_in = "In"', ("amounts_disagree", "In", "2")),
    ],
)
def test_amounts_that_cannot_be_right_are_refused_with_the_files_own_column(
    tmp_path: Path, header: str, row: str, table: str, expected: tuple[str, str | None, str | None]
) -> None:
    assert refusal(tmp_path, header, row, table) == expected


rates = st.decimals(0, 100, places=2)
grosses = st.decimals(Decimal(-99999999), Decimal(99999999), places=2)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(gross=grosses, rate=rates, spending=st.sampled_from(["positive", "negative"]), comma=st.booleans())
@example(gross=Decimal("0.01"), rate=Decimal("100.00"), spending="positive", comma=False)
def test_net_and_tax_add_up_to_the_gross_for_any_amount_and_rate(
    *, gross: Decimal, rate: Decimal, spending: str, comma: bool
) -> None:
    style = NumberFormat(",", ".") if comma else NumberFormat(".", ",")
    text = f"{gross:,.2f}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    rule = Amounts("here", {"gross": ("g",)}, style, tax_rate=rate, spending=spending)  # type: ignore[arg-type]
    money = MoneyReader(rule, {"gross": "g"}).read({"gross": text}, currency="GBP", type_="Payment")
    assert isinstance(money, Money)
    assert money.net + money.tax == abs(gross)
    exact = abs(gross) * rate / (100 + rate)
    assert money.tax == exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    spent = gross if spending == "positive" else -gross
    assert money.type == ("Refund" if spent < 0 else "Payment")


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=70), code=st.text(max_size=5), currency=st.sampled_from(["GBP", "JPY", "KWD", "", "x"]))
def test_any_text_is_an_amount_that_adds_up_or_a_fault(text: str, code: str, currency: str) -> None:
    rule = Amounts("here", {}, tax_rates=Lookup({"s": "20"}, "there", "0"))
    reader = MoneyReader(rule, {"gross": "g", "tax_code": "c"})
    money = reader.read({"gross": text, "tax_code": code}, currency=currency, type_="Payment")
    if isinstance(money, Money):
        assert money.net >= 0
        assert money.tax >= 0
        assert -money.tax.as_tuple().exponent <= max(minor_digits(currency), 0)  # type: ignore[operator]


STYLES = {"comma": (",", "."), "point": (".", ","), "space": (",", " ")}
MARKS = ["-{}", "{}-", "({})", "{} CR"]


@pytest.mark.parametrize("style", STYLES)
def test_amounts_in_every_writing_come_out_as_a_pencil_has_them(tmp_path: Path, style: str) -> None:
    chance = random.Random(style)
    decimal, thousands = STYLES[style]
    wanted: Counter[tuple[str, int, int]] = Counter()
    out = io.StringIO()
    print("Date;Amount;VAT", file=out)
    for _ in range(400):
        units, percent = chance.randrange(1, 10**9), chance.choice([0, 5, 20])
        text = f"{units // 100:,}".replace(",", thousands) + f"{decimal}{units % 100:02}"
        back = chance.random() < 0.3
        mark = chance.choice(MARKS) if back else "{}"
        currency = chance.choice(["{}", "£{}", "{} GBP"])
        # A minus that stands behind stands behind the digits.
        text = currency.format(mark.format(text)) if mark == "{}-" else mark.format(currency.format(text))
        if not back and chance.random() < 0.1:
            text += " DR"
        # Half a penny up: whole numbers only.
        tax = (2 * units * percent + 100 + percent) // (2 * (100 + percent))
        wanted["Refund" if back else "Payment", units - tax, tax] += 1
        print(f"03/04/2017;{text};V{percent}", file=out)
    rates = 'tax_code = "VAT"\ntax_rates = { V0 = 0, V5 = 5, V20 = 20 }\n'
    found = read_mapped(
        tmp_path,
        out.getvalue(),
        with_amounts(f'gross = "Amount"\ndecimal = "{decimal}"\nthousands = "{thousands}"\n{rates}'),
    )
    assert found.errors == []
    assert wanted == Counter(
        (each.type, int(line.net_amount * 100), int(line.tax_amount * 100))
        for each in found.expenses
        for line in each.lines
    )
