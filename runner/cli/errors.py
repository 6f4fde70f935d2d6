"""`expense-runner errors`: everything that is wrong, by cause, with who can fix it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import click

from runner.cli.options import journal_option, json_option
from runner.cli.rejects import Written, write_rejects
from runner.clock import SystemClock
from runner.errors import ExitCode
from runner.intake.sources import STDIN
from runner.journal.holder import worker_of
from runner.journal.journal import Journal, reading
from runner.journal.records import Hold
from runner.journal.trouble import Cause
from runner.rejects import Rejects
from runner.report.accounting import ACCOUNTING, cause_of
from runner.report.catalog import EXPENSES, HOLDS, RECEIPTS, ROWS, entry_of
from runner.report.entry import Entry
from runner.report.result_types.books import ErrorsResult
from runner.report.words import counted
from runner.stage import Unread, unread_inputs

_ENTRIES = {"row": ROWS, "expense": EXPENSES, "receipt": RECEIPTS}


@click.command(
    epilog="Example: `expense-runner errors --json` for a ticket system; `expense-runner explain CODE` for one."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write your own rows that need a person to this CSV file, to be corrected and run again; several files with "
    "numbers in their names where the rows came from files with different columns.",
)
@click.option("--per-company", is_flag=True, help="With --out: one file for each company, such as rejects.acme.csv.")
@click.option("--all", "everything", is_flag=True, help="With --out: also rows that need no correction, but wait.")
@click.option("--force", is_flag=True, help="With --out: replace a file even if it may hold corrections.")
@journal_option
@json_option
def errors(
    out: Path | None,
    journal: Path,
    *,
    per_company: bool,
    everything: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Group everything that is wrong by its cause: how often, one example, who can fix it, and how.

    With --out, write the rows themselves to a file that can be corrected and run. Exit code 0 if nothing is wrong,
    3 if anything is, 6 if rows could not be written because their file is gone or has changed.
    """
    if out is None and (per_company or everything or force):
        raise click.UsageError("--per-company, --all and --force go with --out.")
    told = Rejects()
    written: list[Written] = []
    at_work = worker_of(journal) is not None
    with reading(journal, SystemClock()) as opened:
        causes, holds = asyncio.run(_facts(opened))
        unread = Unread() if at_work else asyncio.run(unread_inputs(opened))
        if out is not None:
            written = asyncio.run(
                write_rejects(
                    opened, out, told, path=journal, everything=everything, per_company=per_company, force=force
                )
            )
    code = ExitCode.REJECTED if causes or holds or unread.lost else ExitCode.OK
    if told.unreadable or told.missing:
        code = ExitCode.REFUSED
    if as_json:
        rejects = {} if out is None else {"rejects": _rejects_json(written, told)}
        click.echo(json.dumps(_json(causes, holds, unread) | rejects))
        return int(code)
    for line in _lines(causes, holds) if out is None else _rejects_lines(written, told):
        click.echo(line)
    for words in unread.words:
        click.echo(words)
    if code is ExitCode.OK and not unread.waiting:
        click.echo("Nothing is wrong.")
    return int(code)


def _rejects_json(written: list[Written], told: Rejects) -> dict[str, object]:
    return {
        "files": [
            {"path": str(each.path), "rows": each.rows, "company_id": each.company, "command": each.command}
            for each in written
        ],
        "left_out": told.left_out,
        "unreadable": [{"file": name, "reason": reason} for name, reason in told.unreadable.items()],
        "missing": told.missing,
    }


def _rejects_lines(written: list[Written], told: Rejects) -> Iterator[str]:
    for each in written:
        yield f"{each.path}: {counted(each.rows, 'row')} to correct. Then: {each.command}"
    for who, rows in told.left_out.items():
        need = "needs" if rows == 1 else "need"
        yield f"Left out: {counted(rows, 'row')} that {need} no correction ({who}); --all writes them too."
    for name, reason in told.unreadable.items():
        named = "standard input" if name == STDIN else name
        yield f"Not written: rows of {named}: {reason}. `expense-runner errors` lists what is wrong with them."
    if told.missing:
        file, line = told.missing_example or ("", 0)
        yield (
            f"Not written: {counted(told.missing, 'expense')} that no file has any more, the first from "
            f"{file}, line {line}. `expense-runner errors` lists what is wrong with them."
        )
    if not (written or told.left_out or told.unreadable or told.missing):
        yield "No rows need a correction."


async def _facts(journal: Journal) -> tuple[list[Cause], tuple[Hold, ...]]:
    return await journal.trouble.causes(cause_of), (await journal.accounts.books()).holds


def _entry(cause: Cause) -> Entry:
    if cause.accounting is not None:
        return ACCOUNTING[cause.accounting]
    return entry_of(_ENTRIES[cause.about], cause.code)


def _json(causes: list[Cause], holds: tuple[Hold, ...], unread: Unread) -> ErrorsResult:
    return {
        "causes": [
            {
                "about": cause.about,
                "state": cause.state,
                "code": cause.code,
                "accounting": cause.accounting,
                "count": cause.count,
                "who": _entry(cause).who.value,
                "meaning": _entry(cause).meaning,
                "way_out": _entry(cause).way_out,
                "example": {
                    "company_id": cause.company_id,
                    "file": cause.file,
                    "line": cause.line,
                    "text": cause.example,
                },
            }
            for cause in causes
        ],
        "holds": [
            {"company_id": hold.company_id, "code": hold.code, "who": entry_of(HOLDS, hold.code).who.value,
             "message": hold.message, "way_out": hold.hint or entry_of(HOLDS, hold.code).way_out, "since": hold.held_at}
            for hold in holds
        ],
        "inputs_lost": [each.name for each in unread.lost],
    }  # fmt: skip


def _lines(causes: list[Cause], holds: tuple[Hold, ...]) -> Iterator[str]:
    for cause in causes:
        entry = _entry(cause)
        code = cause.code if cause.accounting is None else f"{cause.code}, {cause.accounting}"
        yield f"{cause.count:,} × {code} ({cause.about} {cause.state}): {entry.meaning}"
        yield f"  for example {cause.file}, line {cause.line}: {cause.example}"
        yield f"  {entry.who.value}: {entry.way_out}"
    for hold in holds:
        entry = entry_of(HOLDS, hold.code)
        yield f"company {hold.company_id} is held since {hold.held_at} ({hold.code}): {hold.message}"
        yield f"  {entry.who.value}: {hold.hint or entry.way_out}"
