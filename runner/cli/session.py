"""One life of the process around an app: signals, progress, the loop's own manners."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import click

from runner.app import App
from runner.cli.live import watching
from runner.cli.liveness import WatchedClock
from runner.cli.notify import notifying
from runner.cli.signals import ending_signals, open_terminals, silence_lost
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.errors import ExitCode, Interrupted
from runner.logs import get_log
from runner.progress import Notes, Progress
from runner.report.happenings import sentence_of

T = TypeVar("T")


def conduct(work: Callable[[App], Coroutine[Any, Any, T]], *, quiet: bool = False) -> T:
    """Run some work of an app: the first SIGINT or SIGTERM drains, the second ends the process at once.

    Progress goes to stderr: a live bar on a terminal, a plain line now and then elsewhere, none when `quiet`.
    """
    collect_rarely()
    with asyncio.Runner() as runner:
        return runner.run(_conduct(work, quiet=quiet))


def collect_rarely() -> None:
    """Look for cycles in memory less often than usual: rows and expenses come and go by the million without any.

    At the usual rate the search costs some 8 % of staging.
    """
    gc.freeze()
    gc.set_threshold(50_000)


async def _conduct(work: Callable[[App], Coroutine[Any, Any, T]], *, quiet: bool) -> T:
    draining = Draining()
    progress = Progress()
    clock = SystemClock()
    watched = WatchedClock(clock)
    app = App(clock=watched, alarm=clock, notes=Notes(get_log(), progress), draining=draining)
    _listen_to_signals(draining, app.notes)
    view: AbstractContextManager[None] = watching(app, quiet=quiet and not sys.stderr.isatty())
    with view:
        async with notifying(app, watched, clock=clock, environment=os.environ):
            try:
                return await work(app)
            finally:
                app.notes.sum_up()


def _listen_to_signals(draining: Draining, notes: Notes) -> None:
    loop = asyncio.get_running_loop()
    terminals = open_terminals()

    def stop(number: signal.Signals) -> None:
        code = ExitCode.INTERRUPTED if number is signal.SIGINT else ExitCode.TERMINATED
        if draining.active:
            # The journal is made for this: what was begun and not recorded is found by the next run.
            os._exit(int(code))
        error = Interrupted("The run was interrupted; what was in flight is recorded.")
        error.exit_code = code
        # Before anything is said: nobody may be there to hear it.
        draining.start(error)
        silence_lost(terminals)
        facts = {"signal": number.name}
        if not notes.shown("draining", facts):
            click.echo(f"\n{sentence_of('draining', facts)}", err=True)

    for number in ending_signals():
        loop.add_signal_handler(number, stop, number)
