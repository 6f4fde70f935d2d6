"""Creating datasets: harmless to repeat, because a dataset posts nothing until a sync of it is started."""

from collections.abc import Sequence

from runner.domain.ids import AttemptNo, CompanyId
from runner.domain.remote import Created
from runner.domain.states import Outcome
from runner.errors import ConfigurationWrong, IdRepeated, OutcomeUnknown, Refused, RequestError, RunStopped
from runner.journal.attempts import End
from runner.journal.records import Contents, Draft, Sync
from runner.steps.holds import held_by_refusal, held_by_repeated_id
from runner.steps.intent import Intent, end_of
from runner.steps.isolation import can_isolate, isolate
from runner.steps.kit import Kit
from runner.steps.looking import count_lost, look_until_quiet
from runner.steps.named import named_known, named_stranger
from runner.steps.replay import is_young, may_replay
from runner.together import each


async def create_datasets(company: CompanyId, drafts: Sequence[Draft], kit: Kit) -> list[Draft]:
    """Make a dataset of every draft; return the drafts that have one now.

    A draft that is refused is split until what is wrong stands alone; its good parts come back with the others.
    """
    stored: list[Draft] = []
    pending = list(drafts)
    while pending:
        results = await each(
            pending, lambda draft: create_dataset(company, draft, kit), limit=kit.limits.creates_in_flight
        )
        parts = [part for result in results for part in result]
        stored += [draft for draft in parts if draft.dataset_id is not None]
        pending = [draft for draft in parts if draft.dataset_id is None]
    return sorted(stored, key=lambda draft: draft.no)


async def create_dataset(company: CompanyId, draft: Draft, kit: Kit) -> list[Draft]:
    """Make a dataset of one draft: recall, begin, act, record.

    Returns the draft with its dataset, or the parts it had to be split into.
    """
    if draft.dataset_id is not None:
        return [draft]
    contents = await kit.journal.drafts.contents(draft)
    if not contents.ids:
        return await kit.journal.drafts.split(company, draft, groups=(), verdicts={}, reason="nothing left to send")
    intent = await _intent(company, draft, contents, kit)
    for delay in [*kit.limits.unknown.delays(kit.jitter), None]:
        try:
            return await _create(company, draft, contents, intent, kit)
        except OutcomeUnknown as error:
            if delay is None:
                raise
            if error.received:
                # A 5xx is cached under its key: only a new key can have another answer.
                intent = _fresh(company, draft, kit)
            await kit.pause(delay)
            await _meet_unexpected_sync(company, draft, contents, kit)
    raise AssertionError("the last delay is None")


async def _create(company: CompanyId, draft: Draft, contents: Contents, intent: Intent, kit: Kit) -> list[Draft]:
    try:
        created = await kit.codat.create(company, contents.payloads, key=intent.key, begin=intent.begin)
    except Refused as refusal:
        if intent.attempt is None:
            raise
        if can_isolate(refusal):
            return await isolate(company, draft, contents, refusal, intent.attempt, kit)
        await kit.journal.attempts.record(intent.attempt, end_of(refusal))
        raise held_by_refusal(refusal) from refusal
    except (RequestError, RunStopped) as error:
        if intent.attempt is not None:
            await kit.journal.attempts.record(intent.attempt, end_of(error))
        raise
    assert intent.attempt is not None  # noqa: S101 - an answered effect was begun
    try:
        return [await _record(company, draft, created, intent.attempt, kit)]
    except IdRepeated as repeated:
        await kit.journal.attempts.record_unbelieved(intent.attempt, repeated)
        raise held_by_repeated_id(repeated) from repeated


async def _record(company: CompanyId, draft: Draft, created: Created, attempt: AttemptNo, kit: Kit) -> Draft:
    if created.sync_id is not None:
        await kit.journal.syncs.record_started_by_create(company, draft, created.sync_id, attempt)
        raise _speaks_direct()
    assert created.dataset_id is not None  # noqa: S101 - one of the two is always read
    stored = await kit.journal.drafts.record_stored(draft, created.dataset_id, attempt)
    kit.note("dataset_created", company=company, draft=draft.no, dataset=created.dataset_id, expenses=draft.size)
    return stored


async def _meet_unexpected_sync(company: CompanyId, draft: Draft, contents: Contents, kit: Kit) -> None:
    """Find out, before an unanswered create is repeated, whether it has started a sync against the settings.

    It would in an account that speaks the direct flow, and then repeating it is not harmless at all. Only a create
    of this run that was answered with a dataset shows that creates store: no request asks for that, because one that
    names no dataset could itself be taken for an order. Else the same key recovers the answer where it may be
    trusted, or the sync is looked for until it is certain not to come.
    """
    if await kit.journal.companies.datasets_proven():
        return
    attempt = await kit.journal.attempts.of_draft(draft.no)
    if attempt is None or await may_replay(company, attempt, kit):
        return
    found = await look_until_quiet(company, contents.ids, attempt, kit, moot=kit.journal.companies.datasets_proven)
    if found is not None:
        await kit.journal.syncs.record_started_by_create(company, draft, found, attempt.no, adopted=True)
        raise _speaks_direct()
    count_lost(company, kit)


async def find_started_by_create(company: CompanyId, draft: Draft, kit: Kit) -> Sync | None:
    """Settle a create that got no answer while the dataset flow was set, now that the direct flow is.

    In an account that speaks the direct flow it may have started a sync: that one is followed, not a second one
    started. None where there was no such create, or where it is certain to have come to nothing.
    """
    attempt = await kit.journal.attempts.of_draft(draft.no)
    if attempt is None or attempt.outcome not in {None, Outcome.UNKNOWN}:
        return None
    contents = await kit.journal.drafts.contents(draft)
    found = await look_until_quiet(company, contents.ids, attempt, kit)
    if found is not None:
        return await kit.journal.syncs.record_started_by_create(company, draft, found, attempt.no, adopted=True)
    await kit.journal.attempts.record(attempt.no, End(Outcome.ABSENT, detail="no sync of it at Codat"))
    return None


async def settle_misnamed(company: CompanyId, kit: Kit) -> list[Sync]:
    """Settle creates whose answers could not be believed; return the syncs that they turn out to have started.

    Expenses that stand in what the answer named are judged there, and the others are free to be created again.
    """
    started = []
    for draft in await kit.journal.drafts.misnamed(company):
        attempt = await kit.journal.attempts.of_draft(draft.no)
        assert attempt is not None  # noqa: S101 - it is what leaves the draft in doubt
        ours = (await kit.journal.drafts.contents(draft)).ids
        found = await look_until_quiet(company, ours, attempt, kit, moot=kit.journal.companies.datasets_proven)
        found = found or await named_stranger(company, ours, attempt, kit)
        if found is None:
            elsewhere = await named_known(company, ours, attempt, kit)
            await kit.journal.syncs.record_in_named(company, [draft], attempt.no, elsewhere)
            continue
        started.append(
            await kit.journal.syncs.record_started_by_create(company, draft, found, attempt.no, adopted=True)
        )
        if kit.codat.flow.creates_datasets:
            raise _speaks_direct()
    return started


def _speaks_direct() -> ConfigurationWrong:
    return ConfigurationWrong(
        "This Codat account speaks the direct flow: creating expenses started a sync at once.",
        hint='Set flow = "direct" (or --flow direct) and run again; that sync is recorded and will be followed.',
    )


async def _intent(company: CompanyId, draft: Draft, contents: Contents, kit: Kit) -> Intent:
    """Take up an unanswered attempt of an earlier life under its key while that is young, else begin anew."""
    intent = _fresh(company, draft, kit)
    earlier = await kit.journal.attempts.of_draft(draft.no)
    if earlier is None or earlier.outcome not in {None, Outcome.UNKNOWN}:
        return intent
    await _meet_unexpected_sync(company, draft, contents, kit)
    if not is_young(earlier, kit):
        return intent
    intent.key, intent.attempt = earlier.key, earlier.no
    return intent


def _fresh(company: CompanyId, draft: Draft, kit: Kit) -> Intent:
    key = kit.new_key()
    return Intent(
        key,
        lambda body_hash: kit.journal.drafts.begin_create(company, draft, key=key, body_hash=body_hash),
        kit.journal.attempts,
    )
