"""Which companies are connected, of many at once: one list costs less than asking for each of them."""

import asyncio

from runner.codat.client import Codat
from runner.domain.ids import CompanyId
from runner.domain.preflight import FEW
from runner.errors import RequestError

PAGE_SIZE = 1_000


class Roster:
    """The list of companies, read at most once a run, and only where that is cheaper."""

    def __init__(self, codat: Codat, *, wanted: int) -> None:
        """`wanted`: companies of this run that something is to be sent for."""
        self._codat = codat
        self._wanted = wanted
        self._linked: set[CompanyId] | None = None
        self._reading = asyncio.Lock()

    async def lists_as_linked(self, company: CompanyId) -> bool:
        """Say whether the list shows the company as connected; a no only means that it must be asked for itself."""
        if self._wanted < FEW:
            return False
        async with self._reading:
            if self._linked is None:
                self._linked = set()
                try:
                    await self._read(self._linked)
                except RequestError:
                    # Each company is asked for itself, then.
                    return False
        return company in self._linked

    async def _read(self, linked: set[CompanyId]) -> None:
        received, number = 0, 1
        while True:
            page = await self._codat.companies(page=number, page_size=PAGE_SIZE)
            received += page.received
            linked.update(company for company, info in page.companies.items() if info.linked)
            left = (page.total or 0) - received
            # In an account of very many companies, further pages cost more than asking for those of this run.
            if left <= 0 or not page.received or left / page.received > self._wanted / FEW:
                return
            number += 1
