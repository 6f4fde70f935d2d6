"""What `check` asks Codat where it has a key, and how it tells what came of it."""

from collections.abc import Iterator
from typing import Any

from runner.cli.keys import key_sources, read_credential
from runner.codat.flows import Flow
from runner.domain.preflight import Preflight
from runner.inspection import Inspection
from runner.report.result_types.files import CheckPreflight
from runner.settings import RunSettings

SHOWN = 20


def settings_to_ask(options: dict[str, Any]) -> RunSettings | None:
    """Return how Codat is to be asked; None where it is not, or no key was named."""
    level = Preflight(options.pop("preflight"))
    flow = Flow(options.pop("flow"))
    if level is Preflight.OFF or not key_sources().given():
        return None
    return RunSettings(credential=read_credential(), preflight=level, flow=flow, **options)


def inspection_lines(found: Inspection) -> Iterator[str]:
    """Say which companies would be held and which expenses rejected, and what could not be asked."""
    yield "\nWhat Codat says about the rows that are right:"
    for company in found.companies:
        if company.hold is not None:
            yield f"  {company.company_id} would be held: {company.hold.message}"
            yield f"      {company.hold.hint}"
        elif company.unread is not None:
            yield f"  {company.company_id}: {company.unread}"
        elif company.unchecked:
            yield f"  {company.company_id}: Codat does not say what it accepts, so its rows could not be checked"
    for each in found.rejected[:SHOWN]:
        yield f"  {each.file}:{each.line}: {each.message} [{each.code}]"
    if len(found.rejected) > SHOWN:
        yield f"  … and {len(found.rejected) - SHOWN:,} more such expenses"
    if found.finds_nothing:
        yield "  nothing speaks against sending them"


def inspection_json(found: Inspection | None) -> CheckPreflight | None:
    """Return the same for programs; None where Codat was not asked."""
    if found is None:
        return None
    return {
        "held": [
            {
                "company_id": each.company_id,
                "code": each.hold.code,
                "message": each.hold.message,
                "hint": each.hold.hint,
            }
            for each in found.companies
            if each.hold is not None
        ],
        "unread": [
            {"company_id": each.company_id, "message": each.unread}
            for each in found.companies
            if each.unread is not None
        ],
        "unchecked": [each.company_id for each in found.companies if each.unchecked],
        "rejected": [
            {
                "company_id": each.company_id,
                "expense_id": each.expense_id,
                "file": each.file,
                "line": each.line,
                "code": each.code,
                "message": each.message,
            }
            for each in found.rejected
        ],
    }
