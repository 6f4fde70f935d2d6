"""What a night costs, how long it takes, and who gets a turn where the budget is short.

Many companies with a few new expenses every night: the real engine over the simulator's core, which enforces Codat's
limits, in virtual time.

    python -m benchmarks.nights [--quick]
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.request_economy import NOON, LoopClock, Rehearsal, VirtualLoop, expense_of
from runner.codat.flows import Flow
from runner.codat.governor import Limits as Rates
from runner.domain.ids import CompanyId
from runner.domain.states import ExpenseState
from runner.journal.journal import Journal, scratch
from runner.simulator import Behaviour, CompanySpec, Service
from runner.simulator.behaviour import Limits as ServiceLimits
from runner.steps.kit import Limits
from tests.filing import file_in

DAY = 86_400.0
POSTED = ExpenseState.POSTED
LEAST = {Flow.DATASETS: 4, Flow.DIRECT: 3}
"""Requests a company: create, start, one status, one page; in the direct flow the create is the start."""


@dataclass(frozen=True, slots=True)
class Nights:
    """So many nights of so many companies, each with so many new expenses a night."""

    companies: int = 200
    expenses: int = 3
    nights: int = 4
    flow: Flow = Flow.DATASETS
    sync_seconds: tuple[float, float] = (5.0, 40.0)
    webhooks: float | None = None
    checked: bool = True
    """Whether companies are checked before anything is sent for them."""
    budget: int | None = None
    """Requests a night; None: as many as are needed."""


@dataclass(frozen=True, slots=True)
class Night:
    """What one night took."""

    requests: int
    seconds: float
    posted: Sequence[int]
    """Expenses of each company that stand in its books after it."""


def live(case: Nights) -> list[Night]:
    """Live through the nights; return what each took."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_live(case))
    finally:
        loop.close()


async def _live(case: Nights) -> list[Night]:
    companies = tuple(CompanySpec(f"company-{number}") for number in range(case.companies))
    behaviour = Behaviour(
        limits=ServiceLimits(a_day=None),
        epoch=NOON,
        sync_seconds=case.sync_seconds,
        usual_options=True,
        companies=companies,
    )
    rehearsal = Rehearsal(
        Service(behaviour, seed=5),
        limits=Limits(),
        rates=Rates(max_requests=case.budget),
        webhooks=case.webhooks,
        preflight=case.companies if case.checked else 0,
        flow=case.flow,
    )
    found: list[Night] = []
    with scratch(LoopClock()) as journal:
        for night in range(case.nights):
            await _stage(journal, case, night)
            began = asyncio.get_running_loop().time()
            wire = await rehearsal.run(journal)
            ended = asyncio.get_running_loop().time()
            found.append(Night(wire.counts.total(), ended - began, await _posted(case, journal)))
            await asyncio.sleep(DAY - (ended - began))
    return found


async def _stage(journal: Journal, case: Nights, night: int) -> None:
    await journal.runs.begin(version="0", flow=case.flow)
    for company in range(case.companies):
        numbers = range(night * case.expenses, (night + 1) * case.expenses)
        await file_in(journal, [expense_of(company, each) for each in numbers], name=f"night-{night}.csv")


async def _posted(case: Nights, journal: Journal) -> list[int]:
    books = await journal.accounts.books()
    posted = {each.company_id: each.by_state[POSTED].count for each in books.companies if POSTED in each.by_state}
    return [posted.get(CompanyId(f"company-{number}"), 0) for number in range(case.companies)]


def bound(case: Nights, night: Night) -> float:
    """Return the seconds that a night takes at least: the rate's, or those of the slowest sync."""
    return max(night.requests * 60 / Rates().max_rpm, case.sync_seconds[1])


def longest_wait(case: Nights, nights: Sequence[Night]) -> int:
    """Return the most nights in a row in which a company that had something to send got nothing posted."""
    waits, longest = [0] * case.companies, 0
    before = [0] * case.companies
    for number, night in enumerate(nights, start=1):
        for company, posted in enumerate(night.posted):
            open_before = before[company] < (number - 1) * case.expenses + case.expenses
            waits[company] = waits[company] + 1 if open_before and posted == before[company] else 0
        longest = max(longest, *waits)
        before = list(night.posted)
    return longest


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what nights cost, in both flows, with webhooks and without; then who waits under a budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer companies and nights")
    quick = parser.parse_args(arguments).quick
    size = Nights(companies=50 if quick else 200)
    print("flow      webhooks  first night  later nights  least  seconds : bound")
    for flow in Flow:
        for webhooks in (None, 1.0):
            case = replace(size, flow=flow, webhooks=webhooks)
            first, *later = live(case)
            a_night = sum(night.requests for night in later) / len(later) / case.companies
            ratio = max(night.seconds / bound(case, night) for night in later)
            told = "no" if webhooks is None else "yes"
            print(
                f"{flow.value:<9} {told:<9} {first.requests / case.companies:>11.2f} {a_night:>13.2f}"
                f" {LEAST[flow]:>6} {ratio:>16.2f}"
            )
    print("\ncompanies  budget of the need  nights  longest wait in nights  need : budget + 1")
    companies, nights = (100, 30) if quick else (1_000, 60)
    for part in (0.05, 0.2, 0.5):
        need = companies * LEAST[Flow.DATASETS]
        case = Nights(companies=companies, expenses=1, nights=nights, checked=False, budget=int(need * part))
        print(f"{companies:>9} {part:>19.0%} {nights:>7} {longest_wait(case, live(case)):>23} {1 / part + 1:>18.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
