"""The simulated service: one synchronous call in, one answer out; time only enters as a number."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from runner.simulator.account import Account
from runner.simulator.behaviour import Behaviour
from runner.simulator.companies import Company
from runner.simulator.faults import Fault, FaultKind, Faults
from runner.simulator.idempotency import IdempotencyKeys
from runner.simulator.ledger import Ledger
from runner.simulator.limits import RequestLimits
from runner.simulator.routes import company_of, dispatch, split_path
from runner.simulator.syncs import Sync
from runner.simulator.values import LOST, Answer, Call, Refusal, error, ok

_HTML = b"<html><head><title>Error</title></head><body><h1>The page cannot be shown</h1></body></html>"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as the log keeps it."""

    now: float
    """When it arrived."""
    method: str
    path: str
    company: str | None
    status: int
    """What the client got; 0 for a closed connection."""
    key: str | None
    """Its Idempotency-Key."""
    peer: str
    reached: bool
    """Whether it got to the service at all: False where it was lost on its way there, or will arrive late."""


class _Late(NamedTuple):
    at: float
    no: int
    call: Call


class Service:
    """An honest Codat without any I/O.

    `now` is a number of seconds that never goes back (an earlier one counts as the latest seen); everything
    that is due by then happens first, in the order of time. The same behaviour, seed, faults and calls give
    the same answers, ids included.
    """

    def __init__(self, behaviour: Behaviour | None = None, *, seed: int = 0, faults: Iterable[Fault] = ()) -> None:
        self.behaviour = behaviour or Behaviour()
        self._seed = seed
        self._first_faults = tuple(faults)
        self._keys = _accepted(self.behaviour.api_keys)
        self._announce: Callable[[Sync], None] | None = None
        self.reset()

    def reset(self) -> None:
        """Begin anew: an empty ledger, an empty log, the faults of the beginning."""
        behaviour = self.behaviour
        # Chance in faults is drawn apart, so that a fault more or less does not change every id.
        self.faults = Faults(self._first_faults, Random(self._seed ^ 0x5DEECE66D))  # noqa: S311 - not a secret
        self.account = Account(behaviour, self.faults, random=Random(self._seed))  # noqa: S311 - not a secret
        self.account.syncs.announce = self._announce
        self.requests: list[RequestRecord] = []
        self._limits = RequestLimits(behaviour.limits, epoch=behaviour.epoch)
        self._idempotency = IdempotencyKeys(behaviour.idempotency_seconds)
        self._late: list[_Late] = []
        self._late_so_far = 0
        self._correlations = 0
        self._now = 0.0

    @property
    def ledger(self) -> Ledger:
        """Every posting and attachment: the oracle."""
        return self.account.ledger

    def posts(self) -> int:
        """Return how many POSTs got to the service."""
        return sum(each.method == "POST" and each.reached for each in self.requests)

    def counts(self) -> Counter[tuple[str, str, int]]:
        """Return how many requests there were by method, route (ids written as {}) and status."""
        return Counter((each.method, _route(each.path), each.status) for each in self.requests)

    def add_fault(self, fault: Fault) -> None:
        """Let one more thing go wrong from now on."""
        self.faults.add(fault)

    def set_status(self, company: str, status: str) -> None:
        """Change a company's connection: Linked, Unlinked, Deauthorized, PendingAuth or Deleted."""
        self.account.set_status(company, status, now=self._now)

    def company(self, identifier: str) -> Company:
        """Return a company, to look at it or to change it. Raises `Refusal` where there is none."""
        return self.account.company(identifier, now=self._now)

    def announce(self, listener: Callable[[Sync], None]) -> None:
        """Tell `listener` of each sync that ends from now on."""
        self._announce = self.account.syncs.announce = listener

    def next_event_at(self) -> float | None:
        """Return when something happens next without a new request; None where all is quiet."""
        moments = [self.account.syncs.next_event_at(), self._late[0].at if self._late else None]
        return min((each for each in moments if each is not None), default=None)

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`: pushes of running syncs, requests that arrive late."""
        while self._late and self._late[0].at <= now:
            at, _, call = heappop(self._late)
            self.account.syncs.advance(at)
            self._now = max(self._now, at)
            self._arrive(call, None, at)
        self.account.syncs.advance(now)
        self._now = max(self._now, now)

    def handle(self, call: Call, *, now: float) -> Answer:
        """Let one request arrive at `now` and return what the client gets of its answer."""
        now = max(now, self._now)
        self.advance(now)
        segments = split_path(call.path)
        fault = self.faults.for_call(call, company_of(segments))
        if fault is not None and fault.kind is FaultKind.LATE:
            self._postpone(call, now + fault.seconds)
            return self._log(call, now, Answer(LOST), reached=False)
        if fault is not None and fault.kind is FaultKind.LOST and fault.when == "before":
            return self._log(call, now, Answer(LOST), reached=False)
        if fault is not None and fault.kind is FaultKind.TWICE:
            self._postpone(call, now + fault.seconds)
        return self._arrive(call, fault, now)

    def _postpone(self, call: Call, at: float) -> None:
        self._late_so_far += 1
        heappush(self._late, _Late(at, self._late_so_far, call))

    def _arrive(self, call: Call, fault: Fault | None, now: float) -> Answer:
        company = company_of(split_path(call.path))
        slow = fault.seconds if fault is not None and fault.kind is FaultKind.SLOW else 0.0
        delay = self.behaviour.latency + slow
        try:
            self._limits.admit(company, call.peer, now=now, active=self.account.active)
            if delay > 0.0:
                self._limits.busy(company, until=now + delay)
            self._authorize(call)
            answer = self._answer_once(call, fault, now, delay)
        except Refusal as refusal:
            answer = error(refusal, self._correlation_id())
        headers = {**answer.headers, **self._limits.headers(now=now, active=self.account.active)}
        answer = Answer(answer.status, headers, answer.body, delay)
        if fault is not None:
            answer = _delivered(answer, fault)
        return self._log(call, now, answer, reached=True)

    def _authorize(self, call: Call) -> None:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() != "basic" or not value or (self._keys is not None and value not in self._keys):
            raise Refusal(401, "The API key is missing or wrong.")

    def _answer_once(self, call: Call, fault: Fault | None, now: float, delay: float) -> Answer:
        """Answer from what is kept under the request's key, or by letting the effect happen."""
        key = call.headers.get("idempotency-key")
        honoured = self.behaviour.idempotency == "honoured" and call.method in {"POST", "PATCH"}
        if key and honoured:
            kept = self._idempotency.find(key, call, now=now)
            if kept is not None:
                return kept
        answer, kept = self._execute(call, fault, now)
        if key and honoured and kept is not None:
            self._idempotency.keep(key, call, kept, now=now, ready_at=now + delay)
        return answer

    def _execute(self, call: Call, fault: Fault | None, now: float) -> tuple[Answer, Answer | None]:
        """Let the effect happen, or what a fault makes of it; return the answer, and the one to keep."""
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.RATE_LIMITED:
            pause = self._limits.retry_after(fault.seconds, now=now)
            refusal = Refusal(429, fault.message or "", headers={"retry-after": pause})
            return error(refusal, self._correlation_id()), None
        if kind is FaultKind.REDIRECT:
            return Answer(307, {"location": "https://elsewhere.invalid/"}), None
        if fault is not None and fault.when == "before":
            if kind is FaultKind.ERROR:
                failure = self._failure(fault)
                return failure, failure if fault.cached else None
            if kind is FaultKind.HTML:
                return Answer(fault.status, {"content-type": "text/html"}, _HTML), None
        if fault is not None and kind is FaultKind.REPEATED_ID:
            answer = self._repeat(call, fault, now)
        else:
            answer = self._dispatch(call, now)
        if fault is not None and kind is FaultKind.ERROR:
            # Not cached: a proxy made the error up, and the service itself keeps its own answer.
            failure = self._failure(fault)
            return failure, failure if fault.cached else answer
        return answer, answer

    def _dispatch(self, call: Call, now: float) -> Answer:
        try:
            return dispatch(self.account, call, split_path(call.path), now=now)
        except Refusal as refusal:
            return error(refusal, self._correlation_id())

    def _repeat(self, call: Call, fault: Fault, now: float) -> Answer:
        repeated = self._last_made(call)
        if repeated is not None and fault.when == "before":
            return repeated
        answer = self._dispatch(call, now)
        return repeated if repeated is not None and answer.status < 300 else answer

    def _last_made(self, call: Call) -> Answer | None:
        """Return an answer with the id of what was made last; None where nothing was, or the request makes nothing."""
        starts = call.path.endswith("/syncs")
        if call.method != "POST" or not (starts or call.path.endswith("/expense-transactions")):
            return None
        starts = starts or self.behaviour.speaks == "direct" or call.body.lstrip()[:1] == b"["
        last = self.account.syncs.last_id if starts else self.account.datasets.last_id
        return None if last is None else ok({"syncId" if starts else "datasetId": last})

    def _failure(self, fault: Fault) -> Answer:
        return error(Refusal(fault.status, fault.message or ""), self._correlation_id())

    def _correlation_id(self) -> str:
        self._correlations += 1
        return f"{self._seed & 0xFFFFFFFF:08x}-{self._correlations:08x}"

    def _log(self, call: Call, now: float, answer: Answer, *, reached: bool) -> Answer:
        company = company_of(split_path(call.path))
        key = call.headers.get("idempotency-key")
        status = LOST if answer.lost else answer.status
        self.requests.append(
            RequestRecord(now, call.method, call.path, company, status, key, call.peer, reached=reached)
        )
        return answer


def _delivered(answer: Answer, fault: Fault) -> Answer:
    """Return what reaches the client of an answer that the service gave."""
    match fault.kind:
        case FaultKind.LOST:
            return Answer(LOST, delay=answer.delay)
        case FaultKind.CUT:
            half = answer.body[: len(answer.body) // 2]
            return replace(answer, body=half, promised=len(answer.body) + 1)
        case FaultKind.TRUNCATED:
            return replace(answer, body=answer.body[: max(1, len(answer.body) // 2)])
        case FaultKind.GARBAGE:
            return replace(answer, status=200, body=b"\x00\xff\xfe{]garbage")
        case FaultKind.HTML if fault.when == "after":
            return replace(answer, status=fault.status, headers={"content-type": "text/html"}, body=_HTML)
        case _:
            return answer


def _accepted(keys: frozenset[str] | None) -> frozenset[str] | None:
    """Return the header values, without their scheme, that a set of raw keys or header values allows."""
    if keys is None:
        return None
    encoded = {base64.b64encode(key.encode()).decode() for key in keys}
    return frozenset({key.removeprefix("Basic ") for key in keys} | encoded)


def _route(path: str) -> str:
    words = {"companies", "connections", "sync", "expenses", "syncs", "config", "mappingOptions", "data"}
    words |= {
        "expense-transactions",
        "transactions",
        "attachments",
        "status",
        "list",
        "latest",
        "lastSuccessful",
    }
    return "/" + "/".join(each if each in words else "{}" for each in split_path(path))
