"""What pushing costs: from a staged journal into the books, every intention and every fact durable.

    python -m benchmarks.push                         # 20,000 and 200,000 expenses
    python -m benchmarks.push --sizes 5000 --rounds 1 # quick

The service is a process of its own that answers at once, so what is measured is the client. Beside ours run
the bare lower bound (the same requests with the same bytes over aiohttp, nothing else), a straightforward
asyncio script without a journal, and ours against the bundled simulator, which checks and limits as Codat does
(limits off here) and is therefore the slower side.
"""

import argparse
import asyncio
import base64
import csv
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import aiohttp

from benchmarks.answering import answering
from benchmarks.measuring import Cost, Stopwatch, alone, in_turns, machine, table, write_expenses

OURS = "ours, durable, server answering at once"
DRAFT = 50
A_SYNC = 40
IN_FLIGHT = 8


def main() -> None:
    """Measure both sizes and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="20000,200000", help="expenses, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--no-simulator", action="store_true")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="expense-runner-push-") as place, answering() as server:
        for size in map(int, given.sizes.split(",")):
            folder = Path(place, str(size))
            folder.mkdir()
            file = write_expenses(folder / "expenses.csv", rows=size, companies=given.companies)
            staged = folder / "staged.db"
            alone(stage_file, file, staged)
            contestants = {
                OURS: partial(fresh, staged, server.url),
                "ours, no preflight": partial(fresh, staged, server.url, preflight="off"),
                "bare lower bound: encode + POST, no journal": partial(alone, bare, staged, server.url),
                "plain asyncio script, no journal": partial(alone, script, file, server.url),
            }
            if not given.no_simulator:
                contestants["ours, against the bundled simulator"] = partial(_simulated, staged)
            costs = in_turns(contestants, rounds=given.rounds)
            table(f"{size:,} expenses", costs, unit="expenses", ours=OURS)


def fresh(staged: Path, url: str, *, preflight: str = "rows") -> Cost:
    """Run a copy of a staged journal, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=staged.parent) as place:
        journal = Path(place, "journal.db")
        shutil.copy(staged, journal)
        return alone(ours, journal, url, preflight)


def _simulated(staged: Path) -> Cost:
    with simulator(staged.parent) as url:
        return fresh(staged, url)


def stage_file(file: Path, journal: Path) -> tuple[int, Stopwatch]:
    """Stage a file into a journal."""
    from benchmarks.staging import ours as staging  # noqa: PLC0415 - the two share nothing else

    return staging(file, journal)


def ours(journal: Path, url: str, preflight: str = "rows") -> tuple[int, Stopwatch]:
    """Run the journal's open work, as `expense-runner run` without a file does."""
    # Loaded by the first request and the first line of the log otherwise, and measured.
    import structlog  # noqa: F401, PLC0415

    import runner.codat.transport  # noqa: PLC0415
    from runner.app import App  # noqa: PLC0415 - a process of its own
    from runner.cli.session import collect_rarely  # noqa: PLC0415
    from runner.clock import SystemClock  # noqa: PLC0415
    from runner.codat.credential import Credential  # noqa: PLC0415
    from runner.codat.draining import Draining  # noqa: PLC0415
    from runner.domain.preflight import Preflight  # noqa: PLC0415
    from runner.errors import ExitCode  # noqa: PLC0415
    from runner.logs import get_log  # noqa: PLC0415
    from runner.progress import Notes, Progress  # noqa: PLC0415
    from runner.settings import RunSettings  # noqa: PLC0415

    settings = RunSettings(
        credential=Credential("rehearsal"),
        journal=journal,
        base_url=url,
        max_rpm=0,
        poll_interval=0.0,
        preflight=Preflight(preflight),
    )
    collect_rarely()
    progress = Progress()
    app = App(clock=SystemClock(), notes=Notes(get_log(), progress), draining=Draining())
    with Stopwatch() as watch, asyncio.Runner() as runner:
        report = runner.run(app.run(settings, []))
    if report.exit_code is not ExitCode.OK:
        raise SystemExit(f"exit {report.exit_code}: {report.outcomes}")
    return progress.posted, watch


# ---- the bare lower bound ----


def bare(staged: Path, url: str) -> tuple[int, Stopwatch]:
    """Send the same requests: encode each expense from plain values, join, POST; nothing is checked or kept."""
    import msgspec  # noqa: PLC0415

    with sqlite3.connect(staged) as connection:
        rows = connection.execute(
            "SELECT company_id, body FROM expense JOIN company USING (company_no) JOIN payload USING (expense_no) "
            "ORDER BY expense_no"
        )
        companies: dict[str, list[object]] = {}
        for company, body in rows:
            companies.setdefault(company, []).append(msgspec.json.decode(body))
    encode = msgspec.json.Encoder(decimal_format="number").encode

    async def go() -> None:
        async with _session(url) as session:
            await asyncio.gather(*(_push(session, company, values, encode) for company, values in companies.items()))

    with Stopwatch() as watch:
        asyncio.run(go())
    return sum(map(len, companies.values())), watch


async def _push(session: aiohttp.ClientSession, company: str, values: Sequence[object], encode: object) -> None:
    assert callable(encode)
    place = f"/companies/{company}/sync/expenses"
    free = asyncio.Semaphore(IN_FLIGHT)

    async def create(part: Sequence[object]) -> str:
        async with free, session.post(f"{place}/expense-transactions", data=encode({"items": part})) as answer:
            return str(json.loads(await answer.read())["datasetId"])

    for start in range(0, len(values), DRAFT * A_SYNC):
        chunk = values[start : start + DRAFT * A_SYNC]
        parts = [chunk[at : at + DRAFT] for at in range(0, len(chunk), DRAFT)]
        datasets = await asyncio.gather(*map(create, parts))
        async with session.post(f"{place}/syncs", data=encode({"datasetIds": datasets})) as answer:
            sync = json.loads(await answer.read())["syncId"]
        async with session.get(f"{place}/syncs/{sync}/status") as answer:
            await answer.read()
        async with session.get(f"{place}/syncs/{sync}/transactions?page=1&pageSize=2000") as answer:
            await answer.read()


def _session(url: str) -> aiohttp.ClientSession:
    key = base64.b64encode(b"rehearsal").decode()
    return aiohttp.ClientSession(
        url, headers={"Authorization": f"Basic {key}", "Content-Type": "application/json"},
        connector=aiohttp.TCPConnector(limit=0),
    )  # fmt: skip


# ---- a straightforward script ----


def script(file: Path, url: str) -> tuple[int, Stopwatch]:
    """Do it as a careful afternoon's script would: DictReader, json, aiohttp, a look at every status; no journal.

    Amounts go through binary floats, nothing survives a crash, nothing is checked before it is sent.
    """
    with Stopwatch() as watch:
        count = asyncio.run(_script(file, url))
    return count, watch


async def _script(file: Path, url: str) -> int:
    companies: dict[str, list[dict[str, object]]] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            companies.setdefault(row["company_id"], []).append(_transaction(row))
    async with _session(url) as session:
        counts = await asyncio.gather(*(_send(session, company, items) for company, items in companies.items()))
    return sum(counts)


def _transaction(row: dict[str, str]) -> dict[str, object]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, row["company_id"] + row["id"])),
        "type": row["type"],
        "issueDate": datetime.fromisoformat(row["issue_date"] + "T00:00:00+00:00").isoformat(),
        "currency": row["currency"],
        "merchantName": row["merchant_name"],
        "reference": row["reference"],
        "notes": row["notes"],
        "lines": [
            {
                "netAmount": float(row["net_amount"]),
                "taxAmount": float(row["tax_amount"]),
                "accountRef": {"id": row["account_id"]},
                "taxRateRef": {"id": row["tax_rate_id"]},
            }
        ],
    }


async def _send(session: aiohttp.ClientSession, company: str, items: list[dict[str, object]]) -> int:
    place = f"/companies/{company}/sync/expenses"
    posted = 0
    for start in range(0, len(items), DRAFT * A_SYNC):
        chunk = items[start : start + DRAFT * A_SYNC]

        async def create(at: int, chunk: list[dict[str, object]] = chunk) -> str:
            async with session.post(f"{place}/expense-transactions", json={"items": chunk[at : at + DRAFT]}) as answer:
                answer.raise_for_status()
                return str((await answer.json())["datasetId"])

        datasets = await asyncio.gather(*map(create, range(0, len(chunk), DRAFT)))
        async with session.post(f"{place}/syncs", json={"datasetIds": datasets}) as answer:
            sync = (await answer.json())["syncId"]
        async with session.get(f"{place}/syncs/{sync}/status") as answer:
            assert (await answer.json())["syncStatusCode"] == 2000
        async with session.get(f"{place}/syncs/{sync}/transactions", params={"page": 1, "pageSize": 2000}) as answer:
            posted += sum(each["status"] == "Completed" for each in (await answer.json())["results"])
    return posted


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """Run the bundled simulator, limits off and syncs instant, in a process of its own."""
    scenario = folder / "scenario.toml"
    scenario.write_text("[behaviour]\nsync_seconds = [0.0, 0.0]\n", encoding="utf-8")
    command = [sys.executable, "-m", "runner", "simulate", "--port", "0", "--no-limits", "--scenario", str(scenario)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
