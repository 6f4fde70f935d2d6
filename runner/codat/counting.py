"""How many requests a run made: they are scarce, and the run's summary says what became of them."""

from collections import Counter
from dataclasses import dataclass, field

from runner.codat.messages import Begin, Request, Response, Transport
from runner.codat.routes import route_of


@dataclass(slots=True)
class RequestCounts:
    """Requests of one run; a retry counts as a request of its own."""

    total: int = 0
    retried: int = 0
    rate_limited: int = 0
    ended: int = 0
    """Those that have got their answer, or an error: the others are under way."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Route to number of requests."""

    def retry(self, _request: Request, _cause: str) -> None:
        """Count a retry; fits `Retrying`'s `on_retry`."""
        self.retried += 1


class Counting:
    """Counts what passes; belongs right above the wire."""

    def __init__(self, inner: Transport, *, counts: RequestCounts) -> None:
        self._inner = inner
        self._counts = counts

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request and count it; see `Transport.send`."""
        self._counts.total += 1
        self._counts.by_kind[route_of(request).value] += 1
        try:
            response = await self._inner.send(request, begin)
        finally:
            self._counts.ended += 1
        if response.status == 429:
            self._counts.rate_limited += 1
        return response
