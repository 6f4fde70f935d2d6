"""The intention to have one effect: written down each time its request leaves, settled when it is over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runner.codat.messages import Request
from runner.domain.ids import AttemptNo, IdempotencyKey
from runner.domain.states import Outcome
from runner.errors import AccountLimited, KeyRefused, NotReady, OutcomeUnknown, Refused, RunnerError
from runner.journal.attempts import Attempts, End


@dataclass(slots=True)
class Intent:
    """An idempotency key and the attempt it belongs to, once that is on disk."""

    key: IdempotencyKey
    first: Callable[[bytes], Awaitable[AttemptNo]]
    """Writes the attempt, given the hash of its body."""
    attempts: Attempts
    attempt: AttemptNo | None = None
    """None as long as nothing has left: then there is nothing to settle either."""

    async def begin(self, request: Request) -> None:
        """Write down that the request is about to leave; to be awaited once it is admitted."""
        if self.attempt is None:
            self.attempt = await self.first(request.body_hash())
        else:
            await self.attempts.again(self.attempt)


def end_of(error: RunnerError) -> End:
    """Say what an error means for the attempt that met it.

    Unknown is what was sent and not answered (a 409 included: the same key may still be worked on). Everything
    else was refused, or is certain not to have been done: a limit or a signal stops a request only before it
    leaves, or after answers that say that it was not done.
    """
    correlation = error.correlation_id
    match error:
        case OutcomeUnknown():
            return End(Outcome.UNKNOWN, error.received, error.status, correlation, error.message)
        case NotReady():
            return End(Outcome.UNKNOWN, http_status=409, correlation_id=correlation, detail=error.message)
        case Refused():
            return End(Outcome.REFUSED, http_status=error.status, correlation_id=correlation, detail=error.message)
        case KeyRefused() | AccountLimited():
            return End(Outcome.REFUSED, correlation_id=correlation, detail=error.message)
        case _:
            return End(Outcome.NOT_SENT, correlation_id=correlation, detail=error.message)
