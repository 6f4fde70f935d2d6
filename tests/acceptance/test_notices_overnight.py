"""Notices as an operator gets them, night after night: something is wrong, it still is, it is well again."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import KEY, Command
from tests.acceptance.expenses import Expenses
from tests.acceptance.simulated import Simulator

HOOK = """#!/bin/sh
[ -e broken ] && { echo 'no mail server' >&2; exit 5; }
cat >> heard.jsonl
printf '%s\\n' "$EXPENSE_RUNNER_NOTICE_SUMMARY" >> heard.txt
env >> heard.env
"""


@pytest.fixture
def heard(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """A hook in the folder where the command runs, and what it was told since the last look."""
    (tmp_path / "hook").write_text(HOOK)
    (tmp_path / "hook").chmod(0o700)
    (tmp_path / "expense-runner.toml").write_text('[notify]\ncommand = "./hook"\nabout = ["held", "run-failed"]\n')

    def look() -> list[dict[str, Any]]:
        path = tmp_path / "heard.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    return look


def test_a_held_company_is_told_once_and_its_recovery_once(
    own_simulator: Callable[..., Simulator],
    write: Callable[..., Expenses],
    heard: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    expenses = write(companies=2, each=2)
    held = min(expenses.companies)
    unlinked = own_simulator(scenario=f'[[company]]\nid = "{held}"\nstatus = "Unlinked"\n')
    night = Command(tmp_path, unlinked.url)
    metrics = ["--metrics-file", "night.prom"]

    # The first night the mail server is away: the run ends as ever, and says so.
    (tmp_path / "broken").touch()
    ended = night.run(expenses.folder, options=metrics).expect(4)
    assert "not delivered through the command ./hook: It ended with 5. It said: 'no mail server'." in ended.err
    assert heard() == []
    (tmp_path / "broken").unlink()

    # The second it is told, the third nothing is new.
    night.run(options=metrics).expect(4)
    (notice,) = heard()
    (entry,) = notice["entries"]
    assert (entry["change"], entry["kind"], entry["companies"]) == ("began", "held", [held])
    assert entry["command"].endswith(f"--journal {tmp_path}/journal.db")
    assert (tmp_path / "heard.txt").read_text().endswith(": 1 company held\n")
    assert KEY not in (tmp_path / "heard.env").read_text()
    night.run(options=metrics).expect(4)
    assert heard() == []
    assert 'expense_runner_held_companies{code="no_connection"} 1\n' in (tmp_path / "night.prom").read_text()
    assert stat.S_IMODE((tmp_path / "night.prom").stat().st_mode) == 0o644

    # A night without a key tells that, and leaves the rest alone; then all is well, and both ends are told at once.
    replace(night, environment={"CODAT_API_KEY": ""}).run().expect(78)
    assert [each["kind"] for each in heard()[0]["entries"]] == ["run_failed"]
    well = Command(tmp_path, own_simulator(seed=1).url)
    well.run(options=metrics).expect(0)
    (notice,) = heard()
    assert {(each["change"], each["kind"]) for each in notice["entries"]} == {
        ("recovered", "held"),
        ("recovered", "run_failed"),
    }
    assert "expense_runner_held_companies{code=" not in (tmp_path / "night.prom").read_text()


def test_the_channels_can_be_tried_without_a_journal(
    command: Command, heard: Callable[[], Any], tmp_path: Path
) -> None:
    said = command.call("notify", "test", "--notify-file", "notices.jsonl").expect(0)
    assert "Delivered through the command ./hook" in said.out
    assert heard()[0]["test"] is True
    assert json.loads((tmp_path / "notices.jsonl").read_text())["test"] is True
    (tmp_path / "broken").touch()
    said = command.call("notify", "test").expect(1)
    assert "It ended with 5" in said.err
