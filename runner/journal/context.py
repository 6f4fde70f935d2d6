"""What every verb of the journal needs: the store, the clock, and which run is writing."""

from dataclasses import dataclass, field
from typing import Any

from runner.clock import Clock
from runner.domain.ids import RunNo
from runner.journal.store import Store


@dataclass(slots=True)
class Context:
    """Shared by the journal's parts; `run` is set once, when the run begins."""

    store: Store
    clock: Clock
    run: RunNo = field(default_factory=lambda: RunNo(0))

    def stamp(self) -> dict[str, Any]:
        """Return the parameters that tie a fact to this run and moment."""
        return {"run": self.run, "now": self.now()}

    def now(self) -> str:
        """Return the wall clock's time as the journal writes it: ISO 8601, UTC, microseconds."""
        return self.clock.now().isoformat(timespec="microseconds")
