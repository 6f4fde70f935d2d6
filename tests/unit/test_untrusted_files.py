"""Files that mean harm, or are none: refused with a reason, in bounded time and memory, never with a wrong amount."""

import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from runner.errors import ConfigurationWrong, RefusedToStart
from runner.intake.digested import Settled
from runner.intake.mapping import archive
from runner.intake.mapping.load import load_profile
from runner.intake.mapping.sheet import Answer, answers
from runner.intake.sources import find_sources
from tests.acceptance.simulated import clean_environment
from tests.unit.intake_reading import HEADER, ROW, Read, read, read_file, rows
from tests.unit.mapping_reading import PROFILE, read_mapped, write_profile

ROWS = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
LOOKED_UP = PROFILE.replace('{ constant = "400" }', '{ column = "Cat", lookup_file = "table.csv" }')


class TestNames:
    def test_a_name_that_no_report_can_show_is_refused_even_in_a_folder(self, tmp_path: Path) -> None:
        for name in ("two\nlines.csv", "\x1b[2Jscreen.csv", os.fsdecode(b"latin\xe9.csv")):
            folder = tmp_path / "in"
            folder.mkdir()
            (folder / name).write_text(rows(ROW.format(id="a", net="1")), encoding="utf-8")
            with pytest.raises(RefusedToStart, match="characters that no journal"):
                find_sources([str(folder)])
            (folder / name).unlink()
            folder.rmdir()

    def test_a_pipe_that_nobody_may_ever_write_to_is_not_opened(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(RefusedToStart, match="a pipe or a device"):
            find_sources([str(tmp_path / "pipe.csv")])

    def test_folders_and_links_to_devices_with_a_files_name_are_no_files(self, tmp_path: Path) -> None:
        (tmp_path / "folder.csv").mkdir()
        (tmp_path / "zero.csv").symlink_to("/dev/zero")
        os.mkfifo(tmp_path / "pipe.csv")
        (tmp_path / "good.csv").write_text(rows(), encoding="utf-8")
        assert [source.path for source in find_sources([str(tmp_path)])] == [tmp_path / "good.csv"]


class TestHeaders:
    @pytest.mark.parametrize("mark", ["\ufeff\ufeff", "\u200b", "\ufeff\u200b "])
    def test_a_mark_that_nobody_sees_does_not_give_the_expenses_to_the_files_name(
        self, tmp_path: Path, mark: str
    ) -> None:
        (tmp_path / "other.csv").write_text(mark + rows(ROW.format(id="a", net="1")), encoding="utf-8")
        assert read_file(tmp_path / "other.csv").only().company_id == "acme"

    @pytest.mark.parametrize("name", ["Company ID", "companyid", "COMPANY-ID"])
    def test_a_column_of_companies_in_another_spelling_is_never_left_unread(self, tmp_path: Path, name: str) -> None:
        content = rows(ROW.format(id="a", net="1"), header=HEADER.replace("company_id", name))
        (tmp_path / "other.csv").write_text(content, encoding="utf-8")
        error = read_file(tmp_path / "other.csv").error()
        assert error.code == "column_missing"
        assert name in error.expected


class Growing(io.FileIO):
    """A file that somebody writes to whenever it is read."""

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        with Path(str(self.name)).open("ab") as more:
            more.write(b"acme,x,Payment,2024-03-31,EUR,1")
        return chunk


class TestUnfinished:
    def test_a_file_that_is_still_being_written_is_not_read_to_half_an_amount(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text(rows(ROW.format(id="a", net="1")), encoding="utf-8")
        with Growing(path) as stream:
            settled = Settled(stream)  # type: ignore[arg-type]
            with pytest.raises(OSError, match="it is being written: 97 bytes when it was opened, 128 now"):
                settled.read(1 << 16)

    def test_the_error_names_the_file_and_the_line_that_was_reached(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text(rows(ROW.format(id="a", net="1")), encoding="utf-8")
        sizes = iter([(97, 0), (97, 0), (200, 1)])
        monkeypatch.setattr(Settled, "_size", lambda _: next(sizes))
        error = read_file(path).error()
        assert (error.code, error.line) == ("file_unreadable", 3)
        assert "being written" in error.expected

    def test_a_settled_file_is_read_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"x" * 200_000)
        with path.open("rb") as stream:
            assert Settled(stream).read() == b"x" * 200_000


class TestProfiles:
    @pytest.mark.parametrize(
        "text",
        [
            "[" + ".".join("a" * 100_000) + "]\n",
            ".".join(["'a'"] * 50_000) + " = 1\n",
            "x = {" + " . ".join("a" * 50_000) + " = 1}\n",
            "decimals = " + "9" * 5000 + "\n",
            "x = " + "[" * 100_000 + "]" * 100_000,
            'extends = "' + "a" * 100_000 + '"\n',
            'extends = "a\\u0000b"\n',
            'extends = "/dev/zero"\n',
        ],
        ids=["table", "quoted", "inline", "digits", "deep", "long-name", "nul-name", "device"],
    )
    def test_hostile_profiles_are_refused_at_once(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConfigurationWrong):
            load_profile(str(write_profile(tmp_path, text)))

    @pytest.mark.parametrize("kind", ["fifo", "device", "folder", "missing", "quoted", "binary"])
    def test_a_table_that_is_no_plain_text_file_is_refused_with_its_name(self, tmp_path: Path, kind: str) -> None:
        table = tmp_path / "table.csv"
        make: dict[str, Callable[[], object]] = {
            "fifo": lambda: os.mkfifo(table),
            "device": lambda: table.symlink_to("/dev/zero"),
            "folder": table.mkdir,
            "missing": lambda: None,
            "quoted": lambda: table.write_text('a,b\n"x,y\n', encoding="utf-8"),
            "binary": lambda: table.write_bytes(b"a,b\n\0,1\n"),
        }
        make[kind]()
        with pytest.raises(ConfigurationWrong, match=r"table\.csv"):
            load_profile(str(write_profile(tmp_path, LOOKED_UP)))

    def test_a_table_whose_name_no_file_can_have_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationWrong, match="no file can have this name"):
            load_profile(str(write_profile(tmp_path, LOOKED_UP.replace("table.csv", "a\\u0000.csv"))))

    def test_bytes_outside_the_stated_encoding_are_shown_even_at_the_very_end(self, tmp_path: Path) -> None:
        content = "Date,Amount\n03/04/2017,1.00\n".encode("utf-16") + b"\xd8"
        error = read_mapped(tmp_path, content, PROFILE + '[file]\nencoding = "utf-16"\n').error()
        assert (error.code, error.value) == ("encoding_wrong", "the bytes d8")


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Any]:
    """Read a small good workbook with some of its parts replaced, or others added."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Date", "Amount"])
    book.active.append(["03/04/2017", 12.5])
    packed = io.BytesIO()
    book.save(packed)

    def make(
        *,
        sheet: bytes | None = None,
        parts: dict[str, bytes] | None = None,
        twice: str = "",
        method: int = 8,
        here: bool = False,
    ) -> Read | Answer:
        replaced = dict(parts or {}) | ({} if sheet is None else {"xl/worksheets/sheet1.xml": sheet})
        out = io.BytesIO()
        with zipfile.ZipFile(packed) as source, zipfile.ZipFile(out, "w", method) as target:
            for name in source.namelist():
                target.writestr(name, replaced.pop(name, source.read(name)))
            for name, content in replaced.items():
                target.writestr(name, content)
            if twice:
                with pytest.warns(UserWarning, match="Duplicate name"):
                    target.writestr(twice, b"")
        if here:
            return list(answers(out, sheet=None, decimal="."))[-1]
        return read_mapped(tmp_path, out.getvalue(), name="bomb.xlsx")

    return make


class TestWorkbooks:
    def test_the_workbook_that_the_bombs_are_made_of_is_read(self, workbook: Callable[..., Any]) -> None:
        assert str(workbook().only().gross) == "12.5"

    @pytest.mark.parametrize(
        ("sheet", "wanted"),
        [
            (ROWS + b'<row r="1"/><row r="2000000000"/></sheetData></worksheet>', "rows are numbered"),
            (ROWS + b"<row/>" * 11_000 + b"</sheetData></worksheet>", "rows"),
            (ROWS + b"<row>" + b"<c><v>1</v></c>" * 40_000, "bytes in a row"),
            (ROWS + b"<a>" * 200_000, "bytes in a row"),
            (ROWS + b"<row><c><v>" + b"1" * 500_000, "bytes in a row"),
            (ROWS + b"</sheetData><x>" + b"<y/>" * 500_000, "bytes in a row"),
            (b'<?xml version="1.0"?>' + b" " * 9_000 + b'<!DOCTYPE l [<!ENTITY a "b">]>' + ROWS, "document type"),
            ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE l []><worksheet/>'.encode("utf-16"), "UTF-8"),
            (b'<?xml version="1.0" encoding="cp037"?>' + ROWS, "UTF-8"),
            (ROWS + b"<row>" + b"<c/>" * 3_000 + b"<!-- <row> --></row>", "no comments"),
        ],
        ids=["number", "rows", "cells", "nested", "cell", "rest", "entities", "utf-16", "ebcdic", "comment"],
    )
    def test_a_sheet_that_would_fill_memory_or_time_is_refused(
        self, workbook: Callable[..., Any], sheet: bytes, wanted: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive, "MAX_ROWS", 10_000)
        monkeypatch.setattr("runner.intake.mapping.sheet.MAX_ROWS", 10_000)
        monkeypatch.setattr(archive, "MAX_ROW_BYTES", 200_000)
        error = workbook(sheet=sheet, here=True).fault
        assert error.code == "workbook_unreadable"
        assert wanted in error.expected

    def test_rows_that_name_far_columns_cost_no_more_than_they_hold(self, workbook: Callable[..., Any]) -> None:
        far = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (number, number) for number in range(1, 4_000))
        assert workbook(sheet=ROWS + far + b"</sheetData></worksheet>").error().code == "no_header"
        one = ROWS + b'<row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>'
        assert workbook(sheet=one).error().code == "row_too_long"

    def test_every_other_part_must_be_small(self, workbook: Callable[..., Any]) -> None:
        for name in ("xl/styles.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
            found = workbook(parts={name: b"<a>" + b"<b/>" * 2_500_000 + b"</a>"}).error()
            assert "8,388,608 bytes" in found.expected

    def test_one_part_of_a_name_and_only_what_spreadsheets_pack_with(self, workbook: Callable[..., Any]) -> None:
        assert "one part of each name" in workbook(twice="xl/worksheets/sheet1.xml").error().expected
        assert "as spreadsheets pack it" in workbook(method=zipfile.ZIP_LZMA).error().expected
        many = {f"x{number}": b"" for number in range(10_001)}
        assert workbook(parts=many).error().code == "workbook_unreadable"

    def test_what_is_unpacked_is_counted_over_all_parts(self) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as target:
            target.writestr("xl/worksheets/a.xml", b"<worksheet>" + b" " * 100)
        opened = archive.Archive(packed)
        opened.unpacked(archive.MAX_READ)
        with pytest.raises(archive.FileFault), opened.open("xl/worksheets/a.xml") as part:
            part.read(10)

    def test_shared_texts_are_limited_in_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archive, "MAX_TEXTS", 1_000)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as target:
            target.writestr("few.sharedStrings.xml", b"<sst>" + b"<si/>" * 1_000)
            target.writestr("many.sharedStrings.xml", b"<sst>" + b"<si/>" * 1_001)
        opened = archive.Archive(packed)
        for size in (1, 7, 64, 1000, -1):
            assert _all_of(opened, "few.sharedStrings.xml", size)
            with pytest.raises(archive.FileFault):
                _all_of(opened, "many.sharedStrings.xml", size)


def _all_of(opened: archive.Archive, name: str, size: int) -> int:
    part: BinaryIO
    with opened.open(name) as part:  # type: ignore[assignment]
        return sum(len(piece) for piece in iter(lambda: part.read(size), b""))


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))


def test_a_single_endless_line_and_an_endless_quoted_cell_need_little_memory(tmp_path: Path) -> None:
    for name, begin in (("line.csv", b"x"), ("quoted.csv", HEADER.encode() + b'\nacme,"')):
        with (tmp_path / name).open("wb") as file:
            file.write(begin)
            for _ in range(200):
                file.write(b"x" * (1 << 20))
    ended = subprocess.run(
        [sys.executable, "-m", "runner", "check", "--json", "line.csv", "quoted.csv"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=_limit_memory,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    errors = json.loads(ended.stdout)["errors"]
    assert [(each["file"], each["line"], each["code"]) for each in errors] == [
        ("line.csv", 1, "row_too_long"),
        ("quoted.csv", 2, "row_too_long"),
    ]


def test_digits_of_other_scripts_are_no_amount() -> None:
    for text in ("\u0661\u0662.50", "\uff11\uff12.50", "12.5\u0660", "1\u00b2"):
        assert read(rows(ROW.format(id="a", net=text))).error().code == "amount_unreadable"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_are_counted_through_any_number_of_blank_ones(end: str) -> None:
    blank = end * 300_000
    found = read(blank + HEADER + end + blank + ROW.format(id="a", net="x") + end)
    assert [error.line for error in found.errors] == [600_002]
