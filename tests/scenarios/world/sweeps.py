"""Every history of a kind: every trouble at every request, every crash point, and their products."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from tests.scenarios.world.history import Verdict, run_history
from tests.scenarios.world.plan import KINDS, Crash, FlowName, Hit, Moment, Plan

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
