"""What systemd is told while a run is at work: that it is ready, how far it is, that it lives, that it ends.

One datagram a message to `$NOTIFY_SOCKET`; without it nothing is said. A message that cannot be delivered never
disturbs the run.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from runner.app import App
from runner.cli.liveness import Liveness, WatchedClock
from runner.clock import Clock

EVERY = 5.0
"""Seconds between messages, at most."""
EXTENSION = 60
"""Seconds that systemd is asked for while the run drains and still gets on."""

Send = Callable[[str], None]


def sender(address: str) -> Send:
    """Return what sends a message to a socket: a path, or `@name` for one that is in no folder."""
    target = "\0" + address[1:] if address.startswith("@") else address

    def send(message: str) -> None:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            channel.sendto(message.encode(), target)

    return send


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return how long systemd waits for a sign of life from this process; None where it does not."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


@dataclass(slots=True)
class Pulse:
    """What is said at each beat: nothing that has been said already, no sign of life from a run that is stuck."""

    app: App
    liveness: Liveness
    watched: bool
    """Whether signs of life are asked for."""
    _status: str = ""
    _stopping: bool = field(default=False)

    def beat(self) -> list[str]:
        """Return the lines of the next message; none where there is nothing to say."""
        lines = []
        draining = self.app.draining.active
        alive = self.liveness.is_alive()
        if draining and not self._stopping:
            self._stopping = True
            lines.append("STOPPING=1")
        if draining and alive:
            lines.append(f"EXTEND_TIMEOUT_USEC={EXTENSION * 1_000_000}")
        if self.watched and alive:
            lines.append("WATCHDOG=1")
        status = status_line(self.app)
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        return lines


def status_line(app: App) -> str:
    """Say in one line how far the run is."""
    done = app.notes.progress
    parts = [
        f"{len(done.companies):,} companies",
        f"{done.staged:,} staged",
        f"{done.sent:,} sent",
        f"{done.posted:,} posted",
        f"{done.attached:,} receipts",
    ]
    if wrong := done.rejected + done.row_errors:
        parts.append(f"{wrong:,} rejected")
    if done.held:
        parts.append(f"{done.held:,} held")
    if app.governor is not None:
        traffic = app.governor.snapshot()
        parts.append(f"{traffic.sent_last_minute:,} requests in the last minute")
    begin = "Finishing what is in flight: " if app.draining.active else ""
    return begin + ", ".join(parts)


@asynccontextmanager
async def notifying(
    app: App, watched: WatchedClock, *, clock: Clock, environment: MutableMapping[str, str]
) -> AsyncIterator[None]:
    """Keep systemd informed for as long as the block lasts; `clock` is not the one that is watched.

    READY=1 is said at once, when signals are already listened to: a run that ends before it, be it because
    another one holds the journal, would count as a service that never started.
    """
    address = environment.pop("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    seconds = watchdog_seconds(environment)
    # What this process starts is not the service: it must not speak for it.
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        environment.pop(name, None)
    send = sender(address)
    pulse = Pulse(app, Liveness(watched, app.notes, app.counts), watched=seconds is not None)
    send("\n".join(["READY=1", *pulse.beat()]))
    beating = asyncio.ensure_future(_beat(pulse, send, clock, EVERY if seconds is None else min(EVERY, seconds / 4)))
    ending = asyncio.ensure_future(_on_draining(pulse, send))
    try:
        yield
    finally:
        for task in (beating, ending):
            task.cancel()
        send(f"STOPPING=1\nSTATUS=Ended: {status_line(app)}")


async def _beat(pulse: Pulse, send: Send, clock: Clock, every: float) -> None:
    while True:
        await clock.sleep(every)
        if lines := pulse.beat():
            send("\n".join(lines))


async def _on_draining(pulse: Pulse, send: Send) -> None:
    await pulse.app.draining.wait()
    send("\n".join(pulse.beat()))
