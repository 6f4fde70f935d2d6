"""Histories without end: `python -m tests.scenarios.soak --histories 500000 --seed 1`.

Runs histories by chance from a seed on, or repeats one, and says what they covered. Every history that breaks a
promise is printed with its plan, its trace and the command that repeats it; the exit code is then 1. The sweeps of
all histories grow with PROOF_SCALE: `PROOF_SCALE=20 pytest tests/scenarios -n 2`.
"""

import argparse
import sys
import time
from collections.abc import Iterator

from tests.scenarios.world.chance import random_plan
from tests.scenarios.world.coverage import Coverage
from tests.scenarios.world.history import run_history
from tests.scenarios.world.plan import Plan, read_plan

EVERY = 10.0
"""Seconds between two lines of progress."""


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.soak", description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one; the next has the next (default: 0)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many seconds at the latest")
    parser.add_argument("--stop-after", type=int, default=3, help="end after so many broken promises (default: 3)")
    parser.add_argument("--plan", help="repeat the one history of this plan (JSON, as a failure prints it)")
    parser.add_argument("--trace", action="store_true", help="print every history, not only broken ones")
    options = parser.parse_args(arguments)
    coverage = Coverage()
    began = told = time.monotonic()
    broken = 0
    for number, plan in enumerate(_plans(options), 1):
        verdict = run_history(plan)
        coverage.add("by chance", verdict)
        if options.trace or options.plan or not verdict.ok:
            _tell(verdict.explain())
        broken += not verdict.ok
        now = time.monotonic()
        if now - told > EVERY:
            told = now
            _tell(f"{number:,} histories, seed {plan.seed}, {broken} broken, {now - began:.0f} s")
        if broken >= options.stop_after or now - began > options.seconds:
            break
    _tell("\n".join(coverage.lines()))
    return 1 if broken else 0


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _plans(options: argparse.Namespace) -> Iterator[Plan]:
    if options.plan:
        yield read_plan(options.plan)
        return
    for seed in range(options.seed, options.seed + options.histories):
        yield random_plan(seed)


if __name__ == "__main__":
    sys.exit(main())
