"""The main job at its full size: `python -m tests.acceptance.large`, some minutes on a small machine.

8 companies x 5,000 expenses with 10 % receipts against the bundled simulator: all posted once, all receipts
attached once, exit 0, and a second run sends not one POST. Other sizes: `--companies 8 --each 5000`.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.acceptance.command import Command, finish
from tests.acceptance.expenses import assert_all_posted_once, write_expenses
from tests.acceptance.simulated import QUICK, Simulator


def main() -> None:
    """Run it and say what it took."""
    parser = argparse.ArgumentParser(description="The main job at its full size, judged by the simulator's ledger.")
    parser.add_argument("--companies", type=int, default=8)
    parser.add_argument("--each", type=int, default=5_000)
    parser.add_argument("--flow", choices=["datasets", "direct"], default="datasets")
    size = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="expense-runner-large-") as name,
        Simulator(Path(name), behaviour=QUICK) as it,
    ):
        folder = Path(name)
        expenses = write_expenses(
            folder / "input", name="large", companies=size.companies, each=size.each, receipt_every=10
        )
        command = Command(folder, it.url)
        arguments = command.arguments(expenses.folder, options=["--flow", size.flow])
        posts = it.posts()
        for life in ("first", "second"):
            posts, began = it.posts(), time.monotonic()
            process = command.start(arguments)
            ended = finish(process, patience=None).expect(0)
            assert_all_posted_once(expenses, it.ledger())
            print(f"{life} run: {time.monotonic() - began:.1f} s, {it.posts() - posts:,} POSTs, {ended.report}")  # noqa: T201 - a command for a person
        assert it.posts() == posts, "the second run sent something"
        print(f"{len(expenses.gross):,} expenses and {len(expenses.receipts):,} receipts are in the books, each once.")  # noqa: T201


if __name__ == "__main__":
    main()
