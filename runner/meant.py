"""Which company a person means by an id."""

from collections.abc import Iterable

from runner.domain.ids import CompanyId
from runner.errors import RefusedToStart
from runner.journal.journal import Journal


async def company_meant(journal: Journal, text: str, *, wrong_rows: bool = False) -> CompanyId:
    """Return the company of the journal that is named, in whatever case; `RefusedToStart` where it has none such.

    With `wrong_rows` also one that nothing but wrong rows is known of.
    """
    found = await journal.companies.named(text, wrong_rows=wrong_rows)
    if found is None:
        raise RefusedToStart(
            f"No company {text} in this journal.", hint="Look for its id with: expense-runner status --json"
        )
    return found


async def companies_meant(journal: Journal, texts: Iterable[str]) -> list[CompanyId]:
    """Return the companies that are named, each once; see `company_meant`."""
    return list(dict.fromkeys([await company_meant(journal, each) for each in texts]))
