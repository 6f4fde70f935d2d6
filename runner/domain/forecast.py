"""How many requests the open work will take, if nothing goes wrong and every sync is looked at once."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is open of one company."""

    undrafted: int = 0
    """Expenses that are staged and in no draft yet."""
    drafted: int = 0
    """Drafts that are no datasets yet."""
    stored: int = 0
    """Datasets that are in no sync yet."""
    syncs: int = 0
    """Syncs that are not judged yet."""
    unfinished: int = 0
    """Those of them whose end is not known yet."""
    in_syncs: int = 0
    """Expenses in these syncs."""
    receipts: int = 0
    """Receipts that wait, and may be attached once their expenses are posted."""
    held: bool = False
    first: bool = False
    """Whether no sync of it is known yet: then Codat's list is read once, to know others' syncs from ours."""


@dataclass(frozen=True, slots=True)
class Batches:
    """How much goes into one request."""

    creates_datasets: bool
    """Whether a create only stores, or (direct flow) is the start of a sync as well."""
    draft_size: int
    """Expenses in a create."""
    drafts_a_sync: int
    """Datasets in a sync."""
    page_size: int
    """Transactions in one page of answers."""


def requests_for(work: Iterable[OpenWork], batches: Batches) -> int:
    """Return the requests that all this work takes."""
    return sum(_of_company(each, batches) for each in work)


def _of_company(work: OpenWork, batches: Batches) -> int:
    if work.held:
        # One look whether it is well again, and what is already at Codat is seen through.
        return 1 + _known_syncs(work, batches)
    new = _ceil(work.undrafted, batches.draft_size)
    listing = int(work.first)
    drafts = work.drafted + work.stored + new
    expenses = work.undrafted + (work.drafted + work.stored) * batches.draft_size
    if not batches.creates_datasets:
        # Each create is a sync: with its status and its page.
        return listing + 3 * drafts + _known_syncs(work, batches) + work.receipts
    syncs = _ceil(drafts, batches.drafts_a_sync)
    started = work.drafted + new + 2 * syncs + _pages(syncs, expenses, batches)
    return listing + started + _known_syncs(work, batches) + work.receipts


def _known_syncs(work: OpenWork, batches: Batches) -> int:
    return work.unfinished + _pages(work.syncs, work.in_syncs, batches)


def _pages(syncs: int, expenses: int, batches: Batches) -> int:
    """Return the pages of all these syncs together, evenly filled up to what a sync can hold."""
    if not syncs:
        return 0
    most = batches.drafts_a_sync * batches.draft_size
    full = min(syncs, expenses // most)
    last = max(0, expenses - full * most)
    return full * _ceil(most, batches.page_size) + (syncs - full) * max(1, _ceil(last, batches.page_size))


def _ceil(amount: int, size: int) -> int:
    return -(-amount // size)
