"""`expense-runner demo`: the real engine over real HTTP against the bundled simulator, on sample data."""

import asyncio
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

import click

from runner.app import App, RunReport
from runner.cli.options import json_option
from runner.cli.session import conduct
from runner.cli.summary import print_report
from runner.clock import SystemClock
from runner.codat.credential import Credential
from runner.errors import ConfigurationWrong
from runner.intake.sources import find_sources
from runner.journal.journal import Journal, reading
from runner.journal.records import Listed
from runner.report.summary import listing_lines
from runner.settings import RunSettings


@click.command(epilog="It ends with exit code 3: some of the sample rows are wrong on purpose.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the journal and the ledger in this folder, to look at them afterwards.",
)
@json_option
def demo(keep: Path | None, as_json: bool) -> int:  # noqa: FBT001
    """See it work: sample CSVs with receipts go into a simulated Codat on this machine, and every expense is told.

    Needs no key and no network. The engine, the HTTP and the journal are the real ones.
    """
    folder = Path(tempfile.mkdtemp(prefix="expense-runner-demo-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "demo.db"
    if journal.exists():
        raise ConfigurationWrong(f"{journal} exists: a demo begins anew.", hint="Name another folder with --keep.")
    try:
        report = conduct(lambda app: _rehearse(app, journal), quiet=as_json)
        if not as_json:
            _print_every_expense(journal)
        print_report(report, journal=journal if keep else None, as_json=as_json)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return int(report.exit_code)


def _print_every_expense(journal: Path) -> None:
    with reading(journal, SystemClock()) as opened:
        expenses = asyncio.run(_listing(opened))
    click.echo("What became of every expense:")
    for line in listing_lines(expenses):
        click.echo(line)
    click.echo()


async def _listing(journal: Journal) -> list[Listed]:
    return await journal.accounts.listing(limit=1_000)


async def _rehearse(app: App, journal: Path) -> RunReport:
    # Here, because the help of all commands shall not load an HTTP server.
    from runner.simulator import Service, load_scenario  # noqa: PLC0415
    from runner.simulator.http import serve  # noqa: PLC0415
    from runner.simulator.ledger import ledger_json  # noqa: PLC0415

    samples = sample_data()
    behaviour, faults = load_scenario(samples / "simulator.toml")
    service = Service(behaviour, faults=faults)
    async with await serve(service) as server:
        click.echo(f"Simulated Codat at {server.url}; sample data in {samples}.", err=True)
        settings = RunSettings(
            credential=Credential("demo"), journal=journal, base_url=server.url, poll_interval=0.2, quiescence=10.0
        )
        report = await app.run(settings, find_sources([_short(samples)]))
    (journal.parent / "ledger.json").write_text(ledger_json(service.ledger), encoding="utf-8")
    ledger = service.ledger
    click.echo(
        f"The simulated ledger: {len(ledger.entries)} entries, {len(ledger.doubled())} expenses posted more than "
        f"once, {len(ledger.attachments)} receipts.",
        err=True,
    )
    return report


def _short(folder: Path) -> str:
    """Return the folder as a person would write it from here."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)


def sample_data() -> Path:
    """Return the folder of the sample data: in the installed package, or in the checkout beside it."""
    packaged = Path(str(files("runner"))) / "sample_data"
    folder = packaged if packaged.is_dir() else packaged.parent.parent / "sample_data"
    if not folder.is_dir():
        raise ConfigurationWrong("The sample data is not installed.", hint="Install the package again.")
    return folder
