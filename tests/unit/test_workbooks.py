"""Workbooks as the usual programs write them: what is read, what is said, and what a reading may cost."""

import io
import resource
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from runner.intake.mapping import sheet as reading
from runner.intake.mapping.sample import look
from runner.intake.mapping.workbook import Sheet
from runner.intake.text import FileFault
from tests.acceptance.simulated import clean_environment
from tests.unit.intake_reading import Read
from tests.unit.mapping_reading import PROFILE, read_mapped, with_field

openpyxl: Any = pytest.importorskip("openpyxl")

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
STYLES: Final = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="0000"/>'
    '<numFmt numFmtId="165" formatCode="DD.MM.YYYY"/></numFmts><cellXfs count="5"><xf numFmtId="0"/>'
    '<xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></styleSheet>'
)


def by_hand(rows: str, *, texts: str = "", styles: str = STYLES, before: str = "") -> bytes:
    """Return a workbook with these parts, and nothing that no reader needs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        sheet = f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        content = {
            "worksheet": ("worksheets/sheet1.xml", sheet, "worksheet"),
            "styles": ("styles.xml", styles, "styles"),
        }
        if texts:
            content["sharedStrings"] = ("sharedStrings.xml", f'<sst xmlns="{MAIN}">{texts}</sst>', "sharedStrings")
        kinds = f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
        relations = ""
        for number, (name, (path, text, kind)) in enumerate(content.items(), 1):
            target.writestr(f"xl/{path}", text)
            kinds += f'<Override PartName="/xl/{path}" ContentType="{KIND}.{kind}+xml"/>'
            relations += f'<Relationship Id="rId{number}" Type="{RELATIONS}/{name}" Target="{path}"/>'
        target.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/>{kinds}</Types>',
        )
        begin = f'<Relationships xmlns="{PACKAGE}/relationships">'
        first = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        target.writestr("_rels/.rels", f"{begin}{first}</Relationships>")
        target.writestr("xl/_rels/workbook.xml.rels", f"{begin}{relations}</Relationships>")
        target.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{before}<sheets>'
            '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
    return packed.getvalue()


def texts_of(content: bytes, folder: Path) -> list[list[str]]:
    (folder / "a.xlsx").write_bytes(content)
    with (folder / "a.xlsx").open("rb") as stream:
        return [cells for cells, _ in Sheet(stream, sheet=None, decimal=".").rows()]


def saved(*rows: list[object], formats: dict[str, str] | None = None, others: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, shown in (formats or {}).items():
        book.active[cell].number_format = shown
    for name in others:
        book.create_sheet(name)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def test_dates_numbers_and_leading_zeros_are_read_as_they_are_shown(tmp_path: Path) -> None:
    content = saved(
        [date(2025, 1, 31), datetime(2025, 1, 31, 13, 45), 45000, 0.1 + 0.2, 123456789012345],  # noqa: DTZ001
        [405, 42, "405", 12345, 7.5, True],
        formats={"C1": "dd/mm/yyyy", "A2": "0000", "B2": "00000", "C2": "0000", "D2": "0000", "E2": "0000"},
    )
    assert texts_of(content, tmp_path) == [
        ["2025-01-31", "2025-01-31T13:45:00", "2023-03-15", "0.3", "123456789012345"],
        ["0405", "00042", "405", "12345", "7.5", "TRUE"],
    ]


def test_what_other_programs_write_is_read_as_well(tmp_path: Path) -> None:
    rich = "<si><r><t>Da</t></r><r><t>te</t></r></si>"
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>in</t></is></c></row>'
        '<row r="3"><c r="A3" s="1"><v>405</v></c><c r="B3" s="2"><v>45321</v></c><c r="C3" s="3"><f>TODAY()</f>'
        '<v>45322</v></c><c r="D3" t="str"><f>"a"</f><v>a</v></c><c r="E3" t="e"><v>#N/A</v></c>'
        '<c r="F3" t="b"><v>1</v></c><c r="G3" t="str"><f>""</f><v></v></c><c r="H3" s="4"><v>0.07</v></c></row>'
        '<row><c t="str"><v>no numbers</v></c><c><v>1.0</v></c></row>'
    )
    found = texts_of(by_hand(rows, texts=rich), tmp_path)
    assert found == [
        ["Date", "in"],
        ["0405", "2024-01-30", "2024-01-31", "a", "#N/A", "TRUE", "", "0.07"],
        ["no numbers", "1"],
    ]
    old = texts_of(by_hand(rows, texts=rich, before='<workbookPr date1904="1"/>'), tmp_path)
    assert old[1][1:3] == ["2028-01-31", "2028-02-01"]


class TestFormulas:
    def read(self, folder: Path, profile: str = PROFILE) -> Read:
        content = saved(["Date", "Merchant", "Amount", "Other"], ["03/04/2017", "Taxi", "=5+7", "=1"])
        return read_mapped(folder, content, profile, name="a.xlsx")

    def test_one_without_a_value_is_an_error_that_says_so(self, tmp_path: Path) -> None:
        found = self.read(tmp_path)
        assert found.parsed == []
        assert [(each.code, each.column, each.line) for each in found.errors] == [("formula_unsaved", "Amount", 2)]

    def test_one_in_a_text_is_no_text(self, tmp_path: Path) -> None:
        found = self.read(
            tmp_path, with_field("merchant_name", '{ column = "Other" }').replace('"Amount"', '"Merchant"')
        )
        assert ("formula_unsaved", "Other") in {(each.code, each.column) for each in found.errors}

    def test_one_that_nothing_reads_is_nobodys_business(self, tmp_path: Path) -> None:
        content = saved(["Date", "Merchant", "Amount", "Other"], ["03/04/2017", "Taxi", 5, "=1"])
        assert read_mapped(tmp_path, content, name="a.xlsx").only().gross == 5


def test_sheets_that_are_not_read_are_named(tmp_path: Path) -> None:
    content = saved(["Date", "Amount"], ["03/04/2017", 5], others=("May", "June"))
    assert read_mapped(tmp_path, content, name="a.xlsx").described.unread_sheets == ("May", "June")
    assert look(tmp_path / "a.xlsx").doubts == ["Sheets not read: May, June."]


@pytest.fixture
def said(tmp_path: Path) -> str:
    """Give what `check` says of a workbook with three sheets."""
    content = saved(
        ["type", "issue_date", "currency", "net_amount", "account_id"],
        ["Payment", "2017-04-03", "GBP", 5, "400"],
        others=("May", "June"),
    )
    (tmp_path / "acme.xlsx").write_bytes(content)
    command = [sys.executable, "-m", "runner", "check", "acme.xlsx"]
    ended = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_check_names_sheets_that_are_not_read(said: str) -> None:
    assert "sheets not read: May, June" in said


class TestCosts:
    """What the process that reads a sheet may take: not the run's own memory, time or keys."""

    def test_a_sheet_beyond_the_largest_is_refused_with_a_way_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MAX_CELLS", 5)
        last = list(reading.answers(io.BytesIO(saved([1, 2, 3], [4, 5, 6])), sheet=None, decimal="."))[-1]
        assert isinstance(last, reading.Ended)
        assert last.fault is not None
        assert "save it as CSV" in last.fault.expected

    @pytest.mark.skipif(sys.platform == "darwin", reason="macOS keeps to no limit of address space")
    def test_a_process_that_takes_too_much_memory_ends_in_a_refusal(self, tmp_path: Path) -> None:
        styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>' + "<xf/>" * 1_490_000 + "</cellXfs></styleSheet>"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(FileFault, match="save the sheet as CSV UTF-8"):
            texts_of(by_hand('<row r="1"><c><v>1</v></c></row>', styles=styles), tmp_path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024

    def test_rows_are_told_a_few_at_a_time_however_long_they_are(self) -> None:
        content = saved(*[["x" * 30_000] * 30 for _ in range(20)], ["y"])
        told = [
            each.rows
            for each in reading.answers(io.BytesIO(content), sheet=None, decimal=".")
            if isinstance(each, reading.Rows)
        ]
        assert [len(rows) for rows in told] == [1] * 21

    def test_the_process_knows_no_keys_and_takes_no_module_of_the_current_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "zipfile.py").write_text("import os; os.abort()\n", encoding="utf-8")
        monkeypatch.setenv("CODAT_API_KEY", "x")
        monkeypatch.chdir(tmp_path)
        assert texts_of(saved(["a"]), tmp_path) == [["a"]]
