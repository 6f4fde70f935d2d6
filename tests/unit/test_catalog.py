import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.domain.states import SyncCode
from runner.intake.codes import Code
from runner.report.catalog import EXPENSES, HOLDS, RECEIPTS, ROWS, all_codes, explain
from runner.report.entry import Who
from runner.steps.holds import held_by_status

STEPS = Path(__file__).parents[2] / "runner"


def test_every_way_in_which_a_row_can_be_wrong_is_explained() -> None:
    assert {str(code) for code in Code} <= ROWS.keys()


def test_every_documented_sync_code_is_explained() -> None:
    for code in SyncCode:
        [(kind, entry)] = explain(str(int(code)))
        assert kind == "sync"
        assert entry.meaning


@pytest.mark.parametrize("code", [code for code in SyncCode if 4000 <= code < 5000])
def test_a_hold_that_a_sync_code_asks_for_is_explained(code: SyncCode) -> None:
    assert held_by_status(code, None).code in HOLDS


def test_every_code_that_the_steps_write_down_is_explained() -> None:
    written = set()
    for path in [*STEPS.glob("steps/*.py"), STEPS / "stage.py"]:
        written |= set(re.findall(r'code="([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert written
    assert written <= {*ROWS, *EXPENSES, *HOLDS, *RECEIPTS}


def test_every_code_can_be_looked_up_on_the_command_line() -> None:
    for code in all_codes():
        result = CliRunner().invoke(cli, ["explain", code, "--json"])
        assert result.exit_code == 0
        entries = json.loads(result.output)
        assert entries
        assert all(entry["way_out"] and Who(entry["who"]) for entry in entries)
