"""`expense-runner report`: how everything stands, as one file for people or programs."""

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path

import click

from runner.cli.options import journal_option
from runner.cli.whole_file import require_no_database, write_file
from runner.clock import SystemClock
from runner.journal.health import OF_ALL, OF_ONE, Bounds
from runner.journal.health_records import Health
from runner.journal.holder import Holder, worker_of
from runner.journal.journal import Journal, reading
from runner.meant import company_meant
from runner.report.accounting import cause_of
from runner.report.discreet import redacted, without_others
from runner.report.overview import verdict


class Format(StrEnum):
    """What a report can be."""

    HTML = "html"
    JSON = "json"


@click.command(
    epilog="Example: `expense-runner report --out report.html`, then open the file in a browser. It needs no network: "
    "it can be sent, archived and printed."
)
@journal_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; default: standard output. It is replaced."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice([each.value for each in Format]),
    help="Default: by the ending of --out, otherwise html.",
)
@click.option(
    "--company", metavar="COMPANY", help="A page for this company's bookkeeper, in plain words, without others' data."
)
@click.option(
    "--details",
    type=click.IntRange(0),
    help="List so many expenses, rows and receipts of each company; default 25, with --company 5,000.",
)
@click.option("--redact", is_flag=True, help="Without amounts, file names and texts that came from rows or from Codat.")
def report(
    *, journal: Path, out: Path | None, format_: str | None, company: str | None, details: int | None, redact: bool
) -> int:
    """Write how everything stands: sums, causes, companies, syncs, accounts, inputs.

    From the journal alone, without network and without disturbing a run. Exit code 0.
    """
    kind = Format(format_) if format_ else _by_name(out)
    if out is None and kind is Format.HTML and sys.stdout.isatty():
        raise click.UsageError("A page is not for a terminal: name a file with --out, or take --format json.")
    worker = worker_of(journal)
    with reading(journal, SystemClock()) as opened:
        health = asyncio.run(facts(opened, company, _bounds(company, details), worker=worker))
    if redact:
        health = redacted(health)
    content = rendered(health, kind, journal=str(journal))
    if out is None:
        click.echo(content, nl=False)
        return 0
    require_no_database(out, option="--out")
    write_file(out, content.encode(), force=True)
    found = verdict(health)
    click.echo(f"{out}: {found.headline} {found.detail}", err=True)
    return 0


def _by_name(out: Path | None) -> Format:
    return Format.JSON if out is not None and out.suffix.lower() == ".json" else Format.HTML


def _bounds(company: str | None, details: int | None) -> Bounds | None:
    if details is None:
        return None
    own = OF_ALL if company is None else OF_ONE
    return Bounds(details, max(details, own.troubles), own.syncs, own.inputs, own.runs)


async def facts(
    journal: Journal, company: str | None, bounds: Bounds | None = None, *, worker: Holder | None
) -> Health:
    """Return what a report is made of; raises `RefusedToStart` for a company that the journal does not know."""
    if company is None:
        health = await journal.health.of(bounds=bounds, worker=worker, read=cause_of)
    else:
        meant = await company_meant(journal, company, wrong_rows=True)
        health = await journal.health.of(meant, bounds=bounds, worker=worker, read=cause_of)
    assert health is not None  # noqa: S101 - the company is known
    return health if company is None else without_others(health, await journal.health.company_ids())


def rendered(health: Health, kind: Format, *, journal: str, live: bool = False) -> str:
    """Return the report as text."""
    # Each here, because the others need not load for one.
    if kind is Format.JSON:
        from runner.report.structured import structured  # noqa: PLC0415

        return json.dumps(structured(health, journal=journal)) + "\n"
    if health.company is not None:
        from runner.report.html.letter import letter  # noqa: PLC0415

        return letter(health)
    from runner.report.html.page import page  # noqa: PLC0415

    return page(health, journal=journal, live=live)
