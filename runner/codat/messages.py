"""Requests and responses as values, and the one method that every transport has."""

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from runner.domain.ids import CompanyId


class Priority(IntEnum):
    """Who goes first when requests are scarce; lower first."""

    SUBMIT = 0
    POLL = 1
    RECEIPT = 2


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to Codat, complete but for the credentials, which the wire adds at the last moment."""

    method: str
    path: str
    """Begins with a slash, already percent-encoded, without a query."""
    company: CompanyId | None
    """Whose request it is, for the limits; None where it belongs to no company."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    priority: Priority = Priority.POLL
    expected: frozenset[int] = frozenset()
    """Refusals (HTTP statuses) that this request is sent for, to see which one it gets: no trouble, then."""
    source: str | None = None
    """The address of this machine to send it from; None for the one that the system takes."""
    leave_by: float = field(default=math.inf, compare=False)
    """The boot time after which it must not begin to leave: its intention would be older than others believe."""

    @property
    def is_effect(self) -> bool:
        """Whether the request may change something at Codat."""
        return self.method not in {"GET", "HEAD"}

    def is_late(self, boottime: float) -> bool:
        """Say whether the request must not begin to leave any more."""
        return boottime > self.leave_by

    def body_hash(self) -> bytes:
        """Return the SHA-256 of the body: a replayed key must carry the same one."""
        return hashlib.sha256(self.body or b"").digest()


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, read whole; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Begin = Callable[[Request], Awaitable[None]]
"""Writes down the intention to send this request; returns when it is on disk."""


class Transport(Protocol):
    """Anything that can bring a request to an answer."""

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request and return the answer, whatever its status; one that `is_late` does not leave any more.

        `begin` is awaited after the request has been admitted and right before it leaves, each time it does.

        Raises `NotSent` where the request certainly did not arrive, `OutcomeUnknown` where the answer was
        lost, and errors that reach the run (`Interrupted`, `BudgetReached`) where it was not admitted.
        """
        ...
