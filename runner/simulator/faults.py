"""Faults as data: what goes wrong, where, and how often."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Literal

from runner.simulator.values import Call


class FaultKind(StrEnum):
    """What goes wrong."""

    # -- with a request
    LOST = "lost"
    """The connection is closed, before or after the effect."""
    ERROR = "error"
    """An error with `status`, before or after the effect."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After `seconds`; no effect."""
    SLOW = "slow"
    """The answer takes `seconds`; the effect does not."""
    LATE = "late"
    """The connection is closed at once, and the request takes effect `seconds` later."""
    TWICE = "twice"
    """The request takes effect now, and once more `seconds` later."""
    CUT = "cut"
    """The connection breaks in the middle of the answer."""
    TRUNCATED = "truncated"
    """A whole answer with half of the JSON."""
    HTML = "html"
    """A proxy's page with `status`, before or after the effect."""
    GARBAGE = "garbage"
    """200 with bytes that are nothing; the effect happens."""
    REDIRECT = "redirect"
    """307 to elsewhere; no effect."""
    REPEATED_ID = "repeated_id"
    """The answer to a create or a start names the dataset or the sync that was made last before it, of whatever
    company; before or after the effect. Nothing is wrong where there was none."""
    # -- with a sync
    SYNC_CODE = "sync_code"
    """The sync ends with `code`, whatever happened in it."""
    DIES_HALF_WAY = "dies_half_way"
    """The sync ends with 5000 after a part (`part`) of its transactions."""
    FORGOTTEN = "forgotten"
    """The sync runs to its end; once somebody has asked for its status Codat knows nothing of it any more."""
    # -- with a transaction of a sync
    VALIDATION_ERROR = "validation_error"
    PUSH_ERROR = "push_error"
    PENDING = "pending"
    UNKNOWN = "unknown"
    MISSING = "missing"


OF_SYNCS = frozenset({FaultKind.SYNC_CODE, FaultKind.DIES_HALF_WAY, FaultKind.FORGOTTEN})
OF_EXPENSES = frozenset(
    {
        FaultKind.VALIDATION_ERROR,
        FaultKind.PUSH_ERROR,
        FaultKind.PENDING,
        FaultKind.UNKNOWN,
        FaultKind.MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble and where it strikes; what is None strikes everywhere."""

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    """Regular expression, searched in the path."""
    company: str | None = None
    expense: str | None = None
    """An expense's id; for a request, one that carries this id in its path or body."""
    reference: str | None = None
    """Text that the expense's reference or merchant name contains; for a request, its body."""
    nth: int | None = None
    """Only the n-th match, counted from 1."""
    probability: float = 1.0
    times: int | None = None
    """How often it strikes at most."""
    when: Literal["before", "after"] = "after"
    """Whether a request's effect happens (`after`) or not (`before`)."""
    status: int = 500
    cached: bool = True
    """Whether an `error` is kept under its idempotency key; False for one that a proxy made up."""
    seconds: float = 1.0
    code: int = 5000
    part: float | None = None
    """The part of its transactions, from 0 to 1, that a sync comes to before it ends."""
    lands: bool | None = None
    """Whether a transaction that is not Completed stands in the books anyway; None: see the behaviour."""
    message: str | None = None

    def check(self) -> None:
        """Raise `ValueError` where the fault could never strike or would break the simulator itself."""
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability is a number from 0 to 1, not {self.probability}")
        if self.part is not None and not 0.0 <= self.part <= 1.0:
            raise ValueError(f"part is a number from 0 to 1, not {self.part}")
        if not 200 <= self.status <= 599:
            raise ValueError(f"status is an HTTP status from 200 to 599, not {self.status}")
        if self.seconds < 0.0:
            raise ValueError(f"seconds cannot be negative: {self.seconds}")
        of_request = self.kind not in OF_SYNCS | OF_EXPENSES
        if not of_request and (self.method is not None or self.path is not None):
            raise ValueError(f"{self.kind} is not about requests: it takes no method and no path")
        if self.kind in OF_SYNCS and self.reference is not None:
            raise ValueError(f"{self.kind} is about a whole sync: it takes no reference")
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(f"path is not a regular expression: {error}") from error


class ArmedFault:
    """A fault with the memory of how often it matched and struck."""

    __slots__ = ("_path", "fault", "matched", "struck")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = 0
        self.struck = 0
        self._path = re.compile(fault.path) if fault.path is not None else None

    def matches_call(self, call: Call, company: str | None) -> bool:
        """Say whether it is about this request."""
        fault = self.fault
        return (
            (fault.method is None or fault.method == call.method)
            and (fault.company is None or fault.company == company)
            and (self._path is None or self._path.search(call.path) is not None)
            and (fault.expense is None or fault.expense in call.path or fault.expense.encode() in call.body)
            and (fault.reference is None or fault.reference.encode() in call.body)
        )

    def matches_expense(self, company: str, expense: str, texts: tuple[str | None, ...]) -> bool:
        """Say whether it is about this transaction; `texts` are its reference and its merchant's name."""
        fault = self.fault
        return (
            (fault.company is None or fault.company == company)
            and (fault.expense is None or fault.expense.lower() == expense)
            and (fault.reference is None or any(text and fault.reference in text for text in texts))
        )

    def strikes(self, random: Random) -> bool:
        """Count a match, and say whether the fault strikes."""
        fault = self.fault
        self.matched += 1
        if fault.times is not None and self.struck >= fault.times:
            return False
        if fault.nth is not None and self.matched != fault.nth:
            return False
        if fault.probability < 1.0 and random.random() >= fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """All faults of one service, in the order they were given: the first that strikes is the one."""

    def __init__(self, faults: Iterable[Fault], random: Random) -> None:
        self._random = random
        self._calls: list[ArmedFault] = []
        self._syncs: list[ArmedFault] = []
        self._expenses: list[ArmedFault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add one more. Raises `ValueError` where it makes no sense."""
        fault.check()
        armed = ArmedFault(fault)
        if fault.kind in OF_SYNCS:
            self._syncs.append(armed)
        elif fault.kind in OF_EXPENSES:
            self._expenses.append(armed)
        else:
            self._calls.append(armed)

    def clear(self) -> None:
        """Forget all."""
        self._calls.clear()
        self._syncs.clear()
        self._expenses.clear()

    def for_call(self, call: Call, company: str | None) -> Fault | None:
        """Return what goes wrong with a request."""
        for armed in self._calls:
            if armed.matches_call(call, company) and armed.strikes(self._random):
                return armed.fault
        return None

    def for_sync(self, company: str, expenses: Iterable[str]) -> Fault | None:
        """Return what goes wrong with a sync of these expense ids."""
        for armed in self._syncs:
            fault = armed.fault
            if fault.company is not None and fault.company != company:
                continue
            if fault.expense is not None and fault.expense.lower() not in expenses:
                continue
            if armed.strikes(self._random):
                return fault
        return None

    def for_expense(self, company: str, expense: str, texts: tuple[str | None, ...]) -> Fault | None:
        """Return what goes wrong with a transaction."""
        for armed in self._expenses:
            if armed.matches_expense(company, expense, texts) and armed.strikes(self._random):
                return armed.fault
        return None


_STATUS = re.compile(r"error_(?P<status>[45][0-9]{2})(?:_(?P<when>before|after))?")
_CODE = re.compile(r"sync_(?P<code>[1-9][0-9]{3})")

_RARE = 0.05

PRESETS: dict[str, tuple[Fault, ...]] = {
    "lost_before": (Fault(FaultKind.LOST, when="before", probability=_RARE),),
    "lost_after": (Fault(FaultKind.LOST, probability=_RARE),),
    "late": (Fault(FaultKind.LATE, method="POST", seconds=120.0, probability=_RARE),),
    "twice": (Fault(FaultKind.TWICE, method="POST", seconds=1.0, probability=_RARE),),
    "rate_limited": (Fault(FaultKind.RATE_LIMITED, probability=_RARE),),
    "slow": (Fault(FaultKind.SLOW, seconds=2.0, probability=_RARE),),
    "cut": (Fault(FaultKind.CUT, probability=_RARE),),
    "truncated": (Fault(FaultKind.TRUNCATED, probability=_RARE),),
    "html": (Fault(FaultKind.HTML, status=502, probability=_RARE),),
    "garbage": (Fault(FaultKind.GARBAGE, probability=_RARE),),
    "redirect": (Fault(FaultKind.REDIRECT, probability=_RARE),),
    "repeated_id": (Fault(FaultKind.REPEATED_ID, method="POST", probability=_RARE),),
    "dies_half_way": (Fault(FaultKind.DIES_HALF_WAY, times=1),),
    "forgotten": (Fault(FaultKind.FORGOTTEN, times=1),),
    "validation_error": (Fault(FaultKind.VALIDATION_ERROR, probability=_RARE),),
    "push_error": (Fault(FaultKind.PUSH_ERROR, probability=_RARE),),
    "pending": (Fault(FaultKind.PENDING, probability=_RARE),),
    "unknown": (Fault(FaultKind.UNKNOWN, probability=_RARE),),
    "missing": (Fault(FaultKind.MISSING, probability=_RARE),),
    "hold": (
        Fault(FaultKind.SYNC_CODE, code=4000, nth=1),
        Fault(FaultKind.SYNC_CODE, code=4220, nth=1),
        Fault(FaultKind.SYNC_CODE, code=4260, nth=1),
    ),
    "flaky": (
        Fault(FaultKind.LOST, when="before", probability=0.03),
        Fault(FaultKind.LOST, probability=0.03),
        Fault(FaultKind.ERROR, status=503, when="before", cached=False, probability=0.03),
        Fault(FaultKind.ERROR, status=500, probability=0.02),
        Fault(FaultKind.RATE_LIMITED, probability=0.02),
    ),
}
"""Faults by the name that a command line gives."""


def preset_names() -> list[str]:
    """Return every name that `parse_faults` knows, patterns written with NNN."""
    return [*sorted(PRESETS), "error_NNN_before", "error_NNN_after", "sync_NNNN"]


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read `NAME[,NAME…]`, each `NAME` or `NAME:probability` or `NAME*times`.

    Names are those of `PRESETS`, `error_503_before` and the like for one request in twenty, and `sync_5130`
    for every sync. Raises `ValueError` that names what is not known.
    """
    faults: list[Fault] = []
    for word in filter(None, (each.strip() for each in text.split(","))):
        match = re.fullmatch(r"(?P<name>[a-z_0-9]+)(?::(?P<p>[0-9.]+))?(?:\*(?P<times>[0-9]+))?", word)
        if match is None:
            raise ValueError(f"not a fault: {word!r}")
        for fault in _named(match["name"]):
            changed = fault
            if match["p"]:
                changed = replace(changed, probability=float(match["p"]))
            if match["times"]:
                # "Three times" means the first three, not three of one in twenty.
                certain = changed.probability if match["p"] else 1.0
                changed = replace(changed, times=int(match["times"]), probability=certain)
            changed.check()
            faults.append(changed)
    return tuple(faults)


def _named(name: str) -> tuple[Fault, ...]:
    if name in PRESETS:
        return PRESETS[name]
    if (match := _STATUS.fullmatch(name)) is not None:
        before = match["when"] != "after"
        return (
            Fault(
                FaultKind.ERROR,
                status=int(match["status"]),
                when="before" if before else "after",
                probability=_RARE,
            ),
        )
    if (match := _CODE.fullmatch(name)) is not None:
        return (Fault(FaultKind.SYNC_CODE, code=int(match["code"])),)
    raise ValueError(f"unknown fault {name!r}; known are: {', '.join(preset_names())}")
