"""Every rule of the protocol, broken by one small change, and the histories in which that must show."""

from dataclasses import dataclass, replace
from itertools import product

from runner.simulator import Fault, FaultKind
from tests.scenarios.mutants.edits import Patch, edited
from tests.scenarios.mutants.scenes import (
    Scene,
    nothing_intended_that_never_left,
    stranger,
)
from tests.scenarios.world.books import expense_id
from tests.scenarios.world.plan import Crash, Moment, Plan
from tests.scenarios.world.sweeps import ONE, TINY


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule broken."""

    name: str
    patch: Patch
    scenes: tuple[Scene, ...]


def over(base: Plan = ONE, **dials: object) -> Plan:
    """A plan with other dials of the world."""
    return replace(base, world=replace(base.world, **dials))


IGNORED = over(idempotency="ignored")
DIRECT = replace(ONE, flow="direct")
DIRECT_IGNORED = replace(IGNORED, flow="direct")
BASES = (ONE, IGNORED, DIRECT, DIRECT_IGNORED)

QUIET = tuple(Scene(base) for base in BASES)
"""Nothing happens at all."""


def cut(*places: str, bases: tuple[Plan, ...] = BASES, **later: object) -> tuple[Scene, ...]:
    """The first life is cut off there."""
    made = []
    for base, place in product(bases, places):
        if place == "initiate" and base.flow == "direct":
            continue
        made.append(Scene(base, cut=place, later=tuple(later.items())))
    return tuple(made)


def trouble(what: str, *kinds: str, bases: tuple[Plan, ...] = BASES) -> tuple[Scene, ...]:
    """The first request of that kind meets trouble; `start` is what starts a sync in either flow."""
    names = {"datasets": "initiate", "direct": "create"}
    return tuple(
        Scene(base, hits=((names[base.flow] if what == "start" else what, kind),))
        for base, kind in product(bases, kinds)
    )


def fate(kind: FaultKind, **more: object) -> Fault:
    """What becomes of the first expense in its sync."""
    return Fault(kind, company="company-0", expense=expense_id(0, 0), **more)


def faulty(*faults: Fault, base: Plan = ONE, **dials: object) -> Scene:
    return Scene(over(base, faults=faults, **dials))


INVALID = faulty(fate(FaultKind.VALIDATION_ERROR))
OFTEN = replace(TINY, page_size=1)

LOST_STARTS = trouble("start", "lost_before", "lost_after", "late", "very_late")
REFUSED_STARTS = trouble("start", "404", "422", "gateway_403", "not_sent", "429_absurd")
FAILED_STARTS = trouble("start", "500_after", "500_before", "503_after", "408_after", "html_after")
UNREADABLE_STARTS = trouble("start", "truncated", "garbage", "html_200")
KNOWN_ELSEWHERE = tuple(
    Scene(over(TINY, duplicate_check=check, guard_looks=looks), before=stranger(0))
    for check, looks in (("request", "accepted"), ("push", "accepted"), ("push", "started"))
)
HELD_LATE_ROWS = Scene(
    over(rows_lag=40.0, faults=(Fault(FaultKind.SYNC_CODE, company="company-0", code=4220, part=1.0, times=1),))
)
QUEUE = Scene(
    replace(
        ONE,
        companies=((40, 40),),
        draft_size=50,
        governed=True,
        latency=0.7,
        crashes=(Crash(1, Moment.AT_TIME, 62),),
    ),
    after=nothing_intended_that_never_left,
)


NO_WRITE = (
    Mutant(
        "begin of a create is not written",
        edited("runner.steps.intent:Intent.begin", ("if self.attempt is None:", 'if "Drafts" in repr(self.first) or "_fresh" in repr(self.first):\n            self.attempt = 1\n        elif self.attempt is None:')),
        QUIET,
    ),
    Mutant(
        "begin of a start is not written",
        edited(
            "runner.journal.syncs:Syncs.begin",
            ("            return number, attempt\n", "            raise Dropped(number, attempt)\n"),
            ("        return await self._context.store.write(operation)", _DROPPED := """\
        class Dropped(Exception):
            pass

        try:
            return await self._context.store.write(operation)
        except Dropped as dropped:
            return dropped.args"""),
        ),
        QUIET,
    ),
)
