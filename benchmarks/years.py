"""What the commands cost on a journal of years: nothing may grow faster than the journal.

    python -m benchmarks.years                                  # 22,000 companies, 1,000,000 expenses, and a tenth
    python -m benchmarks.years --companies 2000 --expenses 90000
    python -m benchmarks.years --make years.db                  # only make the journal

The installed command itself, in a process of its own for each figure, on a journal that is made by SQL; beside each
figure the same at a tenth of the size, with as many open companies. The service is a process that answers at once.
"""

import argparse
import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks import lived as journal_of_years
from benchmarks.answering import Books, answering
from benchmarks.lived import Lived
from benchmarks.measuring import machine
from runner.clock import SystemClock
from runner.journal.journal import writing

OPEN: Final = 600
ENDS_WELL: Final = frozenset({0, 3, 4})
"""Rejected expenses and held companies are in the journal; everything else must be well."""


class LivedBooks(Books):
    """Answers as `Books` does, and knows the syncs of the years as well."""

    def __init__(self, lived: Lived) -> None:
        super().__init__()
        self._lived = lived
        self._new: dict[str, list[str]] = {}

    def answer(self, method: bytes, target: str, body: bytes) -> tuple[int, str]:
        """Return the status and body that a request is answered with."""
        path, _, _ = target.partition("?")
        company = path.split("/")[2] if path.count("/") > 2 else ""
        if path.endswith("/list/status"):
            self.requests += 1
            return 200, f"[{','.join(self._listed(company))}]"
        status, text = super().answer(method, target, body)
        if method == b"POST" and path.endswith("/syncs"):
            self._new.setdefault(company, []).append(text.split('"')[3])
        return status, text

    def _page(self, sync: str, query: dict[str, list[str]]) -> str:
        if sync in self._syncs:
            return super()._page(sync, query)
        number = journal_of_years.number_of(sync)
        status = "Completed" if number in self._lived.syncs else "PushError"
        ids = journal_of_years.expense_ids(number)
        rows = [f'{{"transactionId":"{each}","status":"{status}","integrationType":"expense"}}' for each in ids]
        return f'{{"results":[{",".join(rows)}],"pageNumber":1,"pageSize":{len(ids)},"totalResults":{len(ids)}}}'

    def _listed(self, company: str) -> Iterator[str]:
        now = datetime.now(UTC).isoformat()
        for each in self._new.get(company, ()):
            yield f'{{"syncId":"{each}","syncStatusCode":2000,"syncUtc":"{now}"}}'
        for number in self._lived.syncs_of(UUID(company).int):
            at = self._lived.begun(self._lived.night_of(number)).isoformat()
            yield f'{{"syncId":"{journal_of_years.sync_id(number)}","syncStatusCode":2000,"syncUtc":"{at}"}}'


@dataclass(frozen=True, slots=True)
class Figure:
    """What one command took."""

    seconds: float
    megabytes: float
    requests: int = 0

    def __str__(self) -> str:
        """Return it as it stands in the table."""
        return f"{self.seconds:>9.2f} {self.megabytes:>7.0f} {self.requests:>9,}"


def main() -> None:
    """Make the journals, measure the commands, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=22_000)
    parser.add_argument("--expenses", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=OPEN, help="companies with something to send")
    parser.add_argument("--make", metavar="FILE", help="only make the journal, and leave it there")
    given = parser.parse_args()
    # The last night was yesterday's.
    until = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    whole = Lived(given.companies, given.expenses, until)
    if given.make:
        make(Path(given.make), whole)
        return
    print(machine())
    tenth = replace(whole, companies=whole.companies // 10, expenses=whole.expenses // 10)
    found = [measured(each, min(given.open, tenth.companies // 2)) for each in (tenth, whole)]
    head = f"{'seconds':>9} {'MB':>7} {'requests':>9}"
    print(f"\n{'':<34} {f'{tenth.expenses:,} expenses':>27} {f'{whole.expenses:,} expenses':>27}  growth")
    print(f"{'':<34} {head} {head}")
    for name, small in found[0].items():
        large = found[1][name]
        print(f"{name:<34} {small} {large}  {large.seconds / small.seconds:>5.1f}x", flush=True)


def make(path: Path, lived: Lived) -> None:
    """Make a journal of years by the real migrations and SQL."""

    async def begin() -> None:
        async with writing(path, SystemClock()):
            pass

    asyncio.run(begin())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        journal_of_years.fill(connection, lived)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def measured(lived: Lived, open_companies: int) -> dict[str, Figure]:
    """Measure every command on a journal of that size."""
    with (
        tempfile.TemporaryDirectory(prefix="expense-runner-years-") as place,
        answering(partial(LivedBooks, lived)) as server,
    ):
        path = Path(place, "journal.db")
        make(path, lived)
        connected = ("--base-url", server.url, "--max-rpm", "0")
        sending = ("run", *connected, "--poll-interval", "0.1", "--json")

        def measure(*words: str) -> Figure:
            server.count()
            figure = _command([*words, "--journal", str(path)])
            return replace(figure, requests=server.count()[0])

        found = {"run, nothing to do": measure(*sending)}
        for name in ("status", "errors"):
            found[name] = measure(name, "--json")
        found["report"] = measure("report", "--out", str(Path(place, "report.html")))
        spare = Path(place, "failed.db")
        shutil.copy(path, spare)
        _change(path, partial(journal_of_years.open_work, lived=lived, companies=open_companies))
        _change(path, partial(journal_of_years.agreed, lived=lived))
        found[f"run, {open_companies} open companies"] = measure(*sending)
        found["verify, what is new"] = measure("verify", *connected, "--json")
        _change(spare, partial(journal_of_years.open_work, lived=lived, companies=open_companies, failed=True))
        # Under the name that its lock file goes by.
        spare.replace(path)
        path.with_name(f"{path.name}.lock").unlink()
        found[f"run --auto-retry 1, {open_companies} failed"] = measure(*sending, "--auto-retry", "1")
    return found


def _change(path: Path, change: partial[None]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        change(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _command(words: Sequence[str]) -> Figure:
    """Run the command; return its time and the largest memory that the kernel saw of it."""
    environment = {**os.environ, "CODAT_API_KEY": "rehearsal"}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            (sys.executable, "-m", "runner", *words), env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if code not in ENDS_WELL:
            said.seek(0)
            raise SystemExit(f"{' '.join(words)}: exit {code}\n{said.read().decode()[-2_000:]}")
    return Figure(seconds, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
