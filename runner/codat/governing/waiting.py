"""Who waits, and who is next."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from runner.codat.messages import Priority
from runner.domain.ids import CompanyId
from runner.errors import RunStopped


class Waiter:
    """One request that waits; its future ends with None (it may leave) or the error it is to raise."""

    __slots__ = ("company", "future", "granted", "priority", "since", "source")

    def __init__(
        self,
        company: CompanyId | None,
        priority: int,
        *,
        since: float,
        future: asyncio.Future[RunStopped | None],
    ) -> None:
        self.company = company
        self.priority = priority
        self.since = since
        self.future = future
        self.granted = False
        self.source: str | None = None
        """The source address, once it is granted."""


class _Rank:
    """The waiters of one priority: a line for each company, a ring of those that may be served."""

    __slots__ = ("by_age", "lines", "ring")

    def __init__(self) -> None:
        self.lines: dict[CompanyId | None, OrderedDict[Waiter, None]] = {}
        self.ring: OrderedDict[CompanyId | None, None] = OrderedDict()
        self.by_age: OrderedDict[Waiter, None] = OrderedDict()

    def add(self, waiter: Waiter) -> None:
        self.lines.setdefault(waiter.company, OrderedDict())[waiter] = None
        self.ring.setdefault(waiter.company)
        self.by_age[waiter] = None

    def remove(self, waiter: Waiter) -> None:
        if waiter not in self.by_age:
            return
        del self.by_age[waiter]
        line = self.lines[waiter.company]
        del line[waiter]
        if not line:
            del self.lines[waiter.company]
            self.ring.pop(waiter.company, None)

    def take(self, has_room: Callable[[CompanyId | None], bool]) -> Waiter | None:
        while self.ring:
            company, _ = self.ring.popitem(last=False)
            # Without room it stays out of the ring until `freed` puts it back: nobody else waits for it.
            if has_room(company):
                waiter = next(iter(self.lines[company]))
                self.remove(waiter)
                if company in self.lines:
                    self.ring[company] = None
                return waiter
        return None


class WaitingLine:
    """Serves by priority, round-robin between companies within a priority, first come within a company.

    A request that has waited `patience` seconds moves up one priority, so nothing waits forever. Every
    operation costs the same however many wait.
    """

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._ranks = tuple(_Rank() for _ in Priority)

    def __len__(self) -> int:
        return sum(len(rank.by_age) for rank in self._ranks)

    def __bool__(self) -> bool:
        for rank in self._ranks:  # noqa: SIM110  # asked several times a request; a generator triples the cost
            if rank.by_age:
                return True
        return False

    def add(self, waiter: Waiter) -> None:
        """Put a request at the end of its company's line."""
        self._ranks[waiter.priority].add(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Forget a request, if it still waits."""
        self._ranks[waiter.priority].remove(waiter)

    def promote(self, now: float) -> None:
        """Move up whoever has waited too long."""
        for priority in range(1, len(self._ranks)):
            rank = self._ranks[priority]
            while rank.by_age:
                waiter = next(iter(rank.by_age))
                if now - waiter.since < self._patience:
                    break
                rank.remove(waiter)
                waiter.priority, waiter.since = priority - 1, now
                self._ranks[waiter.priority].add(waiter)

    def take(self, has_room: Callable[[CompanyId | None], bool]) -> Waiter | None:
        """Take out who is next among those whose company has room; None if nobody has."""
        for rank in self._ranks:
            while (waiter := rank.take(has_room)) is not None:
                # A cancelled task has not run yet to take its request out of the line.
                if not waiter.future.done():
                    return waiter
        return None

    def freed(self, company: CompanyId | None) -> None:
        """Learn that a company has room again."""
        for rank in self._ranks:
            if company in rank.lines:
                rank.ring.setdefault(company)

    def empty(self) -> list[Waiter]:
        """Take out everybody."""
        waiters = [waiter for rank in self._ranks for waiter in rank.by_age]
        self._ranks = tuple(_Rank() for _ in Priority)
        return waiters
