"""What a run is told, put together by the command line; nothing below the composition root sees it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.codat.address import BASE_URL
from runner.codat.credential import Credential
from runner.codat.flows import Flow
from runner.codat.listening import Reception
from runner.domain.preflight import Preflight
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.profile import Overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The settings of `run`; times in seconds."""

    credential: Credential
    journal: Path = Path("expense-runner.db")
    base_url: str = BASE_URL
    flow: Flow = Flow.DATASETS
    create_path: str = "expense-transactions"
    receipts_dir: Path | None = None
    inbox: Path | None = None
    inbox_settle: float = 10.0
    """How long a file in the inbox must not have changed before it is read."""
    mapping: Mappings | None = None
    overlap: Overlap | None = None
    """Whether files with canonical columns and without ids overlap."""
    concurrency: int = 32
    poll_interval: float = 2.0
    request_timeout: float = 60.0
    connect_timeout: float = 10.0
    wait: float = 3600.0
    quiescence: float | None = None
    """None: the request timeout and 600 seconds more."""
    syncs_in_flight: int = 2
    drafts_a_sync: int = 40
    max_rpm: int = 980
    in_flight_per_company: int = 8
    reserve: int = 0
    max_pause: float = 300.0
    until: datetime | None = None
    """Aware; from then on the run comes to its end."""
    max_duration: float | None = None
    max_requests: int | None = None
    max_in_flight: int = 64
    source_ips: tuple[str, ...] = ()
    """Addresses of this machine to send from, each with an allowance of its own; none: the system's choice."""
    webhooks: Reception | None = None
    """Where Codat's webhooks are received; None: nowhere, the ends of syncs are found by asking."""
    strict: bool = False
    preflight: Preflight = Preflight.ROWS
    max_errors: int | None = None
    auto_retry: int = 0
    retry_receipts_in_doubt: bool = False
    check_journal: bool = True
    """Whether the journal's file is examined when it is opened; after an unclean end it is in any case."""
    drop_payloads: bool = False
    """Keep only the hashes of expenses that are posted."""

    @property
    def quiet_time(self) -> float:
        """How long an unanswered request may still have an effect."""
        return self.request_timeout + 600.0 if self.quiescence is None else self.quiescence
