"""Death and disk errors at the n-th system call of a real run, then one clean run: nothing lost, nothing doubled.

A representative spread of points is in the test command. All of them, each call of each kind:
`ACCEPTANCE_POINTS=all python -m pytest tests/acceptance/test_system_calls.py -n 2`.
"""

import os
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled, write_expenses
from tests.acceptance.simulated import Simulator
from tests.acceptance.tracing import WIRE, WRITES, Trace, census, spread, why_not
from tests.acceptance.warm import Warm

SHARES = 4
"""Each kind's points are dealt out to so many tests, so that they run side by side."""
KILLS = 10_000 if os.environ.get("ACCEPTANCE_POINTS") == "all" else 40
"""For each flow; every one of them is followed by another death in the second life."""
ERRORS = 10_000 if os.environ.get("ACCEPTANCE_POINTS") == "all" else 52
"""For each of EIO and ENOSPC."""

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


class Bench:
    """Small runs of the program, each in a folder and with companies of its own."""

    def __init__(self, folder: Path, *, simulator: Simulator, warm: Warm, name: str, flow: str) -> None:
        self._folder = folder
        self._simulator = simulator
        self._warm = warm
        self._name = name
        self._options = ["--flow", flow]

    def prepare(self, point: str) -> tuple[Command, Expenses]:
        """Write the input of one point."""
        folder = self._folder / point
        expenses = write_expenses(folder / "input", name=f"{self._name}/{point}", companies=2, each=3, receipt_every=3)
        return Command(folder, self._simulator.url), expenses

    def census(self) -> Counter[str]:
        """Count the system calls of an undisturbed run."""
        command, expenses = self.prepare("census")
        assert self.traced(command, expenses, "-e", f"trace={','.join(WRITES + WIRE)}") == (0, "")
        return census(command.folder / "trace.log")

    def inject(self, command: Command, expenses: Expenses, *, call: str, what: str, nth: int) -> tuple[int, str]:
        """Run with something injected into a system call; return its exit code and what it said on stderr."""
        return self.traced(command, expenses, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={nth}")

    def traced(self, command: Command, expenses: Expenses, *options: str) -> tuple[int, str]:
        arguments = command.arguments(expenses.folder, options=self._options)
        life = self._warm.start(command, arguments, gated=True)
        trace = Trace(life, *options, log=command.folder / "trace.log")
        ended = self._warm.finish(life)
        trace.wait()
        assert "Traceback" not in ended.err, ended.err
        return ended.code, ended.err

    def conclude(self, command: Command, expenses: Expenses, *, point: str) -> None:
        """Run once undisturbed and judge."""
        ended = self._warm.run(command, expenses.folder, options=self._options)
        assert ended.code == 0, f"{point}: {ended.code}\n{ended.out}\n{ended.err}"
        assert_all_posted_once(expenses, self._simulator.ledger())


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_death_at_any_system_call_and_once_more_in_the_next_life_loses_and_doubles_nothing(
    flow: str, share: int, tmp_path: Path, simulator: Simulator, warm: Warm
) -> None:
    bench = Bench(tmp_path, simulator=simulator, warm=warm, name=f"kill/{flow}/{share}", flow=flow)
    points = spread(bench.census(), WRITES + WIRE, KILLS)
    seconds = points[len(points) // 2 :] + points[: len(points) // 2]
    killed = 0
    mine = list(zip(points, seconds, strict=True))[share::SHARES]
    for first, second in mine:
        point = f"{first[0]}-{first[1]}"
        command, expenses = bench.prepare(point)
        for call, nth in (first, second):
            code, said = bench.inject(command, expenses, call=call, what="signal=KILL", nth=nth)
            assert code in {-9, 0}, f"{point}: {code} {said}"
            killed += code == -9
            assert_nothing_doubled(expenses, simulator.ledger())
        bench.conclude(command, expenses, point=point)
    # A second life may have less to do than the first, and never come to its point.
    assert killed >= len(mine), f"{killed} deaths in {2 * len(mine)} lives"


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_disk_error_at_any_write_ends_the_run_with_a_sentence_and_loses_and_doubles_nothing(
    error: str, share: int, tmp_path: Path, simulator: Simulator, warm: Warm
) -> None:
    bench = Bench(tmp_path, simulator=simulator, warm=warm, name=f"{error}/{share}", flow="datasets")
    points = spread(bench.census(), WRITES, ERRORS)[share::SHARES]
    stopped = 0
    for call, nth in points:
        point = f"{call}-{nth}"
        command, expenses = bench.prepare(point)
        code, said = bench.inject(command, expenses, call=call, what=f"error={error}", nth=nth)
        if code != 0:
            stopped += 1
            assert_explained(command, code, said)
        assert_nothing_doubled(expenses, simulator.ledger())
        bench.conclude(command, expenses, point=point)
    assert stopped >= len(points) * 3 // 4, f"only {stopped} of {len(points)} runs met their error"


def assert_explained(command: Command, code: int, said: str) -> None:
    """6 says that nothing was sent, 1 that something may have been; both say what is wrong and what to do."""
    assert code in {1, 6}, f"{code} {said}"
    assert said.startswith(("Error: The journal", "Error: The disk")), said
    assert "defect" not in said, said
    assert re.search(r"run the same command again|writable", said), said
    if code == 6:
        assert not sent_anything(command), said


def sent_anything(command: Command) -> bool:
    try:
        return bool(command.attempts())
    except sqlite3.OperationalError:
        # The file has no tables yet.
        return False
