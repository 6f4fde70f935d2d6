"""`expense-runner serve`: the report live from the journal, and metrics, for this machine."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click
from click.core import ParameterSource

from runner.cli.options import journal_option
from runner.cli.report import Format, facts, rendered
from runner.cli.signals import ending_signals
from runner.clock import SystemClock
from runner.domain.hosts import is_loopback
from runner.errors import ConfigurationWrong, RefusedToStart
from runner.journal.holder import Holder, worker_of
from runner.journal.journal import Journal, reading

if TYPE_CHECKING:
    from runner.serving import Answer, Render

_COMPANY = "/company/"


@click.command(
    epilog="Example: `expense-runner serve --port 8089`, then http://127.0.0.1:8089/ in a browser of this machine, and "
    "http://127.0.0.1:8089/metrics for Prometheus."
)
@journal_option
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; give it to leave loopback."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8089, show_default=True, help="0 takes a free one.")
@click.pass_context
def serve(context: click.Context, *, journal: Path, host: str, port: int) -> int:
    """Serve the report live from the journal, with /metrics and /report.json; nothing can be changed through it.

    There is no password: whoever reaches the address reads everything. SIGTERM or Ctrl-C ends it in good order.
    """
    if not is_loopback(host):
        if context.get_parameter_source("host") is not ParameterSource.COMMANDLINE:
            raise ConfigurationWrong(
                f"{host} is not loopback, and only --host on the command line may say so.",
                hint="Whoever reaches that address reads all expenses: no password is asked.",
            )
        click.echo(f"Warning: whoever reaches {host}:{port} reads all expenses: no password is asked.", err=True)
    with reading(journal, SystemClock()):
        # A journal that cannot be read is better told here than to the first who looks.
        pass
    try:
        asyncio.run(_serve(renderer(journal), host, port))
    except OSError as error:
        raise ConfigurationWrong(
            f"Nothing can listen on {host}:{port}: {os.strerror(error.errno or 0)}.",
            hint="Name another with --port, or --host.",
        ) from error
    return 0


async def _serve(render: "Render", host: str, port: int) -> None:
    # Here, because the server's library loads longer than all other commands take.
    from runner.serving import listen  # noqa: PLC0415

    ended = asyncio.Event()
    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with await listen(render, host=host, port=port, names=[os.uname().nodename]) as server:
        click.echo(f"Report at {server.url}/")
        click.echo(f"  {server.url}/report.json, {server.url}/metrics; Ctrl-C ends it.", err=True)
        await ended.wait()


def renderer(journal: Path) -> "Render":
    """Return what makes the page of a path, reading the journal anew each time."""
    pages: dict[str, Callable[[Journal, Holder | None], Answer]] = {
        "/": lambda opened, worker: _page(opened, None, journal, worker),
        "/report.json": lambda opened, worker: _json(opened, journal, worker),
        "/metrics": _metrics,
    }

    def render(path: str) -> "Answer | None":
        company = unquote(path).removeprefix(_COMPANY) if path.startswith(_COMPANY) else None
        if path not in pages and not company:
            return None
        worker = worker_of(journal)
        with reading(journal, SystemClock()) as opened:
            try:
                return _page(opened, company, journal, worker) if company else pages[path](opened, worker)
            except RefusedToStart:
                return None

    return render


def _page(opened: Journal, company: str | None, journal: Path, worker: Holder | None) -> "Answer":
    from runner.report.html.frame import policy  # noqa: PLC0415 - needed by this page alone
    from runner.serving import Answer  # noqa: PLC0415 - as above

    health = asyncio.run(facts(opened, company, worker=worker))
    body = rendered(health, Format.HTML, journal=str(journal), live=True).encode()
    return Answer("text/html; charset=utf-8", body, f"{policy(script=company is None)}; frame-ancestors 'none'")


def _json(opened: Journal, journal: Path, worker: Holder | None) -> "Answer":
    from runner.serving import Answer  # noqa: PLC0415 - as above

    health = asyncio.run(facts(opened, None, worker=worker))
    return Answer("application/json", rendered(health, Format.JSON, journal=str(journal)).encode())


def _metrics(opened: Journal, worker: Holder | None) -> "Answer":
    from runner.report.metrics import CONTENT_TYPE, families, textfile  # noqa: PLC0415 - needed by this page alone
    from runner.serving import Answer  # noqa: PLC0415 - as above

    async def found() -> str:
        books, requests = await opened.accounts.books(worker=worker), await opened.runs.request_totals()
        return textfile(families(books, runs=await opened.health.runs(), requests=requests))

    return Answer(CONTENT_TYPE, asyncio.run(found()).encode())
