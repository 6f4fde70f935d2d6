"""What running again costs when nothing is left to do: `expense-runner run` on a finished journal, start-up included.

    python -m benchmarks.resume                              # 10,000 and 1,000,000 expenses
    python -m benchmarks.resume --sizes 100000 --rounds 3

The journal is made with SQL: every expense posted by a judged sync, in drafts of 50 and syncs of 40 drafts. The
command opens it, looks for open work, adds up the accounts of every company and currency in count and in money,
and compares them with what intake let in. Beside it run the start-up alone (`--version`), and the least that any
proof of the accounts can be: Python's `sqlite3` adding up the same table.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.measuring import Cost, Stopwatch, alone, in_turns, machine, table

OURS = "expense-runner run: nothing to do"
COMPANIES = 20
ADD_UP = (
    "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
    "'SELECT company_no, currency, state, count(*), sum(units), sum(nanos) FROM expense NOT INDEXED "
    "GROUP BY company_no, currency, state').fetchall()[0])"
)

FINISHED = """
INSERT INTO run (purpose, started_at, ended_at, exit_code, version, flow, pid, host, boot_id, started_boot,
                 alive_boot)
VALUES ('run', '2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00+00:00', 0, '0', 'datasets', 1, 'x', 'x', 0, 0);
INSERT INTO input (run_no, name, rows, begun_at, staged_at) VALUES (1, 'x.csv', :size, '', '');
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :companies)
INSERT INTO company (company_id) SELECT printf('%08x-0000-4000-8000-000000000000', i) FROM n;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :syncs)
INSERT INTO sync (company_no, run_no, state, sync_id, status_code, begun_at, finished_at, judged_at)
SELECT 1 + (i - 1) * :companies / :syncs, 1, 'judged', printf('%08x-0000-4000-8000-000000000001', i), 2000, '', '', ''
FROM n;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :drafts)
INSERT INTO draft (company_no, expenses, state, dataset_id, dataset_run, sync_no)
SELECT sync.company_no, 50, 'closed', printf('%08x-0000-4000-8000-000000000002', i), 1, sync_no
FROM n JOIN sync ON sync_no = 1 + (i - 1) / 40;
INSERT INTO attempt (run_no, company_no, kind, draft_no, idempotency_key, body_hash, first_sent_at, last_sent_at,
                     last_run, first_boottime, last_boottime, outcome, ended_at)
SELECT 1, company_no, 'create', draft_no, printf('%08x-0000-4000-8000-000000000003', draft_no), zeroblob(32), '', '',
       1, 0, 0, 'done', ''
FROM draft;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :size)
INSERT INTO expense (company_no, expense_id, input_no, line, rows, named, cells, day, short_key, back,
                     content_hash, currency, units, nanos, state, draft_no)
SELECT draft.company_no, printf('%08x-0000-5000-8000-000000000000', i * 2654435761 % 4294967296), 1, i + 1, 1,
       1, i, '2026-01-02', i, 0,
       randomblob(32), 'EUR', i % 1000, i % 100 * 10000000, 'posted', draft_no
FROM n JOIN draft ON draft_no = 1 + (i - 1) / 50;
INSERT INTO payload (expense_no, body) SELECT expense_no, zeroblob(330) FROM expense;
INSERT INTO accepted SELECT 1, company_no, currency, count(*), 0, sum(units), sum(nanos) FROM expense GROUP BY 2, 3;
"""


def main() -> None:
    """Measure all sizes and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,1000000", help="expenses, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="expense-runner-resume-") as place:
        for size in map(int, given.sizes.split(",")):
            journal = Path(place, f"{size}.db")
            # In a process of its own: the peak memory of what is measured begins with its parent's.
            alone(finished, journal, size)
            runner = (sys.executable, "-m", "runner")
            run = (*runner, "run", "--json", "--journal", str(journal), "--base-url", "http://127.0.0.1:9")
            contestants = {
                OURS: partial(command, size, run),
                "start-up alone (--version)": partial(command, size, (*runner, "--version")),
                "sqlite3 adding up the same table, alone": partial(
                    command, size, (sys.executable, "-c", ADD_UP, str(journal))
                ),
            }
            costs = in_turns(contestants, rounds=given.rounds)
            medians = table(f"{size:,} finished expenses", costs, unit="expenses", ours=OURS)
            for name, cost in medians.items():
                print(f"  {name:<44} {cost.wall:8.2f} s, {cost.cpu:.2f} s of CPU")


def finished(path: Path, size: int) -> tuple[int, Stopwatch]:
    """Make a journal of so many posted expenses."""
    from tests.journals import new_journal  # noqa: PLC0415 - only the journal's maker needs it

    connection = new_journal(path)
    drafts = -(-size // 50)
    values = {"size": size, "companies": COMPANIES, "drafts": drafts, "syncs": -(-drafts // 40)}
    connection.execute("BEGIN")
    for statement in filter(sqlite3.complete_statement, (each + ";" for each in FINISHED.split(";"))):
        if statement.strip() != ";":
            connection.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
    connection.execute("COMMIT")
    # As the run leaves it that made it.
    connection.execute("PRAGMA optimize")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    return size, Stopwatch()


def command(items: int, arguments: tuple[str, ...]) -> Cost:
    """Run a command to its end; it must succeed."""
    environment = {**os.environ, "CODAT_API_KEY": "rehearsal"}
    began = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode != 0:
        raise SystemExit(f"{shutil.which('expense-runner') or arguments}: exit {process.returncode}\n{said.decode()}")
    return Cost(items, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
