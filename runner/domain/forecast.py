"""How many requests the open work will take, if nothing goes wrong and every sync is looked at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.domain.ids import CompanyNo
from runner.domain.preflight import FEW, Preflight


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is open of one company."""

    company_no: CompanyNo | None = None
    served_run: int = 0
    """The last earlier run in which anything was asked or sent for it; 0 where there was none."""
    undrafted: int = 0
    """Expenses that are staged and in no draft yet."""
    drafted: int = 0
    """Drafts that are no datasets yet."""
    stored: int = 0
    """Datasets that are in no sync yet."""
    in_drafts: int = 0
    """Expenses in drafts and datasets that are in no sync yet."""
    syncs: int = 0
    """Syncs that are not judged yet."""
    unfinished: int = 0
    """Those of them whose end is not known yet."""
    in_syncs: int = 0
    """Expenses in these syncs."""
    receipts: int = 0
    """Receipts that wait, and may be attached once their expenses are posted."""
    held: bool = False
    linked_seen: bool = False
    """Whether its connection was looked at lately, so that the preflight asks for nothing."""
    defaults_seen: bool = False
    options_seen: bool = False
    first: bool = False
    """Whether no sync of it is known yet: then Codat's list is read once, to know others' syncs from ours."""

    @property
    def open(self) -> int:
        """Return how many expenses and receipts are on their way."""
        return self.undrafted + self.in_drafts + self.in_syncs + self.receipts


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
    preflight: Preflight = Preflight.OFF


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests of each kind some work takes."""

    checks: int = 0
    """Of the preflight: what companies accept."""
    looks: int = 0
    """At held companies, whether they are well again."""
    lists: int = 0
    """Of a company's syncs, before its first one."""
    creates: int = 0
    """One for each draft; in the direct flow each starts a sync as well."""
    starts: int = 0
    statuses: int = 0
    pages: int = 0
    """Of transactions."""
    receipts: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        before = self.checks + self.looks + self.lists
        return before + self.creates + self.starts + self.statuses + self.pages + self.receipts

    def __add__(self, other: "Requests") -> "Requests":
        """Return both together."""
        return Requests(
            self.checks + other.checks,
            self.looks + other.looks,
            self.lists + other.lists,
            self.creates + other.creates,
            self.starts + other.starts,
            self.statuses + other.statuses,
            self.pages + other.pages,
            self.receipts + other.receipts,
        )


def requests_for(work: Iterable[OpenWork], batches: Batches) -> int:
    """Return the requests that all this work takes."""
    return requests_by_kind(work, batches).total


def requests_by_kind(work: Iterable[OpenWork], batches: Batches) -> Requests:
    """Return the requests that all this work takes, by kind."""
    opened = list(work)
    found = Requests(checks=_checks(opened, batches.preflight))
    for each in opened:
        found += _of_company(each, batches)
    return found


def _checks(work: Sequence[OpenWork], level: Preflight) -> int:
    """Return the reads of the preflight, if rows name no defaults and nothing that was never seen before."""
    if level is Preflight.OFF:
        return 0
    new = [each for each in work if not each.held and (each.undrafted or each.drafted or each.stored)]
    unseen = sum(not each.linked_seen for each in new)
    # From so many companies on, one list is read instead of each of them.
    companies = 1 if len(new) >= FEW and unseen else unseen
    defaults = sum(not each.defaults_seen for each in new)
    options = sum(bool(each.undrafted and not each.options_seen) for each in new)
    return companies + defaults + (options if level is Preflight.ROWS else 0)


def _of_company(work: OpenWork, batches: Batches) -> Requests:
    known = Requests(statuses=work.unfinished, pages=_pages(work.syncs, work.in_syncs, batches))
    if work.held:
        # One look whether it is well again, and what is already at Codat is seen through.
        return known + Requests(looks=1)
    new = _ceil(work.undrafted, batches.draft_size)
    rest = known + Requests(lists=int(work.first), receipts=work.receipts)
    drafts = work.drafted + work.stored + new
    expenses = work.undrafted + (work.drafted + work.stored) * batches.draft_size
    if not batches.creates_datasets:
        # Each create is a sync: with its status and its page.
        return rest + Requests(creates=drafts, statuses=drafts, pages=drafts)
    syncs = _ceil(drafts, batches.drafts_a_sync)
    pages = _pages(syncs, expenses, batches)
    return rest + Requests(creates=work.drafted + new, starts=syncs, statuses=syncs, pages=pages)


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
