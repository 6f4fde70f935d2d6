"""The live display on a terminal. It is drawn four times a second, and gone when the run has ended."""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.app import App
from runner.report.happenings import sentence_of
from runner.report.speed import Speed, duration
from runner.report.words import counted

_TOLD = 20
"""Happenings that are told one by one; thousands of held companies must not scroll everything else away."""
_COMPANIES = 6
"""Companies at work that are named, where the terminal is high enough."""
_NARROW = 70
"""Columns below which there is no room for bars."""
_REDRAWN = 0.25
"""Seconds between two drawings."""
_RESERVED = 12
"""Lines for everything but the companies."""


class Screen:
    """What is shown of one run."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._console = Console(file=sys.stderr)
        self._began = time.monotonic()
        self._told: list[str] = []
        self._untold = 0
        self._speeds = {name: Speed() for name in ("staged", "stored", "sent", "posted", "attached")}
        self._requested = Speed()
        # Rich renders and writes in two steps: two threads doing so at once leave lines behind.
        self._drawing = threading.RLock()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw it for as long as the block lasts."""
        self._app.notes.shown = self._happened
        ended = threading.Event()
        with Live(
            get_renderable=self._draw,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as live:
            drawer = threading.Thread(target=self._draw_until, args=(ended, live), name="display", daemon=True)
            drawer.start()
            above, sys.stderr = sys.stderr, _Above(sys.stderr, self._print)
            try:
                yield
            finally:
                sys.stderr = above
                ended.set()
                drawer.join()

    def _draw_until(self, ended: threading.Event, live: Live) -> None:
        size = self._console.size
        while not ended.wait(_REDRAWN):
            with self._drawing:
                if self._console.size != size:
                    # The terminal has wrapped the lines anew: where they begin is not known any more.
                    size = self._console.size
                    self._console.control(Control.clear(), Control.home())
                    for said in self._told:
                        self._print(said)
                live.refresh()

    def _happened(self, event: str, facts: Mapping[str, object]) -> bool:
        said = sentence_of(event, facts)
        if said is None:
            return False
        if len(self._told) < _TOLD or event == "draining":
            # Above the display, where it stays when the run has ended.
            self._told.append(said)
            self._print(said)
        elif not self._untold:
            self._print("More of this kind is only counted; `expense-runner errors` lists it.")
            self._untold += 1
        return True

    def _print(self, said: str) -> None:
        with self._drawing:
            self._console.print(Text.from_ansi(said))

    def _draw(self) -> RenderableType:
        now = time.monotonic()
        for name, speed in self._speeds.items():
            speed.see(getattr(self._app.notes.progress, name), now=now)
        self._requested.see(self._app.counts.total, now=now)
        return Group(self._heading(now), self._counts(), *self._companies(), self._requests())

    def _heading(self, now: float) -> Text:
        done = self._app.notes.progress
        draining = self._app.draining.active
        doing = "ending" if draining else "sending" if done.expected else f"reading {done.reading}".rstrip()
        return Text.assemble(
            ("expense-runner", "bold"), f"  {duration(now - self._began)}  {doing}", overflow="ellipsis"
        )

    def _counts(self) -> Table:
        done, expected = self._app.notes.progress, self._app.notes.progress.expected
        table = Table.grid(padding=(0, 1))
        table.add_row(*self._row("staged", done.staged, None))
        if expected is not None:
            # What an earlier run has sent or stored is not sent or stored again: counted in, no bar would ever be full.
            to_send = expected.expenses - expected.in_syncs
            if done.stored:
                table.add_row(*self._row("stored", done.stored, max(to_send - expected.in_datasets, done.stored)))
            if to_send or done.sent:
                table.add_row(*self._row("sent", done.sent, max(to_send, done.sent)))
            table.add_row(*self._row("posted", done.posted, max(expected.expenses - done.rejected, done.posted)))
            if expected.receipts or done.attached:
                table.add_row(*self._row("attached", done.attached, max(expected.receipts, done.attached)))
        return table

    def _row(self, name: str, count: int, total: int | None) -> list[RenderableType]:
        """Return name, bar, count, rate and the time left."""
        speed = self._speeds[name]
        rate, left = speed.a_second(), None if total is None else speed.seconds_for(total - count)
        label = {"attached": "receipts"}.get(name, name)
        if count == total or (total is None and not self._app.notes.progress.reading):
            rate = None
        cells: list[RenderableType] = [Text(f"{label:<8}")]
        if self._console.width >= _NARROW:
            cells.append(Text("") if total is None else ProgressBar(total=max(total, 1), completed=count, width=24))
        cells.append(Text(f"{count:,}" if total is None else f"{count:,} of {total:,}"))
        cells.append(Text(f"{rate:,.0f}/s" if rate else "", style="dim"))
        cells.append(Text(f"{duration(left)} left" if left and total != count else "", style="dim"))
        return cells

    def _companies(self) -> list[Text]:
        done = self._app.notes.progress
        at_work = list(done.at_work.items())
        room = max(0, min(_COMPANIES, self._console.height - _RESERVED))
        lines = [
            Text(f"  {company}  {doing}", style="dim", overflow="ellipsis", no_wrap=True)
            for company, doing in at_work[:room]
        ]
        if len(at_work) > room:
            lines.append(Text(f"  … {len(at_work):,} companies at work", style="dim"))
        troubles = [
            said
            for count, said in (
                (done.rejected + done.row_errors, f"{done.rejected + done.row_errors:,} rejected"),
                (done.held, f"{counted(done.held, 'company')} held"),
                (done.left, f"{counted(done.left, 'company')} left to a later run"),
            )
            if count
        ]
        return [*lines, Text(", ".join(troubles), style="yellow")] if troubles else lines

    def _requests(self) -> Text:
        app, expected = self._app, self._app.notes.progress.expected
        said = f"{app.counts.total:,} requests"
        if expected is not None and expected.requests:
            said += f" of about {max(expected.requests, app.counts.total):,}"
            left = self._requested.seconds_for(max(0, expected.requests - app.counts.total))
            said += f", {duration(left)} left" if left else ""
        if app.governor is not None:
            traffic = app.governor.snapshot()
            limit = f" of {traffic.limit:,} allowed" if traffic.limit else ""
            said += f", {traffic.sent_last_minute:,}{limit} in the last minute"
            if traffic.quota_remaining is not None:
                said += f", {traffic.quota_remaining:,} left today"
            if traffic.paused_until is not None:
                said += f"; paused until {traffic.paused_until.astimezone():%H:%M:%S}, as Codat asked"
        return Text(said, overflow="ellipsis", no_wrap=True)


class _Above(io.TextIOBase):
    """Stands in for stderr while the display is shown: lines of logs appear above it."""

    def __init__(self, terminal: TextIO, show: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._show = show
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._show(line)
        return len(text)

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()
