"""One journal, one runner: of many that start at once one wins, and the others say who it is."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.command import Command, finish, look_until
from tests.acceptance.expenses import Expenses, assert_all_posted_once, write_expenses
from tests.acceptance.simulated import Simulator
from tests.acceptance.warm import Warm

HELD = re.compile(r"Another run holds this journal: process (\d+) on \S+, since \S+\.")


@pytest.mark.parametrize("round_no", range(20))
def test_of_two_to_eight_processes_one_wins_and_the_others_name_it(
    round_no: int, tmp_path: Path, simulator: Simulator, warm: Warm
) -> None:
    expenses = write_expenses(tmp_path / "input", name=f"race/{round_no}", companies=2, each=3, receipt_every=3)
    command = Command(tmp_path, simulator.url)
    lives = [warm.start(command, command.arguments(expenses.folder)) for _ in range(2 + round_no % 7)]

    ended = [warm.finish(life) for life in lives]

    losers = [each for each in ended if each.code == 8]
    winners = [life.pid for life, each in zip(lives, ended, strict=True) if each.code == 0]
    assert len(winners) + len(losers) == len(lives), [(each.code, each.err) for each in ended]
    assert winners
    for each in losers:
        said = HELD.search(each.err)
        assert said is not None, each.err
        assert int(said[1]) in winners
        assert "Traceback" not in each.err
    assert_all_posted_once(expenses, simulator.ledger())


def test_8_while_another_run_holds_the_journal_and_status_needs_no_lock(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [60.0, 60.0]\nlimits = false")
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)
    first = command.start_run(expenses.folder)
    assert look_until(lambda: simulator.requests(method="GET") > 0, process=first)

    second = command.run(expenses.folder).expect(8)

    said = HELD.search(second.err)
    assert said is not None
    assert int(said[1]) == first.pid
    assert "6  sent" in command.call("status").expect(0).out.replace("      ", " ")
    first.send_signal(signal.SIGTERM)
    finish(first).expect(143)
