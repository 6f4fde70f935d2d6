"""Many companies at once, fairly: each gets its turn, and one company's trouble is no other's."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from runner.codat.draining import Draining
from runner.company import walk_company
from runner.domain.ids import CompanyId
from runner.errors import CompanyHeld, RequestError, RunStopped
from runner.steps.kit import Kit

PAGE = 200


@dataclass(slots=True)
class Batch:
    """Companies with open work, streamed out of the journal, some of them walking.

    A company that has used up its turn goes to the end of the queue, behind those that have not had one.
    """

    kit: Kit
    draining: Draining
    concurrency: int
    _fresh: deque[CompanyId] = field(default_factory=deque)
    _again: deque[CompanyId] = field(default_factory=deque)
    _place: int = 0
    _exhausted: bool = False
    _paging: asyncio.Lock = field(default_factory=asyncio.Lock)
    _failure: Exception | None = None

    async def run(self) -> None:
        """Walk every company that has something to do; raise what stopped the run, if anything did."""
        workers = [asyncio.ensure_future(self._work()) for _ in range(self.concurrency)]
        await asyncio.wait(workers)
        for worker in workers:
            worker.result()
        if self._failure is not None:
            raise self._failure
        self.draining.check()

    async def _work(self) -> None:
        while not self.draining.active:
            company = await self._next()
            if company is None:
                return
            if await self._walk(company):
                self._again.append(company)

    async def _next(self) -> CompanyId | None:
        async with self._paging:
            if not self._fresh and not self._exhausted:
                page = await self.kit.journal.companies.page_with_open_work(
                    after=self._place, limit=PAGE, auto_retry=self.kit.limits.auto_retry
                )
                self._exhausted = len(page) < PAGE
                self._fresh.extend(company for _, company in page)
                self._place = page[-1][0] if page else self._place
            if self._fresh:
                return self._fresh.popleft()
            return self._again.popleft() if self._again else None

    async def _walk(self, company: CompanyId) -> bool:
        """Walk one company's turn, behind the border that keeps its trouble from the others."""
        journal, note = self.kit.journal, self.kit.note
        try:
            await journal.companies.claim(company)
            note("company_taken", company=company)
            return await walk_company(company, self.kit)
        except CompanyHeld as hold:
            await journal.companies.hold(company, code=hold.code, message=hold.message, hint=hold.hint)
            note("company_held", company=company, code=hold.code, message=hold.message, hint=hold.hint)
        except RequestError as error:
            note("company_left", company=company, code=error.code, message=error.message)
        except RunStopped as stop:
            self.draining.start(stop)
        except Exception as error:  # noqa: BLE001 - raised again by run(), after the others have come to their end
            self._failure = self._failure or error
            self.draining.start(RunStopped("The run ends because of an unforeseen error."))
        finally:
            note("company_let_go", company=company)
        return False
