"""What every verb of the journal needs: the store, the clock, which run is writing, and one line for one statement."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from runner.clock import Clock, ServiceTime
from runner.domain.ids import RunNo
from runner.journal.store import Operation, Store

T = TypeVar("T")
Values = Mapping[str, Any]

_NONE: Final[Values] = {}


@dataclass(slots=True)
class Context:
    """Shared by the journal's parts; what is said of the run is set once, when it begins."""

    store: Store
    clock: Clock
    run: RunNo = field(default_factory=lambda: RunNo(0))
    began: float | None = None
    """The boot time when the run began; None before that."""
    service_time: ServiceTime = field(default_factory=ServiceTime)
    """What the answers of this life have told."""

    def stamp(self) -> dict[str, Any]:
        """Return the parameters that tie a fact to this run and moment."""
        return {"run": self.run, "now": self.now()}

    def clocks(self) -> dict[str, Any]:
        """Return the parameters that say when something is, by the clocks beside the wall's."""
        boottime = self.clock.boottime()
        return {"boottime": boottime, "served": self.service_time.latest(boottime)}

    def watched(self) -> float:
        """Return for how many seconds this life has watched the world, so far."""
        return 0.0 if self.began is None else max(0.0, self.clock.boottime() - self.began)

    def now(self) -> str:
        """Return the wall clock's time as the journal writes it: ISO 8601, UTC, microseconds."""
        return self.clock.now().isoformat(timespec="microseconds")


class Verbs:
    """One part of the journal: verbs about one thing, most of them one statement each."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def _write(self, operation: Operation[T]) -> T:
        """Run an operation that changes something; return its result once that is on disk."""
        return await self._context.store.write(operation)

    async def _read(self, operation: Operation[T]) -> T:
        """Run an operation that changes nothing."""
        return await self._context.store.read(operation)

    async def _change(self, statement: str, values: Values = _NONE) -> int:
        """Run one statement that changes rows; return how many, once that is on disk."""
        return await self._write(lambda connection: connection.execute(statement, values).rowcount)

    async def _change_each(self, statement: str, rows: Iterable[Values | tuple[Any, ...]]) -> int:
        """Run one statement for each of several rows, all in one commit; return how many were changed."""
        return await self._write(lambda connection: connection.executemany(statement, rows).rowcount)

    async def _value(self, statement: str, values: Values = _NONE) -> Any:  # noqa: ANN401 - as SQLite gives it
        """Return the first column of the first row."""
        return (await self._read(lambda connection: connection.execute(statement, values).fetchone()))[0]

    async def _row(self, make: Callable[..., T], statement: str, values: Values = _NONE) -> T | None:
        """Return what `make` makes of the first row; None where there is none."""
        row = await self._read(lambda connection: connection.execute(statement, values).fetchone())
        return None if row is None else make(*row)

    async def _rows(self, make: Callable[..., T], statement: str, values: Values = _NONE) -> list[T]:
        """Return what `make` makes of each row."""
        return await self._read(lambda connection: [make(*row) for row in connection.execute(statement, values)])
