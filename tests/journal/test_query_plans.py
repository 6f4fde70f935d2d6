"""Plain scans of growing tables by statements that run for each company, draft or row.

Seen on an empty journal, and on two that were filled and analyzed, by files and by years of nights; the files and
statements that are left out run once a command, a run or an input.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest

from benchmarks.lived import Lived, fill, open_work
from runner.journal import statements
from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.staging import make_tables
from runner.journal.statements import load
from runner.journal.store import Inline
from tests.clocks import START, FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import staged

GROWING = frozenset(
    [
        "expense",
        "draft",
        "sync",
        "attempt",
        "receipt",
        "payload",
        "event",
        "row_error",
        "foreign_sync",
        "resend",
        "company",
        "accepted",
        "alias",
        "known_row",
        "preflight",
        "replaced",
        "resolution",
        "input",
        "input_row",
        "input_sketch",
        "kept_rows",
        "question",
    ],
)
ONCE = {
    # Adding up, telling and looking for something: once a command, for everything there is.
    "accounts", "checking", "condition", "health", "integrity", "notices", "outlook", "story", "trouble", "backup",
    # Once a run, or by a command of a person.
    "pruning", "resolutions", "identity", "retention",
}  # fmt: skip
ONCE_A_RUN = {
    "companies.all_ids", "companies.common_pace", "companies.holds", "companies.named",
    "companies.page_with_open_work", "drafts.extra_drafts", "receipts.counts", "receipts.retry_in_doubt",
    "resends.candidates", "staging.unfinished_inputs", "staging.open_row_errors", "staging.count_row_errors",
    "results.inputs_in_trouble", "results.inputs", "results.refused", "results.troubled",
    "results.has_receipts", "staging.notes",
    # Once a file, over an index of the few contradictions that are open.
    "staging.settle_conflicts",
}  # fmt: skip


@pytest.fixture(params=["empty", "filled", "lived"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A journal: a new one, or one with figures of its tables, as a run leaves them behind."""
    opened = open_scratch()
    if request.param == "filled":
        _fill(opened)
    elif request.param == "lived":
        lived = Lived(companies=100, expenses=4_500, until=START)
        fill(opened, lived)
        open_work(opened, lived, 10)
    # Without figures SQLite plans by the schema alone, whatever is in the tables.
    if request.param != "empty":
        opened.execute("ANALYZE")
    make_tables(opened)
    # With them on, what is looked for in case a row had children is told as if it were read.
    opened.execute("PRAGMA foreign_keys = OFF")
    yield opened
    opened.close()


def _fill(connection: Connection) -> None:
    """Let 40 companies have 50 expenses each, as 40 files brought them, some of their rows wrong."""

    async def fill() -> None:
        journal = Journal(Inline(connection), FakeClock())
        await journal.runs.begin(purpose="run", version="0", flow="datasets")
        for company in range(40):
            expenses = [staged(50 * company + number, f"company-{company}") for number in range(50)]
            await file_in(journal, expenses, name=f"{company}.csv", sha256=f"{company:064x}")

    asyncio.run(fill())
    connection.execute("UPDATE expense SET state = 'posted' WHERE expense_no % 7 > 0")


def test_what_runs_for_each_company_draft_or_row_uses_an_index(connection: Connection) -> None:
    folder = Path(statements.__file__).parent / "sql"
    found = {}
    for file in sorted(folder.glob("*.sql")):
        for name, statement in load(file.stem).items():
            full = f"{file.stem}.{name}"
            if "CREATE " in statement:
                continue
            if file.stem not in ONCE and full not in ONCE_A_RUN and (scans := [*_scans(connection, statement)]):
                found[full] = scans

    assert found == {}


def test_every_exception_is_needed():
    known = {
        f"{file.stem}.{name}"
        for file in (Path(statements.__file__).parent / "sql").glob("*.sql")
        for name in load(file.stem)
    }

    assert known >= ONCE_A_RUN
    assert {name.partition(".")[0] for name in known} >= ONCE


def _scans(connection: Connection, statement: str) -> Iterator[str]:
    """Yield where a statement reads all of a table that grows, whatever name it has in there."""
    names = set(re.findall(r":([a-z_0-9]+)", statement))
    values = dict.fromkeys(names, 1) if names else (1,) * statement.count("?")
    aliases = dict.fromkeys(GROWING) | {
        alias: None for table, alias in re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+AS\s+(\w+)", statement) if table in GROWING
    }
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values):
        # From one number on, all companies' rows are read.
        whole = step.startswith("SCAN") or "AUTOMATIC" in step or re.search(r"PRIMARY KEY \(rowid[<>]", step)
        if whole and step.split()[1] in aliases:
            yield step
