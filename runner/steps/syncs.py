"""Starting a sync: the request that may post, so it is never repeated blindly."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.domain.ids import AttemptNo, CompanyId, IdempotencyKey, SyncNo, uuids_in
from runner.domain.remote import Created
from runner.domain.states import SyncState
from runner.errors import (
    CompanyHeld,
    ConfigurationWrong,
    IdRepeated,
    NotReady,
    OutcomeUnknown,
    Refused,
    RequestError,
    RunStopped,
)
from runner.journal.attempts import End
from runner.journal.records import Draft, Sync
from runner.steps.holds import find_company, held_by_refusal, held_by_repeated_id
from runner.steps.intent import Intent, end_of
from runner.steps.isolation import can_isolate, isolate_started
from runner.steps.kit import Kit
from runner.steps.looking import remember_others
from runner.steps.reconcile import reconcile
from runner.steps.starting import request_start


@dataclass(slots=True)
class Start:
    """A sync about to be started, and what the journal knows of that."""

    company: CompanyId
    drafts: Sequence[Draft]
    kit: Kit
    key: IdempotencyKey
    intent: Intent = field(init=False)
    sync_no: SyncNo | None = None

    def __post_init__(self) -> None:
        self.intent = Intent(self.key, self._begin, self.kit.journal.attempts)

    async def _begin(self, body_hash: bytes) -> AttemptNo:
        self.sync_no, attempt = await self.kit.journal.syncs.begin(
            self.company, self.drafts, key=self.key, body_hash=body_hash
        )
        return attempt

    async def void(self, fact: End) -> None:
        """Record that the sync never came to be, if it was begun at all."""
        if self.sync_no is not None and self.intent.attempt is not None:
            await self.kit.journal.syncs.record_void(self.sync_no, self.intent.attempt, fact)


async def start_sync(company: CompanyId, drafts: Sequence[Draft], kit: Kit) -> Sync | None:
    """Start one sync over these drafts: begin, act, record.

    Returns None where it was refused or lost, and the drafts, whole or split, are open again. Raises `LookLater`
    where it got no answer and is not settled yet.
    """
    await remember_others(company, kit)
    start = Start(company, drafts, kit, kit.new_key())
    try:
        created = await request_start(company, drafts, kit, key=start.key, begin=start.intent.begin)
    except (OutcomeUnknown, NotReady) as error:
        if start.sync_no is None or start.intent.attempt is None:
            raise
        await kit.journal.attempts.record(start.intent.attempt, end_of(error))
        kit.note("start_unanswered", company=company, sync_no=start.sync_no, error=error.message)
        return await reconcile(company, Sync(start.sync_no, None, SyncState.STARTING, None, None), kit)
    except Refused as refusal:
        await start.void(end_of(refusal))
        await _meet_refusal(company, drafts, refusal, kit)
        return None
    except (RequestError, RunStopped) as error:
        await start.void(end_of(error))
        raise
    return await _record(start, created)


async def _record(start: Start, created: Created) -> Sync:
    kit = start.kit
    assert start.sync_no is not None  # noqa: S101 - an answered effect was begun
    assert start.intent.attempt is not None  # noqa: S101
    try:
        return await _record_answer(start, start.sync_no, start.intent.attempt, created)
    except IdRepeated as repeated:
        await kit.journal.attempts.record_unbelieved(start.intent.attempt, repeated)
        raise held_by_repeated_id(repeated) from repeated


async def _record_answer(start: Start, number: SyncNo, attempt: AttemptNo, created: Created) -> Sync:
    kit = start.kit
    if created.sync_id is None:
        assert created.dataset_id is not None  # noqa: S101 - one of the two is always read
        await kit.journal.syncs.record_stored_instead(number, start.drafts[0], created.dataset_id, attempt)
        raise ConfigurationWrong(
            "This Codat account speaks the dataset flow: creating expenses only stored them, nothing was posted.",
            hint='Set flow = "datasets" (or --flow datasets) and run again; what is stored will be used.',
        )
    running = await kit.journal.syncs.record_running(number, created.sync_id, attempt)
    kit.note(
        "sync_started",
        company=start.company,
        sync=created.sync_id,
        drafts=len(start.drafts),
        expenses=sum(draft.size for draft in start.drafts),
    )
    kit.polls.of(start.company).started(created.sync_id, now=kit.clock.monotonic(), wait=kit.limits.wait)
    return running


async def _meet_refusal(company: CompanyId, drafts: Sequence[Draft], refusal: Refused, kit: Kit) -> None:
    """Decide what follows from a refused start; the sync is void, the drafts are open again."""
    if refusal.status == 404 and kit.codat.flow.creates_datasets:
        await _meet_not_found(company, drafts, refusal, kit)
        return
    if not can_isolate(refusal):
        raise held_by_refusal(refusal) from refusal
    if await _forget(company, _named_datasets(drafts, refusal), kit):
        return
    if not await isolate_started(company, drafts, refusal, kit):
        if await _forget(company, drafts, kit):
            return
        raise CompanyHeld(
            f"Codat refuses to start a sync for this company: {refusal.message}",
            code="start_refused",
            hint="Ask Codat's support, with the correlation id; nothing was posted by this request.",
            correlation_id=refusal.correlation_id,
        ) from refusal


async def _meet_not_found(company: CompanyId, drafts: Sequence[Draft], refusal: Refused, kit: Kit) -> None:
    """Tell three things apart that Codat all answers with 404: no company, no dataset, no such endpoint."""
    if await find_company(company, kit.codat) is None:
        raise held_by_refusal(refusal) from refusal
    if await _forget(company, drafts, kit):
        return
    raise ConfigurationWrong(
        f"Codat has no endpoint to start syncs of datasets for this account (404: {refusal.message}).",
        hint='Set flow = "direct" (or --flow direct) and run again: nothing was posted, nothing is lost.',
    ) from refusal


def _named_datasets(drafts: Sequence[Draft], refusal: Refused) -> list[Draft]:
    """Return the drafts whose datasets a refusal names: the expenses themselves are not at fault then."""
    texts = [refusal.message, *(text for item in refusal.items for text in (item.item_id, item.message))]
    said = {found for text in texts for found in uuids_in(text)}
    return [draft for draft in drafts if draft.dataset_id in said]


async def _forget(company: CompanyId, drafts: Sequence[Draft], kit: Kit) -> bool:
    """Forget datasets that Codat has forgotten, so that they are created again, which is harmless.

    Only those of an earlier life: one that was stored just now and is not known would only be stored in vain again.
    """
    old = [draft for draft in drafts if draft.dataset_id is not None and draft.dataset_run != kit.journal.run]
    if old:
        await kit.journal.drafts.forget_datasets(old)
        kit.note("datasets_forgotten", company=company, drafts=len(old))
    return bool(old)
