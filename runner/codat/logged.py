"""One log event a request, without anything secret or private in it."""

from collections import Counter

from runner.clock import Clock, SystemClock
from runner.codat.answers import correlation_id_of
from runner.codat.messages import Begin, Request, Response, Transport
from runner.codat.routes import route_of
from runner.errors import RequestError
from runner.logs import Log

FEW = 5
"""Faults of one kind that are warned of one by one."""


class Logged:
    """Logs each request as `request`: at debug if it went well, as a warning if not.

    Of faults that are alike the first few are warned of, and then, with their number so far, those at which it has
    doubled: where nothing answers, thousands would say the same. The others are logged at info. So are refusals
    that a probe was sent for.

    Says the method, the route, the company, the status, the milliseconds and Codat's correlation id; never a
    header, a query or a payload. Belongs below the gate, so that the milliseconds are the wire's.
    """

    def __init__(self, inner: Transport, log: Log, *, clock: Clock | None = None) -> None:
        self._inner = inner
        self._log = log
        self._clock = clock or SystemClock()
        self._alike: Counter[str] = Counter()
        """Faults so far by their kind: a status, or the code of an error."""

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request and log it; see `Transport.send`."""
        log = self._log.bind(method=request.method, route=route_of(request).value, company=request.company)
        started = self._clock.monotonic()
        try:
            response = await self._inner.send(request, begin)
        except RequestError as error:
            self._say_fault(log, error.code, fault=error.code, reason=error.message, milliseconds=self._since(started))
            raise
        facts = {
            "status": response.status,
            "milliseconds": self._since(started),
            "correlation_id": correlation_id_of(response),
        }
        if response.status in request.expected:
            log.info("request", **facts, expected="a probe, sent to be refused so: nothing came of it")
        elif response.status < 400:
            log.debug("request", **facts)
        else:
            self._say_fault(log, str(response.status), **facts)
        return response

    def _say_fault(self, log: Log, kind: str, **facts: object) -> None:
        self._alike[kind] += 1
        count = self._alike[kind]
        if count <= FEW:
            log.warning("request", **facts)
        elif count % FEW == 0 and (count // FEW).bit_count() == 1:
            log.warning("request", **facts, alike=count)
        else:
            log.info("request", **facts)

    def _since(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1_000)
