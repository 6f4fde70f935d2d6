"""The companies of the account, beside those of the journal."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.clock import Clock
from runner.codat.client import Codat
from runner.domain.ids import CompanyId
from runner.domain.remote import CompanyInfo
from runner.errors import OutcomeUnknown
from runner.journal.journal import reading

PAGE_SIZE: Final = 1_000
_IDS: Final = 5_000


@dataclass(frozen=True, slots=True)
class ListedCompany:
    """One company."""

    company_id: CompanyId
    info: CompanyInfo | None
    """What Codat says of it; None where Codat does not list it."""
    in_journal: bool


async def listed(codat: Codat, known: Collection[CompanyId]) -> AsyncGenerator[ListedCompany, None]:
    """Yield every company that Codat lists, as it comes, and then those of the journal that were not among them.

    `known` are the journal's. Raises what `Codat.companies` does, and `OutcomeUnknown` where the list changed while
    it was read: then nobody can say which companies it does not have.
    """
    left = dict.fromkeys(known)
    seen: set[CompanyId] = set()
    received, number, total = 0, 1, None
    while True:
        page = await codat.companies(page=number, page_size=PAGE_SIZE)
        if number > 1 and page.total != total:
            raise _changed()
        total, received = page.total, received + page.received
        for company, info in page.companies.items():
            if company in seen:
                raise _changed()
            seen.add(company)
            yield ListedCompany(company, info, in_journal=company in left)
            left.pop(company, None)
        if not page.received or (total is not None and received >= total):
            break
        number += 1
    if total is not None and received < total:
        raise _changed()
    for company in left:
        yield ListedCompany(company, None, in_journal=True)


def _changed() -> OutcomeUnknown:
    return OutcomeUnknown("The list of companies changed while it was read.", received=False)


async def companies_of(path: Path, clock: Clock) -> list[CompanyId]:
    """Return the companies of the journal; none where there is no journal."""
    found: list[CompanyId] = []
    if not path.exists():  # noqa: ASYNC240 - once, before anything else runs
        return found
    with reading(path, clock) as journal:
        after = 0
        while page := await journal.companies.page_of_ids(after=after, limit=_IDS):
            after = page[-1][0]
            found += [company for _, company in page]
    return found
