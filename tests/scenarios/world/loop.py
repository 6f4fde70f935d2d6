"""An asyncio event loop whose time is a number: it jumps to the next thing that is due, so nothing ever waits."""

import asyncio
from datetime import datetime, timedelta

from runner.clock import Clock
from runner.simulator import Behaviour

BEGINNING = Behaviour().epoch.replace(year=2026)
"""The date at second 0 of every history."""

MOST_TURNS = 3_000_000
"""Turns of the loop after which a life is said not to come to its end."""


class Stuck(BaseException):
    """The loop has nothing to wait for, or turns without end: no `except Exception` may swallow it."""


class _Selector:
    """Never blocks: where a real one would sleep, time passes at once."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> tuple[()]:
        loop = self._loop
        loop.turns += 1
        if loop.turns > loop.most_turns:
            raise Stuck(f"after {loop.turns} turns of the loop there is no end")
        if timeout is None:
            raise Stuck("everybody waits, and nothing will ever happen")
        if timeout > 0:
            loop.now = max(loop.now, loop._scheduled[0]._when)
            if loop.now > loop.until:
                raise Stuck(f"after {loop.now:.0f} seconds there is no end")
        return ()

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs real asyncio code without a clock, a socket or a thread."""

    def __init__(self, *, start: float = 0.0, until: float = float("inf"), most_turns: int = MOST_TURNS) -> None:
        super().__init__()
        self.now = start
        self.until = until
        self.turns = 0
        self.most_turns = most_turns
        self.tasks: list[asyncio.Task] = []
        self._selector = _Selector(self)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor, func, *args):
        raise RuntimeError("threads know nothing of virtual time")

    def _process_events(self, event_list) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def create_task(self, coro, **options) -> asyncio.Task:
        task = super().create_task(coro, **options)
        self.tasks.append(task)
        return task

    def drop(self) -> None:
        """End as a killed process does: whatever is suspended never goes on."""
        self.set_exception_handler(lambda *_: None)
        # What gathers on its way out would make a loop of its own, which nobody closes.
        asyncio._set_running_loop(self)
        try:
            self._close_tasks()
        finally:
            asyncio._set_running_loop(None)
        self.tasks.clear()
        self._ready.clear()
        self._scheduled.clear()
        self.close()

    def _close_tasks(self) -> None:
        for task in self.tasks:
            if task.done():
                if not task.cancelled():
                    task.exception()
                continue
            task._log_destroy_pending = False
            try:
                task.get_coro().close()
            except (RuntimeError, ValueError):
                # A coroutine that awaits on its way out: a killed process would not have come so far.
                continue


class VirtualClock(Clock):
    """The clocks of one life of the machine, over a virtual loop."""

    def __init__(self, loop: VirtualLoop, *, boot: str, booted_at: float, wall_offset: float) -> None:
        self._loop = loop
        self._boot = boot
        self._booted_at = booted_at
        self.wall_offset = wall_offset

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._loop.now + self.wall_offset)

    def monotonic(self) -> float:
        return self._loop.now

    def boottime(self) -> float:
        return self._loop.now - self._booted_at

    def boot_id(self) -> str:
        return self._boot

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
