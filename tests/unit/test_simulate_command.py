"""`expense-runner simulate`: what is wrong with its command line is said before it begins."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli.simulate import simulate
from runner.errors import ConfigurationWrong, RefusedToStart


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ledger-out", "nowhere/ledger.csv"], "there is no folder nowhere"),
        (["--webhook-faults", "twice"], "--webhook-faults needs --webhooks"),
    ],
)
def test_what_would_fail_at_the_end_or_do_nothing_is_refused_at_the_start(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(simulate, ["--port", "0", *arguments])
    assert isinstance(ended.exception, ConfigurationWrong)
    assert said in str(ended.exception)


def test_a_ledger_never_replaces_a_database(tmp_path: Path) -> None:
    journal = tmp_path / "rehearsal.db"
    journal.write_bytes(b"SQLite format 3\0 and more")
    ended = CliRunner().invoke(simulate, ["--port", "0", "--ledger-out", str(journal)])
    assert isinstance(ended.exception, RefusedToStart)
