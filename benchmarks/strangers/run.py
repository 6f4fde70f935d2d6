"""Codat's own published clients as strangers to the simulator: do they get along, and do the books come out right?

    python benchmarks/strangers/run.py

Each client is installed from PyPI into an environment of its own (kept in the user's cache folder; `--environments`
names another), and takes a few expenses with receipts the whole way: create, initiate where its flow has it,
status, transactions, attachments. Then the simulator's ledger is judged: each expense once with its amounts, each
receipt once and byte for byte, nothing else. What a client does differently from the documented API is worked
around in its own program (`version_1.py`, `current.py`), with the reason, and never in the simulator.

It needs the project's environment, and PyPI the first time; the clients speak to loopback only. It ends with status
1 if anything does not match, with 2 if it could not be tried. `--faults` lets things go wrong, by the simulator's
names, and `--scenario` changes the simulator, to see that the judge sees: with `--faults 'lost_after*1'` the
current client sends its first create again, and a second sync of the same expenses runs.
"""

import argparse
import base64
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from environments import HERE, STRANGERS, NotReadyError, Stranger, default_folder, prepare
from judging import mismatches
from simulated import Simulated, simulator
from working import StrangerFailedError, work

CLIENT_SECONDS = 120
COLUMNS = ("client", "version", "flow", "expenses", "posted", "receipts", "attached", "syncs", "result")

_PDF = b"%PDF-1.4\n%%EOF\n"
_PNG = b"\x89PNG\r\n\x1a\n\r\n--not-a-boundary--\r\n\x00\xff"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--environments", type=Path, default=default_folder(), help="folder of the environments")
    parser.add_argument("--faults", default="", help="faults of the simulator, by name")
    parser.add_argument("--scenario", type=Path, default=HERE / "simulator.toml", help="of the simulator")
    options = parser.parse_args()
    rows, found = [], []
    try:
        for stranger in STRANGERS:
            python = prepare(stranger, options.environments)
            scenario = str(options.scenario.resolve())
            with simulator("--scenario", scenario, "--faults", options.faults) as simulated:
                row, problems = _meet(stranger, python, simulated)
            rows.append(row)
            found += [f"{stranger.package}: {each}" for each in problems]
    except NotReadyError as error:
        print(f"The strangers could not be tried: {error}", file=sys.stderr)
        return 2
    _print_table(rows)
    for each in found:
        print(each)
    return 1 if found else 0


def _meet(stranger: Stranger, python: Path, simulated: Simulated) -> tuple[tuple[str, ...], list[str]]:
    """Let one stranger do its work; return its row of the table and what is wrong."""
    batches = _batches()
    expenses = [each for batch in batches for each in batch["expenses"]]
    report: dict[str, Any] = {"syncs": [], "worked_around": {}}
    try:
        report = work(stranger, python, url=simulated.url, batches=batches, seconds=CLIENT_SECONDS)
    except StrangerFailedError as error:
        problems = [str(error)]
        ledger = simulated.ledger()
    else:
        ledger = simulated.ledger()
        problems = mismatches(stranger, batches, report=report, ledger=ledger)
    for text, count in report["worked_around"].items():
        print(f"{stranger.package}: worked around {count} times: {text}")
    row = (
        stranger.package,
        stranger.version,
        stranger.flow,
        str(len(expenses)),
        str(len(ledger["entries"])),
        str(sum(len(each["receipts"]) for each in expenses)),
        str(len(ledger["attachments"])),
        str(len(report["syncs"])),
        "MISMATCH" if problems else "as it should be",
    )
    return row, problems


def _batches() -> list[dict[str, Any]]:
    """Return two batches of one company, with every type, several lines, and no, one and two receipts."""
    company = str(uuid.uuid4())
    first = [
        _expense("Payment", ["110.42", "0.10"], ["receipt-1.pdf"]),
        _expense("Refund", ["20.00"], []),
        _expense("Reward", ["1234567.89"], ["receipt-2.png", "receipt-3.pdf"]),
        _expense("Chargeback", ["-3.07"], ["Beleg für Müller (1).pdf"]),
    ]
    second = [_expense("Payment", ["0.01"] * 3, ["receipt-5.png"]), _expense("Payment", ["99.99"], [])]
    return [{"company": company, "expenses": first}, {"company": company, "expenses": second}]


def _expense(kind: str, amounts: list[str], receipts: list[str]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        "issue_date": "2026-05-21T00:00:00+00:00",
        "currency": "GBP",
        "merchant": "A café",
        "notes": "taken the whole way by a stranger",
        "lines": [
            {
                "net": amount,
                "tax": str((Decimal(amount) / 5).quantize(Decimal("0.01"))),
                "account": "400",
                "tax_rate": "tax-20",
                "tracking": ["sales"],
            }
            for amount in amounts
        ],
        "receipts": [{"name": name, "content": _content(name)} for name in receipts],
    }


def _content(name: str) -> str:
    """Return the file's bytes as base64, no two alike."""
    start = _PNG if name.endswith(".png") else _PDF
    return base64.b64encode(start + uuid.uuid4().bytes).decode()


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
