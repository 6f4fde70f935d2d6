"""Peak memory of staging and of a whole run, for a small and a large input: it must stay bounded.

    python benchmarks/memory.py                       # 10,000 and 1,000,000 rows
    python benchmarks/memory.py --rows 10000,100000   # any other sizes

Each size: one CSV file with canonical columns is written, `expense-runner check` reads it (staging alone),
then `expense-runner run` puts it into the books of a simulator in a process of its own, with every limit off.
Every fact is durable, as in any run. Peak memory is the largest resident set that the kernel saw of each
process. The exit code is 1 if anything needed more than 200 MB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "runner")
SCENARIO = "[behaviour]\nsync_seconds = [0.1, 0.5]\n"
HEADER = (
    "company_id,id,type,issue_date,currency,merchant_name,reference,notes,net_amount,tax_amount,account_id,tax_rate_id"
)
ALLOWED = 200.0
"""MB that no size may exceed."""


def main() -> int:
    """Measure, print a table, and say whether memory stayed bounded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="10000,1000000", help="sizes, separated by commas")
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--staging-only", action="store_true", help="leave out the run against the simulator")
    given = parser.parse_args()
    sizes = [int(size) for size in given.rows.split(",")]
    print(f"{'rows':>10}  {'what':<8} {'peak MB':>8} {'seconds':>8}  facts", flush=True)
    peaks: dict[str, list[float]] = {"staging": [], "run": []}
    with tempfile.TemporaryDirectory(prefix="expense-runner-memory-") as place:
        for rows in sizes:
            folder = Path(place, str(rows))
            folder.mkdir()
            file = write_expenses(folder / "expenses.csv", rows=rows, companies=given.companies)
            # Without the preflight, which would ask Codat itself: nothing here leaves the machine.
            staging = ["check", "--json", "--preflight", "off", str(file)]
            peaks["staging"].append(measured(rows, "staging", staging, folder))
            if not given.staging_only:
                with simulator(folder) as url:
                    peaks["run"].append(measured(rows, "run", run_arguments(file, folder, url), folder))
    for what, found in peaks.items():
        if found:
            print(f"{what}: {sizes[-1]:,} rows need {found[-1] / found[0]:.2f} times the memory of {sizes[0]:,}.")
    return 0 if max(peak for found in peaks.values() for peak in found) <= ALLOWED else 1


def write_expenses(path: Path, *, rows: int, companies: int) -> Path:
    """Write a CSV file of single-line expenses, each with an id, companies one after the other."""
    ids = [str(uuid.UUID(int=number + 1)) for number in range(companies)]
    with path.open("w", encoding="utf-8", newline="") as file:
        print(HEADER, file=file)
        for row in range(rows):
            net, day = 100 + row * 7 % 99_900, 1 + row % 28
            file.write(
                f"{ids[row * companies // rows]},E{row:09},Payment,2024-03-{day:02},EUR,Merchant {row % 997},"
                f"REF-{row},Made up for measuring,{net // 100}.{net % 100:02},{net // 500}.00,{400 + row % 20},tax-20\n"
            )
    return path


def run_arguments(file: Path, folder: Path, url: str) -> list[str]:
    """Return the command line of the measured run."""
    options = ["--base-url", url, "--journal", str(folder / "journal.db"), "--max-rpm", "0", "--poll-interval", "0.2"]
    return ["run", "--json", *options, str(file)]


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """Run a simulator without limits in a process of its own; its ledger grows, which is not what is measured."""
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    arguments = [*COMMAND, "simulate", "--port", "0", "--no-limits", "--scenario", str(scenario)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def measured(rows: int, what: str, arguments: list[str], folder: Path) -> float:
    """Run a command to its end, print one line about it, and return its peak resident set in MB."""
    output = folder / f"{what}.json"
    environment = {**os.environ, "CODAT_API_KEY": "rehearsal"}
    began = time.monotonic()
    # A child's peak is at least this process's own at the fork, so nothing large may live in here.
    with output.open("w", encoding="utf-8") as stdout:
        process = subprocess.Popen([*COMMAND, *arguments], stdout=stdout, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    # The kernel counts in kB on Linux and in bytes on macOS.
    peak = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    print(f"{rows:>10,}  {what:<8} {peak:>8.1f} {seconds:>8.1f}  {_facts(output, process.returncode)}", flush=True)
    return peak


def _facts(output: Path, code: int) -> str:
    said = json.loads(output.read_text(encoding="utf-8").splitlines()[-1])
    if "inputs" in said:
        return f"exit {code}, {sum(each['expenses'] for each in said['inputs']):,} expenses read"
    return f"exit {code}, {said['expenses']['posted']:,} posted in {said['requests']['total']:,} requests"


if __name__ == "__main__":
    sys.exit(main())
