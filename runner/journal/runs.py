"""The journal's verbs for runs: each life of the process."""

import os
from datetime import datetime
from sqlite3 import Connection

from runner.clock import ServiceTime
from runner.domain.ids import RunNo
from runner.journal.context import Verbs
from runner.journal.holder import Holder
from runner.journal.records import Life, RequestTotals
from runner.journal.statements import load

_SQL = load("runs")


class Runs(Verbs):
    """Begins and ends runs, and knows what earlier ones spent."""

    async def begin(self, *, version: str, flow: str, purpose: str = "run") -> RunNo:
        """Record a new life; every later fact belongs to it."""
        facts = {
            **self._context.stamp(),
            "purpose": purpose,
            "version": version,
            "flow": flow,
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "boot_id": self._context.clock.boot_id(),
            "boottime": self._context.clock.boottime(),
        }

        def operation(connection: Connection) -> int:
            (number,) = connection.execute(_SQL["begin"], facts).fetchone()
            if purpose == "rebuild":
                connection.execute(_SQL["begin_rebuild"], {"reason": f"The rebuild by run {number} did not end."})
            return int(number)

        self._context.run = RunNo(await self._write(operation))
        self._context.began = facts["boottime"]
        self._context.service_time = ServiceTime()
        return self._context.run

    async def go_on(self) -> None:
        """Record that this life has watched the world until now: what it began ages by that for those that follow."""
        facts = {"run": self._context.run, "boottime": self._context.clock.boottime()}
        await self._change(_SQL["alive"], facts)

    async def end(self, *, exit_code: int, requests: int, retried: int, rate_limited: int) -> None:
        """Record how this life ended and what it spent."""
        facts = {
            **self._context.stamp(),
            **self._context.clocks(),
            "exit_code": exit_code,
            "requests": requests,
            "retried": retried,
            "rate_limited": rate_limited,
        }

        def operation(connection: Connection) -> None:
            connection.execute(_SQL["end"], facts)
            connection.execute(_SQL["end_rebuild"], facts)

        await self._write(operation)

    async def open_rebuild(self) -> str | None:
        """Return why nothing may be sent before a rebuild has ended, as a sentence; None where it may.

        The journal is a copy, has lost something, or a rebuild of it did not come to its end.
        """
        return await self._row(str, _SQL["open_rebuild"])

    async def record_keys_honoured(self, honoured: bool) -> None:  # noqa: FBT001 - it is the fact itself
        """Record what the probe of idempotency keys found."""
        facts = {"run": self._context.run, "honoured": int(honoured)}
        await self._change(_SQL["keys_honoured"], facts)

    async def lives(self, *, limit: int) -> list[Life]:
        """Return the last runs that were to send something, newest first."""
        return await self._rows(_life, _SQL["lives"], {"limit": limit})

    async def request_totals(self) -> RequestTotals:
        """Return what all ended runs together spent."""
        (totals,) = await self._rows(_totals, _SQL["totals"])
        return totals


def _life(number: int, began: str, ended: str | None, code: int | None) -> Life:
    return Life(number, _moment(began), _moment_or_none(ended), code)


def _totals(total: int, retried: int, rate_limited: int, runs: int, unended: int) -> RequestTotals:
    return RequestTotals(total, retried, rate_limited, runs, bool(unended))


def run_at_work(connection: Connection, worker: Holder | None) -> int | None:
    """Return the number of the run that a process at work writes as, within an operation; None where none does."""
    if worker is None:
        return None
    values = {"pid": worker.pid, "host": worker.host, "since": worker.since}
    row: tuple[int] | None = connection.execute(_SQL["at_work"], values).fetchone()
    return None if row is None else row[0]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)
