"""The wire: the one module that speaks HTTP."""

import ipaddress
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from runner import __version__
from runner.codat.credential import Credential
from runner.codat.messages import Begin, Request, Response
from runner.codat.texts import cleaned
from runner.errors import ConfigurationWrong, NotSent, OutcomeUnknown, RequestError

BASE_URL = "https://api.codat.io"
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


class HttpTransport:
    """Sends requests with one session of aiohttp's; an async context manager.

    Redirects, proxies of the environment and cookies are not followed, used or kept. Certificates are always
    verified. aiohttp repeats a request by itself only where its method is idempotent and a kept connection
    turns out to be closed; a POST it never repeats, so that case is an unknown outcome here.

    `connect_timeout` and `total_timeout` are seconds. What a body has beyond 2 MB adds the time that it takes
    at 128 kB a second.

    Raises `ConfigurationWrong` where the base URL is not https (http is allowed to this machine itself).
    """

    def __init__(
        self,
        *,
        base_url: str = BASE_URL,
        credential: Credential,
        connect_timeout: float = 10.0,
        total_timeout: float = 60.0,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self._base = _checked(base_url)
        self._credential = credential
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._max_answer = max_answer
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            # The governor limits what is in flight; a queue in here would count against the connect timeout.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"expense-runner/{__version__}"},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request; see `Transport.send`."""
        if self._session is None:
            raise RuntimeError("the transport is not open")
        if begin is not None:
            await begin(request)
        fault: RequestError
        try:
            return await self._exchange(self._session, request)
        except _NEVER_ARRIVED as error:
            fault = NotSent(f"Codat could not be reached: {_named(error)}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = OutcomeUnknown(f"The answer was lost: {_named(error)}", received=False)
        # Raised out here, so that no chained exception of aiohttp's carries the request's headers along.
        raise fault

    async def _exchange(self, session: aiohttp.ClientSession, request: Request) -> Response:
        async with session.request(
            request.method,
            self._url(request),
            data=request.body,
            headers={**request.headers, "Authorization": self._credential.header()},
            allow_redirects=False,
            timeout=self._timeout(request),
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            body = await self._body(answer)
            return Response(answer.status, headers, body)

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

    def _url(self, request: Request) -> URL:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return URL(f"{self._base}{request.path}{query}", encoded=True)

    def _timeout(self, request: Request) -> aiohttp.ClientTimeout:
        extra = max(0, len(request.body or b"") - _FREE_UPLOAD) / _SLOWEST_UPLOAD
        return aiohttp.ClientTimeout(total=self._total_timeout + extra, connect=self._connect_timeout)


def _named(error: BaseException) -> str:
    text = cleaned(str(error), limit=300)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _checked(base_url: str) -> str:
    hint = f"Use something like {BASE_URL}; http only to this machine itself."
    try:
        url = URL(base_url)
    except ValueError:
        raise ConfigurationWrong("The base URL cannot be read.", hint=hint) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationWrong("The base URL must begin with https:// and name a host.", hint=hint)
    if url.user is not None or url.password is not None or url.raw_query_string or url.raw_fragment:
        raise ConfigurationWrong("The base URL must not carry a user, a password, a query or a fragment.", hint=hint)
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ConfigurationWrong(
            f"The base URL must be https: the key would go unencrypted to {cleaned(url.host, limit=100)}.",
            hint=hint,
        )
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


__all__ = ["BASE_URL", "HttpTransport"]
