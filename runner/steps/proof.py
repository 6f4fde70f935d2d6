"""What is proven of this account: found out at most once a run, by a probe that cannot have an effect."""

import asyncio

from runner.codat.client import Codat
from runner.domain.ids import CompanyId
from runner.errors import RequestError
from runner.journal.journal import Journal


class Proofs:
    """Trusts an account only with what it has proven: one that ignores keys must still come out right."""

    def __init__(self, codat: Codat, journal: Journal) -> None:
        self._codat = codat
        self._journal = journal
        self._keys: bool | None = None
        self._asking = asyncio.Lock()

    async def keys_honoured(self, company: CompanyId) -> bool:
        """Say whether replaying a key recovers its first answer; asked only when a doubt needs it."""
        async with self._asking:
            if self._keys is None:
                try:
                    self._keys = await self._codat.keys_are_honoured(company)
                except RequestError:
                    # Not proven today, then; the way without keys is slower and always there.
                    self._keys = False
                await self._journal.runs.record_keys_honoured(self._keys)
            return self._keys
