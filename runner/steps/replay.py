"""Sending the same key and body again: it can only recover the first answer, where keys are honoured."""

from runner.codat.messages import Request
from runner.domain.ids import AttemptNo, CompanyId
from runner.domain.states import Outcome
from runner.errors import RequestError
from runner.journal.attempts import Attempts
from runner.journal.records import Attempt
from runner.steps.intent import Intent
from runner.steps.kit import Kit

KEY_LIFE = 80 * 60.0
"""Seconds after its first use for which a key is relied on; Codat promises 90 minutes."""

PAUSES = (2.0, 5.0, 15.0, 30.0)
"""Seconds between replays that get no definite answer either; after them other ways are taken."""


def is_young(attempt: Attempt, kit: Kit) -> bool:
    """Say whether the attempt's key still stands for it: unanswered, and young by every clock that tells.

    Where too few tell, it is taken for old: an old key posts again.
    """
    return _is_open(attempt) and kit.journal.ages.at_most(attempt.first) < KEY_LIFE


async def may_replay(company: CompanyId, attempt: Attempt, kit: Kit) -> bool:
    """Say whether replaying the attempt is safe: its key is young, and this account is proven to honour keys."""
    if not _is_open(attempt) or kit.journal.ages.oldest(attempt.first) >= KEY_LIFE:
        return False
    # Asked before the age of what another boot has sent, which only answers prove.
    return await kit.proofs.keys_honoured(company) and is_young(attempt, kit)


def _is_open(attempt: Attempt) -> bool:
    return not attempt.received and attempt.outcome in {None, Outcome.UNKNOWN}


class OtherBody(RequestError):
    """The request would not have the bytes that were sent first: the key must not be used for it."""

    code = "other_body"


class SameBody:
    """Lets a replay leave only with the very bytes of its attempt."""

    def __init__(self, attempt: Attempt, attempts: Attempts) -> None:
        self._attempt = attempt
        self._intent = Intent(attempt.key, _exists, attempts, attempt.no)

    async def begin(self, request: Request) -> None:
        """Note that the request leaves once more; raise `OtherBody` where it is not the same one."""
        if request.body_hash() != self._attempt.body_hash:
            raise OtherBody("the request would differ from the one that was sent first")
        await self._intent.begin(request)


async def _exists(_body_hash: bytes) -> AttemptNo:
    raise AssertionError("a replay belongs to an attempt that exists")
