"""Syncs: queued per company, run in turn, each transaction pushed at its own moment."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from runner.simulator.behaviour import Behaviour
from runner.simulator.companies import DELETED, Company
from runner.simulator.datasets import Transaction
from runner.simulator.faults import Fault, FaultKind, Faults
from runner.simulator.ledger import Ledger, LedgerEntry

LONG_SECONDS = 600.0
"""A sync in progress for longer shows 1010 instead of 1000."""

COMPLETED = "Completed"
PENDING = "Pending"
MISSING = "Missing"
"""Not a status of the API: the transaction has no row."""

_STATUS_OF = {
    FaultKind.VALIDATION_ERROR: "ValidationError",
    FaultKind.PUSH_ERROR: "PushError",
    FaultKind.PENDING: PENDING,
    FaultKind.UNKNOWN: "Unknown",
    FaultKind.MISSING: MISSING,
}
_MESSAGE_OF = {
    FaultKind.VALIDATION_ERROR: "The books refused the transaction: its account is archived.",
    FaultKind.PUSH_ERROR: "The accounting software did not take the transaction.",
}
_TEXT_OF = {
    1000: "In progress",
    1010: "In progress, for more than ten minutes",
    2000: "Complete",
    2040: "Complete, no data pushed",
    4000: "Configuration error",
    4040: "Company not found",
    4220: "Company not authorized",
    4260: "The accounting platform's billing has expired",
    5000: "Server error",
    5080: "Duplication protection",
    5120: "Data processing error",
    5130: "Data push error",
}


def processed_before(ids: Iterable[str]) -> str:
    """Return the documented message of the duplicate guard."""
    return f"One or more transactions have previously been processed: {', '.join(ids)}"


class Item:
    """One transaction in one sync."""

    __slots__ = ("dataset", "message", "resolved_at", "status", "transaction")

    def __init__(self, transaction: Transaction, dataset: str | None) -> None:
        self.transaction = transaction
        self.dataset = dataset
        self.status = PENDING
        self.message: str | None = None
        self.resolved_at: float | None = None
        """When the run came to it; None where it did not."""


class Sync:
    """One run of writing datasets into the books."""

    __slots__ = (
        "accepted_at",
        "code",
        "company",
        "duplicates",
        "duration",
        "error",
        "finished_at",
        "forgetting",
        "forgotten",
        "id",
        "items",
        "start_at",
        "step",
        "stop",
        "verdict",
    )

    def __init__(
        self,
        identifier: str,
        company: Company,
        items: Sequence[Item],
        *,
        accepted_at: float,
        start_at: float,
        duration: float,
        duplicates: Sequence[str],
    ) -> None:
        self.id = identifier
        self.company = company
        self.items = items
        self.accepted_at = accepted_at
        self.start_at = start_at
        self.duration = duration
        self.duplicates = duplicates
        self.step = -1
        """-1 before the start, then the number of the next transaction."""
        self.stop = len(items)
        """The number of transactions the run comes to."""
        self.verdict: int | None = None
        """The final code where something has decided it beforehand."""
        self.code: int | None = None
        self.error = ""
        self.finished_at: float | None = None
        self.forgetting = False
        """Whether it will be forgotten as soon as its status has been told."""
        self.forgotten = False

    def next_at(self) -> float:
        """Return when the next thing happens in it: pushes are spread evenly over the run."""
        return self.start_at + self.duration * (self.step + 1) / (len(self.items) + 1)

    def code_at(self, moment: float, *, now: float) -> int:
        """Return the status code as it stood at a moment."""
        if self.code is not None and self.finished_at is not None and self.finished_at <= moment:
            return self.code
        return 1010 if now - self.accepted_at > LONG_SECONDS else 1000

    @property
    def pushed(self) -> bool:
        """Whether any of its transactions is Completed."""
        return any(item.status == COMPLETED for item in self.items)


class _Event(NamedTuple):
    at: float
    no: int
    sync: Sync


class Syncs:
    """Every sync of the account, and the order of time in which they write to the ledger."""

    def __init__(
        self,
        behaviour: Behaviour,
        ledger: Ledger,
        faults: Faults,
        *,
        random: Random,
        new_id: Callable[[], str],
    ) -> None:
        self._behaviour = behaviour
        self._ledger = ledger
        self._faults = faults
        self._random = random
        self._new_id = new_id
        self._by_id: dict[str, Sync] = {}
        self._events: list[_Event] = []
        self._events_so_far = 0
        self._completed: defaultdict[str, set[str]] = defaultdict(set)
        self.announce: Callable[[Sync], None] | None = None
        """Is told of each sync that has ended: what a webhook would tell."""

    def accept(self, company: Company, items: Sequence[Item], *, now: float) -> Sync:
        """Queue a sync behind the company's others and return it."""
        shortest, longest = company.spec.sync_seconds or self._behaviour.sync_seconds
        duration = self._random.uniform(shortest, longest)
        start_at = max(now, company.busy_until)
        company.busy_until = start_at + duration
        guarded = self._behaviour.duplicate_check == "push" and self._behaviour.guard_looks == "accepted"
        ids = (item.transaction.id for item in items)
        sync = Sync(
            self._new_id(),
            company,
            items,
            accepted_at=now,
            start_at=start_at,
            duration=duration,
            duplicates=self.completed_among(company.id, ids) if guarded else (),
        )
        self._by_id[sync.id] = sync
        company.syncs.append(sync.id)
        self._schedule(sync)
        return sync

    @property
    def last_id(self) -> str | None:
        """The id of the sync that was accepted last."""
        return next(reversed(self._by_id), None)

    def find(self, company: Company, sync: str) -> Sync | None:
        """Return a company's sync."""
        found = self._by_id.get(sync.lower())
        return found if found is not None and found.company is company else None

    def of(self, company: Company, *, now: float) -> list[Sync]:
        """Return a company's syncs as the lists show them, newest first."""
        latest = now - self._behaviour.list_lag
        syncs = (self._by_id[each] for each in reversed(company.syncs))
        return [sync for sync in syncs if sync.accepted_at <= latest and not sync.forgotten]

    def completed_among(self, company: str, ids: Iterable[str]) -> list[str]:
        """Return which of the expense ids are Completed: all that the duplicate guard looks at."""
        completed = self._completed[company]
        return [each for each in dict.fromkeys(ids) if each in completed]

    def next_event_at(self) -> float | None:
        """Return when something happens next without any request."""
        return self._events[0].at if self._events else None

    def advance(self, now: float) -> None:
        """Let everything happen that is due, in the order of time."""
        events = self._events
        while events and events[0].at <= now:
            at, _, sync = heappop(events)
            if sync.step < 0:
                self._begin(sync)
            elif sync.step < sync.stop:
                self._push(sync, sync.items[sync.step], at)
            else:
                self._finish(sync, at)
                if self.announce is not None:
                    self.announce(sync)
                continue
            sync.step += 1
            self._schedule(sync)

    def status(self, sync: Sync, *, now: float) -> dict[str, Any]:
        """Return a sync's status in the API's shape."""
        code = sync.code_at(now - self._behaviour.status_lag, now=now)
        final = code == sync.code
        at = sync.finished_at if final and sync.finished_at is not None else sync.accepted_at
        return {
            "companyId": sync.company.id,
            "syncId": sync.id,
            "syncStatusCode": code,
            "syncStatus": _TEXT_OF.get(code, f"Status {code}"),
            "errorMessage": sync.error if final else "",
            "syncExceptionMessage": "",
            "syncUtc": self._ledger.date(at).isoformat(),
            "dataPushed": final and sync.pushed,
        }

    def rows(self, sync: Sync, *, now: float) -> list[dict[str, Any]]:
        """Return the rows of a sync's transactions in the API's shape."""
        kind = self._behaviour.integration_type
        feeds = {"none": None, "completed": COMPLETED, "push_error": "PushError"}[self._behaviour.bank_feed_rows]
        rows: list[dict[str, Any]] = []
        for item in sync.items:
            if not self._has_row(sync, item, now):
                continue
            if feeds is not None and item.resolved_at is not None:
                rows.append(_row(item.transaction.id, feeds, "bankfeeds", None))
            rows.append(_row(item.transaction.id, item.status, kind, item.message))
        return rows

    def _has_row(self, sync: Sync, item: Item, now: float) -> bool:
        if item.status == MISSING:
            return False
        lag = self._behaviour.rows_lag
        if item.resolved_at is not None:
            return item.resolved_at + lag <= now
        if sync.finished_at is not None and self._behaviour.rows_when_not_run == "missing":
            return False
        return lag <= 0.0 or (sync.finished_at is not None and sync.finished_at + lag <= now)

    def _schedule(self, sync: Sync) -> None:
        self._events_so_far += 1
        heappush(self._events, _Event(sync.next_at(), self._events_so_far, sync))

    def _begin(self, sync: Sync) -> None:
        """Decide what can be decided before anything is pushed."""
        company = sync.company
        ids = [item.transaction.id for item in sync.items]
        fault = self._faults.for_sync(company.id, ids)
        duplicates = sync.duplicates
        if self._behaviour.duplicate_check == "push" and self._behaviour.guard_looks == "started":
            duplicates = self.completed_among(company.id, ids)
        if company.status == DELETED:
            self._end(sync, 4040, "The company has been deleted.")
        elif not company.linked:
            self._end(sync, 4220, "The company's connection is no longer authorized.")
        elif any(not company.config.get(name) for item in sync.items for name in item.transaction.needs):
            self._end(sync, 4000, "The company's configuration has no bank account or supplier.")
        elif duplicates and (fault is None or fault.code != 5080):
            # The guard looks at all of them, whatever else would have become of the sync.
            self._end(sync, 5080, processed_before(duplicates))
        elif fault is not None and fault.kind is FaultKind.FORGOTTEN:
            sync.forgetting = True
        elif fault is not None:
            self._strike(sync, fault)

    def _strike(self, sync: Sync, fault: Fault) -> None:
        dies = fault.kind is FaultKind.DIES_HALF_WAY
        code = 5000 if dies else fault.code
        part = fault.part
        if part is None and dies:
            part = 0.5
        if part is None:
            # A hold, "nothing pushed" and the duplicate guard speak before the first push.
            part = 0.0 if code // 1000 == 4 or code in {2040, 5080} else 1.0
        ids = [item.transaction.id for item in sync.items]
        message = fault.message or (processed_before(ids) if code == 5080 else _TEXT_OF.get(code, ""))
        self._end(sync, code, "" if code // 1000 in {1, 2} else message, stop=int(len(sync.items) * part))

    @staticmethod
    def _end(sync: Sync, code: int, error: str, *, stop: int = 0) -> None:
        sync.verdict, sync.error, sync.stop = code, error, stop

    def _push(self, sync: Sync, item: Item, at: float) -> None:
        transaction = item.transaction
        company = sync.company.id
        texts = (transaction.reference, transaction.merchant)
        fault = self._faults.for_expense(company, transaction.id, texts)
        item.resolved_at = at
        if fault is None:
            item.status = COMPLETED
            self._completed[company].add(transaction.id)
            item.message = f"Created expense {self._post(sync, item, at)}"
            return
        item.status = _STATUS_OF[fault.kind]
        item.message = fault.message or _MESSAGE_OF.get(fault.kind)
        lands = fault.lands
        if lands is None:
            lands = fault.kind is FaultKind.PUSH_ERROR and self._behaviour.push_error_lands
        if lands:
            self._post(sync, item, at)

    def _post(self, sync: Sync, item: Item, at: float) -> int:
        number = len(self._ledger.entries) + 1
        transaction = item.transaction
        entry = LedgerEntry(
            no=number,
            company=sync.company.id,
            expense=transaction.id,
            type=transaction.type,
            net=transaction.net,
            tax=transaction.tax,
            currency=transaction.currency,
            sync=sync.id,
            dataset=item.dataset,
            at=at,
            reference=transaction.reference,
        )
        self._ledger.post(entry)
        return number

    @staticmethod
    def _finish(sync: Sync, at: float) -> None:
        sync.finished_at = at
        if sync.verdict is not None:
            sync.code = sync.verdict
            return
        statuses = {item.status for item in sync.items}
        if "PushError" in statuses:
            sync.code, sync.error = 5130, "One or more transactions could not be pushed."
        elif "ValidationError" in statuses:
            sync.code, sync.error = 5120, "One or more transactions could not be processed."
        elif COMPLETED in statuses:
            sync.code = 2000
        else:
            sync.code = 2040


def _row(transaction: str, status: str, kind: str, message: str | None) -> dict[str, Any]:
    return {"transactionId": transaction, "status": status, "integrationType": kind, "message": message}
