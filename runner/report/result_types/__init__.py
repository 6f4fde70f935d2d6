"""Every result that `--json` prints, as a type: the schemas in `docs/schemas` are made from these."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

from runner.report.result_types.acts import (
    CompanyLine,
    DoctorResult,
    ErrorResult,
    JournalBackupResult,
    JournalCheckResult,
    JournalPruneResult,
    ResolveResult,
    RetryResult,
    RunResult,
    ScheduleShowResult,
)
from runner.report.result_types.books import (
    ErrorsResult,
    Explanation,
    NoJournalResult,
    ReportResult,
    StatusResult,
    Story,
    VerifyResult,
)
from runner.report.result_types.files import CheckResult, MapTestResult, PlanResult, ProfileLine

RESULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "check": (CheckResult,),
    "companies": (CompanyLine,),
    "doctor": (DoctorResult,),
    "error": (ErrorResult,),
    "errors": (ErrorsResult,),
    "explain": (
        list[Annotated[str, Meta(description="A code: without an argument all are listed.")]],
        list[Explanation],
    ),
    "journal-backup": (JournalBackupResult,),
    "journal-check": (JournalCheckResult,),
    "journal-prune": (JournalPruneResult,),
    "map-list": (list[ProfileLine],),
    "map-test": (MapTestResult,),
    "plan": (PlanResult,),
    "report": (ReportResult,),
    "resolve": (ResolveResult,),
    "retry": (RetryResult,),
    "run": (RunResult,),
    "schedule-show": (ScheduleShowResult,),
    "show": (list[Story],),
    "status": (NoJournalResult, StatusResult),
    "verify": (VerifyResult,),
}
"""By the name of its schema, the forms that a result may have."""
