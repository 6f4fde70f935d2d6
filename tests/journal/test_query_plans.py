"""Plain scans of growing tables by statements that run for each company, draft or row.

Seen on an empty journal, without figures of its tables; the files and statements that are left out run once a command,
a run or an input.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from runner.journal import statements
from runner.journal.opening import open_scratch
from runner.journal.staging import make_tables
from runner.journal.statements import load

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
    "pruning", "resolutions", "identity",
}  # fmt: skip
ONCE_A_RUN = {
    "companies.all_ids", "companies.common_pace", "companies.holds", "companies.named",
    "companies.page_with_open_work", "drafts.extra_drafts", "receipts.counts", "receipts.retry_in_doubt",
    "resends.candidates", "staging.unfinished_inputs", "staging.open_row_errors", "staging.count_row_errors",
    "results.inputs_in_trouble", "results.inputs", "results.refused", "results.troubled",
    "results.has_receipts", "staging.notes",
}  # fmt: skip


def test_what_runs_for_each_company_draft_or_row_uses_an_index():
    folder = Path(statements.__file__).parent / "sql"
    found = {}
    for file in sorted(folder.glob("*.sql")):
        for name, statement in load(file.stem).items():
            full = f"{file.stem}.{name}"
            if "CREATE " in statement:
                continue
            if file.stem not in ONCE and full not in ONCE_A_RUN and (scans := [*_scans(statement)]):
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


def _scans(statement: str) -> Iterator[str]:
    """Yield where a statement reads all of a table that grows, whatever name it has in there."""
    names = set(re.findall(r":([a-z_0-9]+)", statement))
    values = dict.fromkeys(names, 1) if names else (1,) * statement.count("?")
    aliases = dict.fromkeys(GROWING) | {
        alias: None for table, alias in re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+AS\s+(\w+)", statement) if table in GROWING
    }
    connection = open_scratch()
    make_tables(connection)
    try:
        # With them on, what is looked for in case a row had children is told as if it were read.
        connection.execute("PRAGMA foreign_keys = OFF")
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values):
            if (step.startswith("SCAN") or "AUTOMATIC" in step) and step.split()[1] in aliases:
                yield step
    finally:
        connection.close()
