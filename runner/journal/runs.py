"""The journal's verbs for runs: each life of the process."""

import os
from datetime import datetime
from sqlite3 import Connection

from runner.domain.ids import RunNo
from runner.journal.context import Context
from runner.journal.records import RequestTotals
from runner.journal.statements import load

_SQL = load("runs")


class Runs:
    """Begins and ends runs, and knows what earlier ones spent."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def begin(self, *, version: str, flow: str) -> RunNo:
        """Record a new life; every later fact belongs to it."""
        facts = {
            **self._context.stamp(),
            "version": version,
            "flow": flow,
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "boot_id": self._context.clock.boot_id(),
        }

        def operation(connection: Connection) -> int:
            (number,) = connection.execute(_SQL["begin"], facts).fetchone()
            return int(number)

        self._context.run = RunNo(await self._context.store.write(operation))
        return self._context.run

    async def end(self, *, exit_code: int, requests: int, retried: int, rate_limited: int) -> None:
        """Record how this life ended and what it spent."""
        facts = {
            **self._context.stamp(),
            "exit_code": exit_code,
            "requests": requests,
            "retried": retried,
            "rate_limited": rate_limited,
        }
        await self._context.store.write(lambda connection: connection.execute(_SQL["end"], facts).rowcount)

    async def last_activity(self) -> datetime | None:
        """Return when anything was last done with this journal; None for a new one."""

        def operation(connection: Connection) -> str | None:
            (moment,) = connection.execute(_SQL["last_activity"]).fetchone()
            return None if moment is None else str(moment)

        moment = await self._context.store.read(operation)
        return None if moment is None else datetime.fromisoformat(moment)

    async def record_keys_honoured(self, honoured: bool) -> None:  # noqa: FBT001 - it is the fact itself
        """Record what the probe of idempotency keys found."""
        facts = {"run": self._context.run, "honoured": int(honoured)}
        await self._context.store.write(
            lambda connection: connection.execute(_SQL["keys_honoured"], facts).rowcount
        )

    async def request_totals(self) -> RequestTotals:
        """Return what all ended runs together spent."""

        def operation(connection: Connection) -> RequestTotals:
            return RequestTotals(*connection.execute(_SQL["totals"]).fetchone())

        return await self._context.store.read(operation)
