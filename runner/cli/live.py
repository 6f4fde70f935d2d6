"""What a person sees while it runs: a calm display on a terminal, a plain line now and then elsewhere."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from runner.app import App
from runner.progress import FEW, WARNED, Notes
from runner.report.happenings import sentence_of
from runner.report.speed import duration
from runner.report.words import counted

EVERY = 30.0
"""Seconds between plain lines."""
_TURNS = frozenset({"company_released", "draining"}) | WARNED
"""Notes that are a change of state for those who read plain lines: the first of a kind are told at once."""


@contextmanager
def watching(app: App, *, quiet: bool) -> Iterator[None]:
    """Show progress on stderr for as long as the block lasts."""
    if sys.stderr.isatty():
        # Here, because what a timer starts has no terminal and need not wait for this to load.
        from runner.cli.screen import Screen  # noqa: PLC0415

        with Screen(app).shown():
            yield
    elif quiet:
        yield
    else:
        with _lines(app.notes):
            yield


@contextmanager
def _lines(notes: Notes) -> Iterator[None]:
    ended, started = threading.Event(), time.monotonic()

    def say(line: str) -> None:
        click.echo(f"[{duration(time.monotonic() - started)}] {line}", err=True)

    def tell() -> None:
        while not ended.wait(EVERY):
            say(sentence(notes))

    turns = _Turns()

    def turn(event: str, facts: Mapping[str, object]) -> bool:
        if event == "walking":
            say(_begins(notes))
            return True
        said = sentence_of(event, facts) if event in _TURNS else None
        if said is None:
            return False
        for line in turns.lines(event, said):
            say(line)
        return True

    notes.shown = turn
    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
        for line in turns.sums():
            say(line)


class _Turns:
    """Tells the first few of each kind, and at the end how many there were."""

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()

    def lines(self, event: str, said: str) -> Iterator[str]:
        self._told[event] += 1
        if self._told[event] <= FEW:
            yield said
        elif self._told[event] == FEW + 1:
            yield "(more of this kind are only counted)"

    def sums(self) -> Iterator[str]:
        for event, count in self._told.items():
            if count > FEW:
                yield f"{count:,} in all: {event.replace('_', ' ')}"


def _begins(notes: Notes) -> str:
    expected = notes.progress.expected
    if expected is None or not (expected.expenses or expected.receipts):
        return "nothing new to send"
    said = f"sending {counted(expected.expenses, 'expense')}"
    if expected.receipts:
        said += f" and {counted(expected.receipts, 'receipt')}"
    return said if expected.requests is None else f"{said}, in about {counted(expected.requests, 'request')}"


def sentence(notes: Notes) -> str:
    """Return where the run stands, in one line."""
    done, expected = notes.progress, notes.progress.expected
    if expected is None:
        parts = [f"reading {done.reading}" if done.reading else "beginning", f"{done.staged:,} staged"]
    else:
        parts = [
            f"{done.sent:,} sent",
            f"{done.posted:,} of {max(expected.expenses, done.posted):,} posted",
        ]
        if expected.receipts:
            parts.append(f"{done.attached:,} of {max(expected.receipts, done.attached):,} receipts attached")
        parts.append(f"{counted(len(done.at_work), 'company')} at work")
    if done.rejected or done.row_errors:
        parts.append(f"{done.rejected + done.row_errors:,} rejected")
    if done.held:
        parts.append(f"{counted(done.held, 'company')} held")
    return ", ".join(parts)
