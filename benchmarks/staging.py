"""What staging costs: a CSV file read, checked and stored in the journal, every batch durable.

    python -m benchmarks.staging                           # 50,000 and 500,000 rows
    python -m benchmarks.staging --sizes 20000 --rounds 1  # quick

Beside ours run `csv.DictReader` alone (which checks and stores nothing), and `csv.reader` with the same INSERTs
into the same schema, durable, without a single check, id or hash made.
"""

import argparse
import asyncio
import csv
import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measuring import Cost, Stopwatch, Work, alone, in_turns, machine, table, write_expenses
from runner.journal.kept import TOGETHER, KeptRow, pack

OURS = "ours: checked, durable"
BATCH = 1_000


def main() -> None:
    """Measure all sizes and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="50000,500000", help="rows, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--companies", type=int, default=20)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="expense-runner-staging-") as place:
        for size in map(int, given.sizes.split(",")):
            file = write_expenses(Path(place, f"{size}.csv"), rows=size, companies=given.companies)
            unnamed = write_expenses(Path(place, f"{size}-no-ids.csv"), rows=size, companies=given.companies, ids=False)
            contestants = {
                OURS: partial(_fresh, ours, file),
                "ours, rows without ids": partial(_fresh, ours, unnamed),
                "csv.DictReader alone": partial(alone, dict_reader, file),
                "csv.reader + the same INSERTs, no checks": partial(_fresh, inserts, file),
            }
            table(f"{size:,} rows", in_turns(contestants, rounds=given.rounds), unit="rows", ours=OURS)


def _fresh(work: Work, file: Path) -> Cost:
    with tempfile.TemporaryDirectory(dir=file.parent) as place:
        return alone(work, file, Path(place, "journal.db"))


def ours(file: Path, journal: Path) -> tuple[int, Stopwatch]:
    """Stage the file as `expense-runner run` does."""
    from runner.cli.session import collect_rarely  # noqa: PLC0415 - a process of its own
    from runner.clock import SystemClock  # noqa: PLC0415
    from runner.codat.draining import Draining  # noqa: PLC0415
    from runner.intake.read import Options  # noqa: PLC0415
    from runner.intake.sources import Source  # noqa: PLC0415
    from runner.journal.journal import writing  # noqa: PLC0415
    from runner.stage import stage  # noqa: PLC0415

    async def go() -> int:
        async with writing(journal, SystemClock()) as opened:
            await opened.runs.begin(purpose="run", version="0", flow="datasets")
            found = await stage(
                [Source(str(file), file)], Options(), opened, draining=Draining(), note=lambda _event, **_facts: None
            )
        return found[0].accepted

    collect_rarely()
    with Stopwatch() as watch:
        accepted = asyncio.run(go())
    return accepted, watch


def dict_reader(file: Path) -> tuple[int, Stopwatch]:
    """Read every row into a dictionary and drop it."""
    with Stopwatch() as watch, file.open(encoding="utf-8", newline="") as stream:
        count = sum(1 for _ in csv.DictReader(stream))
    return count, watch


def inserts(file: Path, journal: Path) -> tuple[int, Stopwatch]:
    """Insert what the file says into the journal's own tables: made-up ids and hashes of the right size, no checks."""
    from tests.journals import new_journal  # noqa: PLC0415 - a process of its own

    with Stopwatch() as watch:
        connection = new_journal(journal)
        connection.execute(
            "INSERT INTO run (purpose, started_at, version, flow, pid, host, boot_id, started_boot, alive_boot) "
            "VALUES ('run', '', '', 'datasets', 1, '', '', 0, 0)"
        )
        connection.execute("INSERT INTO input (run_no, name, begun_at) VALUES (1, 'x', '')")
        count = 0
        with file.open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream)
            next(rows)
            while batch := list(itertools.islice(rows, BATCH)):
                _insert(connection, batch, first=count + 1)
                count += len(batch)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()
    return count, watch


def _insert(connection: sqlite3.Connection, batch: list[list[str]], *, first: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO company (company_id) VALUES (?) ON CONFLICT DO NOTHING", {(row[0],) for row in batch}
    )
    numbers = dict(connection.execute("SELECT company_id, company_no FROM company"))
    connection.executemany(
        "INSERT INTO expense (expense_no, company_no, expense_id, input_no, line, rows, named, cells, day, short_key, "
        "number, back, content_hash, currency, units, nanos) "
        "VALUES (?, ?, ?, 1, 1, 1, 1, ?, ?, ?, NULL, 0, ?, ?, 1, 1)",
        _expenses(batch, numbers, first),
    )
    connection.executemany(
        "INSERT INTO input_row (input_no, line, cells, kind, expense_no) VALUES (1, ?, ?, 0, ?)",
        [(number + 1, number * 2654435761 % 2**63, number) for number in range(first, first + len(batch))],
    )
    for start in range(0, len(batch), TOGETHER):
        part = [KeptRow(first + start + place, row) for place, row in enumerate(batch[start : start + TOGETHER])]
        connection.execute(
            "INSERT INTO kept_rows (input_no, first_line, last_line, body) VALUES (1, ?, ?, ?)",
            (part[0].line, part[-1].line, pack(part)),
        )
    connection.executemany(
        "INSERT INTO payload (expense_no, body) VALUES (?, ?)",
        [(number, (",".join(row) * 2).encode()) for number, row in enumerate(batch, start=first)],
    )
    connection.execute("COMMIT")
    if first // BATCH % 4 == 0:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _expenses(batch: list[list[str]], numbers: dict[str, int], first: int) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(batch, start=first):
        # As scattered as real ids are: the index over them is the dearest part.
        own = f"{number * 2654435761 % 2**32:08x}-0000-5000-8000-000000000000"
        scattered = number * 2654435761 % 2**63
        yield number, numbers[row[0]], own, scattered, row[3], scattered, bytes(32), row[4]


if __name__ == "__main__":
    main()
