"""`map init`: what it finds in unknown files, and that it never decides what it cannot know."""

import csv
import io
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.map import init
from runner.domain.expense import ExpenseType
from runner.errors import ConfigurationWrong, RefusedToStart
from runner.intake.mapping.guess import amounts_of, assign, dates_of
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.numbers import NumberFormat
from runner.intake.mapping.sample import HEAD, look, look_at_bytes
from runner.intake.mapping.sketch import sketch
from runner.intake.text import FileFault, Lines
from tests.unit.council import write_council
from tests.unit.mapping_reading import read_mapped, write_profile


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
    asked = "whether a row may stand in several exports"
    assert values["id"] == {"overlap": "", "to_do": asked, "also": ["Cardholder"]}
    assert values["skip"] == [{"column": "Supplier", "starts_with": "total", "blank": "Trans Date"}]
    assert text.count("to_do = ") == 4
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


def tables(content: str, name: str = "export.csv") -> dict[str, Any]:
    return dict(made(content.encode(), name)[0])


def without_to_dos(text: str) -> str:
    """Return what somebody has who takes the to_do lines away and decides nothing."""
    return re.sub(r"^to_do = .*\n", "", text, flags=re.MULTILINE).replace('overlap = ""', 'overlap = "yes"')


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationWrong) as raised:
        load_profile(str(write_profile(folder, text)))
    return raised.value.message


CARDS = (
    "Date,Merchant,Type,Net Amount,VAT Amount,Currency,Category,Company,Receipt\n"
    "2024-04-03,Shop,Payment,100.00,20.00,GBP,Travel,Acme,a.pdf\n"
    "2024-04-04,Shop,Refund,12.50,2.50,GBP,Travel,Acme,\n"
)


def test_types_and_receipts_are_read_so_that_refunds_stay_refunds(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    values, text = made(CARDS.encode())
    fields: Any = values["fields"]
    assert fields["type"] == {"column": "Type", "lookup": {"Payment": "Payment", "Refund": "Refund"}}
    assert fields["receipts"] == {"column": "Receipt"}
    assert "Not read" not in text

    decided = (
        without_to_dos(text).replace('"Travel" = ""', '"Travel" = "400"').replace('"Acme" = ""', '"Acme" = "acme"')
    )
    read = read_mapped(tmp_path, CARDS, decided)
    assert not read.errors
    assert [(each.type, str(each.gross)) for each in read.expenses] == [
        (ExpenseType.PAYMENT, "120.00"),
        (ExpenseType.REFUND, "15.00"),
    ]
    assert [len(each.receipts) for each in read.parsed] == [1, 0]


def test_types_that_are_not_clear_are_left_blank_and_their_rows_refused(tmp_path: Path) -> None:
    content = "Date,Transaction Type,Amount\n2024-04-03,purchase,1.00\n2024-04-03,CREDIT,2.00\n2024-04-03,Top-up,3.00\n"
    values, text = made(content.encode())
    kind = values["fields"]["type"]  # type: ignore[index]
    assert kind["lookup"] == {"purchase": "Payment", "CREDIT": "Refund", "Top-up": ""}
    assert "to_do" in kind

    decided = without_to_dos(text)
    for table, constant in (("company_id", "acme"), ("currency", "GBP"), ("account_id", "4")):
        decided = decided.replace(f"[fields.{table}]\n", f'[fields.{table}]\nconstant = "{constant}"\n')
    read = read_mapped(tmp_path, content, decided)
    assert [each.type for each in read.expenses] == [ExpenseType.PAYMENT, ExpenseType.REFUND]
    assert [(each.line, each.column, each.value) for each in read.errors] == [(4, "Transaction Type", "Top-up")]


def test_a_payment_beside_purchases_may_settle_the_card_and_is_left_to_do() -> None:
    kind = tables("Date,Type,Amount\n2024-04-03,Sale,1.00\n2024-04-03,Payment,9.00\n")["fields"]["type"]
    assert kind["lookup"] == {"Sale": "Payment", "Payment": ""}
    assert "to_do" in kind


@pytest.mark.parametrize(
    ("title", "cells", "is_type"),
    [
        ("Type", ["Einkauf", "Gutschrift"], True),
        ("Direction", ["debit", "credit"], True),
        ("Card Type", ["Visa", "Amex"], False),
        ("Status", ["Posted", "Pending"], False),
        ("Type", ["1.00", "2.00"], False),
    ],
)
def test_a_column_is_a_type_by_its_name_or_by_what_it_says(title: str, cells: list[str], is_type: bool) -> None:  # noqa: FBT001 -- pytest passes what is declared
    assert ("type" in assign(["Date", title], [["2024-04-03"] * 2, cells])) == is_type


@pytest.mark.parametrize(
    ("title", "cells", "is_read"),
    [
        ("Receipts", ["a.pdf;b/c.png", ""], True),
        ("Attachment", ["a.pdf"], True),
        ("File", ["scan 1.jpeg"], True),
        ("Receipt", [""], True),
        ("Receipt", ["yes", "no"], False),
        ("Receipt", ["https://example.com/a.pdf"], False),
        ("Receipt Number", ["a.pdf"], False),
    ],
)
def test_a_column_of_files_is_the_receipts(title: str, cells: list[str], is_read: bool) -> None:  # noqa: FBT001 -- pytest passes what is declared
    assert ("receipts" in assign(["Date", title], [["2024-04-03"] * len(cells), cells])) == is_read


@pytest.mark.parametrize(
    ("titles", "roles"),
    [
        (("Net Amount", "VAT Amount"), {"net": "Net Amount", "tax": "VAT Amount"}),
        (("Amount (excl. VAT)", "Tax"), {"net": "Amount (excl. VAT)", "tax": "Tax"}),
        (("Total (incl. VAT)", "VAT"), {"gross": "Total (incl. VAT)", "tax": "VAT"}),
        (("VAT Amount", "Gross"), {"gross": "Gross", "tax": "VAT Amount"}),
    ],
)
def test_amounts_are_what_their_columns_are_called(titles: tuple[str, str], roles: dict[str, str]) -> None:
    amounts = tables(f"Date,{titles[0]},{titles[1]}\n2024-04-03,100.00,100.00\n2024-04-04,10.00,10.00\n")["amounts"]
    assert {role: amounts[role] for role in ("gross", "net", "tax", "tax_code") if role in amounts} == roles
    assert "to_do" not in amounts


def test_vat_amounts_in_whole_numbers_are_no_tax_codes() -> None:
    amounts = tables("Date,Net Amount,VAT Amount\n2024-04-03,100,20\n2024-04-04,10,2\n")["amounts"]
    assert (amounts["net"], amounts["tax"]) == ("Net Amount", "VAT Amount")


@pytest.mark.parametrize(
    "content",
    [
        'Date,Amount\n2024-04-03,"£1,250.00"\n2024-04-03,£12.50\n2024-04-03,(£12.50)\n',
        "Date,Amount\n2024-04-03,1.00\n2024-04-03,-1.00\n",
        "Date,Amount,VAT\n2024-04-03,12.10,2.02\n",
        "Date,Net Amount\n2024-04-03,12.00\n",
        "Date,Amount\n2024-04-03,12.00\n2024-04-03,12..3\n",
        "Date,Supplier\n2024-04-03,Shop\n",
    ],
)
def test_undecided_amounts_set_nothing_and_taking_the_to_do_away_is_refused(tmp_path: Path, content: str) -> None:
    values, text = made(content.encode())
    amounts: Any = values["amounts"]
    assert "to_do" in amounts
    assert not {"gross", "net", "money_out", "spending", "tax_rate"} & amounts.keys()
    assert re.search(r"amounts: name the column", complaint(tmp_path, without_to_dos(text)))


def test_taking_one_of_the_alternatives_decides(tmp_path: Path) -> None:
    content = "Date,Amount\n2024-04-03,1.00\n2024-04-04,-2.00\n"
    _, text = made(content.encode())
    decided = without_to_dos(text)
    for table, constant in (("company_id", "acme"), ("currency", "GBP"), ("account_id", "4")):
        decided = decided.replace(f"[fields.{table}]\n", f'[fields.{table}]\nconstant = "{constant}"\n')
    for sign, types in (("positive", ["Payment", "Refund"]), ("negative", ["Refund", "Payment"])):
        lines = f'gross = "Amount"\nspending = "{sign}"\n'
        assert lines.replace("gross", "# gross").replace("spending", "# spending") in decided
        mine = decided.replace(lines.replace("gross", "# gross").replace("spending", "# spending"), lines)
        assert [each.type for each in read_mapped(tmp_path, content, mine).expenses] == types


def test_the_payments_alone_tell_how_payments_are_written() -> None:
    rows = "2024-04-03,Payment,1.00\n2024-04-03,Refund,-1.00\n2024-04-03,Refund,-2.00\n"
    amounts = tables(f"Date,Type,Amount\n{rows}")["amounts"]
    assert amounts["gross"] == "Amount"
    assert "spending" not in amounts
    turned = tables("Date,Type,Amount\n" + rows.replace(",-", ",+").replace("Payment,", "Payment,-"))["amounts"]
    assert turned["spending"] == "negative"


def test_amounts_marked_as_credits_do_not_turn_the_sign_of_the_others() -> None:
    rows = "".join(f"2024-04-{day:02},{day}.00 CR\n" for day in range(1, 20))
    amounts = tables(f"Date,Amount\n{rows}2024-04-20,5.00\n")["amounts"]
    assert amounts["gross"] == "Amount"
    assert "spending" not in amounts


def test_undecided_dates_and_ids_set_nothing_and_taking_the_to_do_away_is_refused(tmp_path: Path) -> None:
    content = "Date,Amount,Transaction ID\n13/04/2017,1.00,a\n14/04/2017,2.00,a\n42798,3.00,b\n"
    values, text = made(content.encode())
    date = values["fields"]["issue_date"]  # type: ignore[index]
    assert date.keys() == {"column", "to_do"}
    assert '# format = ["day-first", "excel-swapped"]' in text
    decided = without_to_dos(text)
    for table, constant in (("company_id", "acme"), ("currency", "GBP"), ("account_id", "4")):
        decided = decided.replace(f"[fields.{table}]\n", f'[fields.{table}]\nconstant = "{constant}"\n')
    assert "id.column: a column without a name" in complaint(tmp_path, decided)
    read = read_mapped(tmp_path, content, decided.replace('\ncolumn = ""\n', "\n"))
    assert not read.expenses
    assert {error.column for error in read.errors} == {"Date"}


def test_tax_codes_have_common_rates_only_for_the_country_whose_codes_they_are() -> None:
    row = "Date,Gross,VAT Code,Currency\n2024-04-03,1.00,S,{0}\n2024-04-03,1.00,19%,{0}\n"
    assert tables(row.format("EUR"))["amounts"]["tax_rates"] == {"19%": 19}
    assert tables(row.format("GBP"))["amounts"]["tax_rates"] == {"s": 20, "19%": 19}


def test_a_stated_rate_needs_no_decision() -> None:
    amounts = tables("Date,Gross,VAT Rate\n2024-04-03,1.00,20\n2024-04-03,1.00,5\n")["amounts"]
    assert amounts["tax_rates"] == {"20": 20, "5": 5}
    assert "to_do" not in amounts


@pytest.mark.parametrize("with_out", [True, False])
def test_a_file_with_the_canonical_columns_gets_no_profile(tmp_path: Path, *, with_out: bool) -> None:
    path, out = tmp_path / "acme.csv", tmp_path / "acme.toml"
    path.write_text("Type;Issue_Date;currency;net_amount;account_id\nPayment;2024-04-03;GBP;1.00;4\n", encoding="utf-8")
    ended = CliRunner().invoke(init, [str(path), *(["--out", str(out)] if with_out else [])])
    assert ended.exit_code == 0
    assert "needs no mapping profile" in ended.stderr
    assert ended.stdout == ""
    assert not out.exists()


def test_canonical_columns_below_a_title_still_need_a_profile(tmp_path: Path) -> None:
    path, out = tmp_path / "acme.csv", tmp_path / "acme.toml"
    path.write_text("Expenses,,,,\ntype,issue_date,currency,net_amount,account_id\n", encoding="utf-8")
    CliRunner().invoke(init, [str(path), "--out", str(out)])
    assert out.exists()


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


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "a header line"),
        (b"\n \n", "a header line"),
        (b"\x7fELF\x02\x01\x01\x00\x00,\x00\n1,2\n", "NUL characters"),
        (b"\x1f\x8b\x08\x04,\xd0\x11\n\x02,\x03\n", "cannot be printed"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_no_profile_is_written(tmp_path: Path, content: bytes, why: str) -> None:
    file, out = tmp_path / "cards.csv", tmp_path / "cards.toml"
    file.write_bytes(content)

    refused = CliRunner().invoke(init, [str(file), "--out", str(out)]).exception

    assert isinstance(refused, RefusedToStart)
    assert why in refused.message
    assert refused.message.isprintable()
    assert not out.exists()


@pytest.mark.parametrize(
    "name",
    ["Gläubiger-ID", "Creditor ID", "Customer ID", "Mandate ID", "Account ID", "IBAN ID", "Kunden-ID", "Merchant ID"],
)
def test_a_number_of_somebody_is_no_id_of_a_row(name: str) -> None:
    values, _ = made(f"Date;{name};Amount\n13.04.2024;DE98ZZZ1;1,00\n14.04.2024;DE98ZZZ2;2,00\n".encode())
    assert "column" not in values["id"]  # type: ignore[operator]


@pytest.mark.parametrize("name", ["Transaction ID", "Card Transaction ID", "ID", "Expense ID"])
def test_a_number_of_a_row_is_its_id(name: str) -> None:
    values, _ = made(f"Date;{name};Amount\n13.04.2024;A1;1,00\n14.04.2024;A2;2,00\n".encode())
    assert values["id"] == {"column": name}


@pytest.mark.parametrize(
    "content",
    [
        b"Date,Name,Gross,Fee,Net\n13/04/2024,Acme,10.00,-0.59,9.41\n14/04/2024,Bolt,20.00,-0.88,19.12\n",
        b"Created,Description,Gross,Net\n2024-04-13,Acme,10.00,9.41\n2024-04-14,Bolt,20.00,19.12\n",
        b"Date,Name,Gross,Tax,Fee,Net\n13/04/2024,Acme,12.00,2.00,0.59,9.41\n14/04/2024,B,6.00,1.00,0.88,4.12\n",
    ],
)
def test_a_difference_of_gross_and_net_that_no_tax_explains_is_left_to_do(content: bytes) -> None:
    values, _ = made(content)
    amounts: Any = values["amounts"]
    assert "may be a fee" in amounts["to_do"]
    assert not {"gross", "net"} & amounts.keys()


def test_a_difference_of_gross_and_net_that_a_tax_explains_is_the_tax() -> None:
    values, _ = made(b"Date,Name,Gross,VAT Amount,Net\n13/04/2024,Acme,12.00,2.00,10.00\n")
    amounts: Any = values["amounts"]
    assert (amounts["gross"], amounts["net"]) == ("Gross", "Net")
    assert "to_do" not in amounts


@pytest.mark.parametrize(
    ("name", "out", "back"),
    [
        ("Soll/Haben", "S", "H"),
        ("Credit Debit Indicator", "DBIT", "CRDT"),
        ("D/K", "D", "K"),
        ("Art", "Ausgabe", "Einnahme"),
        ("Af Bij", "Af", "Bij"),
        ("Umsatzart", "Soll", "Haben"),
        ("Sens", "Débit", "Crédit"),
        ("", "", "CR"),
    ],
)
def test_amounts_above_zero_beside_words_for_both_ways_are_left_to_do(name: str, out: str, back: str) -> None:
    rows = f"13.04.2024;Acme;10,00;{out}\n14.04.2024;Bolt;20,00;{back}\n15.04.2024;Cable;30,00;{out}\n"
    values, _ = made(f"Date;Merchant;Amount;{name}\n{rows}".encode())
    amounts: Any = values["amounts"]
    assert "money that comes back" in amounts["to_do"]
    assert "gross" not in amounts


def test_debits_that_are_all_below_zero_are_what_was_spent() -> None:
    values, _ = made(
        b"Date,Details,Debit,Credit\n13/04/2024,Acme,-10.00,\n14/04/2024,Bolt,-20.00,\n15/04/2024,C,,5.00\n"
    )
    amounts: Any = values["amounts"]
    assert (amounts["money_out"], amounts["money_in"], amounts["spending"]) == ("Debit", "Credit", "negative")
    assert "to_do" not in amounts


@pytest.mark.parametrize("rows", ["-10.00,\n20.00,\n,5.00\n", "-10.00,\n-20.00,\n,-5.00\n"])
def test_debits_of_both_signs_are_left_to_do(rows: str) -> None:
    dated = "".join(f"{day}/04/2024,Acme,{row}\n" for day, row in enumerate(rows.split(), start=13))
    values, _ = made(f"Date,Details,Debit,Credit\n{dated}".encode())
    amounts: Any = values["amounts"]
    assert "below zero" in amounts["to_do"]
    assert "money_out" not in amounts


def test_credits_alone_are_no_amount() -> None:
    values, _ = made(b"Date,Details,Credit\n13/04/2024,Acme,10.00\n14/04/2024,Bolt,20.00\n")
    amounts: Any = values["amounts"]
    assert "the column of the amount" in amounts["to_do"]
    assert "money_in" not in amounts


@pytest.mark.parametrize(
    "header",
    [
        "Buchungstag;Begünstigter/Zahlungspflichtiger;Betrag;Waehrung",
        "Date opération;Bénéficiaire;Montant;Devise",
        "Boekdatum;Naam tegenpartij;Bedrag;Munt",
        "Fecha operación;Comercio;Importe;Divisa",
        "Data contabile;Esercente;Importo;Valuta",
        "Bokföringsdag;Mottagare;Belopp;Valuta",
        "Bogført dato;Modtager;Beløb;Valuta",
        "Bokført dato;Mottaker;Beløp;Valuta",
        "Datum;Lieferant;Umsatz;",
        "Datum;Lieferant;Umsatz;WKZ",
    ],
)
def test_headers_of_other_languages_are_known_and_a_currency_by_its_codes(header: str) -> None:
    rows = "13.04.2024;Acme;-10,00;EUR\n14.04.2024;Bolt;-20,00;EUR\n"
    values, _ = made(f"{header}\n{rows}".encode())
    date, merchant, amount, currency = header.split(";")
    fields: Any = values["fields"]
    amounts: Any = values["amounts"]
    assert fields["issue_date"]["column"] == date
    assert fields["merchant_name"]["column"] == merchant
    assert amounts["gross"] == amount
    if currency:
        assert fields["currency"]["column"] == currency


@pytest.mark.parametrize(
    ("name", "code"),
    [("Betrag (EUR)", "EUR"), ("Amount in GBP", "GBP"), ("Bedrag EUR", "EUR"), ("Belopp [SEK]", "SEK")],
)
def test_the_code_in_the_name_of_the_amount_is_its_currency(name: str, code: str) -> None:
    values, _ = made(f"Datum;Lieferant;{name};Orig. (USD)\n13.04.2024;Acme;-10,00;-11,00\n".encode())
    fields: Any = values["fields"]
    assert fields["currency"] == {"constant": code}


@pytest.mark.parametrize("name", ["USt-Satz", "MwSt.-Satz", "Moms sats", "Taux TVA", "BTW percentage", "Tipo IVA"])
def test_a_rate_is_no_amount_of_tax(name: str) -> None:
    values, _ = made(f"Datum;Lieferant;Bruttobetrag;{name}\n13.04.2024;Acme;119,00;19\n".encode())
    assert "tax" not in values["amounts"]  # type: ignore[operator]


def test_the_example_of_a_date_differs_under_the_orders_that_are_offered() -> None:
    found = dates_of(["05/05/2017", "03/04/2017", "06/06/2017"])
    assert "03/04/2017 may be 2017-04-03 (day-first) or 2017-03-04 (month-first)" in found.undecided


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Card", ("*1234", "*9876")),
        ("Card Number", ("4111********1111", "4111********2222")),
        ("Kartennummer", ("1234", "5678")),
        ("Auftragskonto", ("DE02120300000000202051", "DE02120300000000202051")),
        ("IBAN", ("DE02120300000000202051", "DE02120300000000202051")),
        ("Account", ("12345678901", "12345678901")),
        ("Konto", ("DE02120300000000202051", "DE02120300000000202051")),
        ("Wallet", ("Main", "Travel")),
        ("Cardholder", ("Ann", "Bob")),
    ],
)
def test_the_card_or_account_that_the_money_moved_on_tells_rows_apart(name: str, cells: tuple[str, str]) -> None:
    values, _ = made(
        f"Date,Merchant,{name},Amount\n2024-04-13,a,{cells[0]},1.00\n2024-04-13,a,{cells[1]},1.00\n".encode()
    )
    assert values["id"]["also"] == [name]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("IBAN", ("DE02120300000000202051", "DE02500105170137075030")),
        ("Kontonummer/IBAN", ("DE02120300000000202051", "DE02500105170137075030")),
        ("Tegenrekening", ("NL91ABNA0417164300", "NL91ABNA0417164300")),
        ("Card Type", ("Visa", "Visa")),
        ("Account", ("Travel", "Meals")),
        ("Card", ("", "")),
    ],
)
def test_the_other_side_and_what_is_no_card_tell_nothing_apart(name: str, cells: tuple[str, str]) -> None:
    values, _ = made(
        f"Date,Merchant,{name},Amount\n2024-04-13,a,{cells[0]},1.00\n2024-04-14,b,{cells[1]},2.00\n".encode()
    )
    assert "also" not in values["id"]  # type: ignore[operator]


def test_rows_that_are_told_by_an_id_need_no_card() -> None:
    values, _ = made(b"Date,Transaction ID,Card,Amount\n2024-04-13,A1,*1,1.00\n2024-04-14,A2,*2,2.00\n")
    assert values["id"] == {"column": "Transaction ID"}


def test_amounts_in_lakhs_are_found_and_read(tmp_path: Path) -> None:
    content = 'Date,Merchant,Amount (INR)\n2024-04-13,a,"1,00,000.00"\n2024-04-14,b,500.00\n'
    values, text = made(content.encode())
    amounts: Any = values["amounts"]
    assert (amounts["thousands"], amounts["grouping"]) == (",", "lakh")
    decided = without_to_dos(text)
    for table, constant in (("company_id", "acme"), ("account_id", "4")):
        decided = decided.replace(f"[fields.{table}]\n", f'[fields.{table}]\nconstant = "{constant}"\n')
    assert [str(each.gross) for each in read_mapped(tmp_path, content, decided).expenses] == ["100000.00", "500.00"]


def test_a_grouping_needs_what_stands_between_the_groups(tmp_path: Path) -> None:
    said = complaint(tmp_path, '[amounts]\ngross = "Amount"\ngrouping = "lakh"\n')
    assert "grouping needs what stands between the groups" in said


@pytest.mark.parametrize(
    ("pending", "booked"),
    [
        ("Pending", "Posted"),
        ("Vorgemerkt", "Gebucht"),
        ("En attente", "Comptabilisé"),
        ("In behandeling", "Geboekt"),
        ("Pendiente", "Contabilizado"),
        ("In attesa", "Contabilizzato"),
        ("Pendente", "Concluído"),
        ("Reserverad", "Bokförd"),
        ("Afventer", "Bogført"),
        ("Reservert", "Bokført"),
        ("Oczekująca", "Zaksięgowana"),
    ],
)
def test_pending_rows_are_left_out(tmp_path: Path, pending: str, booked: str) -> None:
    content = f"Date,Merchant,Info,Amount\n2024-04-13,a,{booked},1.00\n2024-04-14,b,{pending},2.00\n"
    values, text = made(content.encode())
    assert values["skip"] == [{"column": "Info", "is": [pending.lower()]}]
    decided = without_to_dos(text)
    for table, constant in (("company_id", "acme"), ("currency", "GBP"), ("account_id", "4")):
        decided = decided.replace(f"[fields.{table}]\n", f'[fields.{table}]\nconstant = "{constant}"\n')
    assert [str(each.gross) for each in read_mapped(tmp_path, content, decided).expenses] == ["1.00"]


@pytest.mark.parametrize("info", [("Posted", "Posted"), ("Pending", "Pending"), ("Pending", "Lunch")])
def test_a_status_that_does_not_tell_both_leaves_nothing_out(info: tuple[str, str]) -> None:
    values, _ = made(f"Date,Merchant,Info,Amount\n2024-04-13,a,{info[0]},1.00\n2024-04-14,b,{info[1]},2.00\n".encode())
    assert "skip" not in values


@pytest.mark.parametrize("text", ["Closing balance 30 April", "Endsaldo", "Solde final", "Eindsaldo", "Saldo final"])
def test_a_balance_with_a_date_is_left_out(text: str) -> None:
    values, _ = made(f"Date,Merchant,Amount\n2024-04-13,a,1.00\n2024-04-30,{text},99.00\n".encode())
    (rule,) = values["skip"]  # type: ignore[misc]
    assert rule["column"] == "Merchant"
    assert text.lower().startswith(rule["starts_with"][0])


def test_a_total_with_a_date_is_left_to_do() -> None:
    values, _ = made(b"Date,Merchant,Amount\n2024-04-13,a,1.00\n2024-04-14,b,2.00\n2024-04-30,Total,3.00\n")
    (rule,) = values["skip"]  # type: ignore[misc]
    assert (rule["column"], rule["is"]) == ("Merchant", "Total")
    assert "to_do" in rule


@pytest.mark.parametrize("before", [0, 40_000, 65_480])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [("windows-1252", "Müller Café £12"), ("windows-1251", "Кафе на углу и обед для клиента из Москвы")],
)
def test_check_and_map_init_guess_the_same_encoding(before: int, encoding: str, text: str) -> None:
    plain = "2024-04-13,shop,1.00\n" * (before // 20)
    content = f"Date,Merchant,Amount\n{plain}{f'2024-04-13,{text},1.00' + chr(10)}".encode(encoding)
    with pytest.raises(FileFault) as raised:
        list(Lines(io.BytesIO(content)))
    guessed = look_at_bytes(io.BytesIO(content)).encoding
    assert raised.value.fault.value == f"it seems to be {guessed}"
    assert guessed == encoding
