"""The first answer to each Idempotency-Key, replayed for ninety minutes."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from runner.simulator.values import Answer, Call, Refusal

Fingerprint = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer under its key."""

    fingerprint: Fingerprint
    answer: Answer
    first_at: float
    ready_at: float
    """Until then the first request is still being worked on."""


def fingerprint(call: Call) -> Fingerprint:
    """Return what must be the same when a key is used again."""
    # The body's digest, not the body: attachments would fill the memory for ninety minutes.
    return call.method, call.path, sha256(call.body).digest()


class IdempotencyKeys:
    """Every key that is still remembered."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def find(self, key: str, call: Call, *, now: float) -> Answer | None:
        """Return the answer to replay, None for a fresh key.

        Raises `Refusal` 422 where the key was used for another request, 409 while the first is still running.
        """
        self._forget(now)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.fingerprint != fingerprint(call):
            raise Refusal(422, "The idempotency key has been used for another request.")
        if now < kept.ready_at:
            raise Refusal(409, "A request with this idempotency key is still being processed.")
        return kept.answer

    def keep(self, key: str, call: Call, answer: Answer, *, now: float, ready_at: float) -> None:
        """Remember the first answer; whatever it is, but for 429, which the callers do not bring here."""
        self._kept.setdefault(key, Kept(fingerprint(call), answer, now, ready_at))

    def _forget(self, now: float) -> None:
        # Kept in the order of first use, and all live equally long: the expired ones stand in front.
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if now - oldest.first_at < self._seconds:
                return
            self._kept.popitem(last=False)
