"""`expense-runner simulate`: an honest Codat on this machine, to rehearse against."""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.signals import ending_signals
from runner.cli.webhooks import AUTHORIZATION, SECRET
from runner.cli.whole_file import require_no_database, write_file
from runner.errors import ConfigurationWrong, ExitCode
from runner.simulator import NO_LIMITS, Behaviour, Service, load_scenario, parse_faults, preset_names
from runner.simulator.ledger import ledger_csv, ledger_json

if TYPE_CHECKING:
    from runner.simulator.webhooks import Webhooks


@click.command(
    epilog="Example: `expense-runner simulate --port 8642` in one terminal, and in another "
    "`CODAT_BASE_URL=http://127.0.0.1:8642 CODAT_API_KEY=rehearsal expense-runner run expenses/`."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0 takes a free one.")
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Companies, durations, limits and faults in TOML; see docs/simulator.md.",
)
@click.option(
    "--faults",
    default="",
    help="Faults to switch on, by name, such as lost_after:0.1,error_503_before*2. `--faults list` names them all.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything that is drawn by chance.")
@click.option("--no-limits", is_flag=True, help="Switch off the daily quota and the limits of rate and concurrency.")
@click.option(
    "--webhooks",
    metavar="URL",
    help="Tell this URL of each sync that ends, signed with CODAT_WEBHOOK_SECRET; with CODAT_WEBHOOK_AUTHORIZATION "
    "set, by legacy rules.",
)
@click.option(
    "--webhook-faults",
    default="",
    help="Deliver webhooks badly: any of twice, out-of-order and lost, separated by commas.",
)
@click.option(
    "--ledger-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the ledger here when the simulator ends: JSON, or CSV if the name ends in .csv.",
)
def simulate(
    *,
    host: str,
    port: int,
    scenario: Path | None,
    faults: str,
    seed: int,
    no_limits: bool,
    ledger_out: Path | None,
    **delivery: str | None,
) -> int:
    """Run a simulated Codat: Codat itself has no sandbox for expenses.

    It keeps the documented rules (both flows, queued syncs, the duplicate guard, idempotency keys, limits) and
    a ledger of all that was posted. While it runs, GET /_simulator/ledger shows the ledger.
    """
    if faults == "list":
        click.echo("\n".join(preset_names()))
        return int(ExitCode.OK)
    if ledger_out is not None:
        _require_place(ledger_out)
    try:
        behaviour, scripted = load_scenario(scenario) if scenario else (Behaviour(), ())
        switched_on = parse_faults(faults) if faults else ()
        told = _webhooks(delivery["webhooks"], delivery["webhook_faults"] or "")
    except ValueError as error:
        raise ConfigurationWrong(str(error)) from error
    if no_limits:
        behaviour = replace(behaviour, limits=NO_LIMITS)
    service = Service(behaviour, seed=seed, faults=(*scripted, *switched_on))
    try:
        asyncio.run(_serve(service, host, port, told))
    except (OSError, ValueError) as error:
        raise ConfigurationWrong(f"The simulator cannot listen on {host}:{port}: {error}.") from error
    if ledger_out is not None:
        render = ledger_csv if ledger_out.suffix == ".csv" else ledger_json
        write_file(ledger_out, render(service.ledger).encode(), force=True)
        click.echo(f"Ledger written to {ledger_out}.", err=True)
    return int(ExitCode.OK)


def _require_place(ledger_out: Path) -> None:
    """Refuse now what would fail when a long rehearsal has ended, and its ledger would be lost."""
    if not ledger_out.absolute().parent.is_dir():
        raise ConfigurationWrong(f"--ledger-out: there is no folder {ledger_out.parent}.", hint="Make it first.")
    require_no_database(ledger_out, option="--ledger-out")


def _webhooks(url: str | None, faults: str) -> "Webhooks | None":
    if url is None:
        if faults:
            raise ValueError("--webhook-faults needs --webhooks, the URL to tell")
        return None
    from runner.simulator.webhooks import Webhooks  # noqa: PLC0415 - it brings an HTTP client along

    secret, authorization = os.environ.get(SECRET, "").split(), os.environ.get(AUTHORIZATION, "")
    chosen = {each.strip() for each in faults.split(",") if each.strip()}
    if unknown := chosen - {"twice", "out-of-order", "lost"}:
        raise ValueError(f"webhooks have no fault {min(unknown)!r}; known are twice, out-of-order, lost")
    return Webhooks(
        url,
        style="both" if secret and authorization else "legacy" if authorization else "current",
        secret=secret[0] if secret else "",
        authorization=authorization,
        twice="twice" in chosen,
        out_of_order="out-of-order" in chosen,
        lost=0.2 if "lost" in chosen else 0.0,
    )


async def _serve(service: Service, host: str, port: int, webhooks: "Webhooks | None") -> None:
    # Here, because the help of all commands shall not load an HTTP server.
    from runner.simulator.http import serve  # noqa: PLC0415

    ended = asyncio.Event()
    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with await serve(service, host=host, port=port) as server:
        click.echo(f"Simulated Codat at {server.url}")
        click.echo(f"  CODAT_BASE_URL={server.url} CODAT_API_KEY=rehearsal expense-runner run …", err=True)
        click.echo("  Ctrl-C ends it.", err=True)
        telling = asyncio.ensure_future(_tell(service, webhooks))
        await ended.wait()
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
    ledger = service.ledger
    click.echo(
        f"{len(ledger.entries)} entries in the ledger, {len(ledger.attachments)} attachments, "
        f"{len(service.requests)} requests, {len(ledger.doubled())} expenses posted more than once.",
        err=True,
    )


async def _tell(service: Service, webhooks: "Webhooks | None") -> None:
    if webhooks is not None:
        from runner.simulator.webhooks import Sender  # noqa: PLC0415 - see above

        await Sender(service, webhooks, clock=time.time).run()
