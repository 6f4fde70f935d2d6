"""The request that starts a sync, in either flow."""

from collections.abc import Sequence

from runner.codat.messages import Begin
from runner.domain.ids import CompanyId, IdempotencyKey
from runner.domain.remote import Created
from runner.journal.records import Draft
from runner.steps.kit import Kit


async def request_start(
    company: CompanyId, drafts: Sequence[Draft], kit: Kit, *, key: IdempotencyKey, begin: Begin
) -> Created:
    """Send the request that starts a sync: an initiate of datasets, or in the direct flow the create itself.

    The same drafts always make the same bytes, so that a key can be replayed.
    """
    if kit.codat.flow.creates_datasets:
        datasets = [draft.dataset_id for draft in drafts if draft.dataset_id is not None]
        return await kit.codat.initiate(company, datasets, key=key, begin=begin)
    payloads: list[bytes] = []
    for draft in drafts:
        payloads += (await kit.journal.drafts.contents_of_any(draft)).payloads
    return await kit.codat.create(company, payloads, key=key, begin=begin)
