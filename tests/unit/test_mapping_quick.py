"""What is read on the short way is what the long way reads, and what a pencil makes of it."""

import io
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.intake.mapping.numbers import NumberFormat
from runner.intake.mapping.profile import Amounts, Lookup
from runner.intake.mapping.quick import QuickMoney
from runner.intake.mapping.taxes import Money, MoneyReader
from tests.unit.intake_reading import HEADER, read, rows
from tests.unit.mapping_reading import PROFILE, read_mapped, with_amounts

RATES = Lookup({"s": "20", "r": "5", "z": "0", "odd": "7.7", "much": "250"}, "here")
texts = st.one_of(
    st.integers(0, 10**9).map(lambda units: f"{units // 100}.{units % 100:02}"),
    st.integers(0, 10**9).map(lambda units: f"£{units // 100:,}.{units % 100:02}"),
    st.sampled_from(["", "0.00", "-1.00", "1", "1.5", "1.500", "(1.00)", "1.00 CR", "€1.00", " 1.00", "x", "1,00.00",
                     "00012.50", "9" * 20 + ".00", "-0.00", "-12.50", ".50", "1e5"]),
)  # fmt: skip
rules = st.builds(
    Amounts,
    where=st.just("here"),
    columns=st.just({}),
    style=st.sampled_from([NumberFormat(), NumberFormat(".", ",")]),
    decimals=st.sampled_from([None, 1, 2, 3]),
    tax_rate=st.sampled_from([None, Decimal(0), Decimal(20), Decimal("7.7")]),
    tax_rates=st.sampled_from([None, RATES]),
    rounding=st.sampled_from(["ROUND_HALF_UP", "ROUND_HALF_EVEN", "ROUND_DOWN"]),
    negative=st.sampled_from(["refund", "refuse", "keep"]),
    spending=st.sampled_from(["positive", "negative"]),
    tax_unsigned=st.booleans(),
)


@settings(max_examples=800, deadline=None)
@given(
    rule=rules,
    roles=st.sampled_from(
        [("gross",), ("net",), ("gross", "tax"), ("net", "tax"), ("gross", "tax_code"), ("net", "tax_code")]
    ),
    amount=texts,
    tax=st.one_of(texts, st.sampled_from(["S", "r", "Z ", "odd", "much", "?", ""])),
    currency=st.sampled_from(["GBP", "gbp", "EUR", "JPY", "KWD", "", "?"]),
)  # fmt: skip
def test_the_short_way_gives_what_the_long_way_gives_or_nothing(
    rule: Amounts, roles: tuple[str, ...], amount: str, tax: str, currency: str
) -> None:
    places = {role: place for place, role in enumerate(roles)}
    cells = [amount, tax]
    short = QuickMoney(rule, places)
    assert short.usable
    found = short.read(cells, currency=currency)
    if found is not None:
        said = {role: cells[place] for role, place in places.items()}
        money = MoneyReader(rule, {role: role for role in roles}).read(said, currency=currency, type_="Payment")
        assert isinstance(money, Money), (money, found)
        assert found == (format(money.net, "f"), format(money.tax, "f"))
        assert (money.type, money.back) == ("Payment", False)
        assert money.net or money.tax


def test_the_short_way_is_taken_for_what_most_rows_are() -> None:
    rule = Amounts("here", {}, NumberFormat(".", ","), tax_rates=RATES)
    short = QuickMoney(rule, {"gross": 0, "tax_code": 1})
    assert short.read(["£1,200.00", "S"], currency="GBP") == ("1000.00", "200.00")
    assert short.read(["12.50", "z"], currency="GBP") == ("12.50", "0")
    beside = QuickMoney(rule, {"gross": 0, "tax": 1})
    assert beside.read(["1.00", "1.00"], currency="GBP") == ("0.00", "1.00")
    assert beside.read(["1.00", "1.01"], currency="GBP") is None
    assert not QuickMoney(rule, {"gross": 0, "net": 1}).usable
    assert not QuickMoney(rule, {"money_out": 0, "money_in": 1}).usable


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


CANONICAL = """
[fields]
company_id = { column = "company_id" }
type = { column = "type" }
issue_date = { column = "issue_date" }
currency = { column = "currency" }
account_id = { column = "account_id" }
[amounts]
net = "net_amount"
decimals = 9
[id]
column = "id"
optional = true
"""


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["acme", "beta", "not a company!"]),
            st.sampled_from(["", "A", "B", "C"]),
            st.sampled_from(["Payment", "Refund", "", "Nothing"]),
            st.sampled_from(["1.00", "2.50", "12.5", "x", "3"]),
            st.sampled_from(["400", "40\x7f0", ""]),
        ),
        max_size=14,
    )
)
def test_rows_that_belong_together_are_put_together_as_canonical_ones_are(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, str, str, str, str]]
) -> None:
    cells = (f"{company},{own},{kind},2024-03-31,EUR,{net},{account}" for company, own, kind, net, account in made)
    content = rows(*cells)
    mapped = read_mapped(tmp_path_factory.mktemp("mapped"), content, CANONICAL)
    direct = read(content)
    assert [(each.line, each.rows) for each in mapped.parsed] == [(each.line, each.rows) for each in direct.parsed]
    assert [(each.line, each.rows) for each in mapped.broken] == [(each.line, each.rows) for each in direct.broken]
    # In one row, what the profile found wrong comes first.
    errors = sorted((each.line, each.code) for each in mapped.errors)
    assert errors == sorted((each.line, each.code) for each in direct.errors)
    assert [each.content_hash for each in mapped.parsed] == [each.content_hash for each in direct.parsed]
    assert [each.id for each in mapped.parsed if each.named] == [each.id for each in direct.parsed if each.named]
    assert len({each.id for each in mapped.parsed}) == len(mapped.parsed)


def test_equal_rows_without_an_id_keep_their_ids_whatever_stands_between_them(tmp_path: Path) -> None:
    row = "03/04/2017,Taxi,12.50"
    many = "".join(f"04/04/2017,Bus {number},1.00\n" for number in range(1_200))
    first = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n{row}\n", PROFILE)
    second = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n{many}{row}\n", PROFILE)
    assert len(first.ids) == 2
    assert {each.id for each in second.expenses if each.merchant_name == "Taxi"} == set(first.ids)
    assert len(set(second.ids)) == len(second.ids) == 1_202


@pytest.mark.parametrize("merchant", ["Taxi", "Taxi\u00a0Ltd", 'Joe ""the"" cab', "back\\slash"])
def test_a_row_without_an_id_has_the_same_one_alone_and_beside_an_equal_row(tmp_path: Path, merchant: str) -> None:
    row = f'03/04/2017,"{merchant}",12.50'
    alone = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n", PROFILE)
    beside = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n{row}\n", PROFILE)
    assert alone.only().id == beside.ids[0] != beside.ids[1]
    # Nor does a corrected profile make another expense of it.
    corrected = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n", PROFILE.replace('"400"', '"401"'))
    assert corrected.only().id == alone.only().id


def test_the_canonical_header_of_these_tests_has_the_columns_that_the_profile_reads() -> None:
    assert HEADER == "company_id,id,type,issue_date,currency,net_amount,account_id"
