"""What a run has done so far, counted from its own notes, for whoever watches."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runner.logs import Log

_QUIET = frozenset(
    {
        "staged",
        "reading",
        "company_taken",
        "company_let_go",
        "dataset_created",
        "receipt_attached",
        "looked_again",
        "looked_before_resend",
        "webhook",
    }
)
"""Notes that come by the thousand: they are logged at debug."""
FEW = 5
"""Notes of one kind that are told one by one: where Codat cannot be reached, thousands of companies say the same."""
WARNED = frozenset(
    {
        "company_held",
        "company_left",
        "draft_refused",
        "preflight_rejected",
        "receipt_rejected",
        "receipt_in_doubt",
        "start_unanswered",
        "start_in_doubt",
        "start_absent",
        "undocumented_status",
        "input_lost",
        "inbox_not_moved",
        "inbox_ignored",
        "preflight_incomplete",
        "sync_forgotten",
        "webhook_refused",
    }
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a walk has before it, as its journal knows it at the beginning."""

    expenses: int
    """Neither posted nor rejected; those that held companies keep are left out."""
    receipts: int
    requests: int | None
    """That it takes if nothing goes wrong; None where that is not known."""
    in_syncs: int = 0
    """Of the expenses, those that an earlier run has sent already."""
    in_datasets: int = 0
    """Of the others, those that an earlier run has put into datasets: nearly, since not every dataset is full."""


@dataclass(slots=True)
class Progress:
    """Counts of this run."""

    staged: int = 0
    row_errors: int = 0
    stored: int = 0
    """Expenses in datasets of this run."""
    sent: int = 0
    posted: int = 0
    rejected: int = 0
    attached: int = 0
    held: int = 0
    left: int = 0
    """Companies that were left to a later run."""
    left_because: str = ""
    reading: str = ""
    """The file that is being read; empty where none is."""
    expected: Expected | None = None
    """What the walk has before it; None until it begins."""
    at_work: dict[str, str] = field(default_factory=dict)
    """What each company that walks is doing, in a few words."""
    companies: set[str] = field(default_factory=set)
    """Companies at work or done with."""

    def count(self, event: str, facts: dict[str, object]) -> None:
        """Take one note into account."""
        company = facts.get("company")
        if isinstance(company, str):
            self.companies.add(company)
            self._follow(event, company)
        for counter, fact in _COUNTED.get(event, ()):
            value = 1 if fact is None else facts.get(fact, 0)
            if isinstance(value, int):
                setattr(self, counter, getattr(self, counter) + value)
        match event:
            case "company_left":
                self.left_because = str(facts.get("message", ""))
            case "staged" | "reading":
                self.reading = str(facts.get("file", ""))
            case "walking":
                self.reading = ""
                self.expected = _expected(facts)

    def _follow(self, event: str, company: str) -> None:
        if event == "company_let_go":
            self.at_work.pop(company, None)
        elif event == "company_taken" or (event in _DOING and company in self.at_work):
            self.at_work[company] = _DOING[event]


_DOING: Mapping[str, str] = {
    "company_taken": "begins",
    "dataset_created": "creates datasets",
    "sync_started": "waits for a sync",
    "start_unanswered": "waits: a start got no answer",
    "start_in_doubt": "waits: a start got no answer",
    "sync_finished": "checks transactions",
    "sync_judged": "goes on",
    "receipt_attached": "uploads receipts",
}
"""What a company does after a note about it."""


_COUNTED: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "staged": (("staged", "expenses"), ("row_errors", "errors")),
    "dataset_created": (("stored", "expenses"),),
    "sync_started": (("sent", "expenses"),),
    "sync_judged": (("posted", "posted"), ("rejected", "rejected")),
    "draft_refused": (("rejected", "rejected"),),
    "preflight_rejected": (("rejected", "rejected"),),
    "receipt_attached": (("attached", None),),
    "company_held": (("held", None),),
    "company_left": (("left", None),),
}
"""Which counters a note moves, by which of its facts; None counts the note itself."""


def _expected(facts: Mapping[str, object]) -> Expected:
    counts = {
        name: value if isinstance(value := facts.get(name), int) else 0
        for name in ("expenses", "receipts", "in_syncs", "in_datasets")
    }
    requests = facts.get("requests")
    return Expected(requests=requests if isinstance(requests, int) else None, **counts)


class Notes:
    """Logs each note, counts it, and tells those who listen."""

    def __init__(self, log: Log, progress: Progress) -> None:
        self._log = log
        self.progress = progress
        self._listeners: list[Callable[[str], None]] = []
        self._warned: Counter[str] = Counter()
        self.shown: Callable[[str, Mapping[str, object]], bool] = _nowhere
        """Shows a note to whoever watches; True where it was shown, so that the log need not warn of it as well."""

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each event's name, after it has been counted."""
        self._listeners.append(listener)

    def __call__(self, event: str, **facts: object) -> None:
        """Take a note."""
        self.progress.count(event, facts)
        shown = self.shown(event, facts)
        deserves_attention = event in WARNED and not shown
        self._warned[event] += deserves_attention
        warns = deserves_attention and self._warned[event] <= FEW
        say = self._log.debug if event in _QUIET else self._log.warning if warns else self._log.info
        say(event, **{name: value for name, value in facts.items() if value is not None})
        for listener in self._listeners:
            listener(event)

    def sum_up(self) -> None:
        """Warn once of all those that were too many to be warned of one by one; the log has them at info."""
        for event, count in self._warned.items():
            if count > FEW:
                self._log.warning("more_of_these", of=event, more=count - FEW)
        self._warned.clear()


def _nowhere(_event: str, _facts: Mapping[str, object]) -> bool:
    return False
