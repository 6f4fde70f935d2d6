"""What a person sees while it runs: a calm display on a terminal, a plain line now and then elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from runner.app import App
from runner.progress import Progress

EVERY = 30.0
"""Seconds between plain lines."""


@contextmanager
def watching(app: App, *, quiet: bool) -> Iterator[None]:
    """Show progress on stderr for as long as the block lasts."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Live(get_renderable=lambda: _table(app), console=console, refresh_per_second=4, transient=True):
            yield
    elif quiet:
        yield
    else:
        with _lines(app.notes.progress):
            yield


@contextmanager
def _lines(progress: Progress) -> Iterator[None]:
    ended = threading.Event()

    def tell() -> None:
        started = time.monotonic()
        while not ended.wait(EVERY):
            click.echo(f"[{time.monotonic() - started:.0f} s] {_sentence(progress)}", err=True)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _sentence(progress: Progress) -> str:
    parts = [
        f"{progress.staged} staged",
        f"{progress.sent} sent",
        f"{progress.posted} posted",
        f"{progress.attached} receipts attached",
    ]
    if progress.rejected or progress.row_errors:
        parts.append(f"{progress.rejected + progress.row_errors} rejected")
    if progress.held:
        parts.append(f"{progress.held} companies held")
    return ", ".join(parts)


def _table(app: App) -> Table:
    progress = app.notes.progress
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    rows = [
        ("", "in this run"),
        (progress.staged, "expenses staged"),
        (progress.sent, "sent in syncs"),
        (progress.posted, "posted in the books"),
        (progress.attached, "receipts attached"),
        (progress.rejected + progress.row_errors, "rejected"),
        (progress.held, "companies held"),
        (app.counts.total, _requests(app)),
    ]
    for number, words in rows:
        table.add_row(f"{number:,}" if number != "" else "", words)
    return table


def _requests(app: App) -> str:
    if app.governor is None:
        return "requests"
    traffic = app.governor.snapshot()
    words = f"requests, {traffic.sent_last_minute} of {traffic.limit} in the last minute"
    if traffic.quota_remaining is not None:
        words += f", {traffic.quota_remaining:,} left today"
    return words
