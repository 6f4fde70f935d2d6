"""What a plan says, in words and as JSON: pure rendering."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.domain.allowance import Allowance
from runner.domain.forecast import Requests
from runner.domain.money import Sum, canonical
from runner.report.result_types.files import PlanPace, PlanRequests
from runner.report.result_types.parts import MoneyByState
from runner.report.words import counted, lasting, megabytes

_KINDS = {
    "creates": "to create datasets",
    "starts": "to start syncs",
    "statuses": "to look at syncs",
    "pages": "to read transactions",
    "receipts": "to attach receipts",
    "checks": "to check what companies accept",
    "lists": "to list a company's earlier syncs",
    "looks": "to look at held companies",
}

_WORTH_SAYING = 120.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What bounds one run by its own options; None where nothing does."""

    max_requests: int | None = None
    seconds: float | None = None


def requests_json(requests: Requests) -> PlanRequests:
    """Return the requests in all and by kind."""
    return {
        "predicted": requests.total,
        "creates": requests.creates,
        "starts": requests.starts,
        "statuses": requests.statuses,
        "pages": requests.pages,
        "receipts": requests.receipts,
        "checks": requests.checks,
        "lists": requests.lists,
        "looks": requests.looks,
    }


def request_lines(requests: Requests) -> Iterator[str]:
    """Say how many requests it takes, and what for."""
    yield f"Requests: {requests.total:,}, if nothing goes wrong and each sync is looked at once"
    for kind, purpose in _KINDS.items():
        if count := getattr(requests, kind):
            yield f"  {count:>9,}  {purpose}"


def money_json(sums: Mapping[str, Sum]) -> MoneyByState:
    """Return count and money by currency, amounts as decimal texts."""
    return {currency: {"count": each.count, "amount": canonical(each.amount)} for currency, each in sums.items()}


def money_lines(sums: Mapping[str, Sum]) -> Iterator[str]:
    """Say count and money by currency."""
    for currency, each in sums.items():
        yield f"  {each.amount:>18,.2f} {currency}  {counted(each.count, 'expense')}"


def time_json(requests: int, allowance: Allowance, bounds: Bounds) -> PlanPace:
    """Return the time at the allowed rate, the days at the daily quota, and what both rest on."""
    seconds = allowance.seconds(requests)
    return {
        "time": {
            "requests_a_minute": allowance.a_minute or None,
            "seconds": None if seconds is None else round(seconds, 1),
        },
        "quota": {
            "companies_assumed": allowance.companies,
            "requests_a_day": allowance.quota,
            "reserve": allowance.reserve,
            "days": allowance.days(requests),
        },
        "source_addresses": {
            "count": allowance.addresses,
            "another_helps": bool(allowance.a_minute) and not allowance.quota_binds(),
            "another_helps_from_companies": allowance.companies_for_another() if allowance.a_minute else None,
        },
        "runs": runs_needed(requests, allowance, bounds),
    }


def runs_needed(requests: int, allowance: Allowance, bounds: Bounds) -> int | None:
    """Return how many runs it takes within these bounds; None where one run can never send anything."""
    most = [allowance.a_day]
    if bounds.max_requests is not None:
        most.append(bounds.max_requests)
    if bounds.seconds is not None and allowance.a_minute:
        most.append(int(bounds.seconds * allowance.a_minute / 60))
    if not requests:
        return 0
    return -(-requests // min(most)) if min(most) else None


def time_lines(requests: int, allowance: Allowance, bounds: Bounds) -> Iterator[str]:
    """Say how long it takes at the least, on how many days, in how many runs, and whether an address more helps."""
    if not requests:
        return
    yield from _rate_lines(requests, allowance)
    days = allowance.days(requests)
    kept = f", {allowance.reserve:,} of them reserved" if allowance.reserve else ""
    yield (
        f"Quota: {allowance.quota:,} requests a day{kept}, as 1,000 for the account and 1,000 for each of "
        f"{counted(allowance.companies, 'company')}: those known here that are not held. Codat counts all that are "
        "connected, and says how much is left."
    )
    if days is None:
        yield "  --reserve leaves nothing of it: a run would send nothing."
    else:
        yield f"  That is work for {counted(days, 'day')}."
    runs = runs_needed(requests, allowance, bounds)
    if runs is not None and runs > (days or 1):
        yield f"  Within the limits given it takes {counted(runs, 'run')}: each ends with exit code 75."
    yield from _address_lines(requests, allowance)


def _rate_lines(requests: int, allowance: Allowance) -> Iterator[str]:
    seconds = allowance.seconds(requests)
    if seconds is None:
        yield "Time: no rate is set (--max-rpm 0)."
        return
    yield (
        f"Time: at least {lasting(seconds)} at {allowance.a_minute:,} requests a minute; the time that Codat takes to "
        "sync comes on top."
    )


def _address_lines(requests: int, allowance: Allowance) -> Iterator[str]:
    spent, now = allowance.seconds(allowance.a_day), allowance.seconds(requests)
    if spent is None or now is None:
        return
    more = "A second source address" if allowance.addresses == 1 else "One more source address"
    if not allowance.quota_binds():
        yield f"{more} (--source-ip), where Codat allows it, would help: the rate binds before the daily quota does."
        return
    yield (
        f"{more} (--source-ip) would bring nothing over a whole day: the daily quota binds, being spent within "
        f"{lasting(spent)} as it is. From {allowance.companies_for_another():,} connected companies on it sends more "
        "in a day."
    )
    if allowance.days(requests) == 1 and now >= _WORTH_SAYING:
        sooner = now * allowance.addresses / (allowance.addresses + 1)
        yield f"  It could only bring the end of these requests forward: {lasting(sooner)} instead of {lasting(now)}."


def receipts_line(count: int, size: int) -> str:
    """Say how many receipts are to be attached, and how large they are."""
    return f"  with {counted(count, 'receipt')}, {megabytes(size)}"
