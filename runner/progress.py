"""What a run has done so far, counted from its own notes, for whoever watches."""

from collections.abc import Callable
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
    companies: set[str] = field(default_factory=set)
    """Companies at work or done with."""

    def count(self, event: str, facts: dict[str, object]) -> None:
        """Take one note into account."""
        company = facts.get("company")
        if isinstance(company, str):
            self.companies.add(company)

        def number(name: str) -> int:
            value = facts.get(name, 0)
            return value if isinstance(value, int) else 0

        match event:
            case "staged":
                self.staged += number("expenses")
                self.row_errors += number("errors")
                self.repeated += number("repeated")
            case "dataset_created":
                self.datasets += 1
            case "sync_started":
                self.sent += number("expenses")
            case "sync_judged":
                self.posted += number("posted")
                self.rejected += number("rejected")
            case "draft_refused":
                self.rejected += number("rejected")
            case "receipt_attached":
                self.attached += 1
            case "company_held":
                self.held += 1
            case _:
                pass


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
