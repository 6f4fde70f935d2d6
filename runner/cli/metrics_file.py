"""`--metrics-file`: the journal's metrics as a file for a collector, written at a run's end and now and then before."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from runner.app import App
from runner.cli.options import F
from runner.cli.whole_file import require_no_database, write_file
from runner.clock import Clock, SystemClock
from runner.errors import RunnerError
from runner.journal.holder import Holder, worker_of
from runner.journal.journal import Journal, reading
from runner.logs import hidden

T = TypeVar("T")

EVERY: Final = 30.0
"""Seconds between two files while a run is at work, at least; a large journal is added up so rarely that it costs a
tenth of one core."""
_MODE: Final = 0o644
"""The collector is another user. There are counts and sums in it, and ids of companies."""


def metrics_option(command: F) -> F:
    """Add `--metrics-file`."""
    return click.option(
        "--metrics-file",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="EXPENSE_RUNNER_METRICS_FILE",
        help="Write metrics here for Prometheus's node exporter, every 30 s and at the end; others can read it.",
    )(command)


class MetricsFile:
    """A file that is replaced as a whole; what goes wrong with it is said once and disturbs nothing."""

    def __init__(self, path: Path | None, journal: Path) -> None:
        self._path = path
        self._journal = journal
        self._complained = False

    async def during(self, app: App, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, and write the file now and then meanwhile."""
        if self._path is None:
            return await work
        # On the clock that nobody watches: this wait is no sign of life.
        writing = asyncio.create_task(self._now_and_then(app.alarm))
        try:
            return await work
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    def write(self) -> None:
        """Write the file once; never raises for what the disk or the journal does."""
        if self._path is None:
            return
        try:
            # Before the first run has staged anything there is no journal, and nothing to count.
            if self._journal.is_file():
                write_file(self._path, metrics_text(self._journal).encode(), force=True, mode=_MODE)
        except (RunnerError, OSError) as error:
            if not self._complained:
                self._complained = True
                said = error.message if isinstance(error, RunnerError) else str(error)
                click.echo(hidden(f"Metrics were not written: {said}"), err=True)

    async def _now_and_then(self, clock: Clock) -> None:
        pause = EVERY
        while True:
            await clock.sleep(pause)
            began = time.monotonic()
            await asyncio.to_thread(self.write)
            pause = max(EVERY, 9 * (time.monotonic() - began))


@contextmanager
def metrics_written(path: Path | None, journal: Path) -> Iterator[MetricsFile]:
    """Give the file, and write it when the block has ended, however it ended.

    Raises `ConfigurationWrong` where the path is that of a database, such as the journal.
    """
    if path is not None:
        require_no_database(path, option="--metrics-file")
    file = MetricsFile(path, journal)
    try:
        yield file
    finally:
        file.write()


def metrics_text(journal: Path) -> str:
    """Return the journal's metrics as Prometheus text; raises `JournalUnusable`."""
    worker = worker_of(journal)
    with reading(journal, SystemClock()) as opened:
        return asyncio.run(_text(opened, worker))


async def _text(journal: Journal, worker: Holder | None) -> str:
    # Here, because a run without metrics need not load it.
    from runner.report.metrics import families, textfile  # noqa: PLC0415

    books, requests = await journal.accounts.books(worker=worker), await journal.runs.request_totals()
    return textfile(families(books, runs=await journal.health.runs(), requests=requests))
