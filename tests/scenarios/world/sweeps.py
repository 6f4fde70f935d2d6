"""Every history of a kind: every trouble at every request, every crash point, and their products."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Literal

from tests.scenarios.world.history import Verdict, run_history
from tests.scenarios.world.plan import KINDS, Crash, FlowName, Hit, Host, Moment, Plan

FLOWS: tuple[FlowName, ...] = ("datasets", "direct")
KEYS: tuple[Literal["honoured", "ignored"], ...] = ("honoured", "ignored")

Judge = Callable[[Plan], Verdict]

SMALL = Plan(companies=((3, 1), (3, 0)))
"""Two companies of three expenses in drafts of two, one receipt."""
TINY = Plan(companies=((3, 1),), latency=0.0, concurrency=1)
"""One company of them."""
ONE = Plan(companies=((2, 1),), latency=0.0, concurrency=1)
"""One company, one draft, one receipt: each call of the walk once."""

LATER = (
    {"gap": 10.0},
    {"gap": 10.0, "reboot": True},
    {"gap": 6_000.0, "wall_jump": -90_000.0},
)
"""What lies between a crash and the next life: nothing much; a reboot; a night, and a clock that is set back."""


def worlds(base: Plan) -> Iterator[Plan]:
    """Both flows, keys honoured and ignored."""
    for flow in FLOWS:
        for keys in KEYS:
            yield replace(base, flow=flow, world=replace(base.world, idempotency=keys))


def start_of(plan: Plan) -> int:
    """Which request starts the sync."""
    ending = "/syncs" if plan.flow == "datasets" else "/expense-transactions"
    requests = (rest for _, _, what, *rest in run_history(plan).trace if what == "request")
    return next(number for _, number, method, path, _ in requests if method == "POST" and path.endswith(ending))


def crashes(life: int, writes: int, requests: int, *, distinct: bool = False, **later: object) -> Iterator[Crash]:
    """Every crash point of a life that writes and asks so often.

    Disk and service change with a write and with a request's effect, and with nothing else: so the points right
    after each of them, and the one before all, are all that a second life can tell apart (`distinct`).
    """
    for n in range(1, writes + 1):
        if n == 1 or not distinct:
            yield Crash(life, Moment.BEFORE_WRITE, n, **later)
        yield Crash(life, Moment.AFTER_WRITE, n, **later)
    for n in range(1, requests + 1):
        if not distinct:
            yield Crash(life, Moment.BEFORE_EFFECT, n, **later)
        yield Crash(life, Moment.AFTER_EFFECT, n, **later)


def single_troubles(base: Plan, run: Judge = run_history) -> Iterator[Verdict]:
    """Every kind of trouble at every request of the undisturbed history."""
    first = run(base)
    yield first
    for n in range(1, first.points[0][1] + 1):
        for kind in KINDS:
            yield run(replace(base, hits=(Hit(n, kind),)))


def single_crashes(base: Plan, run: Judge = run_history) -> Iterator[Verdict]:
    """Every crash point of the undisturbed history, with all that may lie between the lives."""
    first = run(base)
    for later in LATER:
        for crash in crashes(1, *first.points[0], **later):
            yield run(replace(base, crashes=(crash,)))


def troubles_and_crashes(base: Plan, kinds: Sequence[str], run: Judge = run_history) -> Iterator[Verdict]:
    """Each of these kinds of trouble at every request, and in each of those histories every crash point."""
    calls = run(base).points[0][1]
    for kind in kinds:
        for n in range(1, calls + 1):
            troubled = replace(base, hits=(Hit(n, kind),))
            yield (first := run(troubled))
            for number, crash in enumerate(crashes(1, *first.points[0], distinct=True)):
                later = LATER[number % len(LATER)]
                yield run(replace(troubled, crashes=(replace(crash, **later),)))


def pairs_of_crashes(base: Plan, run: Judge = run_history) -> Iterator[Verdict]:
    """Every crash point of the first life, and after each of them every crash point of the second."""
    first = run(base)
    for one in crashes(1, *first.points[0]):
        cut_once = replace(base, crashes=(one,))
        second = run(cut_once)
        if len(second.points) < 2:
            continue
        for number, two in enumerate(crashes(2, *second.points[1])):
            later = LATER[number % len(LATER)]
            yield run(replace(base, crashes=(one, replace(two, **later))))


HOSTS = {wall: (Host(uptime=4_000.0), Host(uptime=900_000.0, wall=wall)) for wall in (-60.0, 60.0)}
"""Two machines, the second up for days, with wall clocks that differ by a minute in either direction."""

BETWEEN_HOSTS = tuple(product((0.0, 300.0, 650.0), ("none", "true", "stuck", "wrong")))
"""By how many seconds the list of syncs lags, and what the dates of answers say."""


def on_two_hosts(base: Plan, *, lag: float, dates: str, number: int = 0) -> Plan:
    """The plan with its lives on two machines in turn; `number` draws which of them is ahead."""
    world = replace(base.world, list_lag=lag, dates=dates)
    return replace(base, world=world, hosts=HOSTS[60.0 if number % 2 else -60.0], watch=15.0)


def crashes_on_two_hosts(
    base: Plan, between: Sequence[tuple[float, str]] = BETWEEN_HOSTS, run: Judge = run_history
) -> Iterator[Verdict]:
    """Every crash point of the undisturbed history; what was begun on one machine is taken up on the other."""
    first = run(base)
    for lag, dates in between:
        for number, crash in enumerate(crashes(1, *first.points[0], distinct=True)):
            plan = on_two_hosts(base, lag=lag, dates=dates, number=number)
            yield run(replace(plan, crashes=(replace(crash, gap=700.0 if number % 3 else 10.0),)))


def pairs_on_two_hosts(base: Plan, start: int, run: Judge = run_history) -> Iterator[Verdict]:
    """A crash when the start of a sync has had its effect, and then one at every request and some times of the next."""
    one = Crash(1, Moment.AFTER_EFFECT, start, gap=5.0)
    for lag, dates in BETWEEN_HOSTS:
        plan = replace(on_two_hosts(base, lag=lag, dates=dates), crashes=(one,))
        requests = run(plan).points[1][1]
        seconds = (5, 200, 400, 600, 655, 665)
        seconds = tuple(Crash(2, Moment.AT_TIME, at * 10) for at in seconds)
        for two in (*(Crash(2, Moment.AFTER_EFFECT, n) for n in range(1, requests + 1)), *seconds):
            yield run(replace(plan, crashes=(one, replace(two, gap=5.0))))


def stops_on_two_hosts(base: Plan, run: Judge = run_history) -> Iterator[Verdict]:
    """At every durable write the first machine is stopped; it goes on when the second has done all the work."""
    for n in range(1, run(base).points[0][0] + 1):
        for gap in (31.0, 700.0):
            crash = Crash(1, Moment.AFTER_WRITE, n, gap=gap, stopped=True)
            yield run(replace(on_two_hosts(base, lag=0.0, dates="true", number=n), crashes=(crash,)))
