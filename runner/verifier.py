"""Comparing many companies with Codat, side by side, and rebuilding a journal that was lost."""

from collections.abc import AsyncIterator, Sequence

from runner.domain.ids import CompanyId
from runner.errors import CompanyHeld, RequestError
from runner.steps.kit import Kit
from runner.steps.looking import LOOKS
from runner.steps.verifying import Findings, rebuild_company, verify_company
from runner.together import each

PAGE = 500


class Verifier:
    """Verifies companies; one that cannot be read is told, and the others go on."""

    def __init__(self, kit: Kit, concurrency: int) -> None:
        self._kit = kit
        self._concurrency = concurrency

    async def verify(self, companies: Sequence[CompanyId]) -> list[Findings]:
        """Compare the companies named, or all of the journal's, and return what came of each."""
        findings: list[Findings] = []
        async for page in self._pages(companies):
            findings += await each(page, self._verify, limit=self._concurrency)
        return findings

    async def _verify(self, company: CompanyId) -> Findings:
        try:
            findings = await verify_company(company, self._kit)
        except (CompanyHeld, RequestError) as error:
            findings = Findings(company, unread=error.message)
        self._kit.note("company_verified", company=company, agrees=findings.agrees, unread=findings.unread)
        return findings

    async def rebuild(self) -> None:
        """Take what Codat says of every company, again and again until the quiescence time is over.

        A request of the lost journal's may still be on its way: until then nothing may be sent. Two clear looks
        in a row must be the last, the later one after that time.
        """
        kit = self._kit
        began = kit.clock.boottime()
        clear = 0
        while True:
            outcomes = []
            async for page in self._pages(()):
                outcomes += await each(page, self._rebuild, limit=self._concurrency)
            clear = clear + 1 if all(outcomes) else 0
            remaining = kit.limits.quiescence - (kit.clock.boottime() - began)
            if remaining <= 0 and clear >= 2:
                return
            kit.note("rebuild_waits", seconds=max(0, round(remaining)))
            await kit.pause(min(LOOKS[-1], max(remaining, LOOKS[0])))

    async def _rebuild(self, company: CompanyId) -> bool:
        try:
            return await rebuild_company(company, self._kit)
        except CompanyHeld as hold:
            await self._kit.journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)
            return True

    async def _pages(self, companies: Sequence[CompanyId]) -> AsyncIterator[Sequence[CompanyId]]:
        if companies:
            yield companies
            return
        after = 0
        while page := await self._kit.journal.companies.page_of_ids(after=after, limit=PAGE):
            yield [company for _, company in page]
            after = page[-1][0]
