"""Histories by chance: the same seed gives the same plan, and so the same history."""

from dataclasses import replace
from random import Random

from runner.simulator import Fault, FaultKind
from tests.scenarios.world.books import company_id, expense_id
from tests.scenarios.world.plan import KINDS, Crash, Hit, Moment, Plan, World

_RUDE = ("400", "401", "402", "403", "404", "422", "429_absurd", "gateway_401", "gateway_403", "gateway_404")
"""Kinds that end a run or a company's turn at once: rarer, so that histories get somewhere."""


def random_plan(seed: int) -> Plan:
    """Make the plan of a seed."""
    random = Random(seed * 2 + 1)
    companies = _companies(random)
    expenses = sum(count for count, _ in companies)
    plan = Plan(
        seed=seed,
        flow=random.choice(("datasets", "direct")),
        companies=companies,
        world=_world(random, companies),
        draft_size=random.choice((1, 2, 3, 5, 50)) if expenses < 60 else random.choice((5, 50)),
        drafts_a_sync=random.choice((1, 2, 40)),
        syncs_in_flight=random.choice((1, 2, 3)),
        concurrency=random.choice((1, 3, 32)),
        page_size=random.choice((1, 2, 7, 2_000)) if expenses < 60 else 2_000,
        latency=random.choice((0.0, 0.05, 0.7)),
        commit=random.choice((0.0, 0.004)),
        governed=random.random() < 0.25,
        wait=random.choice((30.0, 3_600.0)),
        restage=random.random() < 0.3,
        gap=random.choice((5.0, 3_600.0)),
        retry_receipts_in_doubt=random.random() < 0.1,
    )
    if not plan.world.push_error_lands and random.random() < 0.3:
        plan = replace(plan, auto_retry=random.choice((1, 3)))
    if random.random() < 0.15:
        plan = replace(plan, disconnected=tuple(random.sample(range(len(companies)), k=min(2, len(companies)))))
    calls = 30 + 8 * len(companies)
    plan = replace(plan, crashes=_crashes(random, calls), hits=_hits(random, calls))
    return replace(plan, auto_retry_from=random.choice((1, 1, 2, 3)))


def _companies(random: Random) -> tuple[tuple[int, int], ...]:
    size = random.random()
    if size < 0.985:
        count = random.choice((1, 1, 1, 1, 2, 2, 3))
    else:
        count = random.choice((5, 8, 12, 40)) if size < 0.998 else random.choice((100, 200))
    most = random.choice((3, 5, 9)) if count <= 3 else 3
    return tuple((n := random.randint(1, most), random.randint(0, min(3, n))) for _ in range(count))


def _world(random: Random, companies: tuple[tuple[int, int], ...]) -> World:
    idempotency = random.choice(("honoured", "ignored"))
    return World(
        idempotency=idempotency,
        duplicate_check=random.choice(("request", "push", "never")),
        guard_looks=random.choice(("accepted", "started")),
        list_lag=random.choice((0.0, 0.0, 3.0, 40.0)),
        rows_lag=random.choice((0.0, 0.0, 1.0, 8.0)),
        status_lag=random.choice((0.0, 0.0, 5.0)),
        rows_when_not_run=random.choice(("pending", "missing")),
        push_error_lands=random.random() < 0.2,
        bank_feed_rows=random.choice(("none", "completed", "push_error")),
        forget_datasets_after=random.choice((None, None, None, 1_800.0)),
        unknown_dataset_status=random.choice((400, 404)),
        sync_seconds=random.choice(((0.1, 0.2), (0.4, 3.0), (5.0, 40.0), (200.0, 900.0))),
        real_limits=random.random() < 0.25,
        faults=tuple(_trouble_in_syncs(random, companies)),
    )


def _trouble_in_syncs(random: Random, companies: tuple[tuple[int, int], ...]) -> list[Fault]:
    found: list[Fault] = []
    for company, (expenses, _) in enumerate(companies[:20]):
        for number in range(expenses):
            if random.random() < 0.05:
                kind = random.choice(
                    (
                        FaultKind.VALIDATION_ERROR,
                        FaultKind.VALIDATION_ERROR,
                        FaultKind.PUSH_ERROR,
                        FaultKind.PENDING,
                        FaultKind.UNKNOWN,
                        FaultKind.MISSING,
                    )
                )
                lands = kind in {FaultKind.PENDING, FaultKind.UNKNOWN, FaultKind.MISSING} and random.random() < 0.5
                found.append(
                    Fault(
                        kind,
                        company=company_id(company),
                        expense=expense_id(company, number),
                        times=random.choice((1, None)),
                        lands=lands or None,
                    )
                )
        if random.random() < 0.06:
            kind = random.choice((FaultKind.SYNC_CODE, FaultKind.DIES_HALF_WAY, FaultKind.FORGOTTEN))
            code = random.choice((2040, 4000, 4220, 4260, 5000, 5120, 5130, 5999))
            part = random.choice((None, 0.0, 0.5, 1.0))
            found.append(Fault(kind, company=company_id(company), code=code, part=part, times=1))
    return found


def _crashes(random: Random, calls: int) -> tuple[Crash, ...]:
    found = []
    for life in range(1, random.choice((0, 1, 1, 2, 3, 5)) + 1):
        moment = random.choice(list(Moment))
        most = {Moment.AT_TIME: 9_000, Moment.DRAIN: 9_000}.get(moment, calls)
        # Most of the interesting moments are early in a life.
        n = 1 + int(most * random.random() ** 2)
        gap = random.choice((1.0, 20.0, 300.0, 2_000.0, 6_000.0, 90_000.0))
        reboot = random.random() < 0.2
        jump = random.choice((0.0, 0.0, 0.0, 7_200.0, -7_200.0, -200_000.0))
        found.append(Crash(life, moment, n, gap, reboot, jump))
    return tuple(found)


def _hits(random: Random, calls: int) -> tuple[Hit, ...]:
    rate = random.choice((0.0, 0.03, 0.1, 0.3))
    polite = [kind for kind in KINDS if kind not in _RUDE]
    found = []
    rude = random.randint(0, 5)
    for n in range(1, calls * 2):
        if random.random() < rate:
            kind = random.choice(_RUDE) if rude and random.random() < 0.1 else random.choice(polite)
            rude -= kind in _RUDE
            found.append(Hit(n, kind))
    return tuple(found)
