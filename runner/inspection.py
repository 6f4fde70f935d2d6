"""The preflight alone, for many companies: what a run would hold or reject before it sends anything."""

from dataclasses import dataclass, field

from runner.domain.ids import CompanyId
from runner.domain.states import ExpenseState
from runner.errors import CompanyHeld, RequestError
from runner.journal.records import Standing
from runner.steps.kit import Kit
from runner.steps.preflight import preflight
from runner.together import each

PAGE = 200
SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class InspectedCompany:
    """What a company's preflight found, apart from its rows."""

    company_id: CompanyId
    hold: CompanyHeld | None = None
    """Why a run would send it nothing."""
    unread: str | None = None
    """Why it could not be checked: Codat did not answer."""
    unchecked: bool = False
    """Whether Codat does not say what it accepts, so that its rows could not be checked."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a run would hold or reject."""

    companies: list[InspectedCompany] = field(default_factory=list)
    rejected: list[Standing] = field(default_factory=list)
    """The first expenses that name what their company does not have."""

    @property
    def finds_nothing(self) -> bool:
        """Whether a run would send everything."""
        return not self.rejected and all(each.hold is None and each.unread is None for each in self.companies)


async def inspect(kit: Kit, *, concurrency: int) -> Inspection:
    """Check every company of the journal that has something to send, and what its expenses name.

    The journal is written, as a run would: give one that is forgotten. Raises `RunStopped`.
    """

    async def one(company: CompanyId) -> InspectedCompany:
        try:
            await preflight(company, kit)
        except CompanyHeld as hold:
            return InspectedCompany(company, hold=hold)
        except RequestError as error:
            return InspectedCompany(company, unread=error.message)
        return InspectedCompany(company, unchecked=company in kit.checks.unchecked)

    companies: list[InspectedCompany] = []
    after = 0
    while page := await kit.journal.companies.page_with_open_work(after=after, limit=PAGE):
        after = page[-1][0]
        companies += await each([company for _, company in page], one, limit=concurrency)
    attention = await kit.journal.accounts.attention(limit=SHOWN)
    return Inspection(companies, [found for found in attention if found.state is ExpenseState.REJECTED])
