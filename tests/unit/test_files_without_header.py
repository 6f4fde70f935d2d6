"""Files without a header, and columns without a name: no row is taken for names, and no column for another."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from runner.cli import cli
from runner.errors import ConfigurationWrong
from runner.intake.header import looks_like_a_row
from tests.unit import rejecting
from tests.unit.intake_reading import HEADER, read, row, rows
from tests.unit.mapping_reading import PROFILE, read_mapped, with_field, write_profile

COLUMNS = '[file]\ncolumns = ["Date", "Amount", "Merchant", ""]\n'
ROWS = "03/04/2017,1.00,a,x\n04/04/2017,2.00,b,y\n"


def amounts(found) -> list[str]:
    return [str(each.gross) for each in found.parsed]


def test_a_profile_names_the_columns_of_a_file_without_a_header(tmp_path: Path) -> None:
    found = read_mapped(tmp_path, ROWS, PROFILE + COLUMNS)
    assert (found.errors, amounts(found)) == ([], ["1.00", "2.00"])
    assert [each.line for each in found.parsed] == [1, 2]
    assert (found.described.header, found.described.header_line) == (("Date", "Amount", "Merchant", ""), 0)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_its_delimiter_is_the_one_that_makes_as_many_columns(tmp_path: Path, delimiter: str) -> None:
    text = "\n" + ROWS.replace(",", delimiter).replace("a", '"a, ""b"", c, d, e"')
    assert amounts(read_mapped(tmp_path, text, PROFILE + COLUMNS)) == ["1.00", "2.00"]


def test_a_header_is_one_all_the_same_as_that_of_a_file_of_rejects(tmp_path: Path) -> None:
    text = "Date,Amount,Merchant,,_company_id,_row_key\n03/04/2017,1.00,a,x,acme,\n"
    found = read_mapped(tmp_path, text, PROFILE + COLUMNS)
    assert (found.errors, amounts(found)) == ([], ["1.00"])
    assert found.described.came_back


@pytest.mark.parametrize("names", ['["Date", "Date"]', '["Date"]', "[]", "[1]", '"Date"'])
def test_names_must_be_those_that_are_read_each_once(tmp_path: Path, names: str) -> None:
    with pytest.raises(ConfigurationWrong, match=r"file\.columns"):
        read_mapped(tmp_path, ROWS, f"{PROFILE}[file]\ncolumns = {names}\n")


def test_a_column_without_a_name_is_read_by_its_place(tmp_path: Path) -> None:
    profile = with_field("merchant_name", '{ column = "#4" }')
    found = read_mapped(tmp_path, "Date,Amount,Note,\n03/04/2017,1,n,Shop\n", profile)
    assert found.only().merchant_name == "Shop"
    # One that the header does not even reach.
    found = read_mapped(tmp_path, "Date,Amount,Note\n03/04/2017,1,n,Shop\n03/04/2017,1,n\n", profile)
    assert [each.merchant_name for each in found.expenses] == ["Shop"]
    assert [(each.code, each.line) for each in found.errors] == [("too_few_cells", 3)]
    # And one of a file whose columns the profile names.
    assert read_mapped(tmp_path, ROWS, f"{profile}\n{COLUMNS}").expenses[1].merchant_name == "y"


def test_a_column_with_a_name_is_not_read_by_its_place(tmp_path: Path) -> None:
    profile = with_field("merchant_name", '{ column = "#3" }')
    error = read_mapped(tmp_path, "Date,Amount,Note\n03/04/2017,1,n\n", profile).error()
    assert error.code == "column_missing"
    assert "column 3 has one: 'Note'" in error.expected


def test_errors_and_rules_name_a_column_by_its_place(tmp_path: Path) -> None:
    profile = with_field("account_id", '{ column = "#3", lookup = { a = "400" } }')
    skip = '[[skip]]\ncolumn = "#4"\nis = "x"\n'
    found = read_mapped(tmp_path, "Date,Amount,,\n03/04/2017,1,a,x\n03/04/2017,1,b,\n", f"{profile}\n{skip}")
    assert (found.error().code, found.error().column) == ("lookup_unknown", "#3")
    assert sum(count for _, count in found.described.skipped) == 1


@pytest.mark.parametrize("profile", [PROFILE, PROFILE.replace('"Date"', '"03/04/2017"').replace('"Amount"', '"1.00"')])
def test_a_row_is_not_taken_for_names(tmp_path: Path, profile: str) -> None:
    error = read_mapped(tmp_path, ROWS, profile).error()
    assert (error.code, error.line) == ("no_header", 1)
    assert "[file] columns" in error.expected


def test_names_are_names_whatever_stands_beside_them(tmp_path: Path) -> None:
    text = "Date,Amount,31.12.2023,2024\n03/04/2017,1.00,5,6\n"
    assert amounts(read_mapped(tmp_path, text)) == ["1.00"]
    canonical = rows(row("A") + ",5,6", header=f"{HEADER},31.12.2023,2024")
    assert len(read(canonical).expenses) == 1


def test_a_row_is_not_taken_for_canonical_names() -> None:
    error = read("acme,Payment,2024-03-31,EUR,12.00,400\nacme,Payment,2024-03-31,EUR,12.00,400\n").error()
    assert (error.code, error.line) == ("no_header", 1)


def test_a_workbook_without_a_header(tmp_path: Path) -> None:
    book = Workbook()
    for line in ROWS.splitlines():
        book.active.append(line.split(","))
    book.save(tmp_path / "e.xlsx")
    found = read_mapped(tmp_path, (tmp_path / "e.xlsx").read_bytes(), PROFILE + COLUMNS, name="e.xlsx")
    assert (found.errors, amounts(found)) == ([], ["1.00", "2.00"])
    assert read_mapped(tmp_path, (tmp_path / "e.xlsx").read_bytes(), name="e.xlsx").error().code == "no_header"


def test_wrong_rows_go_round_under_the_names_that_the_profile_gives(tmp_path: Path) -> None:
    profile = write_profile(tmp_path, PROFILE + COLUMNS)
    for world in rejecting.world(tmp_path):
        staged = world.stage(world.write("a.csv", ROWS.replace("2.00", "two")), mapping=profile)
        assert (staged.accepted, staged.errors) == (1, 1)
        (written,) = world.rejects()
        (wrong,) = rejecting.read(written.path)
        assert (wrong["Amount"], wrong["Merchant"], wrong["_line"]) == ("two", "b", "2")
        back = world.stage(rejecting.rewrite(written.path, [wrong | {"Amount": "2.00"}]), mapping=profile)
        assert (back.accepted, back.errors) == (1, 0)
        assert world.states(tmp_path / "a.csv") == {1: "staged", 2: "staged"}


def init(file: Path) -> tuple[str, str]:
    """Return the profile that `map init` writes for a file, and what it says beside it."""
    result = CliRunner().invoke(cli, ["map", "init", str(file)])
    assert result.exception is None
    return result.stdout, result.stderr


def test_map_init_names_the_columns_and_no_row_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "00000000-0000-4000-8000-000000000001.csv"
    file.write_text("31.03.2024;Hotel;-120,50;EUR;\n01.04.2024;Bahn;-19,90;EUR;\n02.04.2024;Café;7,40;EUR;\n")
    text, said = init(file)
    assert "line 1 looks like a row (31.03.2024, Hotel, -120,50, EUR)" in said
    assert 'columns = ["Date", "Description", "Amount", "Currency", ""]\n' in text
    # The signs are mixed, so that is asked; so are the account and the overlap.
    text = text.replace("to_do", "# to_do").replace('overlap = ""', 'overlap = "yes"')
    text = text.replace("[fields.account_id]", '[fields.account_id]\nconstant = "400"')
    text = text.replace("[amounts]", '[amounts]\ngross = "Amount"\nspending = "negative"')
    found = read_mapped(tmp_path, file.read_text(), text, name=file.name)
    assert (found.errors, amounts(found)) == ([], ["120.50", "19.90", "7.40"])
    assert [each.line for each in found.parsed] == [1, 2, 3]


def test_map_init_asks_which_of_several_columns_is_which(tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_text(
        "31.03.2024,30.03.2024,Hotel,Berlin,-120.50,1000.00\n01.04.2024,31.03.2024,Bahn,Bonn,-19.90,980.10\n"
    )
    text, _ = init(tmp_path / "bank.csv")
    assert 'columns = ["Column 1", "Column 2", "Column 3", "Column 4", "Column 5", "Column 6"]' in text
    for asked in ("the column of the date", "the column of the amount", "the currency"):
        assert f'to_do = "{asked}' in text


@pytest.mark.parametrize(
    "text",
    [
        "Export of March\n\n31.03.2024;Hotel;-1,50\n01.04.2024;Bahn;-19,90\n",
        "sep=;\n31.03.2024;Hotel;-1,50\n01.04.2024;Bahn;-19,90\n",
        "31 Mar 2024\tHotel\tEUR 1.50\n1 Apr 2024\tBahn\tEUR 19.90\n",
        "20240331|Hotel|\u22121.50\n20240401|Bahn|\u221219.90\n",
    ],
)
def test_map_init_sees_a_file_without_a_header_below_titles_and_however_days_are_written(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "bank.csv").write_text(text)
    assert 'columns = ["Date", "Description", "Amount"]' in init(tmp_path / "bank.csv")[0]


@pytest.mark.parametrize(
    "text",
    [
        "Date,31.12.2023,2024\n03/04/2017,5,6\n",
        "31.03.2024,1.00\nDatum;Text;Betrag\n31.03.2024;Hotel;-1,50\n01.04.2024;Bahn;-19,90\n",
        "Wann,Was,Wieviel\n31.03.2024,Hotel,-1.50\n",
    ],
)
def test_map_init_names_no_columns_that_have_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "bank.csv").write_text(text)
    found, said = init(tmp_path / "bank.csv")
    assert "\ncolumns = [" not in found.partition("[fields")[0]
    assert "no header" not in said


@pytest.mark.parametrize(
    "cells",
    [
        ["Date", "Amount"],
        ["2023-12-31", "2024-12-31"],
        ["Q1 2024", "Amount (EUR)"],
        ["Account", "2024", "2025"],
        ["1", "2"],
        ["20231231", "20241231"],
        ["Konto 4711", "20241231"],
    ],
)
def test_names_are_no_row(cells: list[str]) -> None:
    assert not looks_like_a_row(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["31.03.2024", "-12,50 €", "Shop"],
        ["2024-03-31 10:00", "x", "12"],
        ["3/4/24", "(1,250.00)"],
        ["31 Mar 2024", "EUR 12.50"],
        ["March 31, 2024", "12.50 CR"],
        ["31-Mar-24", "\u221212,50"],
        ["20240331", "1\u00a0250,00"],
    ],
)
def test_a_day_and_a_number_make_a_row(cells: list[str]) -> None:
    assert looks_like_a_row(cells)
