"""Files without a header, and columns without a name: no row is taken for names, and no column for another."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from runner.cli import cli
from runner.errors import ConfigurationWrong, RefusedToStart
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


def test_map_init_writes_no_profile_that_takes_a_row_for_names(tmp_path: Path) -> None:
    file = tmp_path / "bank.csv"
    file.write_text(ROWS)
    result = CliRunner().invoke(cli, ["map", "init", str(file), "--out", str(tmp_path / "p.toml")])
    assert isinstance(result.exception, RefusedToStart)
    assert "looks like a row" in result.exception.message
    assert not (tmp_path / "p.toml").exists()


@pytest.mark.parametrize(
    "cells",
    [
        ["Date", "Amount"],
        ["2023-12-31", "2024-12-31"],
        ["Q1 2024", "Amount (EUR)"],
        ["Account", "2024", "2025"],
        ["1", "2"],
    ],
)
def test_names_are_no_row(cells: list[str]) -> None:
    assert not looks_like_a_row(cells)


@pytest.mark.parametrize(
    "cells", [["31.03.2024", "-12,50 €", "Shop"], ["2024-03-31 10:00", "x", "12"], ["3/4/24", "(1,250.00)"]]
)
def test_a_day_and_a_number_make_a_row(cells: list[str]) -> None:
    assert looks_like_a_row(cells)
