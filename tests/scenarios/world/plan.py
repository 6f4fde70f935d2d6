"""What happens in one history, as a value: the same plan gives the same history, to the last request."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec

from runner.simulator import Fault, FaultKind

FlowName = Literal["datasets", "direct"]


class Moment(StrEnum):
    """Where a life is cut off."""

    BEFORE_WRITE = "before_write"
    """Before the n-th durable write of the life."""
    AFTER_WRITE = "after_write"
    """After it is on disk, and before anybody learns that."""
    BEFORE_EFFECT = "before_effect"
    """When the life's n-th request has left and before it arrives: it never does."""
    AFTER_EFFECT = "after_effect"
    """When the n-th request has arrived and before its answer has come back."""
    AT_TIME = "at_time"
    """`n` tenths of a second after the life began."""
    DRAIN = "drain"
    """Not a kill: a signal asks for an orderly end, `n` tenths of a second after the life began."""


@dataclass(frozen=True, slots=True)
class Crash:
    """One life's end, and what lies between it and the next."""

    life: int
    """1 for the first."""
    moment: Moment
    n: int
    gap: float = 10.0
    """Seconds until the next life."""
    reboot: bool = False
    wall_jump: float = 0.0
    """Seconds by which the wall clock is set, forward or back, before the next life."""
    stopped: bool = False
    """Not killed but stopped: it goes on when a later life has come to its end, as if nothing had been."""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that lives take place on."""

    uptime: float
    """Seconds since it booted, when the history begins."""
    wall: float = 0.0
    """Seconds by which its wall clock is wrong."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What goes wrong with the n-th request of a history, counted over all its lives."""

    n: int
    kind: str
    """A name of `KINDS`."""


_ERROR = FaultKind.ERROR

KINDS: dict[str, Fault | None] = {
    "not_sent": None,
    "lost_before": Fault(FaultKind.LOST, when="before"),
    "lost_after": Fault(FaultKind.LOST),
    "500_before": Fault(_ERROR, status=500, when="before"),
    "500_after": Fault(_ERROR, status=500),
    "503_before": Fault(_ERROR, status=503, when="before", cached=False),
    "503_after": Fault(_ERROR, status=503, cached=False),
    "408_before": Fault(_ERROR, status=408, when="before", cached=False),
    "408_after": Fault(_ERROR, status=408, cached=False),
    "429": Fault(FaultKind.RATE_LIMITED, seconds=5.0),
    "429_absurd": Fault(FaultKind.RATE_LIMITED, seconds=5_000.0),
    "409": Fault(_ERROR, status=409, when="before", cached=False),
    "409_working": Fault(_ERROR, status=409, cached=False),
    "truncated": Fault(FaultKind.TRUNCATED),
    "cut": Fault(FaultKind.CUT),
    "garbage": Fault(FaultKind.GARBAGE),
    "html_before": Fault(FaultKind.HTML, status=502, when="before"),
    "html_after": Fault(FaultKind.HTML, status=502),
    "html_200": Fault(FaultKind.HTML, status=200),
    "redirect": Fault(FaultKind.REDIRECT),
    "too_slow": Fault(FaultKind.SLOW, seconds=90.0),
    "late": Fault(FaultKind.LATE, seconds=120.0),
    "very_late": Fault(FaultKind.LATE, seconds=590.0),
    "twice": Fault(FaultKind.TWICE, seconds=0.5),
    "twice_late": Fault(FaultKind.TWICE, seconds=500.0),
    "repeated_id": Fault(FaultKind.REPEATED_ID),
    "repeated_id_before": Fault(FaultKind.REPEATED_ID, when="before"),
    "400": Fault(_ERROR, status=400, when="before", cached=False),
    "401": Fault(_ERROR, status=401, when="before", cached=False),
    "402": Fault(_ERROR, status=402, when="before", cached=False),
    "403": Fault(_ERROR, status=403, when="before", cached=False),
    "404": Fault(_ERROR, status=404, when="before", cached=False),
    "422": Fault(_ERROR, status=422, when="before", cached=False),
}
"""Every way in which a request goes wrong; None where it never gets as far as the service."""

GATEWAY = {f"gateway_{status}": status for status in (401, 403, 404, 503)}
"""What something in front of the service says by itself: no key remembers it."""
KINDS.update(dict.fromkeys(GATEWAY))

DEFINITE = frozenset({*GATEWAY, "400", "401", "402", "403", "404", "422", "429", "429_absurd", "409", "not_sent"})
"""After these it is certain that nothing was done."""


@dataclass(frozen=True, slots=True)
class World:
    """How Codat behaves in one history: the dials of the simulator that matter to the proof."""

    idempotency: Literal["honoured", "ignored"] = "honoured"
    duplicate_check: Literal["request", "push", "never"] = "never"
    guard_looks: Literal["accepted", "started"] = "accepted"
    list_lag: float = 0.0
    rows_lag: float = 0.0
    status_lag: float = 0.0
    rows_when_not_run: Literal["pending", "missing"] = "pending"
    push_error_lands: bool = False
    bank_feed_rows: Literal["none", "completed", "push_error"] = "none"
    forget_datasets_after: float | None = None
    unknown_dataset_status: Literal[400, 404] = 404
    sync_seconds: tuple[float, float] = (0.4, 0.6)
    dates: Literal["none", "true", "stuck", "wrong"] = "none"
    """What the `Date` of answers says: the time; always that of the beginning; one hour more with every life."""
    real_limits: bool = False
    faults: tuple[Fault, ...] = ()
    """Of syncs and of single expenses; requests are hit by the plan."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One history."""

    seed: int = 0
    flow: FlowName = "datasets"
    companies: tuple[tuple[int, int], ...] = ((3, 1), (3, 0))
    """Expenses and receipts of each company; the first expenses have the receipts."""
    world: World = World()
    crashes: tuple[Crash, ...] = ()
    hits: tuple[Hit, ...] = ()
    draft_size: int = 2
    drafts_a_sync: int = 40
    syncs_in_flight: int = 2
    concurrency: int = 8
    page_size: int = 2_000
    latency: float = 0.05
    """Seconds between a request's effect and its answer."""
    commit: float = 0.0
    """Longest time that a durable write takes; others go on meanwhile."""
    governed: bool = False
    wait: float = 3_600.0
    auto_retry: int = 0
    auto_retry_from: int = 1
    """The first life that is told to send again what failed; those before leave it to a person."""
    retry_receipts_in_doubt: bool = False
    restage: bool = False
    """Whether every life reads the input again, as a repeated command does."""
    disconnected: tuple[int, ...] = ()
    """Companies (counted from 0) that are found disconnected, and are connected again after the second life."""
    gap: float = 3_600.0
    """Seconds between lives that end by themselves."""
    hosts: tuple[Host, ...] = ()
    """The machines that lives take place on in turn; one that reboots now and then if there is none."""
    watch: float | None = None
    """How often a life records that it goes on, in seconds; None for never."""
    preflight: Literal["off", "companies", "rows"] = "off"
    """What is checked before anything is sent; unless off, the companies call one of the accounts by another id."""

    def text(self) -> str:
        """The plan on one line, for a command line."""
        return msgspec.json.encode(self).decode()


def read_plan(text: str) -> Plan:
    """Read what `Plan.text` wrote."""
    return msgspec.json.decode(text, type=Plan)
