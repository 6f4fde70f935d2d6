"""A council's purchase-card file from `map init` to the books: every penny of it is accounted for."""

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command import Command
from tests.acceptance.simulated import Simulator
from tests.unit.council import CATEGORIES, DEPARTMENTS, Council, write_council

COMPANIES = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in DEPARTMENTS}


@pytest.fixture
def command(tmp_path: Path) -> Iterator[tuple[Command, Simulator]]:
    folder = tmp_path / "simulator"
    folder.mkdir()
    with Simulator(folder) as running:
        yield Command(tmp_path, running.url), running


def decide(first: str) -> str:
    """Do what a person does with the first profile: fill the tables, check the rates, remove the to_do lines."""
    text = "\n".join(line for line in first.splitlines() if not line.startswith("to_do = "))
    for key, value in (COMPANIES | CATEGORIES).items():
        text = text.replace(f'"{key}" = ""', f'"{key}" = "{value}"')
    text = text.replace('overlap = ""', 'overlap = "yes"')
    for code, rate in (("s", 20), ("r", 5), ("z", 0), ("e", 0)):
        assert f'"{code}" = {rate}' in text
    return text


def test_a_department_that_is_decided_later_brings_only_its_own_rows_to_the_books(
    tmp_path: Path, command: tuple[Command, Simulator]
) -> None:
    runner, simulator = command
    council = write_council(rows=120, seed=3)
    (tmp_path / "cards.csv").write_bytes(council.content)
    runner.call("map", "init", "cards.csv", "--out", "council.toml").expect(0)
    profile = tmp_path / "council.toml"
    decided = decide(profile.read_text(encoding="utf-8"))
    late = DEPARTMENTS[2]
    profile.write_text(decided.replace(f'"{late}" = "{COMPANIES[late]}"', f'"{late}" = ""'), encoding="utf-8")
    runner.run("cards.csv", options=["--map", "council.toml"]).expect(3)
    before = {(each["company"], each["expense"]) for each in simulator.ledger().entries}
    assert not any(company == COMPANIES[late] for company, _ in before)

    # The table, and another account for everything: what is posted stays as it is, under its own id.
    profile.write_text(decided, encoding="utf-8")
    runner.run("cards.csv", options=["--map", "council.toml"]).expect(3)
    after = [(each["company"], each["expense"]) for each in simulator.ledger().entries]
    assert len(after) == len(set(after)) == len(council.gross) - len(council.wrong)
    assert before < set(after)


def test_a_corrected_account_never_posts_what_is_posted_again(
    tmp_path: Path, command: tuple[Command, Simulator]
) -> None:
    runner, simulator = command
    (tmp_path / "cards.csv").write_bytes(write_council(rows=40).content)
    runner.call("map", "init", "cards.csv", "--out", "council.toml").expect(0)
    profile = tmp_path / "council.toml"
    decided = decide(profile.read_text(encoding="utf-8"))
    profile.write_text(decided, encoding="utf-8")
    runner.run("cards.csv", options=["--map", "council.toml"]).expect(3)
    posted = simulator.ledger().entries

    profile.write_text(decided.replace("acc-travel", "acc-other"), encoding="utf-8")
    ended = runner.call("check", "cards.csv", "--map", "council.toml")
    assert ended.code == 3
    again = runner.run("cards.csv", options=["--map", "council.toml"]).expect(3)
    assert simulator.ledger().entries == posted
    noted = runner.query("SELECT noted FROM input ORDER BY input_no DESC LIMIT 1")
    assert noted[0][0] > 0
    assert again.report["expenses"]["posted"] == len(posted)


def test_the_profile_may_stand_in_the_configuration_and_a_run_without_files_goes_on_with_it(
    tmp_path: Path, command: tuple[Command, Simulator]
) -> None:
    runner, _ = command
    (tmp_path / "expense-runner.toml").write_text('mapping = "xero.toml"\n', encoding="utf-8")
    (tmp_path / "xero.toml").write_text(
        'extends = "xero-statement"\n[fields]\ncompany_id = { constant = "acme" }\n'
        'issue_date = { format = "day-first" }\n'
        'currency = { constant = "GBP" }\naccount_id = { constant = "4" }\n',
        encoding="utf-8",
    )
    (tmp_path / "s.csv").write_text("*Date,*Amount,Payee\n03/04/2025,-86.43,Stationers\n", encoding="utf-8")
    checked = json.loads(runner.call("check", "s.csv", "--json").expect(0).out)
    assert checked["inputs"][0]["mapping"] == "xero.toml"


def test_map_init_never_overwrites_and_map_list_names_every_ready_profile(
    tmp_path: Path, command: tuple[Command, Simulator]
) -> None:
    runner, _ = command
    (tmp_path / "a.csv").write_text("Date,Amount\n2017-04-03,1.00\n", encoding="utf-8")
    (tmp_path / "a.toml").write_text("mine", encoding="utf-8")
    runner.call("map", "init", "a.csv", "--out", "a.toml").expect(6)
    assert (tmp_path / "a.toml").read_text(encoding="utf-8") == "mine"
    tomllib.loads(runner.call("map", "init", "a.csv").expect(0).out)
    listed = runner.call("map", "list").expect(0).out
    for name in ("expensify", "ramp", "brex", "pleo", "spendesk", "soldo", "quickbooks-statement", "xero-statement"):
        assert re.search(rf"^{name}: ", listed, re.MULTILINE)


def test_map_test_shows_rows_before_and_after_the_json_and_the_errors(
    tmp_path: Path, command: tuple[Command, Simulator]
) -> None:
    runner, _ = command
    (tmp_path / "s.csv").write_text(
        "*Date,*Amount,Payee\n03/04/2025,-86.43,Stationers\n99/04/2025,-1,x\n03/04/2025,5.00,In\n", encoding="utf-8"
    )
    (tmp_path / "x.toml").write_text(
        'extends = "xero-statement"\n[fields]\ncompany_id = { constant = "acme" }\n'
        'issue_date = { format = "day-first" }\n'
        'currency = { constant = "GBP" }\naccount_id = { constant = "4" }\n',
        encoding="utf-8",
    )
    out = runner.call("map", "test", "s.csv", "--map", "x.toml", "--rows", "3").expect(3).out
    assert "line 2: 03/04/2025 | -86.43 | Stationers" in out
    assert '"netAmount":86.43' in out
    assert "WRONG *Date: '99/04/2025'" in out
    assert "skipped by the rule in" in out
    first = runner.call("map", "test", "s.csv", "--map", "x.toml", "--rows", "1").expect(0).out
    assert "99/04" not in first


def test_the_truth_about_the_file_is_worth_comparing_with() -> None:
    council: Council = write_council()
    assert {name for name, _ in council.gross.values()} > set(DEPARTMENTS)
    assert any(gross < 0 for _, gross in council.gross.values())
    with pytest.raises(UnicodeDecodeError):
        council.content.decode("utf-8")
