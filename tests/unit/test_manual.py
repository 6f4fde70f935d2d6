"""The manual page is made from the commands themselves, and what is checked in is what is made."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.cli.manual import EXIT_STATUS, manual_page
from runner.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "expense-runner.1"
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def commands(group: click.Group, words: str = "expense-runner") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{words} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{words} {name}")


def test_the_page_that_is_checked_in_is_the_one_that_is_made() -> None:
    again = "it is out of date; make it again: .venv/bin/expense-runner man > docs/expense-runner.1"
    assert manual_page(cli) == PAGE.read_text(encoding="utf-8"), again


def test_the_command_prints_the_page() -> None:
    assert CliRunner().invoke(cli, ["man"]).output == manual_page(cli)


def test_every_command_and_option_is_in_the_page_and_says_what_it_does() -> None:
    page = PAGE.read_text(encoding="utf-8").replace(r"\-", "-")
    for words, command in commands(cli):
        assert command.help, words
        assert isinstance(command, click.Group) or f".SS {words}\n" in page, words
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, (words, option.name)
                assert all(each in page for each in option.opts), (words, option.name)


def test_the_help_tells_of_each_command_in_a_whole_sentence() -> None:
    for words in ("", "journal", "map", "schedule"):
        said = CliRunner().invoke(cli, [*words.split(), "--help"]).output
        assert "..." not in said.split("Commands:")[1], words


def test_exit_codes_mean_the_same_in_the_page_and_in_the_reference() -> None:
    section = REFERENCE.split("\n## Exit codes\n")[1].split("\n## ")[0]
    documented = dict(re.findall(r"^\| (\d+) \| `\w+` \| (.+) \|$", section, re.MULTILINE))
    assert {int(code): meaning for code, meaning in documented.items()} == {
        int(code): meaning for code, meaning in EXIT_STATUS.items()
    }
    assert set(EXIT_STATUS) == set(ExitCode)


def test_what_the_page_names_in_the_environment_is_in_the_reference() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"^\\fB([A-Z_]+)\\fR$", page.split(".SH ENVIRONMENT")[1], re.MULTILINE))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", REFERENCE.split("\n## Environment\n")[1], re.MULTILINE))
    assert named <= documented
    # Those that stand for an option are told with it.
    assert all(each in page for each in documented)


@pytest.mark.skipif(shutil.which("groff") is None and shutil.which("mandoc") is None, reason="no groff and no mandoc")
def test_roff_has_nothing_to_complain_of() -> None:
    lint = (
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", str(PAGE)]
        if shutil.which("groff")
        else ["mandoc", "-T", "lint", "-W", "warning", str(PAGE)]
    )
    ended = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
