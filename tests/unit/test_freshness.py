"""A journal that nobody works on is found, whether runs fail, are killed, or never happen."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from runner.cli import main
from runner.errors import ExitCode
from runner.journal.journal import writing
from runner.journal.records import Life
from runner.report.freshness import freshness_of
from tests.clocks import FakeClock

NOW = datetime(2026, 1, 2, 6, tzinfo=UTC)
LIMIT = timedelta(hours=26)


def life(number, began, ended=None, code=None):
    """Hours ago."""
    return Life(number, NOW - timedelta(hours=began), None if ended is None else NOW - timedelta(hours=ended), code)


def judge(*lives, at_work=False, limit=LIMIT):
    return freshness_of(list(lives), at_work=at_work, now=NOW, limit=limit)


@pytest.mark.parametrize("code", [0, 3, 4, 5, 7, 75])
def test_a_run_that_did_its_work_last_night_is_fresh(code):
    fresh = judge(life(1, 6, 5, code))

    assert not fresh.stale
    assert fresh.said == f"Run 1 ended 5:00:00 ago with exit code {code}."


@pytest.mark.parametrize("code", [int(ExitCode.KEY_REFUSED), int(ExitCode.CONFIGURATION), 1, 130, 143])
def test_runs_that_fail_every_night_are_no_work(code):
    fresh = judge(life(3, 2, 2, code), life(2, 26, 26, code), life(1, 50, 49, 0))

    assert fresh.stale
    assert fresh.said.endswith("No run has done its work in the last 26:00:00.")


def test_one_failed_run_after_one_that_did_its_work_is_fresh():
    assert not judge(life(2, 1, 1, 77), life(1, 6, 5, 0)).stale


def test_a_run_at_work_is_fresh_until_it_has_been_at_work_for_too_long():
    assert not judge(life(1, 25), at_work=True).stale
    assert judge(life(1, 27), at_work=True).stale
    assert "is at work" in judge(life(1, 25), at_work=True).said


def test_a_run_that_was_killed_is_no_work():
    fresh = judge(life(2, 1), life(1, 30, 29, 0))

    assert fresh.stale
    assert "was killed" in fresh.said


def test_a_run_that_never_happened_is_found():
    assert judge().stale
    assert not judge(limit=None).stale


def test_a_clock_that_was_set_back_is_not_called_stale():
    assert not judge(life(1, -1, -1, 0)).stale


# ---- the command ----


async def _journal(path):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)


def status(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["status", *arguments])
    return ended.value.code


async def test_monitoring_is_told_by_the_exit_code(tmp_path, capsys):
    path = tmp_path / "journal.db"
    await _journal(path)

    assert await _in_thread(status, "--journal", str(path), "--json", "--fail-if-stale", "36500d") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["stale"], said["last_exit_code"]) == (False, 0)

    assert await _in_thread(status, "--journal", str(path), "--fail-if-stale", "1s") == ExitCode.WORK_REMAINS


def test_a_journal_that_does_not_exist_is_stale(tmp_path, capsys):
    assert status("--journal", str(tmp_path / "none.db"), "--fail-if-stale", "26h") == ExitCode.WORK_REMAINS
    assert "No run has ever begun" in capsys.readouterr().out


def test_watching_is_for_people(tmp_path):
    assert status("--journal", str(tmp_path / "none.db"), "--watch", "--json") == ExitCode.CONFIGURATION


async def _in_thread(call, *arguments):
    return await asyncio.to_thread(call, *arguments)
