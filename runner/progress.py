"""What a run has done so far, counted from its own notes, for whoever watches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

_QUIET = frozenset({"staged", "dataset_created", "receipt_attached", "looked_again"})
"""Notes that come by the thousand: they are logged at debug."""
_WARN = frozenset(
    {
        "company_held",
        "company_left",
        "draft_refused",
        "receipt_rejected",
        "receipt_in_doubt",
        "start_unanswered",
        "start_in_doubt",
        "start_absent",
        "undocumented_status",
        "input_lost",
    }
)


@dataclass(slots=True)
class Progress:
    """Counts of this run."""

    staged: int = 0
    row_errors: int = 0
    repeated: int = 0
    datasets: int = 0
    sent: int = 0
    posted: int = 0
    rejected: int = 0
    attached: int = 0
    held: int = 0
    left: int = 0
    """Companies that were left to a later run."""
    left_because: str = ""
    companies: set[str] = field(default_factory=set)
    """Companies at work or done with."""

    def count(self, event: str, facts: dict[str, object]) -> None:
        """Take one note into account."""
        company = facts.get("company")
        if isinstance(company, str):
            self.companies.add(company)
        for counter, fact in _COUNTED.get(event, ()):
            value = 1 if fact is None else facts.get(fact, 0)
            if isinstance(value, int):
                setattr(self, counter, getattr(self, counter) + value)
        if event == "company_left":
            self.left_because = str(facts.get("message", ""))


_COUNTED: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "staged": (("staged", "expenses"), ("row_errors", "errors"), ("repeated", "repeated")),
    "dataset_created": (("datasets", None),),
    "sync_started": (("sent", "expenses"),),
    "sync_judged": (("posted", "posted"), ("rejected", "rejected")),
    "draft_refused": (("rejected", "rejected"),),
    "receipt_attached": (("attached", None),),
    "company_held": (("held", None),),
    "company_left": (("left", None),),
}
"""Which counters a note moves, by which of its facts; None counts the note itself."""


class Notes:
    """Logs each note, counts it, and tells those who listen."""

    def __init__(self, log: FilteringBoundLogger, progress: Progress) -> None:
        self._log = log
        self.progress = progress
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each event's name, after it has been counted."""
        self._listeners.append(listener)

    def __call__(self, event: str, **facts: object) -> None:
        """Take a note."""
        self.progress.count(event, facts)
        say = self._log.debug if event in _QUIET else self._log.warning if event in _WARN else self._log.info
        say(event, **{name: value for name, value in facts.items() if value is not None})
        for listener in self._listeners:
            listener(event)
