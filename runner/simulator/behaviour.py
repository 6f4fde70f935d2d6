"""What may differ between one Codat and another: every dial of the simulator."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from runner.simulator.companies import CompanySpec

Speaks = Literal["both", "datasets", "direct"]
DuplicateCheck = Literal["request", "push", "never"]
Idempotency = Literal["honoured", "ignored"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The three documented limits; None switches one off."""

    a_day: int | None = 1_000
    """Requests a day: this number, times one more than there are active companies."""
    in_flight: int | None = 10
    """Requests of one company that are being worked on at once."""
    a_minute: int | None = 1_000
    """Requests of one sender in any 60 seconds."""
    retry_after_as_date: bool = False
    """Say `Retry-After` as an HTTP date instead of seconds."""


NO_LIMITS = Limits(a_day=None, in_flight=None, a_minute=None)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this Codat behaves; the defaults are the documented ones."""

    speaks: Speaks = "both"
    """Which flow the account speaks; `both` goes by the shape of each body."""
    api_keys: frozenset[str] | None = None
    """Accepted header values or raw keys; None accepts any that is not empty."""
    duplicate_check: DuplicateCheck = "push"
    """Where the duplicate guard looks: when a request arrives, when a sync is run, or nowhere."""
    guard_looks: Literal["accepted", "started"] = "accepted"
    """With `push`: the guard knows what was Completed when the sync was accepted or when it starts."""
    idempotency: Idempotency = "honoured"
    idempotency_seconds: float = 90 * 60.0
    sync_seconds: tuple[float, float] = (2.0, 10.0)
    """Shortest and longest run of a sync."""
    latency: float = 0.0
    """Seconds a request is worked on after its effect: so long it is in flight and its key is busy."""
    list_lag: float = 0.0
    """Seconds until a new sync shows up in the lists of syncs."""
    status_lag: float = 0.0
    """Seconds by which the status of a sync is behind."""
    rows_lag: float = 0.0
    """Seconds between the end of a transaction and its row; with a lag, rows are missing until then."""
    rows_when_not_run: Literal["pending", "missing"] = "pending"
    """What the transactions show that a finished sync never came to."""
    push_error_lands: bool = False
    """Whether a transaction reported as PushError stands in the books nevertheless."""
    bank_feed_rows: Literal["none", "completed", "push_error"] = "none"
    """A second row of the kind `bankfeeds` for each transaction, before its expense row."""
    integration_type: Literal["expense", "expenses"] = "expenses"
    forget_datasets_after: float | None = None
    """Seconds after which an account has forgotten a dataset."""
    unknown_dataset_status: Literal[400, 404] = 400
    no_datasets: Literal["refused", "all_pending"] = "refused"
    """What a start that names no dataset means, by an empty list or by null: nothing, or all that is pending."""
    dataset_named_twice: Literal["once", "twice"] = "once"
    """How often a sync has the expenses of a dataset that its start names twice."""
    limits: Limits = field(default_factory=Limits)
    open_world: bool = True
    """Whether any company id is known and linked, or only the declared ones."""
    usual_options: bool = False
    """Whether companies that declare no accounts, tax rates or tracking have the usual ones, and refuse others."""
    companies: tuple[CompanySpec, ...] = ()
    epoch: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """The date at `now` = 0; aware."""
