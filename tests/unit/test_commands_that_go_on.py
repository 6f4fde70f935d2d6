"""The command that goes on speaks to the same account as the one before it, and to the same journal."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.cli.options import account_options, flow_option, given_account_options

ROW = "company_id,type,issue_date,currency,net_amount,account_id\nacme,Payment,2024-03-09,EUR,1,405\n"


@click.command()
@account_options
@flow_option
def ask(**_options: object) -> None:
    click.echo(" ".join(given_account_options()))


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--flow", "direct"],
        ["--base-url", "http://127.0.0.1:9", "--flow", "direct"],
        ["--api-key-command", "v"],
    ],
)
def test_what_was_said_of_the_account_on_the_command_line_is_said_again(given: list[str]) -> None:
    assert CliRunner().invoke(ask, given).output.split() == given


def test_what_the_environment_says_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODAT_BASE_URL", "http://127.0.0.1:9")
    assert CliRunner().invoke(ask, []).output.split() == []


def test_a_plan_for_the_other_flow_goes_on_in_that_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cards.csv").write_text(ROW)
    said = CliRunner().invoke(cli, ["plan", "--flow", "direct", "cards.csv"]).output
    assert "To do it: expense-runner run --journal expense-runner.db --flow direct cards.csv" in said


def test_nobody_is_asked_where_there_is_no_command_line() -> None:
    assert given_account_options() == []
