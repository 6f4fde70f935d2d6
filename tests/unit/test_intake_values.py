from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from runner.domain.expense import ExpenseType
from runner.intake.codes import MEANINGS, Code
from runner.intake.currencies import WITHDRAWN
from tests.unit.intake_reading import read, read_cells, rows

UUID = "C0FFEE00-0001-4000-8000-00000000000A"


def test_every_column_reaches_its_place():
    expense = read_cells(
        id=UUID, type="refund", issue_date="2024-03-31T10:00:00+02:00", currency="gbp", currency_rate="1.170",
        merchant_name=" Shop ", contact_id="c", bank_account_id="b", reference="r", notes='a, "b"\n\tc',
        net_amount="-12.50", tax_amount="2.5", account_id="400", tax_rate_id="t", tracking_ids="x; y;;x",
        invoice_to_id="i",
    ).only()  # fmt: skip
    assert expense.id == UUID.lower()
    assert expense.type is ExpenseType.REFUND
    assert expense.issue_date == datetime(2024, 3, 31, 10, tzinfo=timezone(timedelta(hours=2)))
    assert (expense.currency, str(expense.currency_rate)) == ("GBP", "1.170")
    assert (expense.merchant_name, expense.contact_id, expense.bank_account_id) == ("Shop", "c", "b")
    assert (expense.reference, expense.notes) == ("r", 'a, "b"\n\tc')
    (line,) = expense.lines
    assert (str(line.net_amount), str(line.tax_amount)) == ("-12.50", "2.5")
    assert (line.account_id, line.tax_rate_id, line.invoice_to_id) == ("400", "t", "i")
    assert line.tracking_ids == ("x", "y")


def test_what_is_blank_is_absent_and_tax_is_zero():
    expense = read_cells(tax_amount=" ", merchant_name="", notes="  ", currency_rate="").only()
    assert expense.merchant_name is expense.notes is expense.currency_rate is None
    assert expense.lines[0].tax_amount == Decimal(0)


def test_the_day_and_the_offset_stay_as_written():
    # 1 March in Helsinki is 28 February in UTC: the books must show 1 March.
    expense = read_cells(issue_date="2024-03-01T00:30:00+02:00").only()
    assert expense.issue_date.isoformat() == "2024-03-01T00:30:00+02:00"


@pytest.mark.parametrize("written", ["2024-03-31", "2024-03-31T00:00:00", "2024-03-31 00:00", "2024-03-31T00:00:00Z"])
def test_a_date_without_offset_is_utc(written):
    assert read_cells(issue_date=written).only().issue_date == datetime(2024, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["03/04/2017", "31.03.2024", "2024-3-31", "20240331", "2024-02-30", "2024-13-01", "24-03-31", "0024-03-31",
     "2024-W13-7", "45382", "2024-03-31T25:00", "٢٠٢٤-03-31", "2024-03-31T10:00:00+99:00", "today"],
)  # fmt: skip
def test_no_other_date_is_guessed(written):
    error = read_cells(issue_date=written).error()
    assert (error.code, error.column, error.value) == ("date_unreadable", "issue_date", written)


@pytest.mark.parametrize(
    "written", ["1.234,56", "1,234.56", "12,50", "€12", "(12.50)", "1e5", "NaN", "1_000", "١٢", "1 000", "--1", "."]
)
def test_only_plain_numbers_are_amounts(written):
    for column in ("net_amount", "tax_amount"):
        error = read_cells(**{column: written}).error()
        assert (error.code, error.column, error.value) == ("amount_unreadable", column, written)


@pytest.mark.parametrize("written", ["0", "-1", "0.000", "x", "1,17"])
def test_a_rate_is_a_number_above_zero(written):
    assert read_cells(currency_rate=written).error().code == "rate_unreadable"


@pytest.mark.parametrize("written", ["EURO", "EU", "€", "ABC", "\u0131nr"])
def test_a_currency_is_an_iso_code(written):
    assert read_cells(currency=written).error().code == "currency_unknown"


@pytest.mark.parametrize("written", ["TransferIn", "transfer_out", "Adjustment In", "ADJUSTMENTOUT"])
def test_transfers_and_adjustments_are_refused_with_the_reason(written):
    error = read_cells(type=written).error()
    assert error.code == "type_not_accepted"
    assert "2024" in error.expected


def test_another_type_is_refused_with_those_that_exist():
    error = read_cells(type="Purchase").error()
    assert error.code == "type_unknown"
    assert "Payment, Refund, Reward, Chargeback" in error.expected


@pytest.mark.parametrize("written", ["a b", "a/b", "..", "-a", "x" * 65, "é"])
def test_a_company_id_is_safe_in_a_path(written):
    assert read_cells(company_id=written).error().code == "company_id_malformed"


def test_a_company_is_the_same_in_upper_and_lower_case():
    upper, lower = read_cells(company_id=UUID).only(), read_cells(company_id=UUID.lower()).only()
    assert upper.company_id == lower.company_id
    assert upper.id == lower.id


@pytest.mark.parametrize("column", ["company_id", "type", "issue_date", "currency", "net_amount", "account_id"])
def test_a_required_cell_may_not_be_blank(column):
    error = read_cells(**{column: " "}).error()
    assert (error.code, error.column, error.value) == ("value_missing", column, "")


def test_all_errors_of_a_row_are_told_together():
    result = read_cells(
        company_id="a b", type="x", issue_date="x", currency="x", currency_rate="x", net_amount="x", tax_amount="x",
        account_id="", tracking_ids=";".join("abcdefghijk"), notes="\x07",
    )  # fmt: skip
    assert result.codes == [
        "company_id_malformed", "type_unknown", "date_unreadable", "currency_unknown", "rate_unreadable",
        "control_character", "amount_unreadable", "amount_unreadable", "value_missing", "too_many_tracking_ids",
    ]  # fmt: skip


def test_long_and_unprintable_texts_are_refused_and_shown_safely():
    assert len(read_cells(notes="x" * 5000).only().notes or "") == 5000
    long = read_cells(notes="x" * 5001).error()
    assert long.code == "text_too_long"
    assert len(long.value or "") == 60
    bell = read_cells(reference="a\x1b[31mb").error()
    assert (bell.code, bell.column, bell.value) == ("control_character", "reference", "a\\x1b[31mb")
    assert read_cells(account_id="4\n00").error().code == "control_character"


def test_what_is_unusual_but_printable_text_is_kept():
    assert read_cells(notes="Zoë\u00a0\u200b😀 x").only().notes == "Zoë\u00a0\u200b😀 x"


def test_ten_tracking_ids_are_accepted_and_eleven_are_not():
    assert read_cells(tracking_ids=";".join("abcdefghijk")).error().code == "too_many_tracking_ids"
    assert len(read_cells(tracking_ids=";".join("abcdefghij")).only().lines[0].tracking_ids) == 10


def test_an_error_says_where_it_stands_and_whose_it_is():
    spanning = 'acme,INV-1,Payment,2024-03-31,"EU\nR",1,400'
    text = rows("acme,,Payment,2024-03-31,EUR,1,400", "", spanning, "a b,,Payment,2024-03-31,EUR,1,400")
    first, second = read(text).errors
    assert (first.line, first.company_id, first.expense, first.expense_key) == (4, "acme", "INV-1", "INV-1")
    assert (second.line, second.company_id, second.expense, second.expense_key) == (6, None, None, "line 6")
    assert {first.file, second.file} == {"-"}


def test_an_error_without_an_id_is_named_after_its_line():
    result = read(rows("acme,,Payment,2024-03-31,EUR,x,400"))
    assert (result.error().expense, result.error().expense_key) == (None, "line 2")


def test_every_code_has_a_meaning_of_one_line():
    assert set(MEANINGS) == set(Code)
    assert all("\n" not in meaning and meaning.endswith(".") for meaning in MEANINGS.values())


WAS_MONEY = [
    ("HRK", "2022-06-30"), ("HRK", "2023-01-14"), ("BGN", "2025-12-31"), ("DEM", "2001-12-31"), ("FRF", "1999-01-01"),
    ("EEK", "2010-12-31"), ("LVL", "2013-12-31"), ("LTL", "2014-12-31"), ("VEF", "2017-01-01"), ("ZWL", "2024-04-01"),
    ("MRO", "2016-01-01"), ("STD", "2016-01-01"), ("BYR", "2016-06-30"), ("SLL", "2022-01-01"), ("ANG", "2025-03-30"),
    ("CUC", "2020-12-31"), ("TRL", "2004-12-31"), ("ROL", "2004-12-31"), ("SKK", "2008-12-31"), ("ITL", "2001-06-01"),
    ("SIT", "2006-12-31"), ("MTL", "2007-12-31"), ("CYP", "2007-12-31"), ("AZM", "2005-06-30"), ("ZWN", "2007-06-30"),
    # The first days of the new money, on which the old one still paid.
    ("EEK", "2011-01-14"), ("LVL", "2014-01-14"), ("LTL", "2015-01-15"), ("SKK", "2009-01-16"), ("BGN", "2026-01-31"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "day"), WAS_MONEY)
def test_a_currency_is_taken_for_the_days_on_which_it_was_money(currency: str, day: str) -> None:
    assert read_cells(currency=currency.lower(), issue_date=day).only().currency == currency
    error = read_cells(currency=currency, issue_date="2026-06-30").error()
    assert (error.code, error.column, error.value) == ("currency_unknown", "currency", currency)
    assert WITHDRAWN[currency][1] in error.expected


def test_a_currency_is_not_taken_before_it_was_money() -> None:
    assert read_cells(currency="HRK", issue_date="1993-01-01").error().code == "currency_unknown"
    # A line that leaves the day to another one of its expense says nothing against it.
    both = rows(
        "acme,A,Payment,2022-01-01,HRK,1,400", "acme,A,,,HRK,1,400",
        header="company_id,id,type,issue_date,currency,net_amount,account_id",
    )  # fmt: skip
    assert len(read(both).only().lines) == 2


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("XXX", "XXX says that there is no currency"), ("xxx", "XXX says that there is no currency"),
        ("XTS", "XTS is for tests"), ("XAU", "XAU is a metal"), ("XAG", "XAG is a metal"),
        ("XBA", "XBA is a unit of the bond market"), ("XBD", "XBD is a unit of the bond market"),
    ],
)  # fmt: skip
def test_what_is_no_money_is_no_currency_of_an_expense_and_it_is_said_why(code: str, why: str) -> None:
    error = read_cells(currency=code).error()
    assert (error.code, error.value) == ("currency_unknown", code)
    assert error.expected.endswith(f"; {why}")


def test_a_currency_of_which_only_the_end_matters_is_said_to_have_been_money_until_then() -> None:
    error = read_cells(currency="ITL", issue_date="2024-06-30").error()
    assert error.expected == "a currency of that day; ITL was one until 2002-02-28"


def test_line_breaks_and_tabs_are_blanks_in_texts_of_one_line_and_stay_in_notes():
    expense = read_cells(merchant_name="Hotel\r\nAdler", reference="a\t b", notes="one\ntwo").only()
    assert (expense.merchant_name, expense.reference, expense.notes) == ("Hotel Adler", "a b", "one\ntwo")
    assert read_cells(merchant_name="Hotel \n \n\tAdler").only().merchant_name == "Hotel Adler"


@pytest.mark.parametrize("sign", ["\x07", "\x0b", "\x0c", "\x1f", "\x7f", "\x85"])
def test_other_control_characters_stay_refused_also_beside_line_breaks(sign: str) -> None:
    for column in ("merchant_name", "reference", "notes"):
        assert read_cells(**{column: f"a\n{sign}b"}).error().code == "control_character"


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u00a0", "\u200b", "\u00ad"])
def test_signs_that_were_always_taken_stay_as_they_are(sign: str) -> None:
    expense = read_cells(merchant_name=f"a{sign}b", notes=f"a{sign}b").only()
    assert (expense.merchant_name, expense.notes) == (f"a{sign}b", f"a{sign}b")
