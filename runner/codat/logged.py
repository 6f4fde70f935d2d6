"""One log event a request, without anything secret or private in it."""

from structlog.typing import FilteringBoundLogger

from runner.clock import Clock, SystemClock
from runner.codat.answers import correlation_id_of
from runner.codat.messages import Begin, Request, Response, Transport
from runner.codat.routes import route_of
from runner.errors import RequestError


class Logged:
    """Logs each request as `request`: at debug if it went well, as a warning if not.

    Says the method, the route, the company, the status, the milliseconds and Codat's correlation id; never a
    header, a query or a payload. Belongs below the gate, so that the milliseconds are the wire's.
    """

    def __init__(self, inner: Transport, log: FilteringBoundLogger, *, clock: Clock | None = None) -> None:
        self._inner = inner
        self._log = log
        self._clock = clock or SystemClock()

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request and log it; see `Transport.send`."""
        log = self._log.bind(method=request.method, route=route_of(request).value, company=request.company)
        started = self._clock.monotonic()
        try:
            response = await self._inner.send(request, begin)
        except RequestError as error:
            log.warning("request", fault=error.code, reason=error.message, milliseconds=self._since(started))
            raise
        say = log.debug if response.status < 400 else log.warning
        say(
            "request",
            status=response.status,
            milliseconds=self._since(started),
            correlation_id=correlation_id_of(response),
        )
        return response

    def _since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1_000)
