"""Planning: what a run would do, from a journal in which everything it would read is staged."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.codat.client import PAGE_SIZE
from runner.codat.flows import Flow
from runner.domain.expense import MAX_EXPENSES_A_DRAFT
from runner.domain.forecast import Batches, OpenWork, Requests, requests_by_kind
from runner.domain.money import NOTHING, Sum
from runner.domain.preflight import Preflight
from runner.domain.states import ExpenseState
from runner.journal.journal import Journal
from runner.journal.outlook import OpenReceipts
from runner.journal.records import Books
from runner.stage import StagedInput, Unread


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do now, if nothing goes wrong and every sync is looked at once."""

    inputs: Sequence[StagedInput]
    unread: Unread
    """Inputs that an earlier run read only in part, and that are gone or have been overwritten."""
    books: Books
    """As they would be before anything is sent."""
    work: Sequence[OpenWork]
    requests: Requests
    receipts: OpenReceipts

    @property
    def companies(self) -> int:
        """Companies that the journal knows, those of the files included."""
        return len({each.company_id for each in self.books.companies})

    @property
    def open_companies(self) -> int:
        """Companies with something to do that are not held."""
        return sum(not each.held for each in self.work)

    @property
    def held_companies(self) -> int:
        """Companies that are put aside; the run looks at each once."""
        return len(self.books.holds)

    def money(self, state: ExpenseState) -> Mapping[str, Sum]:
        """Return the expenses in one state by currency."""
        found: dict[str, Sum] = defaultdict(lambda: NOTHING)
        for each in self.books.companies:
            if state in each.by_state:
                found[each.currency] += each.by_state[state]
        return dict(sorted(found.items()))


def batches_of(flow: Flow, *, drafts_a_sync: int, preflight: Preflight = Preflight.ROWS) -> Batches:
    """Return how much goes into one request."""
    return Batches(
        creates_datasets=flow.creates_datasets,
        draft_size=MAX_EXPENSES_A_DRAFT,
        drafts_a_sync=drafts_a_sync,
        page_size=PAGE_SIZE,
        preflight=preflight,
    )


async def plan_of(journal: Journal, batches: Batches, *, inputs: Sequence[StagedInput], unread: Unread) -> Plan:
    """Return the plan for all that is open in the journal: the figures that a run would begin with."""
    work = await journal.outlook.open_work()
    return Plan(
        inputs=inputs,
        unread=unread,
        books=await journal.accounts.books(),
        work=work,
        requests=requests_by_kind(work, batches),
        receipts=await journal.outlook.open_receipts(),
    )
