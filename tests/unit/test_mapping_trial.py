"""`map init` reads back what it writes, and tries it on the file."""

import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.map import init
from runner.intake.mapping.sample import look, look_at_bytes
from runner.intake.mapping.sketch import Sketch, sketch
from runner.intake.sources import find_sources
from runner.intake.trial import try_sketch
from tests.unit.council import write_council


def remarks(folder: Path, content: str | bytes, name: str = "export.csv") -> list[str]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (source,) = find_sources([str(path)])
    return try_sketch(sketch(look(path), path), source)


@pytest.mark.parametrize(
    "content",
    [
        "Date,Merchant,Amount\n03/04/2017,a,1.00\n05/06/2017,b,2.00\n",
        "Date,Net Amount,VAT Code,Company\n2024-01-02,1.00,q,x\n2024-01-02,1.00,q,\n",
        "Date,Type,Amount\n2024-04-03,Sale,1.00\n2024-04-03,Payment,9.00\n",
        "Date,Merchant,Amount,Receipt\n2024-01-02,a,1.00,a.pdf\n",
        "Date,Merchant,Gross,Fee,Net\n2024-01-02,a,10.00,0.50,9.50\n",
        "Datum;Empfänger;Betrag (EUR)\n13.04.2024;a;-1,00\n14.04.2024;b;1.234,00\n",
        "Date,Merchant\n2024-01-02,a\n",
    ],
)
def test_what_is_left_to_do_and_what_reads_well_gives_no_remark(tmp_path: Path, content: str) -> None:
    assert remarks(tmp_path, content) == []


def test_the_council_file_reads_but_for_the_rows_that_are_wrong_in_it(tmp_path: Path) -> None:
    assert not any("cannot be used" in each for each in remarks(tmp_path, write_council().content))


def test_rows_that_the_profile_would_refuse_are_said_with_line_column_and_value(tmp_path: Path) -> None:
    good = "".join(f"2024-01-{day:02},a,{day}.00\n" for day in range(1, 29))
    head, row = remarks(tmp_path, f"Date,Merchant,Amount\n{good}2024-02-31,b,2.00\n")
    assert "would refuse 1 row" in head
    assert "line 30: Date: '2024-02-31'" in row


def test_a_file_that_the_profile_cannot_read_is_said(tmp_path: Path) -> None:
    head, row = remarks(tmp_path, "Date,Amount,Amount\n2024-01-02,1.00,2.00\n")
    assert "would refuse the whole file" in head
    assert "column_repeated" in row


def test_a_profile_that_the_reader_refuses_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Date,Amount\n2024-01-02,1.00\n")
    (source,) = find_sources([str(path)])
    wrong = '[amounts]\ngross = "Amount"\nthousands = "x"\n'
    (remark,) = try_sketch(Sketch(wrong, 0, wrong), source)
    assert "cannot be used" in remark
    assert "thousands" in remark


def test_remarks_stand_in_the_profile_and_on_the_screen(tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "a.toml"
    path.write_text("Date,Amount,Amount\n2024-01-02,1.00,2.00\n")
    ended = CliRunner().invoke(init, [str(path), "--out", str(out)])
    assert ended.exit_code == 0
    assert "would refuse the whole file" in ended.stderr
    assert out.read_text().startswith("# Tried on")


_cells = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["Date", "Amount", "VAT Code", "Type", "Company", "Transaction ID", "03/04/2017", "1.234,56", "x"]),
)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(_cells, min_size=2, max_size=5), min_size=2, max_size=6))
def test_whatever_is_written_loads_once_it_is_decided(
    tmp_path_factory: pytest.TempPathFactory, *, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = "\n".join(",".join(cell.replace(",", "").replace('"', "") for cell in row) for row in rows)
    raw = ("Date,Amount,Merchant,Type,Company\n" + content).encode("utf-8", "replace")
    seen = look_at_bytes(io.BytesIO(raw))
    path = folder / "any.csv"
    path.write_bytes(raw)
    (source,) = find_sources([str(path)])
    assert not any("cannot be used" in each for each in try_sketch(sketch(seen, path), source))
