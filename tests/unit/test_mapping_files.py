"""Whole foreign files: where the header is, which rows are expenses, who they are, how errors name things."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from runner.clock import SystemClock
from runner.errors import ConfigurationWrong
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import scratch
from runner.stage import unfinished
from tests.filing import begin
from tests.unit.intake_reading import read_file
from tests.unit.mapping_reading import PROFILE, read_mapped, with_amounts, with_field, write_profile

FILE = "Date,Merchant,Amount\n03/04/2017,Taxi,12.50\n"


def test_the_header_is_found_below_title_rows_and_lines_are_the_files_own(tmp_path: Path) -> None:
    text = '"Spending, by "card""\n\nprinted today;;\nDate,Merchant,Amount\n03/04/2017,"Taxi\nLtd",12.50\nx,y,z\n'
    found = read_mapped(tmp_path, text)
    assert [(each.line, each.expense.merchant_name) for each in found.parsed] == [(5, "Taxi Ltd")]
    assert {error.line for error in found.errors} == {7}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_under_which_the_header_shows(tmp_path: Path, delimiter: str) -> None:
    found = read_mapped(tmp_path, "a;b,c|d\te\n" + FILE.replace(",", delimiter))
    assert found.only().gross == 12.5
    assert found.described.delimiter == delimiter


def test_a_file_without_the_columns_is_refused_with_their_names(tmp_path: Path) -> None:
    error = read_mapped(tmp_path, "Datum,Merchant,Amount\n03/04/2017,Taxi,12.50\n").error()
    assert error.code == "column_missing"
    assert "'date'" in error.expected
    assert "mine.toml" in error.expected


def test_windows_1252_is_read_and_the_hash_is_that_of_the_files_bytes(tmp_path: Path) -> None:
    content = FILE.replace("Taxi", "Café £").encode("cp1252")
    found = read_mapped(tmp_path, content, PROFILE + '[file]\nencoding = "windows-1252"\n')
    assert found.only().merchant_name == "Café £"
    assert found.described.encoding == "windows-1252"
    assert found.described.sha256 == __import__("hashlib").sha256(content).hexdigest()


def test_utf_16_is_read_where_it_is_stated(tmp_path: Path) -> None:
    found = read_mapped(tmp_path, FILE.encode("utf-16"), PROFILE + '[file]\nencoding = "utf-16"\n')
    assert found.only().merchant_name == "Taxi"


def test_bytes_that_are_not_in_the_stated_encoding_are_refused_with_their_line(tmp_path: Path) -> None:
    content = FILE.encode() + b"03/04/2017,\x81,1\n"
    error = read_mapped(tmp_path, content, PROFILE + '[file]\nencoding = "windows-1252"\n').error()
    assert (error.code, error.line) == ("encoding_wrong", 3)


def test_skipped_rows_are_counted_by_rule_and_wrong_ones_stay_errors(tmp_path: Path) -> None:
    rules = """
[[skip]]
column = "Merchant"
starts_with = "Total"
blank = "Date"
[[skip]]
zero = true
[[skip]]
column = "Merchant"
is = "end"
rest = true
"""
    text = FILE + (
        "03/04/2017,Total Energies,9.00\n,Total,21.50\n03/04/2017,Free,0.00\n,Sum,1\n,end,\n03/04/2017,After,1.00\n"
    )
    found = read_mapped(tmp_path, text, PROFILE + rules)
    assert [each.merchant_name for each in found.expenses] == ["Taxi", "Total Energies"]
    assert [error.line for error in found.errors] == [6]
    assert sorted(count for _, count in found.described.skipped) == [1, 1, 2]


def test_refunds_and_other_currencies_can_be_skipped(tmp_path: Path) -> None:
    profile = (
        with_field("currency", '{ column = "Cur" }') + '\n[[skip]]\nrefunds = true\n[[skip]]\ncurrency_not = "GBP"\n'
    )
    text = "Date,Cur,Amount\n03/04/2017,GBP,1\n03/04/2017,GBP,-1\n03/04/2017,EUR,1\n"
    found = read_mapped(tmp_path, text, profile)
    assert len(found.expenses) == 1
    assert found.errors == []
    assert len(found.described.skipped) == 2


def test_equal_rows_stay_several_and_ids_do_not_change_with_the_profile(tmp_path: Path) -> None:
    text = FILE + "03/04/2017,Taxi,12.50\n"
    before = read_mapped(tmp_path, text)
    after = read_mapped(tmp_path, text, with_field("account_id", '{ constant = "999" }'))
    assert len(set(before.ids)) == 2
    assert before.ids == after.ids
    assert before.parsed[0].content_hash != after.parsed[0].content_hash


def test_columns_that_reports_add_do_not_change_a_rows_id(tmp_path: Path) -> None:
    plain = read_mapped(tmp_path, FILE)
    added = read_mapped(tmp_path, "Date,Merchant,Amount,_code,_line\n03/04/2017,Taxi,12.50,x,2\n")
    assert plain.ids == added.ids


def test_ids_of_several_columns_never_run_into_one_another(tmp_path: Path) -> None:
    profile = PROFILE + '[id]\ncolumns = ["Card", "Ref"]\n'
    text = "Date,Amount,Card,Ref\n03/04/2017,1,a/b,c\n03/04/2017,1,a,b/c\n03/04/2017,1,a,\n03/04/2017,1,a,\n"
    found = read_mapped(tmp_path, text, profile)
    assert len(set(found.ids)) == 4


def test_rows_with_one_id_are_the_lines_of_one_expense(tmp_path: Path) -> None:
    text = "Date,Amount,Ref\n03/04/2017,1,r1\n04/04/2017,1,r2\n03/04/2017,2,r1\n"
    found = read_mapped(tmp_path, text, PROFILE + '[id]\ncolumn = "Ref"\n')
    assert [len(each.lines) for each in found.expenses] == [2, 1]


def test_lines_that_disagree_are_named_by_the_files_own_column(tmp_path: Path) -> None:
    text = "Date,Amount,Ref\n03/04/2017,1,r1\n05/04/2017,2,r1\n"
    error = read_mapped(tmp_path, text, PROFILE + '[id]\ncolumn = "Ref"\n').error()
    assert (error.code, error.column, error.line) == ("lines_disagree", "Date", 3)


def test_a_row_with_too_many_cells_breaks_the_expense_that_it_may_belong_to(tmp_path: Path) -> None:
    text = "Date,Amount,Ref\n03/04/2017,1,r1\n03/04/2017,1,234,r1\n"
    found = read_mapped(tmp_path, text, PROFILE + '[id]\ncolumn = "Ref"\n')
    assert found.expenses == []
    assert set(found.codes) == {"too_many_cells", "lines_uncertain"}


def test_spare_blank_cells_and_missing_ones_at_a_rows_end_do_not_matter(tmp_path: Path) -> None:
    found = read_mapped(tmp_path, "Date,Amount,Spare,More\n03/04/2017,1,a,,,\n03/04/2017,1\n")
    assert found.errors == []
    assert len(found.expenses) == 2


@pytest.mark.parametrize("cut", ["12,05", "-12,5", "£1,250", "1,250.00"])
def test_an_amount_that_a_separator_cuts_apart_is_not_read_short(tmp_path: Path, cut: str) -> None:
    text = f"Date,Amount,VAT,More\n03/04/2017,{cut},,\n03/04/2017,12.05,1,a\n"
    found = read_mapped(tmp_path, text, with_amounts('gross = "Amount"\n'))
    assert [(each.code, each.line) for each in found.errors] == [("too_many_cells", 2)]


def test_cells_that_a_whole_file_has_behind_its_header_do_not_matter(tmp_path: Path) -> None:
    text = "Date,Amount,VAT,More\n" + "03/04/2017,12,5,,\n" * 2
    assert read_mapped(tmp_path, text, with_amounts('gross = "Amount"\n')).errors == []


def test_a_cell_that_is_missing_skips_no_row(tmp_path: Path) -> None:
    rules = '[[skip]]\nblank = "Status"\n[[skip]]\ncolumn = "Status"\nis_not = "booked"\n'
    rules += '[[skip]]\ncolumn = "Merchant"\nstarts_with = "total"\nblank = "Status"\n'
    text = "Date,Amount,Merchant,Status\n03/04/2017,1,a,booked\n03/04/2017,1,a\n03/04/2017,1,b,\n,9,Total\n"
    found = read_mapped(tmp_path, text, PROFILE + rules)
    assert [(each.code, each.line) for each in found.errors] == [("too_few_cells", 3)]
    assert sum(count for _, count in found.described.skipped) == 2
    loose = read_mapped(tmp_path, text, PROFILE + rules + '[file]\nshort_rows = "blank"\n')
    assert (loose.errors, sum(count for _, count in loose.described.skipped)) == ([], 3)


def test_a_row_that_comes_back_without_its_key_is_wrong_whatever_the_profile_says(tmp_path: Path) -> None:
    text = "Date,Amount,_company_id,_row_key\n03/04/2017,1,acme\n03/04/2017,1,acme,\n"
    found = read_mapped(tmp_path, text, PROFILE + '[file]\nshort_rows = "blank"\n')
    assert [(each.code, each.line) for each in found.errors] == [("too_few_cells", 2)]


def test_a_row_that_ends_before_the_last_column_that_is_read_is_wrong_unless_somebody_has_said(tmp_path: Path) -> None:
    text = "Date,Amount,Merchant\n03/04/2017,1,a\n03/04/2017,1\n"
    error = read_mapped(tmp_path, text).errors[0]
    assert (error.code, error.line) == ("too_few_cells", 3)
    filled = read_mapped(tmp_path, text, PROFILE + '[file]\nshort_rows = "blank"\n')
    assert (filled.errors, len(filled.expenses)) == ([], 2)


def test_errors_name_the_files_column_and_value_and_the_profiles_place(tmp_path: Path) -> None:
    profile = with_field("account_id", '{ column = "Cat", lookup = { Food = "f" } }')
    text = "Date,Amount,Cat\n99/04/2017,x,Fod\n"
    found = read_mapped(tmp_path, text, profile)
    said = {(error.column, error.value, error.code) for error in found.errors}
    assert said == {
        ("Date", "99/04/2017", "date_unreadable"),
        ("Amount", "x", "amount_unreadable"),
        ("Cat", "Fod", "lookup_unknown"),
    }
    (unknown,) = [error for error in found.errors if error.code == "lookup_unknown"]
    assert "mine.toml, line 3" in unknown.expected


def test_a_row_that_only_fills_columns_that_are_not_read_is_an_error_not_lost(tmp_path: Path) -> None:
    profile = "\n".join(
        f'{name} = {{ column = "{name}" }}' for name in ("company_id", "type", "issue_date", "currency", "account_id")
    )
    text = "company_id,type,issue_date,currency,account_id,net,other\na,Payment,2017-04-03,GBP,1,1,\n,,,,,,note\n"
    found = read_mapped(tmp_path, text, f'[fields]\n{profile}\n[amounts]\nnet = "net"\n')
    assert len(found.expenses) == 1
    assert found.errors
    assert {error.line for error in found.errors} == {3}


def test_a_lookup_file_beside_the_profile_is_used_and_blank_values_are_undecided(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("Name;Rows;Account\nFood;3;f-1\nTravel;1;\n", encoding="utf-8")
    value = '{ column = "Cat", lookup_file = "accounts.csv", lookup_columns = ["Name", "Account"] }'
    text = "Date,Amount,Cat\n03/04/2017,1, FOOD\n03/04/2017,1,Travel\n"
    found = read_mapped(tmp_path, text, with_field("account_id", value))
    assert [each.lines[0].account_id for each in found.expenses] == ["f-1"]
    assert "accounts.csv" in found.errors[0].expected


def test_joined_columns_leave_out_what_is_blank(tmp_path: Path) -> None:
    profile = with_field("notes", '{ columns = ["A", "B", "C"], separator = " / ", optional = true }')
    found = read_mapped(tmp_path, "Date,Amount,A,B\n03/04/2017,1,x,\n03/04/2017,2,x,y\n", profile)
    assert [each.notes for each in found.expenses] == ["x", "x / y"]


def test_a_column_that_the_profile_reads_may_not_stand_twice(tmp_path: Path) -> None:
    assert read_mapped(tmp_path, "Date,Amount,Amount\n03/04/2017,1,2\n").error().code == "column_repeated"


def test_the_company_comes_from_the_files_name_where_the_profile_does_not_tell(tmp_path: Path) -> None:
    profile = PROFILE.replace('company_id = { constant = "acme" }\n', "")
    assert read_mapped(tmp_path, FILE, profile, name="globex.csv").only().company_id == "globex"
    assert read_mapped(tmp_path, FILE, profile, name="march cards.csv").error().value == "company_id"


def test_patterns_choose_the_profile_and_other_files_stay_canonical(tmp_path: Path) -> None:
    named = str(write_profile(tmp_path))
    mappings = read_mappings([f"cards-*.csv={named}"])
    assert mappings is not None
    assert mappings.profile_for(Source("in/cards-1.csv", Path("in/cards-1.csv"))) is not None
    assert mappings.profile_for(Source("other.csv", Path("other.csv"))) is None


class TestWorkbooks:
    def book(self, path: Path, *rows: list[object]) -> Path:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
        return path

    def test_a_workbook_is_read_with_its_dates_and_numbers(self, tmp_path: Path) -> None:
        from datetime import date  # noqa: PLC0415 -- beside its use

        path = self.book(
            tmp_path / "x.xlsx",
            ["Report"],
            [],
            ["Date", "Merchant", "Amount"],
            [date(2017, 4, 3), "Taxi", 0.1 + 0.2],
            [42828, "Bus", -1234.5],
        )
        mapping = read_mappings(
            [str(write_profile(tmp_path, PROFILE.replace('"day-first"', '["day-first", "excel"]')))]
        )
        found = read_file(path, options=Options(mapping=mapping))
        assert found.errors == []
        assert [(each.line, each.expense.gross, each.expense.issue_date.date()) for each in found.parsed] == [
            (4, __import__("decimal").Decimal("0.3"), date(2017, 4, 3)),
            (5, __import__("decimal").Decimal("1234.5"), date(2017, 4, 3)),
        ]
        assert found.described.sha256 == __import__("hashlib").sha256(path.read_bytes()).hexdigest()

    def test_a_workbook_with_canonical_columns_needs_no_profile(self, tmp_path: Path) -> None:
        path = self.book(
            tmp_path / "acme.xlsx",
            ["type", "issue_date", "currency", "net_amount", "account_id"],
            ["Payment", "2017-04-03", "GBP", 5, "400"],
        )
        assert read_file(path).only().company_id == "acme"

    def test_what_is_no_workbook_is_refused_with_a_clear_error(self, tmp_path: Path) -> None:
        pytest.importorskip("openpyxl")
        for content in (b"", b"PK\x03\x04rubbish", FILE.encode()):
            (tmp_path / "x.xlsx").write_bytes(content)
            assert read_file(tmp_path / "x.xlsx").error().code == "workbook_unreadable"

    def test_without_the_library_the_error_names_the_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "x.xlsx").write_bytes(b"")
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        with pytest.raises(ConfigurationWrong) as raised:
            read_file(tmp_path / "x.xlsx")
        assert "expense-runner[xlsx]" in (raised.value.hint or "")


async def test_a_file_whose_reading_was_cut_off_is_read_again_with_its_own_profile(tmp_path: Path) -> None:
    named = write_profile(tmp_path)
    file = tmp_path / "export.csv"
    file.write_text(FILE, encoding="utf-8")
    with scratch(SystemClock()) as journal:
        await journal.runs.begin(purpose="run", version="1", flow="datasets")
        for name, mapping in (("export.csv", str(named)), ("other.csv", None)):
            await begin(journal, name, path=str(file), sha256=sha256(file.read_bytes()).hexdigest(), mapping=mapping)
        again = await unfinished(journal, [])

    options = {source.name: options for source, options in again}
    assert read_file(file, options=options["export.csv"]).only().merchant_name == "Taxi"
    assert options["other.csv"].mapping is None


def test_the_example_in_the_documentation_is_a_profile(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    example = text.partition("```toml\nabout")[2].partition("```")[0]
    (tmp_path / "departments.csv").write_text("Directorate,Company\nHighways,acme\n", encoding="utf-8")
    header = "Directorate,Trans Date,Category,Description,Cardholder,Gross Amount,VAT Code,Transaction ID,Supplier\n"
    row = 'highways,13/04/2017,travel,Bus,A,"1,200.00",s,t-1,Bus Co\n,,,,,9,,,Total\n'
    found = read_mapped(tmp_path, (header + row).encode("cp1252"), "about" + example)
    assert (found.only().company_id, found.only().lines[0].tax_amount) == ("acme", 200)


def test_a_row_with_too_many_cells_refuses_the_file_where_ids_are_joined_from_several_columns(tmp_path: Path) -> None:
    text = "Date,Amount,Card,Ref\n03/04/2017,1,c,r1\n03/04/2017,1,234,c,r1\n"
    error = read_mapped(tmp_path, text, PROFILE + '[id]\ncolumns = ["Card", "Ref"]\n').error()
    assert (error.code, error.line) == ("too_many_cells", 3)


def test_the_line_of_undecodable_bytes_is_right_far_into_a_file(tmp_path: Path) -> None:
    content = FILE.encode() + b"03/04/2017,Taxi,12.50\n" * 10_000 + b"03/04/2017,\x81,1\n"
    error = read_mapped(tmp_path, content, PROFILE + '[file]\nencoding = "windows-1252"\n').error()
    assert (error.code, error.line) == ("encoding_wrong", 10_003)


def test_equal_rows_without_an_id_keep_their_ids_whatever_stands_between_them(tmp_path: Path) -> None:
    row = "03/04/2017,Taxi,12.50"
    many = "".join(f"04/04/2017,Bus {number},1.00\n" for number in range(1_200))
    first = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n{row}\n", PROFILE)
    second = read_mapped(tmp_path, f"Date,Merchant,Amount\n{row}\n{many}{row}\n", PROFILE)
    assert len(first.ids) == 2
    taxis = zip(second.expenses, second.ids, strict=True)
    assert {own for each, own in taxis if each.merchant_name == "Taxi"} == set(first.ids)
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


def test_lines_of_one_id_with_both_signs_name_the_way_to_keep_them(tmp_path: Path) -> None:
    text = "Date,Amount,Ref\n03/04/2017,10,r1\n03/04/2017,-2,r1\n"
    ids = '[id]\ncolumn = "Ref"\n'
    error = read_mapped(tmp_path, text, PROFILE + ids).error()
    assert (error.code, error.column, error.value, error.expense) == ("lines_disagree", "type", "Refund", "r1")
    assert 'negative = "keep"' in error.expected
    kept = read_mapped(tmp_path, text, PROFILE + 'negative = "keep"\n' + ids).only()
    assert [line.net_amount for line in kept.lines] == [10, -2]


def test_a_misaligned_row_names_the_id_that_stands_where_ids_stand(tmp_path: Path) -> None:
    ids = '[id]\ncolumn = "Ref"\n'
    found = read_mapped(tmp_path, "Ref,Date,Amount\nr1,03/04/2017\nr2,03/04/2017,1,x\nr3,03/04/2017,1\n", PROFILE + ids)
    assert [(each.code, each.expense) for each in found.errors] == [("too_few_cells", "r1"), ("too_many_cells", "r2")]
    assert len(found.expenses) == 1
