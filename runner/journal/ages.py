"""How long ago something was, as far as that is proved.

A boot clock tells it of what happened in this very boot, and of nothing else: another machine's uptime, or that of
another boot, is no age. Beyond that two things prove it:

- what lives of this journal have watched themselves since, summed up, as they hold it one after the other; or, where
  one of this boot has come after it, what the boot clock says since that one began;
- two clocks that know nothing of one another: the wall's, and the service's by the dates of its answers.
"""

import math
from datetime import datetime
from sqlite3 import Connection

from runner.clock import ServiceTime
from runner.domain.ids import RunNo
from runner.journal.context import Context, Verbs
from runner.journal.records import Instant
from runner.journal.statements import load

_SQL = load("ages")

WALLS_APART = 60.0
"""Seconds by which the wall clocks of two machines may differ, and still prove something."""


class Ages(Verbs):
    """Says how long ago an instant was: at least, where something must be over; at most, where it must be young."""

    def at_least(self, then: Instant) -> float:
        """Return seconds for which it is proved that they have passed since: the most of what is proved."""
        return max(0.0, self._since_boot(then) or 0.0, self._watched(then), self._two_clocks(then))

    def at_most(self, then: Instant) -> float:
        """Return seconds of which no clock says that more have passed since; infinity where too few clocks tell."""
        known = self._since_boot(then) is not None or self._served(then) is not None
        return self.oldest(then) if known else math.inf

    def oldest(self, then: Instant) -> float:
        """Return the most seconds that any clock says have passed since, even if others do not tell."""
        said = (self._since_boot(then), self._served(then), self._watched(then), self._wall(then))
        return max(each for each in said if each is not None)

    async def since_speaking(self) -> float | None:
        """Return seconds for which at least no earlier life has spoken with Codat; None if none ever has."""
        return await self._read(lambda connection: self._since_life(connection, "last_speaking"))

    async def since_sending(self) -> float:
        """Return seconds for which at least no earlier life had an effect; all that were watched if none ever had."""

        def operation(connection: Connection) -> float:
            since = self._since_life(connection, "last_sending")
            return self._watched_in_all(connection) if since is None else since

        return await self._read(operation)

    def _since_life(self, connection: Connection, statement: str) -> float | None:
        row = connection.execute(_SQL[statement], {"run": self._context.run}).fetchone()
        if row is None:
            return None
        life, ended_at, boottime, served = row
        if ended_at is None:
            # Killed at a moment that nobody knows: it was over when the next one began.
            row = connection.execute(_SQL["after"], {"life": life}).fetchone()
            if row is None:
                return 0.0
            life, ended_at, boottime, served = row
        return self.at_least(instant(connection, self._context, life, ended_at, boottime, served))

    def _watched_in_all(self, connection: Connection) -> float:
        (earlier,) = connection.execute(_SQL["watched"], {"run": self._context.run}).fetchone()
        return float(earlier) + self._context.watched()

    def _since_boot(self, then: Instant) -> float | None:
        """Return the seconds since by the boot clock; None where it cannot know."""
        passed = self._context.clock.boottime() - then.boottime
        return passed if then.boot_id == self._context.clock.boot_id() and passed >= 0.0 else None

    def _served(self, then: Instant) -> float | None:
        """Return the seconds since by the service's clock, at most; None where its answers have not told."""
        latest = self._context.service_time.latest(self._context.clock.boottime())
        # What was written down then is the latest that it may have been.
        return None if latest is None or then.served is None else latest - then.served + ServiceTime.APART

    def _wall(self, then: Instant) -> float:
        return (self._context.clock.now() - then.at).total_seconds()

    def _watched(self, then: Instant) -> float:
        now = self._context.clock.boottime()
        if then.run == self._context.run:
            return now - then.boottime
        since_seen = 0.0 if then.seen is None else now - then.seen
        return max(since_seen, then.watched + self._context.watched())

    def _two_clocks(self, then: Instant) -> float:
        """Return what the wall clocks and the service's both prove: the smaller of the two; 0 where one is silent."""
        earliest = self._context.service_time.earliest(self._context.clock.boottime())
        if earliest is None or then.served is None:
            return 0.0
        return min(self._wall(then) - WALLS_APART, earliest - then.served)


def instant(
    connection: Connection, context: Context, life: RunNo, at: str, boottime: float, served: float | None
) -> Instant:
    """Put together what is known of a moment of a life, within an operation."""
    values = {"life": life, "boottime": boottime, "run": context.run, "boot_id": context.clock.boot_id()}
    boot_id, watched, seen = connection.execute(_SQL["life"], values).fetchone()
    return Instant(RunNo(life), datetime.fromisoformat(at), boot_id, boottime, served, watched, seen)
