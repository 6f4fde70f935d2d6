"""The orderly end of a run: nothing new leaves, what is in flight is finished."""

import asyncio

from runner.clock import Clock
from runner.errors import RunStopped


class Draining:
    """Says whether the run is ending, and with which error; once started it never stops."""

    def __init__(self) -> None:
        self._error: RunStopped | None = None
        self._started = asyncio.Event()

    @property
    def active(self) -> bool:
        """Whether the run is ending."""
        return self._error is not None

    @property
    def error(self) -> RunStopped | None:
        """The first error it was started with: the cause; later ones are its consequences."""
        return self._error

    def start(self, error: RunStopped) -> None:
        """Let nothing new leave from now on; `error` is what those who ask are told."""
        if self._error is None:
            self._error = error
            self._started.set()

    def check(self) -> None:
        """Raise the error that draining was started with, if it was."""
        if self._error is not None:
            # The same error is raised in many tasks: without this its traceback would grow with each of them.
            raise self._error.with_traceback(None)

    async def wait(self) -> None:
        """Return once draining has started."""
        await self._started.wait()


async def pause(draining: Draining, clock: Clock, seconds: float) -> None:
    """Wait, but no longer than until draining begins: then raise what it was started with."""
    draining.check()
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    ending = asyncio.ensure_future(draining.wait())
    try:
        await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        ending.cancel()
    draining.check()
