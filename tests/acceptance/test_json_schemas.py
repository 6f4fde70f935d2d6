"""What `--json` prints is as the schemas in docs/schemas say: no key is missing, and they know each."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest

from runner.cli import cli
from tests.acceptance.forked import Forked
from tests.acceptance.simulated import ROOT, Simulator, clean_environment

SCHEMAS = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "docs" / "schemas").glob("*.json")
}
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
CALLS = {
    "check": ["check in", "check --preflight off in", "check in/shared_card_export.csv"],
    "plan": ["plan in", "plan in --max-rpm 0"],
    # The inbox holds what the run has read, and a stop is one that a limit brings about.
    "run": [
        "run --journal {journal} in",
        "run --journal {journal} --receipts-dir in --inbox box",
        "run --journal stopped.db --max-requests 3 in",
    ],
    "status": ["status --journal {journal}", "status --journal none.db --fail-if-stale 1h"],
    "errors": ["errors --journal {journal}"],
    "explain": ["explain", "explain push_error", "explain 5080"],
    "show": ["show --journal {journal} 83582bc9-3a95-4600-8782-acdeb5b330e2"],
    "verify": ["verify --journal {journal}"],
    "companies": ["companies --journal {journal}"],
    "doctor": ["doctor --journal {journal}", "doctor --journal none.db --base-url http://127.0.0.1:9"],
    "report": [
        "report --format json --journal {journal}",
        "report --format json --journal {journal} --company {company}",
    ],
    "journal-check": ["journal check --journal {journal}"],
    "journal-backup": ["journal backup --journal {journal} copy.db"],
    "journal-prune": ["journal prune --older-than 1d --journal {journal}"],
    "map-list": ["map list"],
    "map-test": ["map test statement.csv --map decided.toml", "map test in/shared_card_export.csv --map canonical"],
    "schedule-show": ["schedule show --root root"],
    "resolve": ["resolve --journal {journal} --company {company} --dismiss --note gone --yes"],
    "retry": ["retry --journal {journal}"],
    "error": ["run --journal none.db", "run --journal none.db missing.csv", "show --journal none.db nobody"],
}
"""By schema, the commands whose results are held against it, in the order in which they are given."""
HELD_ELSEWHERE = {"demo": "run"}
PROFILE = """\
[fields.company_id]
constant = "acme"
[fields.type]
constant = "Payment"
[fields.issue_date]
column = "Date"
[fields.currency]
constant = "EUR"
[fields.account_id]
constant = "405"
[amounts]
gross = "Amount"
tax_rate = 0
[[skip]]
column = "Date"
is = "Total"
"""


def exact(schema: Any) -> Any:
    """Return a schema that takes no key that it does not name: readers may meet new ones, this test may not."""
    if isinstance(schema, list):
        return [exact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema and "required" in schema else {}
    return {key: exact(value) for key, value in schema.items()} | closed


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Any]]]:
    """Give every command of `CALLS` once; return its JSON by schema."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copytree(ROOT / "sample_data", folder / "in")
    (folder / "box").mkdir()
    shutil.copy(folder / "in" / "cafe0000-3333-4c33-8c33-cafe00000003.csv", folder / "box")
    (folder / "statement.csv").write_text("Date,Amount\n2024-03-09,22.37\nsoon,1\nTotal,23.37\n", encoding="utf-8")
    (folder / "decided.toml").write_text(PROFILE, encoding="utf-8")
    behaviour, _, rest = (ROOT / "sample_data" / "simulator.toml").read_text(encoding="utf-8").partition("[[company]]")
    quick = behaviour.partition("[behaviour]")[2].replace("[0.2, 1.0]", "[0.01, 0.02]")
    with (
        Simulator(folder, behaviour=quick, scenario=f"[[company]]{rest}") as simulator,
        Forked(folder) as forked,
    ):
        yield {
            schema: [found for call in calls for found in _ask(call, folder, simulator.url, forked.bin)]
            for schema, calls in CALLS.items()
        }


def _ask(call: str, folder: Path, url: str, program: Path) -> list[Any]:
    said = call.format(journal="journal.db", company="cafe0000-3333-4c33-8c33-cafe00000003")
    quick = {"POLL_INTERVAL": "0.02", "INBOX_SETTLE": "0.05", "JOURNAL": "expense-runner.db"}
    ended = subprocess.run(
        [program / "expense-runner", *said.split(), *([] if "report" in said else ["--json"])],
        cwd=folder,
        env=clean_environment(CODAT_API_KEY="rehearsal", CODAT_BASE_URL=url)
        | {f"EXPENSE_RUNNER_{name}": value for name, value in quick.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout, (said, ended.stderr)
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_results_are_as_their_schema_says(name: str, results: dict[str, list[Any]]) -> None:
    jsonschema_rs.meta.validate(SCHEMAS[name])
    validator = jsonschema_rs.Draft202012Validator(exact(SCHEMAS[name]), validate_formats=True)
    assert results[name]
    for result in results[name]:
        assert [f"{each.instance_path}: {each.message}" for each in validator.iter_errors(result)] == []


def test_results_were_met_with_all_that_only_some_runs_have(results: dict[str, list[Any]]) -> None:
    assert {key for result in results["run"] for key in result} >= {"inbox", "stop", "resume"}
    assert any(result["preflight"] for result in results["check"])
    assert any(result["holds"] for result in results["status"])
    assert results["errors"][0]["causes"]


def test_every_command_with_json_has_a_schema_and_every_schema_is_linked_and_used() -> None:
    with_json = {
        "-".join(words)
        for words, command in _commands(cli, ())
        if any(option.name == "as_json" for option in command.params)
    }
    named = {HELD_ELSEWHERE.get(each, each) for each in with_json} | {"report", "error"}
    assert named == set(SCHEMAS) == set(CALLS)
    for name in SCHEMAS:
        assert f"(schemas/{name}.json)" in REFERENCE, name


def _commands(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))
        elif command is not None:
            yield (*words, name), command
