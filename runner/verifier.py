"""Comparing many companies with Codat, side by side, and rebuilding a journal that was lost."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import chain, repeat

from runner.domain.ids import CompanyId, ExpenseId
from runner.errors import CompanyHeld, Refused, RequestError
from runner.steps.holds import BY_REBUILD, not_rebuilt, unexplained
from runner.steps.kit import Kit
from runner.steps.verifying import Findings, not_compared, rebuild_company, verify_company
from runner.together import each

PAGE = 500

PAUSES = (5.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between looks at companies that are not clear yet; the last one repeats."""


class Verifier:
    """Verifies companies; one that cannot be read is told, and the others go on."""

    def __init__(self, kit: Kit, concurrency: int) -> None:
        self._kit = kit
        self._concurrency = concurrency
        self._idle = 0.0
        self._unclear: dict[CompanyId, str] = {}
        self._unreadable: dict[CompanyId, str] = {}
        self._unexplained: dict[CompanyId, list[ExpenseId]] = {}

    async def verify(self, companies: Sequence[CompanyId], *, everything: bool = False) -> list[Findings]:
        """Compare the companies named, or all of the journal's, and return what came of each.

        With `everything` also with syncs that an earlier comparison that agreed has read.
        """
        findings: list[Findings] = []
        self._idle = await self._kit.journal.ages.since_sending()
        async with aclosing(self._pages(companies)) as pages:
            async for page in pages:
                findings += await each(page, partial(self._verify, everything=everything), limit=self._concurrency)
        return findings

    async def _verify(self, company: CompanyId, *, everything: bool) -> Findings:
        try:
            findings = await verify_company(company, self._kit, idle=self._idle, everything=everything)
        except (CompanyHeld, RequestError) as error:
            findings = await not_compared(company, error.message, self._kit)
        self._kit.note("company_verified", company=company, agrees=findings.agrees, unread=findings.unread)
        return findings

    async def rebuild(self, *, others_posted: bool = False) -> None:
        """Take what Codat says of every company, until it is certain that nothing is on its way any more.

        A request of the lost journal's may still be: so the last two looks are taken after the quiescence time,
        and both must be clear. A company that cannot be read, or is never clear, is held until another rebuild:
        the others are not to wait for it. So is one in whose books stands what no file explains, where rows without ids
        could be the same; with `others_posted` somebody has said that another program has posted that.
        """
        kit = self._kit
        began = kit.clock.boottime()
        clear = 0
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            await self._look()
            elapsed = kit.clock.boottime() - began
            quiet = elapsed >= kit.limits.quiescence
            clear = clear + 1 if quiet and not self._unclear else 0
            if clear >= 2 or elapsed > kit.limits.quiescence + kit.limits.wait:
                break
            remaining = kit.limits.quiescence - elapsed
            kit.note("rebuild_waits", seconds=max(0, round(remaining)), unclear=len(self._unclear))
            await kit.pause(pause if quiet else max(remaining, PAUSES[0]))
        holds = (
            {} if others_posted else {each: unexplained(len(ids), ids[0]) for each, ids in self._unexplained.items()}
        )
        holds |= {company: not_rebuilt(why) for company, why in {**self._unclear, **self._unreadable}.items()}
        for company, hold in holds.items():
            await kit.journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)

    async def _look(self) -> None:
        self._unclear.clear()
        self._unreadable.clear()
        self._unexplained.clear()
        async with aclosing(self._pages(())) as pages:
            async for page in pages:
                await each(page, self._rebuild, limit=self._concurrency)

    async def _rebuild(self, company: CompanyId) -> None:
        try:
            learnt = await rebuild_company(company, self._kit)
            if not learnt.clear:
                self._unclear[company] = "a sync of it does not end"
            if learnt.unexplained:
                self._unexplained[company] = learnt.unexplained
        except (CompanyHeld, Refused) as error:
            # Waiting would not make it readable.
            self._unreadable[company] = error.message
        except RequestError as error:
            self._unclear[company] = error.message
        else:
            hold = await self._kit.journal.companies.hold_of(company)
            if hold is not None and hold.code in BY_REBUILD:
                await self._kit.journal.companies.release(company)

    async def _pages(self, companies: Sequence[CompanyId]) -> AsyncGenerator[Sequence[CompanyId], None]:
        if companies:
            yield companies
            return
        after = 0
        while page := await self._kit.journal.companies.page_of_ids(after=after, limit=PAGE):
            yield [company for _, company in page]
            after = page[-1][0]
