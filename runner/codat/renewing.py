"""A key that is changed while a run is under way."""

import asyncio

from runner.codat.credential import Credential
from runner.codat.messages import Begin, Request, Response, Transport
from runner.errors import ConfigurationWrong
from runner.logs import Log


class Renewing:
    """Reads the key again where Codat refuses it, and sends the request once more if it is another one.

    A 401 is definite: the request was not done, so that sending it again under the same idempotency key and the same
    intention doubles nothing. A key that was read again in vain is not read once more: the refusal ends the run.
    Belongs above counting, below the gate.
    """

    def __init__(self, inner: Transport, credential: Credential, log: Log) -> None:
        self._inner = inner
        self._credential = credential
        self._log = log
        self._reading = asyncio.Lock()
        self._refused: str | None = None

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request; see `Transport.send`."""
        before = self._credential.header()
        response = await self._inner.send(request, begin)
        if response.status != 401 or not await self._renewed(before):
            return response
        return await self._inner.send(request)

    async def _renewed(self, before: str) -> bool:
        """Say whether there is another key than the one that was refused."""
        async with self._reading:
            if self._credential.header() != before:
                # Another request that was under way has found it.
                return True
            if self._refused == before:
                return False
            self._refused = before
            renewed = await self._read_again()
            self._log.warning("key_renewed" if renewed else "key_refused", source=self._credential.source)
            return renewed

    async def _read_again(self) -> bool:
        if self._credential.again is None:
            return False
        try:
            return self._credential.renew(await self._credential.again())
        except ConfigurationWrong as error:
            self._log.warning("key_not_read_again", reason=error.message)
            return False
