"""What commands say holds for what they were given: whole files, nothing to do, no journal, no other file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli import cli, main
from runner.intake.codes import OF_FILES
from runner.report.catalog import ROWS

HEAD = "company_id,id,type,issue_date,currency,net_amount,account_id\n"
RIGHT = "acme,E1,Payment,2026-03-09,EUR,120,405\n"
WRONG = "acme,E2,Payment,2026-03-09,EUR,1x,405\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # Without a key `check` asks nobody.
    for name in ("CODAT_API_KEY", "CODAT_BASE_URL", "EXPENSE_RUNNER_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def said(*arguments: str) -> str:
    return CliRunner().invoke(cli, arguments, standalone_mode=False).stdout


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Return the exit code of the command as it is installed."""
    monkeypatch.setenv("CODAT_API_KEY", "rehearsal")
    monkeypatch.setattr("sys.argv", ["expense-runner", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


# ---- files that are refused as a whole ----


def test_a_refused_file_is_counted_as_a_file_and_gets_no_advice_for_rows(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"caf\xe9,b\n1,2\n")
    (folder / "b.csv").write_bytes(b"")

    text = said("check", "a.csv", "b.csv")

    assert "2 errors of 2 kinds; 2 files are refused as a whole.\n" in text
    assert "a.csv: refused as a whole" in text
    for nonsense in ("Correct the row", "encoding utf-8", "Rows that are wrong", "expenses are wrong"):
        assert nonsense not in text


def test_wrong_rows_are_told_apart_from_refused_files(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"")
    (folder / "b.csv").write_text(HEAD + RIGHT + WRONG)

    text = said("check", "a.csv", "b.csv")

    assert "2 errors of 2 kinds; 1 file is refused as a whole, 1 expense is wrong.\n" in text
    assert "Correct the row" in text
    assert "delimiter comma, encoding utf-8" in text


def test_no_way_out_of_a_file_s_fault_speaks_of_a_row() -> None:
    for code in OF_FILES:
        assert "Correct the row" not in ROWS[code].way_out
        assert "row" not in ROWS[code].way_out.split()


# ---- plan ----


def test_a_plan_names_its_own_files_and_no_command_that_would_do_nothing(folder: Path) -> None:
    (folder / "my cards.csv").write_text(HEAD + WRONG)
    text = said("plan", "my cards.csv")
    assert "See what is wrong with: expense-runner check 'my cards.csv'\n" in text
    assert text.endswith("Nothing was sent, and a run would send nothing.\n")

    (folder / "my cards.csv").write_text(HEAD + RIGHT)
    assert "To do it: expense-runner run --journal expense-runner.db 'my cards.csv'\n" in said("plan", "my cards.csv")


# ---- refusals that come first ----


@pytest.mark.parametrize("command", [["run", "cards.csv"], ["verify", "--rebuild", "cards.csv"]])
def test_an_unencrypted_address_is_refused_before_anything_is_written(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cards.csv").write_text(HEAD + RIGHT)

    assert ended(monkeypatch, *command, "--base-url", "http://codat.example") == 78

    assert "must be https" in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["cards.csv"]


@pytest.mark.parametrize("command", [["run"], ["retry"], ["verify"], ["journal", "prune", "--older-than", "400d"]])
def test_another_file_named_as_the_journal_is_left_alone(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "cards.csv").write_text(HEAD + RIGHT)

    assert ended(monkeypatch, *command, "--journal", "cards.csv") == 6

    assert "cards.csv is not a journal" in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["cards.csv"]
    assert (folder / "cards.csv").read_text() == HEAD + RIGHT


# ---- demo and show ----


def test_a_demo_that_keeps_nothing_names_no_journal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "demo") == 3
    assert "demo.db" not in capsys.readouterr().out


def test_a_kept_demo_names_its_journal_and_show_writes_amounts_as_all_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "demo", "--keep", "kept") == 3
    assert "--journal kept/demo.db" in capsys.readouterr().out

    ended(monkeypatch, "report", "--journal", "kept/demo.db", "--format", "json")
    whole = next(each for each in json.loads(capsys.readouterr().out)["attention"] if each["about"] == "expense")
    ended(monkeypatch, "show", whole["expense_id"], "--journal", "kept/demo.db")
    amount = float(whole["amount"])
    assert f"  {amount:,.2f} {whole['currency']}, from " in capsys.readouterr().out
