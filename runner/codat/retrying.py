"""Asking again where that is harmless, at the pace the service asks for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from runner.backoff import Backoff, Jitter
from runner.clock import Clock
from runner.codat.answers import retry_after
from runner.codat.draining import Draining
from runner.codat.messages import Begin, Request, Response, Transport
from runner.errors import BudgetReached, NotSent, OutcomeUnknown, RunStopped

OnRetry = Callable[[Request, str], None]
"""Told of each retry: the request, and its cause: `not_sent`, `outcome_unknown`, or a status as text."""

MAX_PAUSE = 300.0

_EFFECT_STATUSES = frozenset({409, 429})
_READ_STATUSES = frozenset({408, 409, 425, 429})


class Retrying:
    """Sends a request again, the same one with the same key, where that cannot double anything.

    A read is repeated after `NotSent`, `OutcomeUnknown`, 408, 409, 425, 429 and any 5xx. An effect is
    repeated only after what says that it was not done: `NotSent`, 409, 429. An effect's unknown outcome and
    its 5xx go up at once: what to do about them is the steps' business (ask first, never repeat blindly).

    After `backoff.attempts` retries the last answer is returned, or the last error raised. A pause ends early
    when draining begins.

    `RunStopped` raised here means that the request, even if it left before, was definitely not done by any of
    these sends: whatever came back of them allowed a retry.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        clock: Clock,
        jitter: Jitter,
        backoff: Backoff,
        on_retry: OnRetry | None = None,
        max_pause: float = MAX_PAUSE,
        draining: Draining | None = None,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._jitter = jitter
        self._backoff = backoff
        self._on_retry = on_retry
        self._max_pause = max_pause
        self._draining = draining

    async def send(self, request: Request, begin: Begin | None = None) -> Response:
        """Send the request until its answer is one to go on with; see `Transport.send`.

        Raises `BudgetReached` where the answer asks for a pause longer than `max_pause` seconds.
        """
        doubt = _Doubt()
        try:
            response = await self._send(request, begin, doubt)
        except (NotSent, RunStopped) as error:
            if doubt.working:
                raise doubt.unknown(error.message, None) from error
            raise
        if doubt.working and 400 <= response.status < 500 and response.status != 409:
            raise doubt.unknown(f"after a 409 it was answered with {response.status}", response.status)
        return response

    async def _send(self, request: Request, begin: Begin | None, doubt: "_Doubt") -> Response:
        for longest in self._backoff.steps():
            asked: float | None = None
            try:
                response = await self._inner.send(request, begin)
            except (NotSent, OutcomeUnknown) as error:
                if request.is_effect and isinstance(error, OutcomeUnknown):
                    raise
                cause = error.code
            else:
                if not _may_repeat(request, response.status):
                    return response
                cause = str(response.status)
                doubt.working = doubt.working or (request.is_effect and response.status == 409)
                asked = retry_after(response, now=self._clock.now())
            await self._pause(asked or self._jitter(0.0, longest))
            if self._on_retry is not None:
                self._on_retry(request, cause)
        return await self._inner.send(request, begin)

    async def _pause(self, seconds: float) -> None:
        if seconds > self._max_pause:
            raise BudgetReached(
                f"Codat asks for a pause of {seconds:.0f} seconds, longer than this run waits.",
                resume_at=self._later(seconds),
                hint="Run again at that time: running again goes on where this run ended.",
            )
        if self._draining is None:
            await self._clock.sleep(seconds)
            return
        self._draining.check()
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        ending = asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
            if sleeping.done():
                sleeping.result()
        finally:
            sleeping.cancel()
            ending.cancel()
        self._draining.check()

    def _later(self, seconds: float) -> str | None:
        try:
            return (self._clock.now() + timedelta(seconds=seconds)).isoformat(timespec="seconds")
        except OverflowError:
            return None


@dataclass(slots=True)
class _Doubt:
    """Whether a copy of the request, delivered twice by the network, may still be at work under its key.

    Codat says so with a 409, which it also says of what is not ready: then only a 2xx is definite any more.
    """

    working: bool = False

    @staticmethod
    def unknown(message: str, status: int | None) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Codat was at work on this request, and its end is not known: {message}", received=False, status=status
        )


def _may_repeat(request: Request, status: int) -> bool:
    if request.is_effect:
        return status in _EFFECT_STATUSES
    # 501 is no trouble that passes: the service says that it has no such thing.
    return status in _READ_STATUSES or (status >= 500 and status != 501)
