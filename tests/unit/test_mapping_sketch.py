"""`map init`: what it finds in unknown files, and that it never decides what it cannot know."""

import csv
import io
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.intake.mapping.guess import amounts_of, dates_of
from runner.intake.mapping.numbers import NumberFormat
from runner.intake.mapping.sample import HEAD, look, look_at_bytes
from runner.intake.mapping.sketch import sketch
from tests.unit.council import write_council


def made(content: bytes, name: str = "export.csv") -> tuple[dict[str, object], str]:
    result = sketch(look_at_bytes(io.BytesIO(content)), Path(name))
    return tomllib.loads(result.text), result.text


def test_the_council_file_is_understood_but_for_what_only_people_know() -> None:
    values, text = made(write_council().content)

    assert values["file"] == {"encoding": "windows-1252", "delimiter": ","}
    fields = values["fields"]
    assert isinstance(fields, dict)
    assert fields["issue_date"] == {"column": "Trans Date", "format": ["day-first", "excel"]}
    assert fields["company_id"]["column"] == "Directorate"
    assert fields["account_id"]["column"] == "Category"
    assert fields["merchant_name"] == {"column": "Supplier"}
    assert fields["currency"] == {"constant": "GBP"}
    amounts = values["amounts"]
    assert isinstance(amounts, dict)
    assert (amounts["gross"], amounts["tax_code"], amounts["thousands"]) == ("Gross Amount (£)", "VAT Code", ",")
    assert values["id"] == {"derive": "*"}
    assert values["skip"] == [{"column": "Supplier", "starts_with": "total", "blank": "Trans Date"}]
    assert text.count("to_do = ") == 3
    assert "on line 4" in text


def test_an_order_of_day_and_month_that_the_file_does_not_tell_is_left_to_do() -> None:
    values, _ = made(b"Date,Merchant,Amount\n03/04/2017,a,1.00\n05/06/2017,b,2.00\n")
    date = values["fields"]["issue_date"]  # type: ignore[index]
    assert "format" not in date
    assert "03/04/2017 may be 2017-04-03 (day-first) or 2017-03-04 (month-first)" in date["to_do"]


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["13/04/2017", "03/04/2017"], ("day-first",)),
        (["04/13/2017", "04/03/2017"], ("month-first",)),
        (["2017-04-03"], ()),
        (["3 April 2017"], ()),
        (["42828", "42829.5"], ("excel",)),
    ],
)
def test_dates_that_tell_their_format_are_understood(values: list[str], formats: tuple[str, ...]) -> None:
    found = dates_of(values)
    assert found.formats == formats
    assert not found.undecided


def test_a_spreadsheet_that_may_have_swapped_day_and_month_is_pointed_out() -> None:
    # Of 13/04 and 14/04 a spreadsheet of the other country makes nothing; of 03/04 and 05/04 it makes numbers.
    assert "swapped" in dates_of(["13/04/2017", "14/04/2017", "42798", "42859"]).undecided
    assert not dates_of(["13/04/2017", "04/04/2017", "42798"]).undecided


def test_orders_that_contradict_one_another_are_left_to_do() -> None:
    assert dates_of(["13/04/2017", "04/13/2017"]).undecided


@pytest.mark.parametrize(
    ("values", "style"),
    [
        (["12.50", "1,234.56"], NumberFormat(".", ",")),
        (["12,50", "1.234,56"], NumberFormat(",", ".")),
        (["12,50"], NumberFormat(",", ".")),
        (["1 234,50", "3,00"], NumberFormat(",", " ")),
        (["1,234", "999"], NumberFormat(".", ",")),
        (["5", "7"], NumberFormat(".", None)),
    ],
)
def test_number_formats_are_understood(values: list[str], style: NumberFormat) -> None:
    found = amounts_of(values)
    assert found.style == style
    assert not found.undecided


def test_amounts_mostly_below_zero_are_taken_for_what_was_spent() -> None:
    rows = "".join(f"2017-04-{day:02},a,-{day}.00\n" for day in range(1, 20))
    values, _ = made(f"Date,Description,Amount\n{rows}2017-04-30,b,5.00\n".encode())
    assert values["amounts"]["spending"] == "negative"  # type: ignore[index]


def test_rows_with_one_id_are_asked_about_and_unique_ids_are_used() -> None:
    one, _ = made(b"Date,Amount,Transaction ID\n2017-04-03,1.00,a\n2017-04-03,1.00,b\n")
    assert one["id"] == {"column": "Transaction ID"}
    two, _ = made(b"Date,Amount,Transaction ID\n2017-04-03,1.00,a\n2017-04-03,1.00,a\n")
    assert "to_do" in two["id"]  # type: ignore[operator]


def test_a_total_at_the_end_of_a_long_file_is_found(tmp_path: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Date", "Merchant", "Amount"])
    for number in range(20_000):
        writer.writerow(["2017-04-03", f"Merchant {number}", "1.00"])
    writer.writerow(["", "Grand Total", "20000.00"])
    path = tmp_path / "long.csv"
    path.write_text(out.getvalue())
    assert path.stat().st_size > HEAD
    result = sketch(look(path), path)
    assert tomllib.loads(result.text)["skip"] == [{"column": "Merchant", "starts_with": "grand total", "blank": "Date"}]


_cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["Date", "Amount", "VAT", "Total", "03/04/2017", "42828", "1.234,56", "(5.00)", "£", '"', "a\nb", "id"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(_cells, max_size=6), max_size=12), junk=st.binary(max_size=60), plain=st.booleans())
def test_any_file_gives_a_profile_that_is_valid_toml(*, rows: list[list[str]], junk: bytes, plain: bool) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    content = out.getvalue().encode("utf-8", "surrogatepass") + (b"" if plain else junk)
    result = sketch(look_at_bytes(io.BytesIO(content)), Path("x.csv"))
    values = tomllib.loads(result.text)
    assert {"fields", "amounts", "id"} <= values.keys()
