"""The wire: the one module that speaks HTTP."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from runner import __version__
from runner.clock import Clock, SystemClock
from runner.codat.address import BASE_URL, checked_address, checked_source
from runner.codat.credential import Credential
from runner.codat.messages import Begin, Request, Response
from runner.codat.texts import cleaned
from runner.errors import NotSent, OutcomeUnknown, RequestError

if TYPE_CHECKING:
    from aiohttp.connector import Connection

MAX_ANSWER = 64 * 1024 * 1024

_FREE_UPLOAD = 2 * 1024 * 1024
_SLOWEST_UPLOAD = 128 * 1024
_IDLE = 10.0

_NEVER_ARRIVED = (
    # Name resolution, refused and unreachable hosts, TLS handshakes and certificates.
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
)


_check: ContextVar[Callable[[], None]] = ContextVar("check")
"""What the request that this task is sending has to pass once its connection stands."""


class _InTime(aiohttp.ClientRequest):
    """A request that is looked at right before its first byte."""

    async def send(self, conn: "Connection") -> aiohttp.ClientResponse:
        """Send it, unless it is held back."""
        _check.get()()
        return await super().send(conn)


class HttpTransport:
    """Sends requests with a session of aiohttp's for each source address; an async context manager.

    Redirects, proxies of the environment and cookies are not followed, used or kept. Certificates are always
    verified. aiohttp repeats a request by itself only where its method is idempotent and a kept connection
    turns out to be closed; a POST it never repeats, so that case is an unknown outcome here.

    `connect_timeout` and `total_timeout` are seconds. What a body has beyond 2 MB adds the time that it takes
    at 128 kB a second.

    `sources` are the addresses of this machine that requests may name as theirs; None is the system's choice.

    Raises `ConfigurationWrong` where the base URL is not https (http is allowed to this machine itself), and
    when it is opened where the machine does not have a source address.
    """

    def __init__(
        self,
        *,
        base_url: str = BASE_URL,
        credential: Credential,
        connect_timeout: float = 10.0,
        total_timeout: float = 60.0,
        max_answer: int = MAX_ANSWER,
        sources: Sequence[str | None] = (None,),
        clock: Clock | None = None,
    ) -> None:
        self._base = checked_address(base_url)
        self._credential = credential
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._max_answer = max_answer
        self._sources = sources
        self._clock = clock or SystemClock()
        self._sessions: dict[str | None, aiohttp.ClientSession] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the sessions."""
        connectors = {source: _connector(source) for source in self._sources}
        for source, connector in connectors.items():
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"expense-runner/{__version__}"},
                trust_env=False,
                request_class=_InTime,
            )
            self._sessions[source] = await self._open.enter_async_context(session)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close the sessions and their connections."""
        self._sessions.clear()
        await self._open.aclose()

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request; see `Transport.send`."""
        session = self._sessions.get(request.source)
        if session is None:
            raise RuntimeError("the transport is not open, or not for this source address")
        if begin is not None:
            await begin(request)
        fault: RequestError
        checking = _check.set(partial(self._require_in_time, request))
        try:
            return await self._exchange(session, request)
        except _NEVER_ARRIVED as error:
            fault = NotSent(f"Codat could not be reached: {self._named(error)}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = OutcomeUnknown(f"The answer was lost: {self._named(error)}", received=False)
        finally:
            _check.reset(checking)
        # Raised out here, so that no chained exception of aiohttp's carries the request's headers along.
        raise fault

    def _require_in_time(self, request: Request) -> None:
        if request.is_late(self._clock.boottime()):
            raise NotSent("The request was held up for too long before it could leave: it was not sent.")

    async def _exchange(self, session: aiohttp.ClientSession, request: Request) -> Response:
        async with session.request(
            request.method,
            self._url(request),
            data=request.body,
            headers={**request.headers, "Authorization": self._credential.header()},
            allow_redirects=False,
            timeout=self._timeout(request),
        ) as answer:
            # A server may send back what it was sent: what went out with the request shall not come in as a text
            # that is logged, shown and kept in the journal.
            headers = {name.lower(): self._credential.hidden(value) for name, value in answer.headers.items()}
            body = await self._body(answer)
            return Response(answer.status, headers, self._credential.hidden_data(body))

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        """Read the body up to the cap; only a 2xx must be whole, any other status speaks for itself."""
        must_be_whole = 200 <= answer.status < 300
        read = bytearray()
        try:
            async for chunk in answer.content.iter_any():
                if len(read) + len(chunk) > self._max_answer:
                    if must_be_whole:
                        raise aiohttp.ClientPayloadError(f"more than {self._max_answer} bytes")
                    break
                read += chunk
        except (aiohttp.ClientError, TimeoutError, OSError):
            if must_be_whole:
                raise
        return bytes(read)

    def _named(self, error: BaseException) -> str:
        text = cleaned(self._credential.hidden(str(error)), limit=300)
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _url(self, request: Request) -> URL:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return URL(f"{self._base}{request.path}{query}", encoded=True)

    def _timeout(self, request: Request) -> aiohttp.ClientTimeout:
        extra = max(0, len(request.body or b"") - _FREE_UPLOAD) / _SLOWEST_UPLOAD
        return aiohttp.ClientTimeout(total=self._total_timeout + extra, connect=self._connect_timeout)


def _connector(source: str | None) -> aiohttp.TCPConnector:
    # The governor limits what is in flight; a queue in here would count against the connect timeout.
    if source is None:
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE)
    family = checked_source(source)
    return aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE, local_addr=(source, 0), family=family)


__all__ = ["BASE_URL", "HttpTransport"]
