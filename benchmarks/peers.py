"""Ours next to what others use: Codat's own published clients, a plain script, and the least that is possible.

    python -m benchmarks.peers                              # 1,000 and 10,000 expenses
    python -m benchmarks.peers --sizes 1000 --rounds 1      # quick

All talk to the same bundled simulator over loopback (limits off, syncs that take no time), emptied before each
measurement; the contestants take turns. Codat's clients are used as their sample project does: 50 expenses in a
create, a sync for each, its status, its transactions; one after another with one company, then in 8 threads with a
company each: ours has 8 as well. Ours is `run` on a staged journal: every intention and every fact durable, and with
the preflight.

CPU is the client's process alone, imports left out; expenses/s is by the wall clock and shares the machine with the
simulator. Codat's clients are installed into environments of their own: see `strangers/environments.py`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import Cost, alone, in_turns, machine, table, write_expenses
from benchmarks.push import bare, fresh, script, stage_file

if TYPE_CHECKING:
    from simulated import Simulated

OURS = "ours, durable"
COMPANIES = 8
"""As many as the strangers have threads."""
SCENARIO = "[behaviour]\nsync_seconds = [0.0, 0.0]\n"
STRANGERS = Path(__file__).resolve().parent / "strangers"


def main() -> None:
    """Measure all sizes and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000", help="expenses, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    # The strangers' modules are programs beside one another, and no package.
    sys.path.insert(0, str(STRANGERS))
    from simulated import simulator  # noqa: PLC0415

    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="expense-runner-peers-") as place:
        scenario = Path(place, "scenario.toml")
        scenario.write_text(SCENARIO, encoding="utf-8")
        with simulator("--no-limits", "--scenario", str(scenario)) as simulated:
            for size in map(int, given.sizes.split(",")):
                contestants = _contestants(Path(place, str(size)), size, simulated)
                costs = in_turns(contestants, rounds=given.rounds)
                table(f"{size:,} expenses", costs, unit="expenses", ours=OURS)


def _contestants(folder: Path, size: int, simulated: "Simulated") -> dict[str, Callable[[], Cost]]:
    folder.mkdir()
    file, staged = write_expenses(folder / "expenses.csv", rows=size, companies=COMPANIES), folder / "staged.db"
    alone(stage_file, file, staged)
    found: dict[str, Callable[[], Cost]] = {
        OURS: partial(_emptied, simulated, partial(fresh, staged, simulated.url)),
        "plain asyncio script, no journal": partial(_emptied, simulated, partial(alone, script, file, simulated.url)),
        "bare lower bound: encode + POST, no journal": partial(
            _emptied, simulated, partial(alone, bare, staged, simulated.url)
        ),
    }
    return {**found, **_strangers(size, simulated)}


def _strangers(size: int, simulated: "Simulated") -> dict[str, Callable[[], Cost]]:
    from environments import STRANGERS as CLIENTS  # noqa: PLC0415 - see `main`
    from environments import default_folder, prepare  # noqa: PLC0415
    from throughput import PER_CREATE, THREADS, batches_of, measure  # noqa: PLC0415

    def run(stranger: object, python: Path, threads: int) -> Cost:
        batches = batches_of(size, PER_CREATE, threads)
        measured = measure(stranger, python, simulated, batches, threads)
        return Cost(size, size / measured.a_second, measured.cpu_microseconds * size / 1e6, 0)

    found: dict[str, Callable[[], Cost]] = {}
    for each in CLIENTS:
        python = prepare(each, default_folder())
        for threads in THREADS:
            name = f"{each.package} {each.version}, {threads} thr."
            found[name] = partial(run, each, python, threads)
    return found


def _emptied(simulated: "Simulated", work: Callable[[], Cost]) -> Cost:
    simulated.reset()
    return work()


if __name__ == "__main__":
    main()
