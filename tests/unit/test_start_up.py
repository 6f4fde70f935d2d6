"""A command loads what it needs and no more: start-up is most of the time that a short life takes."""

import json
import subprocess
import sys
from pathlib import Path

import click
import iso4217
import pytest

from runner.cli import COMMANDS, cli
from runner.intake.currencies import WITHDRAWN, currencies, minor_units, spendable

_LOADED = """
import json, sys
from runner.cli import main
try:
    main(json.loads(sys.argv[1]))
except SystemExit as end:
    print(json.dumps({"code": end.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
HEAVY = {"aiohttp", "rich", "structlog", "charset_normalizer", "iso4217", "openpyxl", "xml.etree.ElementTree"}


def loaded(*arguments: str, folder: Path) -> tuple[int, set[str]]:
    """Run a command in a process of its own; return its exit code and every module that it had loaded in the end."""
    ended = subprocess.run(
        [sys.executable, "-c", _LOADED, json.dumps(arguments)],
        cwd=folder,
        env={"CODAT_API_KEY": "key", "CODAT_BASE_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(ended.stderr.splitlines()[-1])
    return said["code"], set(said["modules"])


def test_the_version_loads_no_command(tmp_path: Path) -> None:
    code, modules = loaded("--version", folder=tmp_path)
    assert code == 0
    assert not modules & {
        *HEAVY,
        "asyncio",
        "sqlite3",
        "msgspec",
        *(place.split(":")[0] for place in COMMANDS.values()),
    }


def test_a_run_that_finds_nothing_to_do_and_a_status_load_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("company_id,type,issue_date,currency,net_amount,account_id\n")
    assert loaded("run", "empty.csv", folder=tmp_path)[0] == 0
    for command in ("run", "status"):
        code, modules = loaded(command, folder=tmp_path)
        assert code == 0
        assert not modules & HEAVY


def test_the_help_of_all_commands_loads_no_http(tmp_path: Path) -> None:
    code, modules = loaded("--help", folder=tmp_path)
    assert code == 0
    assert not modules & HEAVY


def test_every_command_has_the_name_by_which_it_is_found() -> None:
    assert [command.name for command in cli.load_all()] == list(COMMANDS)
    assert cli.list_commands(click.Context(cli)) == sorted(COMMANDS)


def test_a_command_that_does_not_exist_is_none() -> None:
    assert cli.get_command(click.Context(cli), "runn") is None


def test_the_currencies_are_those_of_the_standard() -> None:
    assert currencies() == {each.code for each in iso4217.Currency}
    assert minor_units()["JPY"] == 0
    assert minor_units()["KWD"] == 3
    assert "XAU" in currencies() - minor_units().keys()
    assert (minor_units()["ITL"], minor_units()["DEM"]) == (0, 2)
    for code, (first, last) in WITHDRAWN.items():
        assert code in spendable()
        assert "1900-01-01" <= first < last < "2030"


@pytest.mark.parametrize("unknown", ["EURO", "eur", ""])
def test_what_is_no_code_is_no_currency(unknown: str) -> None:
    assert unknown not in currencies()
