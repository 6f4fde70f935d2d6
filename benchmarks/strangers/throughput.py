"""How fast Codat's own published clients move expenses, used as their sample project does: a baseline for ours.

    python benchmarks/strangers/throughput.py [--expenses 2000] [--repeat 3]

Each client sends 50 expenses in a create, initiates the sync where its flow has it, asks for the status until the
sync has ended, and reads the transactions; no receipts. First one after another, then in 8 threads with a company
each (one company's syncs run in turn). One SDK object serves all threads, as the README recommends. Every measurement
is a process of its own against an empty simulator whose syncs take no time, so what is measured is the client
and the simulator's answers, and nobody's accounting software.

Expenses/s is by the wall clock and shares the machine with the simulator; CPU is `resource.getrusage` of the
client's process alone, user and system, from the first request to the last answer, imports not included.
After every measurement the ledger must hold each expense once. It needs what `run.py` needs, speaks to loopback
only, and ends with status 1 if a ledger is wrong, 2 if it could not be tried.
"""

import argparse
import os
import statistics
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from environments import STRANGERS, NotReadyError, Stranger, default_folder, prepare
from judging import mismatches
from simulated import Simulated, simulator
from working import StrangerFailedError, work

PER_CREATE = 50
THREADS = (1, 8)
MEASUREMENT_SECONDS = 300
SCENARIO = "[behaviour]\nsync_seconds = [0.0, 0.0]\n"
HEADER = f"{'client':<34}{'version':<9}{'threads':>7}{'expenses/s':>12}{'CPU µs/expense':>16}  all measurements"


class Measured(NamedTuple):
    """One measurement."""

    a_second: float
    """Expenses by the wall clock."""
    cpu_microseconds: float
    """Of the client's process, for one expense."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--expenses", type=_positive, default=2_000)
    parser.add_argument("--per-create", type=_positive, default=PER_CREATE, help="expenses in a create, 50 at most")
    parser.add_argument("--repeat", type=_positive, default=3, help="measurements, of which the median is shown")
    parser.add_argument("--environments", type=Path, default=default_folder(), help="folder of the environments")
    options = parser.parse_args()
    if options.per_create > PER_CREATE:
        parser.error(f"a create takes at most {PER_CREATE} expenses")
    try:
        pythons = {stranger: prepare(stranger, options.environments) for stranger in STRANGERS}
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as scenario:
            scenario.write(SCENARIO)
            scenario.flush()
            with simulator("--no-limits", "--scenario", scenario.name) as simulated:
                _measure_all(pythons, simulated, options)
    except NotReadyError as error:
        print(f"The strangers could not be tried: {error}", file=sys.stderr)
        return 2
    except StrangerFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measure_all(pythons: dict[Stranger, Path], simulated: Simulated, options: argparse.Namespace) -> None:
    # On a machine that is busy otherwise expenses/s mean little; CPU suffers less.
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before the first"
    print(f"{options.expenses:,} expenses, {options.per_create} in a create, medians of {options.repeat}, {busy}")
    print(HEADER, flush=True)
    for stranger, python in pythons.items():
        for threads in THREADS:
            measured = [
                measure(stranger, python, simulated, batches_of(options.expenses, options.per_create, threads), threads)
                for _ in range(options.repeat)
            ]
            a_second = statistics.median(each.a_second for each in measured)
            cpu = statistics.median(each.cpu_microseconds for each in measured)
            all_of_them = ", ".join(f"{each.a_second:.0f}/s {each.cpu_microseconds:.0f} µs" for each in measured)
            name = f"{stranger.package:<34}{stranger.version:<9}"
            print(f"{name}{threads:>7}{a_second:>12,.0f}{cpu:>16,.0f}  {all_of_them}", flush=True)


def measure(
    stranger: Stranger, python: Path, simulated: Simulated, batches: list[dict[str, Any]], threads: int
) -> Measured:
    """Measure once. Raises `StrangerFailedError` where the ledger is wrong: a wrong run is no figure."""
    simulated.reset()
    report = work(stranger, python, url=simulated.url, batches=batches, threads=threads, seconds=MEASUREMENT_SECONDS)
    wrong = mismatches(stranger, batches, report=report, ledger=simulated.ledger())
    if wrong:
        raise StrangerFailedError(f"{stranger.package}, {threads} threads: {len(wrong)} mismatches, first: {wrong[0]}")
    expenses = sum(len(batch["expenses"]) for batch in batches)
    return Measured(expenses / report["seconds"], report["cpu_seconds"] / expenses * 1e6)


def batches_of(expenses: int, per_create: int, companies: int) -> list[dict[str, Any]]:
    """Deal the expenses out, a create at a time, to as many companies."""
    names = [str(uuid.uuid4()) for _ in range(companies)]
    return [
        {
            "company": names[number % companies],
            "expenses": [_expense(each) for each in range(first, min(first + per_create, expenses))],
        }
        for number, first in enumerate(range(0, expenses, per_create))
    ]


def _expense(number: int) -> dict[str, Any]:
    line = {"net": f"{number + 1}.50", "tax": "0.25", "account": "400", "tax_rate": "tax-20", "tracking": ["sales"]}
    return {
        "id": str(uuid.uuid4()),
        "type": "Payment",
        "issue_date": "2026-05-21T00:00:00+00:00",
        "currency": "GBP",
        "merchant": "Merchant name",
        "notes": f"expense {number}",
        "lines": [line],
        "receipts": [],
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
