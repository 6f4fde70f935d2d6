"""What every step of the walk has in its hands."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from runner.backoff import Backoff, Jitter
from runner.clock import Clock
from runner.codat.client import Codat
from runner.domain.expense import MAX_EXPENSES_A_DRAFT, Receipt
from runner.domain.ids import IdempotencyKey
from runner.domain.remote import ReceiptFile
from runner.journal.journal import Journal
from runner.steps.checks import Checks
from runner.steps.polls import Polls
from runner.steps.proof import Proofs


class Note(Protocol):
    """Tells whoever watches that something became a fact: one event, with the ids it concerns."""

    def __call__(self, event: str, **facts: object) -> None:
        """Tell it."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers a walk keeps to; times in seconds."""

    drafts_a_sync: int = 40
    """40 drafts of 50 expenses: one page of transactions."""
    draft_size: int = MAX_EXPENSES_A_DRAFT
    creates_in_flight: int = 8
    syncs_in_flight: int = 2
    receipts_in_flight: int = 8
    longest_list: int = 1_000
    """Syncs of a company from which on its list is no longer read to save requests."""
    poll_interval: float = 2.0
    poll_maximum: float = 30.0
    wait: float = 3600.0
    """How long one sync is polled before it is left to a later run."""
    quiescence: float = 660.0
    """After an unanswered request, how long it may still have an effect: the request's own timeout, and 600
    seconds for proxies, queues, kernels and the lag of the list of syncs."""
    auto_retry: int = 0
    retry_receipts_in_doubt: bool = False
    unknown: Backoff = field(default_factory=lambda: Backoff(initial=1.0, factor=2.0, maximum=60.0, attempts=6))
    """How a harmless effect whose outcome is unknown is repeated."""


def _without_end() -> float:
    return math.inf


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts that steps work with, put together once by the composition root."""

    codat: Codat
    journal: Journal
    clock: Clock
    jitter: Jitter
    pause: Callable[[float], Awaitable[None]]
    """Waits, unless the run is asked to end: then it raises what draining was started with."""
    new_key: Callable[[], IdempotencyKey]
    load_receipt: Callable[[Receipt], ReceiptFile]
    proofs: Proofs
    note: Note
    limits: Limits
    requests_left: Callable[[], float] = _without_end
    """How many requests the run may still send, as far as can be told; infinity where nothing bounds it."""
    polls: Polls = field(default_factory=Polls)
    """What is waited for at Codat, and how long that takes."""
    checks: Checks = field(default_factory=Checks)
    """How much is checked before a company is sent anything; nothing unless the composition root says so."""
