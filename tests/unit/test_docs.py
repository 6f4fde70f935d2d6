"""The documentation is true: what it names exists, what exists is named, and its commands can be given."""

import json
import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from runner.cli import _defaults, cli
from runner.domain.expense import ExpenseType
from runner.domain.states import ExpenseState, Outcome, ReceiptState, SyncState
from runner.errors import ExitCode, RunStopped
from runner.intake.codes import Code
from runner.intake.header import COLUMNS, REQUIRED
from runner.intake.receipts import CONTENT_TYPES
from runner.journal.migrations import APPLICATION_ID, available
from runner.report import catalog
from runner.report.accounting import ACCOUNTING
from runner.simulator import preset_names
from runner.simulator.behaviour import Behaviour, Limits
from runner.simulator.companies import CompanySpec
from runner.simulator.faults import OF_EXPENSES, Fault, FaultKind
from runner.simulator.scenario import read_scenario

COMMANDS = cli.load_all()
ROOT = Path(__file__).resolve().parents[2]
TOP = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES = {page.name: page.read_text(encoding="utf-8") for page in TOP} | {
    f"docs/{page.name}": page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))
}
README, REFERENCE = PAGES["README.md"], PAGES["docs/reference.md"]
SIMULATOR, JOURNAL = PAGES["docs/simulator.md"], PAGES["docs/journal.md"]

_FENCE = re.compile(r"^ *```(?P<language>[a-z]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def blocks(page: str, language: str) -> list[str]:
    """Return the text of a page's fenced blocks of one language."""
    return [match["text"] for match in _FENCE.finditer(page) if match["language"] == language]


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, down to the next one of its level or a higher one."""
    level = heading.count("#")
    after = page.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables in a text, without headers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = {number for number, row in enumerate(cells) if set("".join(row)) <= {"-"}}
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def words(cell: str) -> list[str]:
    """Return what stands in code marks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_words(text: str) -> list[str]:
    """Return what the first cells of a text's tables name."""
    return [word for row in rows(text) for word in words(row[0])]


# ---- commands, options, exit codes ----


def _documented(text: str) -> dict[str, list[str]]:
    return {next(w.split()[0] for w in words(row[0]) if w.startswith("--")): row for row in rows(text)}


def _options(command: click.Command) -> dict[str, click.Option]:
    return {
        next(each for each in option.opts if each.startswith("--")): option
        for option in command.params
        if isinstance(option, click.Option)
    }


def _existing() -> dict[str, click.Command]:
    """Return every command by what is typed for it; a group by its commands."""
    found: dict[str, click.Command] = {}
    for command in COMMANDS:
        own = command.commands.values() if isinstance(command, click.Group) else ()
        found |= {f"{command.name} {each.name}": each for each in own} or {f"{command.name}": command}
    return found


def _default(option: click.Option) -> str:
    value = option.default
    if option.is_flag or option.multiple or not isinstance(value, str | int | float | Path) or value == "":
        return "–"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


@pytest.mark.parametrize(("name", "command"), [("", cli), *_existing().items()])
def test_every_option_is_in_the_reference_with_its_environment_and_default(name: str, command: click.Command) -> None:
    heading = f"### `expense-runner {name}`" if name else "## Options of the program"
    documented, existing = _documented(section(REFERENCE, heading)), _options(command)
    assert set(documented) == set(existing)
    for flag, option in existing.items():
        environment = option.envvar if isinstance(option.envvar, list) else [option.envvar] if option.envvar else []
        assert words(documented[flag][1]) == environment, flag
        assert documented[flag][2] == _default(option), flag


@pytest.mark.parametrize("command", [cli, *COMMANDS, *_existing().values()], ids=lambda each: each.name)
def test_every_command_and_option_says_what_it_is_for(command: click.Command) -> None:
    assert command.help
    assert [option.name for option in _options(command).values() if not (option.help or option.hidden)] == []


@pytest.mark.parametrize("words", [[], ["journal"], ["map"], ["schedule"]])
def test_the_help_tells_of_each_command_in_a_whole_sentence(words: list[str]) -> None:
    said = CliRunner().invoke(cli, [*words, "--help"]).output
    assert "..." not in said.split("Commands:")[1]


def test_no_command_is_in_the_reference_that_does_not_exist() -> None:
    described = re.findall(r"^### `expense-runner ([a-z -]+)`$", REFERENCE, re.MULTILINE)
    assert sorted(described) == sorted(_existing())


@pytest.mark.parametrize(("page", "heading"), [("README.md", "## Exit codes"), ("docs/reference.md", "## Exit codes")])
def test_every_exit_code_is_explained(page: str, heading: str) -> None:
    assert [int(row[0]) for row in rows(section(PAGES[page], heading))] == [int(code) for code in ExitCode]


def test_exit_codes_have_their_names_in_the_reference() -> None:
    named = {int(row[0]): words(row[1])[0] for row in rows(section(REFERENCE, "## Exit codes"))}
    assert named == {int(code): code.name for code in ExitCode}


# ---- codes, columns, states ----


def test_every_code_of_a_row_is_in_the_reference() -> None:
    documented = first_words(section(REFERENCE, "### Rows"))
    assert sorted(documented) == sorted([*(code.value for code in Code), "id_conflict"])


def test_every_stop_is_in_the_reference_with_its_exit_code() -> None:
    def below(kind: type[RunStopped]) -> Iterator[type[RunStopped]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    documented = {words(row[0])[0]: row[1] for row in rows(section(REFERENCE, "### Stops"))}
    existing = {each.code: each.exit_code for each in below(RunStopped) if each.__module__.startswith("runner.")}
    assert set(documented) == set(existing)
    assert all(str(int(exit_code)) in documented[code].split(", ") for code, exit_code in existing.items())


@pytest.mark.parametrize(
    ("heading", "entries"),
    [
        ("### Expenses", catalog.EXPENSES),
        ("### Receipts", catalog.RECEIPTS),
        ("### Holds", catalog.HOLDS),
        ("### Warnings", catalog.WARNINGS),
        ("### Accounting software", ACCOUNTING),
    ],
)
def test_every_code_that_the_program_can_explain_is_in_the_reference(heading: str, entries: Mapping[str, Any]) -> None:
    # A conflict of ids is a row's error, and stands there; a receipt's file can be at fault as it can in a row.
    elsewhere = {"id_conflict", *(code.value for code in Code)}
    assert set(entries) - elsewhere <= set(first_words(section(REFERENCE, heading)))


def test_every_word_that_the_reference_calls_a_code_stands_in_the_program() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "runner").rglob("*.py"))
    # An expense's code can be Codat's own word for its status.
    said = {"pending", "unknown"}
    for heading in ("### Expenses", "### Receipts", "### Holds"):
        for code in first_words(section(REFERENCE, heading)):
            assert code in said or f'"{code}"' in source, code


def test_every_column_is_in_the_reference_and_the_required_ones_are_called_so() -> None:
    table = rows(section(REFERENCE, "## CSV files"))
    assert [words(row[0])[0] for row in table] == list(COLUMNS)
    assert {words(row[0])[0] for row in table if row[2] == "yes"} == set(REQUIRED)
    assert all(f"`{each}`" in table[2][3] for each in ExpenseType)


def test_every_kind_of_receipt_is_in_the_reference() -> None:
    assert all(f"`{extension}`" in section(REFERENCE, "## CSV files") for extension in CONTENT_TYPES)


def test_every_stored_state_is_in_the_journal_page() -> None:
    table = rows(section(JOURNAL, "## States"))
    documented = {of: [w for row in table if row[0] == of for w in words(row[1])] for of in {row[0] for row in table}}
    assert sorted(documented["expense"]) == sorted(set(ExpenseState) - {ExpenseState.HELD})
    assert sorted(documented["sync"]) == sorted(SyncState)
    assert sorted(documented["receipt"]) == sorted(ReceiptState)
    assert sorted(documented["attempt"]) == sorted(Outcome)


# ---- the journal ----


@pytest.fixture
def journal() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in available():
        connection.executescript(migration.script)
    yield connection
    connection.close()


def test_every_table_and_column_is_in_the_journal_page(journal: sqlite3.Connection) -> None:
    tables = [row[0] for row in journal.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    existing = {
        table: [row[1] for row in journal.execute(f"PRAGMA table_info({table})")]
        for table in tables
        if not table.startswith("sqlite_")
    }
    assert {words(row[0])[0]: words(row[2]) for row in rows(section(JOURNAL, "## Tables"))} == existing


def test_every_view_and_its_columns_are_in_the_journal_page(journal: sqlite3.Connection) -> None:
    views = [row[0] for row in journal.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    existing = {view: [row[1] for row in journal.execute(f"PRAGMA table_info({view})")] for view in views}
    assert {words(row[0])[0]: words(row[2]) for row in rows(section(JOURNAL, "## Views"))} == existing


def test_every_query_in_the_journal_page_can_be_asked(journal: sqlite3.Connection) -> None:
    queries = blocks(JOURNAL, "sql")
    assert queries
    for query in queries:
        assert journal.execute(query).fetchall() == []


def test_the_journal_page_names_the_application_id() -> None:
    assert f"`0x{APPLICATION_ID:08X}`" in JOURNAL


# ---- the simulator ----


def test_every_fault_name_is_in_the_simulator_page() -> None:
    assert sorted(first_words(section(SIMULATOR, "## Faults").split("In full,")[0])) == sorted(preset_names())


def test_every_field_and_kind_of_a_fault_is_in_the_simulator_page() -> None:
    full = section(SIMULATOR, "## Faults").split("In full,")[1]
    assert first_words(full) == [field.name for field in fields(Fault)]
    assert all(f"`{kind.value}`" in full.split("Kinds:")[1] for kind in FaultKind)


def test_every_dial_of_the_simulator_is_in_its_page() -> None:
    dials = {field.name for field in fields(Behaviour)} - {"companies"}
    assert set(first_words(section(SIMULATOR, "### `[behaviour]`"))) == dials
    assert set(first_words(section(SIMULATOR, "### `[behaviour.limits]`"))) == {field.name for field in fields(Limits)}
    company = {field.name for field in fields(CompanySpec)} | {"fault"}
    assert set(first_words(section(SIMULATOR, "### `[[company]]`"))) == company


def test_every_outcome_of_an_expense_is_in_the_simulator_page() -> None:
    (outcome,) = [row for row in rows(section(SIMULATOR, "### `[[expense]]`")) if row[0] == "`outcome`"]
    assert sorted(words(outcome[1])) == sorted(kind.value for kind in OF_EXPENSES)


def test_every_scenario_in_the_simulator_page_can_be_read() -> None:
    scenarios = blocks(SIMULATOR, "toml")
    assert scenarios
    for scenario in scenarios:
        read_scenario(scenario)


# ---- configuration ----


@pytest.mark.parametrize("page", ["docs/reference.md", "docs/direct-flow.md"])
def test_every_configuration_file_in_the_docs_is_accepted(page: str) -> None:
    files = [text for text in blocks(PAGES[page], "toml") if "[behaviour]" not in text]
    assert files
    for file in files:
        _defaults(tomllib.loads("\n".join(line.strip() for line in file.splitlines())))


def test_every_option_with_an_environment_variable_can_be_set_in_the_configuration_file() -> None:
    for command in COMMANDS:
        for flag, option in _options(command).items():
            key = {"--map": "mapping", "--source-ip": "source-ips"}.get(flag, flag.removeprefix("--"))
            if option.envvar:
                assert _defaults({f"{command.name}": {key: "1"}})[f"{command.name}"] == {option.name: "1"}, flag


# ---- what the pages say to paste ----


def _command_lines() -> Iterator[tuple[str, list[str]]]:
    for name, page in PAGES.items():
        for language in ("sh", "cron", "ini"):
            for text in blocks(page, language):
                for line in text.replace("\\\n", " ").splitlines():
                    yield from ((name, found) for found in _invocations(line))


def _invocations(line: str) -> Iterator[list[str]]:
    tokens = _split(line)
    for place, token in enumerate(tokens):
        if token.rpartition("/")[2] == "expense-runner":
            rest = tokens[place + 1 :]
            yield rest[: rest.index("\0")] if "\0" in rest else rest


def _split(line: str) -> list[str]:
    """Split a shell line; what ends a simple command becomes a NUL."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return ["\0" if set(token) <= set("|&;<>()") else token for token in lexer]


COMMAND_LINES = list(_command_lines())


def test_command_lines_are_found_in_every_page_for_users() -> None:
    assert {name for name, _ in COMMAND_LINES} >= {
        "README.md",
        "docs/reference.md",
        "docs/migration.md",
        "docs/nightly.md",
        "docs/incident.md",
        "docs/direct-flow.md",
        "docs/simulator.md",
    }


@pytest.mark.parametrize(
    ("page", "arguments"), COMMAND_LINES, ids=[" ".join(line) or page for page, line in COMMAND_LINES]
)
def test_every_command_line_in_the_docs_can_be_given(
    page: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("scenario.toml", "direct.toml", "cards.csv"):
        Path(name).touch()
    context = cli.make_context("expense-runner", list(arguments))
    command: click.Command = cli
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None, page
        command, context = found, found.make_context(found.name, rest, parent=context)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_resolves(page: str) -> None:
    folder = (ROOT / page).parent
    for match in _LINK.finditer(PAGES[page]):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        file = (folder / target).resolve() if target else ROOT / page
        assert file.exists(), match["target"]
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, match["target"]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_in_the_table_of_the_readme() -> None:
    contents = section(README, "## Documentation")
    for page in PAGES:
        assert page == "README.md" or f"]({page})" in contents, page


def test_every_module_has_its_place_in_the_house() -> None:
    page = PAGES["docs/architecture.md"]
    (house,) = blocks(section(page, "## The house"), "text")
    modules = {path.stem for path in (ROOT / "runner").glob("*.py")}
    packages = {path.parent.name for path in (ROOT / "runner").glob("*/__init__.py")}
    assert {name for name in modules | packages if not name.startswith("__")} <= set(re.findall(r"\w+", house))
    assert len(page.splitlines()) <= 150, "one page"


def test_every_file_that_the_guarantees_name_as_a_test_exists() -> None:
    table = rows(section(PAGES["docs/guarantees.md"], "## How it is tested"))
    names = [word for row in table for word in words(row[1])]
    here = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for name in names:
        if "tests/" in name or name.startswith("test_"):
            assert (ROOT / name).exists() or name in here, name


# ---- the README ----


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*project["project"].get("optional-dependencies", {}).values(), *project["dependency-groups"].values()]
    required = [*project["project"]["dependencies"], *(each for group in groups for each in group)]
    names = {re.split(r"[^A-Za-z0-9._-]", each)[0] for each in required if isinstance(each, str)}
    named = set(words(section(README, "## What it stands on")))
    assert names <= named, names - named


def test_the_readme_gives_both_commands_as_one_line_each() -> None:
    demo, tests = (block.strip() for block in blocks(section(README, "## See it work"), "sh"))
    assert "\n" not in demo
    assert demo.endswith("expense-runner demo")
    assert tests == ".ci/run"
    assert (ROOT / tests).stat().st_mode & 0o111


def test_nothing_is_left_to_be_filled_in() -> None:
    for name, page in PAGES.items():
        assert not re.search(r"\b(TODO|TBD|FIXME|XXX)\b|[A-Z]+_(TABLE|ROWS)\b", page), name


# ---- JSON ----


def _shape(value: Any) -> Any:
    """Return the keys of a JSON value; lists and maps by id or currency count by their first entry."""
    if isinstance(value, dict):
        fixed = all(re.fullmatch(r"[a-z_]+", key) for key in value)
        return {key: _shape(each) for key, each in value.items()} if fixed else [_shape(next(iter(value.values())))]
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return None


def _agrees(documented: Any, real: Any, place: str) -> None:
    if isinstance(documented, dict) and isinstance(real, dict):
        if not place.endswith((".expenses", ".amounts")) or "total" in documented:
            assert set(documented) == set(real), place
        for key in set(documented) & set(real):
            _agrees(documented[key], real[key], f"{place}.{key}")
    elif isinstance(documented, list) and isinstance(real, list) and documented and real:
        _agrees(documented[0], real[0], f"{place}[]")


def _json_after(heading: str) -> Any:
    (block,) = blocks(section(REFERENCE, heading), "json")
    return json.loads(block)


def _ask(*arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
    ended = subprocess.run(
        [sys.executable, "-m", "runner", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.returncode in codes, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The journal and the JSON of a demo, which is the one run that needs nothing and harms nothing."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "demo.db", _ask("demo", "--json", "--keep", str(folder), codes=(3,))


def test_the_json_of_a_run_is_as_documented(demo: tuple[Path, Any]) -> None:
    _agrees(_shape(_json_after("### `run --json` and `demo --json`")), _shape(demo[1]), "run")


def test_the_json_of_status_is_as_documented(demo: tuple[Path, Any]) -> None:
    _agrees(_shape(_json_after("### `status --json`")), _shape(_ask("status", "--json", "--journal", str(demo[0]))), "")


def test_the_json_of_check_is_as_documented() -> None:
    _agrees(_shape(_json_after("### `check --json`")), _shape(_ask("check", "--json", "sample_data", codes=(3,))), "")


def test_the_json_of_plan_is_as_documented(demo: tuple[Path, Any]) -> None:
    real = _ask("plan", "--json", "--journal", str(demo[0]), "sample_data", codes=(3,))
    _agrees(_shape(_json_after("### `plan --json`")), _shape(real), "plan")


def test_the_json_of_errors_is_as_documented(demo: tuple[Path, Any]) -> None:
    real = _ask("errors", "--json", "--journal", str(demo[0]), codes=(3,))
    _agrees(_shape(_json_after("### `errors --json`")), _shape(real), "")


def test_the_json_of_doctor_is_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CODAT_API_KEY", "CODAT_API_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    nowhere = ("--journal", str(tmp_path / "j.db"), "--base-url", "http://127.0.0.1:9")
    real = _ask("doctor", "--json", *nowhere, codes=(78,))
    _agrees(_shape(_json_after("### `doctor --json`")), _shape(real), "")
    documented = set(first_words(section(PAGES["docs/operations.md"], "## Is everything in place?")))
    assert {each["check"] for each in real["checks"]} <= documented


def test_the_json_of_explain_is_as_documented() -> None:
    _agrees(_shape(_json_after("### `explain --json`")), _shape(_ask("explain", "push_error", "--json")), "")


def test_the_keys_of_a_story_are_as_documented(demo: tuple[Path, Any]) -> None:
    expense = "83582bc9-3a95-4600-8782-acdeb5b330e2"
    (story,) = _ask("show", expense, "--json", "--journal", str(demo[0]))
    assert set(story) == set(words(section(REFERENCE, "### `show --json`")))


def test_the_output_in_the_readme_is_that_of_the_demo(demo: tuple[Path, Any]) -> None:
    expenses = demo[1]["expenses"]
    (shown,) = blocks(section(README, "## See it work"), "text")
    for state, count in expenses.items():
        expected = f"{count} expenses" if state == "total" else f"{count:>10,}  {state} "
        assert not count or expected in shown, state
    assert f"Exit code {demo[1]['exit_code']}." in shown
