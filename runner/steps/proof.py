"""Whether this account honours idempotency keys: found out at most once a run, by a probe without effect."""

import asyncio

from runner.codat.client import Codat
from runner.domain.ids import CompanyId
from runner.errors import RequestError
from runner.journal.journal import Journal


class KeyProof:
    """Trusts a key only where it is proven: an account that ignores them must still come out right."""

    def __init__(self, codat: Codat, journal: Journal) -> None:
        self._codat = codat
        self._journal = journal
        self._known: bool | None = None
        self._asking = asyncio.Lock()

    async def honoured(self, company: CompanyId) -> bool:
        """Say whether replaying a key recovers its first answer; asked only when a doubt needs it."""
        async with self._asking:
            if self._known is None:
                try:
                    self._known = await self._codat.keys_are_honoured(company)
                except RequestError:
                    # Not proven today, then; the way without keys is slower and always there.
                    self._known = False
                await self._journal.runs.record_keys_honoured(self._known)
            return self._known
