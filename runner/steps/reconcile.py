"""Reconciling a sync of unknown fate: its start was begun, and no answer is known.

Codat's duplicate guard looks at completed transactions only. A second sync started while the first still runs
would double every expense in it. So an unanswered start is never repeated before it is certain that the first
one came to nothing:

1. where idempotency keys are proven to be honoured and the attempt is young, the same key and body are sent
   again, which can only recover the first answer;
2. otherwise the company's syncs are listed and the transactions of those the journal does not know are read:
   a sync that holds our expenses is adopted;
3. only when the quiescence time is over and two looks in a row found nothing is the sync void, and its drafts
   are free to be sent again, but for expenses that stand in a known sync which its answer named (`named`).
"""

from collections.abc import Sequence
from enum import Enum, auto

from runner.domain.ids import CompanyId
from runner.domain.states import Outcome
from runner.errors import IdRepeated, NotReady, OutcomeUnknown, Refused
from runner.journal.attempts import End
from runner.journal.records import Attempt, Draft, Sync
from runner.steps.holds import held_by_repeated_id
from runner.steps.intent import end_of
from runner.steps.kit import Kit
from runner.steps.looking import look_until_quiet
from runner.steps.named import named_known, named_stranger
from runner.steps.replay import PAUSES, OtherBody, SameBody, may_replay
from runner.steps.starting import request_start


async def reconcile(company: CompanyId, sync: Sync, kit: Kit) -> Sync | None:
    """Settle a sync of unknown fate: return it running, or None where it is proved never to have been.

    Raises `LookLater` while it is not certain, and what `look_until_quiet` raises.
    """
    attempt = await kit.journal.attempts.of_sync(sync.no)
    if attempt is None:
        raise RuntimeError(f"sync {sync.no} has no attempt")
    # Once a look has been taken, its key has told what it will.
    if attempt.no not in kit.polls.of(company).doubts and await may_replay(company, attempt, kit):
        running = await _replay(company, sync, attempt, kit)
        if running is not None:
            return running
        attempt = await kit.journal.attempts.of_sync(sync.no) or attempt
    return await _look(company, sync, attempt, kit)


class Answer(Enum):
    """What a replay got that does not settle the doubt."""

    LATER = auto()
    """Ask once more: the answer was lost again, or the first request is still being worked on."""
    NEVER = auto()
    """The key will not tell: an error is cached under it, it holds another body, or the replay was refused."""


async def _replay(company: CompanyId, sync: Sync, attempt: Attempt, kit: Kit) -> Sync | None:
    """Send the same key and body again, a few times; None where even that does not find the sync."""
    drafts = await kit.journal.syncs.drafts_of(sync.no)
    for pause in (*PAUSES, None):
        answer = await _replay_once(company, drafts, sync, attempt, kit)
        if isinstance(answer, Sync):
            return answer
        if answer is Answer.NEVER or pause is None:
            return None
        await kit.pause(pause)
    return None


async def _replay_once(
    company: CompanyId, drafts: Sequence[Draft], sync: Sync, attempt: Attempt, kit: Kit
) -> Sync | Answer:
    try:
        created = await request_start(
            company, drafts, kit, key=attempt.key, begin=SameBody(attempt, kit.journal.attempts).begin
        )
    except Refused:
        # It may be the answer that was lost. It may as well be a gateway's, which Codat keeps under no key, and
        # the first request still be on its way: only waiting tells.
        return Answer.NEVER
    except OutcomeUnknown as error:
        await kit.journal.attempts.record(attempt.no, end_of(error))
        return Answer.NEVER if error.received else Answer.LATER
    except NotReady:
        return Answer.LATER
    except OtherBody:
        return Answer.NEVER
    if created.sync_id is None:
        return Answer.NEVER
    try:
        running = await kit.journal.syncs.record_running(sync.no, created.sync_id, attempt.no)
    except IdRepeated as repeated:
        await kit.journal.attempts.record_unbelieved(attempt.no, repeated)
        raise held_by_repeated_id(repeated) from repeated
    kit.note("start_recovered", company=company, sync=created.sync_id)
    return running


async def _look(company: CompanyId, sync: Sync, attempt: Attempt, kit: Kit) -> Sync | None:
    ours = await kit.journal.syncs.expenses_of(sync.no)
    found = await look_until_quiet(company, ours, attempt, kit) or await named_stranger(company, ours, attempt, kit)
    if found is not None:
        kit.note("sync_adopted", company=company, sync=found)
        return await kit.journal.syncs.record_running(sync.no, found, attempt.no, adopted=True)
    if elsewhere := await named_known(company, ours, attempt, kit):
        drafts = await kit.journal.syncs.drafts_of(sync.no)
        await kit.journal.syncs.record_in_named(company, drafts, attempt.no, elsewhere, void=sync.no)
        return None
    fact = End(Outcome.ABSENT, detail=f"not at Codat after {kit.limits.quiescence:.0f} s of quiescence")
    await kit.journal.syncs.record_void(sync.no, attempt.no, fact)
    kit.note("start_absent", company=company, sync_no=sync.no)
    return None
