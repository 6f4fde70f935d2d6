"""`expense-runner status`: where everything stands, from the journal alone, while a run may be at work."""

import asyncio
import json
from pathlib import Path

import click

from runner.cli.options import journal_option, json_option
from runner.clock import SystemClock
from runner.journal.journal import Journal, reading
from runner.journal.records import Books, OpenRowError, RequestTotals, Standing
from runner.outcome import imbalances, outcomes_of
from runner.report.summary import (
    companies_json,
    company_lines,
    expenses_json,
    hold_lines,
    holds_json,
    next_steps,
    receipts_json,
    requests_json,
    row_error_lines,
    standing_lines,
    totals_lines,
)

_SHOWN = 20
Facts = tuple[Books, list[OpenRowError], list[Standing], RequestTotals]


@click.command(epilog="Example: `expense-runner status --json` in a monitoring script.")
@journal_option
@json_option
def status(journal: Path, as_json: bool) -> int:  # noqa: FBT001
    """Say where every expense stands, without network and without disturbing a run."""
    with reading(journal, SystemClock()) as opened:
        books, errors, attention, requests = asyncio.run(_facts(opened))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "outcomes": outcomes_of(books, stop=None, retries_left=True, unread=False),
                    "balanced": not imbalances(books),
                    "expenses": expenses_json(books),
                    "receipts": receipts_json(books),
                    "requests": requests_json(requests),
                    "companies": companies_json(books),
                    "holds": holds_json(books.holds),
                    "row_errors": books.row_errors,
                }
            )
        )
        return 0
    for line in [*totals_lines(books), *company_lines(books)]:
        click.echo(line)
    if errors:
        click.echo("\nRows that are wrong:")
        for line in row_error_lines(errors, total=books.row_errors):
            click.echo(line)
    if attention:
        click.echo("\nExpenses that need attention:")
        for line in standing_lines(attention, more=len(attention) > _SHOWN):
            click.echo(line)
    if books.holds:
        click.echo("\nCompanies that are held:")
        for line in hold_lines(books.holds):
            click.echo(line)
    for step in next_steps(books, journal=str(journal)):
        click.echo(f"\n{step}")
    return 0


async def _facts(journal: Journal) -> Facts:
    return (
        await journal.accounts.books(),
        await journal.staging.open_row_errors(limit=_SHOWN),
        await journal.accounts.attention(limit=_SHOWN + 1),
        await journal.runs.request_totals(),
    )
