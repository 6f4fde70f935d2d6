"""What a person types: inputs of every shape, settings from every place, help, completion, check."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.command import Command, finish, start
from tests.acceptance.expenses import Expenses, assert_all_posted_once
from tests.acceptance.simulated import ROOT, Simulator

COMMANDS = ("demo", "check", "run", "status", "simulate", "completion")


def as_one_file(expenses: Expenses) -> bytes:
    """Return all companies' CSVs as one, with a column for the company."""
    lines: list[str] = []
    for file in sorted(expenses.folder.glob("*.csv")):
        header, *rows = file.read_text().splitlines()
        lines = lines or [f"company_id,{header}"]
        lines += [f"{file.stem},{row}" for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode()


def test_standard_input_is_read_to_its_end(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write()
    process = command.start(command.arguments("-"), stdin=-1)

    finish(process, given=as_one_file(expenses)).expect(0)

    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_delimiter_with_and_without_a_byte_order_mark_gives_the_same_expenses(
    encoding: str, delimiter: str, command: Command, write: Callable[..., Expenses]
) -> None:
    expenses = write()
    text = as_one_file(expenses).decode().replace(",", delimiter)
    (command.folder / "all.csv").write_text(text, encoding=encoding, newline="")

    ended = command.call("check", "--json", "all.csv").expect(0)

    (said,) = ended.report["inputs"]
    assert said["expenses"] == 6
    assert said["delimiter"] == delimiter


def test_folders_and_files_can_be_named_together_and_twice(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write()
    nested = expenses.folder / "deeper"
    nested.mkdir()
    moved = min(expenses.folder.glob("*.csv"))
    shutil.move(moved, nested / moved.name)

    ended = command.run(expenses.folder, nested / moved.name).expect(0)

    assert ended.report["expenses"]["posted"] == 6
    assert_all_posted_once(expenses, simulator.ledger())


def test_receipts_are_found_in_another_folder_if_told(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(receipt_every=1)
    elsewhere = command.folder / "elsewhere"
    elsewhere.mkdir()
    for file in expenses.folder.glob("*.txt"):
        shutil.move(file, elsewhere / file.name)

    command.call("check", str(expenses.folder)).expect(3)
    command.run(expenses.folder, options=["--receipts-dir", str(elsewhere)]).expect(0)

    assert_all_posted_once(expenses, simulator.ledger())


def test_check_names_every_wrong_row_and_touches_neither_journal_nor_network(
    tmp_path: Path, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1)
    (file,) = expenses.folder.glob("*.csv")
    with file.open("a") as opened:
        opened.write(",Payment,yesterday,EUR,1,0,acc-1,,\n,Payment,2026-03-01,EUR,1e5,0,acc-1,,\n")
        opened.write(",Payment,2026-03-01,EUR,1,0,acc-1,,missing.pdf\n,Gift,2026-03-01,EUR,1,0,acc-1,,\n")
    # Nothing listens at port 9, and nothing needs to.
    command = Command(tmp_path, "http://127.0.0.1:9", environment={"CODAT_API_KEY": ""})

    ended = command.call("check", "--json", str(expenses.folder)).expect(3)

    errors = ended.report["errors"]
    assert [(each["line"], each["column"]) for each in errors] == [
        (5, "issue_date"), (6, "net_amount"), (7, "receipts"), (8, "type"),
    ]  # fmt: skip
    assert all(each["expected"] and each["file"].endswith(file.name) for each in errors)
    assert ended.report["inputs"][0]["expenses"] == 3
    assert not command.journal.exists()
    told = command.call("check", str(expenses.folder)).expect(3)
    for value in ("yesterday", "1e5", "missing.pdf", "Gift"):
        assert value in told.out


def test_strict_posts_everything_where_nothing_is_wrong(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write()

    command.run(expenses.folder, options=["--strict"]).expect(0)

    assert_all_posted_once(expenses, simulator.ledger())


def test_settings_come_from_flag_before_environment_before_file(
    tmp_path: Path, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write()
    (tmp_path / "settings.toml").write_text(
        'base_url = "http://127.0.0.1:9"\n[run]\nflow = "direct"\npoll_interval = 0.05\njournal = "from-file.db"\n'
    )
    command = Command(tmp_path, simulator.url, options=("--max-rpm", "0"))
    arguments = ["--config", "settings.toml", *command.arguments(expenses.folder, options=["--flow", "datasets"])]

    command.call(*arguments).expect(0)

    # The flag beat the file's flow, the environment the file's base URL and journal.
    assert {kind for kind, _ in command.attempts()} == {"create", "start"}
    assert not (tmp_path / "from-file.db").exists()
    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize(
    ("text", "said"),
    [("flwo = 'direct'\n", "'flwo'"), ("[run\n", "not valid TOML"), ("[run]\nflow = 'sideways'\n", "sideways")],
)
def test_a_wrong_configuration_file_is_explained(tmp_path: Path, simulator: Simulator, text: str, said: str) -> None:
    (tmp_path / "expense-runner.toml").write_text(text)

    ended = Command(tmp_path, simulator.url).run()

    assert ended.code in {2, 78}, ended
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(name: str, command: Command) -> None:
    ended = command.call(name, "--help").expect(0)

    assert "Usage: expense-runner" in ended.out
    # The demo is its own example.
    if name != "demo":
        assert "Example" in ended.out
        assert "`expense-runner" in ended.out


def test_the_help_names_every_command_and_the_exit_codes(command: Command) -> None:
    ended = command.call("--help").expect(0)

    for name in COMMANDS:
        assert f"  {name}" in ended.out
    assert "Exit codes:" in ended.out


@pytest.mark.parametrize(("shell", "said"), [("bash", "complete"), ("zsh", "#compdef"), ("fish", "complete")])
def test_shells_learn_to_complete(shell: str, said: str, command: Command) -> None:
    ended = command.call("completion", shell).expect(0)

    assert said in ended.out
    assert "_EXPENSE_RUNNER_COMPLETE" in ended.out


def test_the_installed_command_is_the_module(command: Command) -> None:
    installed = Path(sys.executable).with_name("expense-runner")
    if not installed.exists():
        pytest.skip("the project is not installed in this environment")

    ended = finish(start(["--version"], folder=command.folder, env=command.env, program=[str(installed)])).expect(0)

    assert ended.out == command.call("--version").expect(0).out


def test_the_demo_shows_every_outcome_and_doubles_nothing(tmp_path: Path, simulator: Simulator) -> None:
    command = Command(tmp_path, simulator.url, environment={"CODAT_API_KEY": ""})

    ended = command.call("demo", "--json", "--keep", "kept").expect(3)

    assert ended.report["expenses"]["posted"] > 0
    assert ended.report["expenses"]["held"] > 0
    assert ended.report["receipts"]["attached"] > 0
    ledger = json.loads((tmp_path / "kept" / "ledger.json").read_text())
    posted = [(each["company"], each["expense"]) for each in ledger["entries"]]
    assert len(posted) == len(set(posted)) == ended.report["expenses"]["posted"]


def test_the_sample_data_is_what_the_demo_reads(command: Command) -> None:
    ended = command.call("check", str(ROOT / "sample_data")).expect(3)

    assert "e66e0000-5555-4e55-8e55-e66e00000005.csv" in ended.out
