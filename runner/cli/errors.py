"""`expense-runner errors`: everything that is wrong, by cause, with who can fix it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import click

from runner.cli.options import journal_option, json_option
from runner.clock import SystemClock
from runner.errors import ExitCode
from runner.journal.journal import Journal, reading
from runner.journal.records import Hold
from runner.journal.trouble import Cause
from runner.report.catalog import EXPENSES, HOLDS, RECEIPTS, ROWS, Entry, entry_of

_ENTRIES = {"row": ROWS, "expense": EXPENSES, "receipt": RECEIPTS}


@click.command(
    epilog="Example: `expense-runner errors --json` for a ticket system; `expense-runner explain CODE` for one."
)
@journal_option
@json_option
def errors(journal: Path, *, as_json: bool) -> int:
    """Group everything that is wrong by its cause: how often, one example, who can fix it, and how.

    Exit code 0 if nothing is wrong, else 3.
    """
    with reading(journal, SystemClock()) as opened:
        causes, holds = asyncio.run(_facts(opened))
    code = ExitCode.REJECTED if causes or holds else ExitCode.OK
    if as_json:
        click.echo(json.dumps(_json(causes, holds)))
        return int(code)
    for line in _lines(causes, holds):
        click.echo(line)
    if code is ExitCode.OK:
        click.echo("Nothing is wrong.")
    return int(code)


async def _facts(journal: Journal) -> tuple[list[Cause], tuple[Hold, ...]]:
    return await journal.trouble.causes(), (await journal.accounts.books()).holds


def _entry(cause: Cause) -> Entry:
    return entry_of(_ENTRIES[cause.about], cause.code)


def _json(causes: list[Cause], holds: tuple[Hold, ...]) -> dict[str, object]:
    return {
        "causes": [
            {
                "about": cause.about,
                "state": cause.state,
                "code": cause.code,
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
    }  # fmt: skip


def _lines(causes: list[Cause], holds: tuple[Hold, ...]) -> Iterator[str]:
    for cause in causes:
        entry = _entry(cause)
        yield f"{cause.count:,} × {cause.code} ({cause.about} {cause.state}): {entry.meaning}"
        yield f"  for example {cause.file}, line {cause.line}: {cause.example}"
        yield f"  {entry.who.value}: {entry.way_out}"
    for hold in holds:
        entry = entry_of(HOLDS, hold.code)
        yield f"company {hold.company_id} is held since {hold.held_at} ({hold.code}): {hold.message}"
        yield f"  {entry.who.value}: {hold.hint or entry.way_out}"
