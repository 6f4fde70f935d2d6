"""`expense-runner simulate`: an honest Codat on this machine, to rehearse against."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import click

from runner.errors import ConfigurationWrong, ExitCode
from runner.simulator import NO_LIMITS, Behaviour, Service, load_scenario, parse_faults, preset_names
from runner.simulator.http import serve
from runner.simulator.ledger import ledger_csv, ledger_json


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
) -> int:
    """Run a simulated Codat: Codat itself has no sandbox for expenses.

    It keeps the documented rules (both flows, queued syncs, the duplicate guard, idempotency keys, limits) and
    a ledger of all that was posted. While it runs, GET /_simulator/ledger shows the ledger.
    """
    if faults == "list":
        click.echo("\n".join(preset_names()))
        return int(ExitCode.OK)
    try:
        behaviour, scripted = load_scenario(scenario) if scenario else (Behaviour(), ())
        switched_on = parse_faults(faults) if faults else ()
    except ValueError as error:
        raise ConfigurationWrong(str(error)) from error
    if no_limits:
        behaviour = replace(behaviour, limits=NO_LIMITS)
    service = Service(behaviour, seed=seed, faults=(*scripted, *switched_on))
    try:
        asyncio.run(_serve(service, host, port))
    except (OSError, ValueError) as error:
        raise ConfigurationWrong(f"The simulator cannot listen on {host}:{port}: {error}.") from error
    if ledger_out is not None:
        render = ledger_csv if ledger_out.suffix == ".csv" else ledger_json
        ledger_out.write_text(render(service.ledger), encoding="utf-8")
        click.echo(f"Ledger written to {ledger_out}.", err=True)
    return int(ExitCode.OK)


async def _serve(service: Service, host: str, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with await serve(service, host=host, port=port) as server:
        click.echo(f"Simulated Codat at {server.url}")
        click.echo(f"  CODAT_BASE_URL={server.url} CODAT_API_KEY=rehearsal expense-runner run …", err=True)
        click.echo("  Ctrl-C ends it.", err=True)
        await ended.wait()
    ledger = service.ledger
    click.echo(
        f"{len(ledger.entries)} entries in the ledger, {len(ledger.attachments)} attachments, "
        f"{len(service.requests)} requests, {len(ledger.doubled())} expenses posted more than once.",
        err=True,
    )
