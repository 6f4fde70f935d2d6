"""Which syncs of a company are waited for, and when the next look at all of them is due. No I/O in here.

A company that only waits keeps nothing but its watch: what is here outlives its walks, and ends with the run.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from runner.backoff import Jitter
from runner.domain.ids import AttemptNo, CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.domain.states import SyncClass, SyncCode
from runner.errors import CompanyHeld, Refused, RequestError
from runner.steps.pace import Pace, Run, growing

Seen = Mapping[SyncId, SyncStatus | Refused]
"""What one look found: the status of each sync that was waited for, or why it cannot be told."""

EARLY_HINTS = 50
"""Hints about a company's syncs that nobody waits for yet, the newest ones, in case an answer tells the id later."""
LATE = 5.0
"""Seconds after which a look is too late to teach how long a sync takes."""
PATIENCE = 2.0
"""Looks at a sync whose end will be announced are that much rarer than the rarest otherwise."""
_UNEVEN = 0.1
"""The part of a delay that chance may take off, so that many companies do not ask in step."""


@dataclass(slots=True, eq=False)
class Place:
    """One sync that is waited for; times in monotonic seconds."""

    sync_id: SyncId
    began: float
    deadline: float
    """When it is left to a later run."""
    fresh: bool
    """Whether it was started in this life: only then can be learned how long it takes."""
    looked: bool = False
    still: float = 0.0
    """When it was last seen running."""
    long: bool = False
    """Whether Codat says that it takes unusually long."""
    hinted: bool = False
    """Whether it was said to have ended, and nobody has looked since."""
    announced: bool = False
    """Whether that was ever said."""
    left: bool = False
    """Whether its time is over: only a hint is a reason for another look."""
    delays: Iterator[float] | None = None


@dataclass(slots=True)
class Doubt:
    """An attempt without an answer that is looked for at Codat; times in monotonic seconds."""

    give_up: float
    """When others at Codat have kept it unclear for too long."""
    looks: int = 0
    empty: int = 0
    """Looks in a row that found nothing."""
    due: float = 0.0
    """When the next look is due."""


class Watch:
    """What one company waits for: its syncs, oldest first, and its attempts without an answer.

    Codat runs a company's syncs in turn, so the oldest one decides when to look; a look is at all of them.
    """

    __slots__ = (
        "_due",
        "_early",
        "_free",
        "_places",
        "begun",
        "doubts",
        "listed",
        "lost",
        "pace",
        "receipts_last",
        "trouble",
    )

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.begun = False
        """Whether what earlier runs left in doubt has been looked at in this one."""
        self.listed = True
        """Whether the company's list of statuses is worth asking."""
        self.receipts_last = True
        """Whether its last turn went to receipts: then the next one is a sync's."""
        self.lost = 0
        """Requests of this run that got no answer and came to nothing."""
        self.trouble: list[CompanyHeld | RequestError] = []
        """What went wrong; nothing more is sent in this run, what is under way is seen through."""
        self.doubts: dict[AttemptNo, Doubt] = {}
        self._places: list[Place] = []
        self._early: dict[SyncId, None] = {}
        self._free = -math.inf
        """When a sync of the company was last seen to end: the one behind it runs since then."""
        self._due: float | None = None
        """When the next look is, once that is decided."""

    def started(self, sync_id: SyncId, *, now: float, wait: float) -> None:
        """Wait for a sync that has been started just now, at most `wait` seconds."""
        self._enter(Place(sync_id, now, now + wait, fresh=True))

    def wait_for(self, sync_ids: Iterable[SyncId], *, now: float, wait: float) -> None:
        """Wait for these syncs and no others: for those of an earlier life at most `wait` seconds from now."""
        wanted = dict.fromkeys(sync_ids)
        kept = [place for place in self._places if place.sync_id in wanted]
        if len(kept) < len(self._places):
            # What was decided may have been decided for one that is gone.
            self._places, self._due = kept, None
        known = {place.sync_id for place in kept}
        for sync_id in wanted:
            if sync_id not in known:
                self._enter(Place(sync_id, now, now + wait, fresh=False))

    def _enter(self, place: Place) -> None:
        if place.sync_id in self._early:
            del self._early[place.sync_id]
            place.hinted = place.announced = True
        self._places.append(place)

    def awaited(self) -> list[SyncId]:
        """Return the syncs that are worth a look, oldest first."""
        return [place.sync_id for place in self._places if not place.left or place.hinted]

    def hint(self, sync_id: SyncId) -> bool:
        """Let the next look be now, because a sync is said to have ended; False where nobody waits for it (yet)."""
        for place in self._places:
            if place.sync_id == sync_id:
                place.hinted = place.announced = True
                return True
        self._early[sync_id] = None
        if len(self._early) > EARLY_HINTS:
            del self._early[next(iter(self._early))]
        return False

    def is_due(self, now: float) -> bool:
        """Say whether to look now: a look that was decided is due, or there is something new to see."""
        if any(place.hinted or (not place.fresh and not place.looked) for place in self._places):
            return True
        return self._due is not None and self._due <= now

    def next_look(
        self, *, now: float, least: float, most: float, jitter: Jitter, announced: bool, patient: bool
    ) -> float:
        """Return when the next look is due, decided once for each look; infinity where there is nothing to look at.

        However short the waits, each sync is looked at once: one that nobody looks at never ends. `announced` says
        that the ends of syncs are told by hints, which have proved reliable; `patient` that nothing else waits for
        the end, so that one look after it is better than several around it.
        """
        if any(place.hinted for place in self._places):
            return now
        places = [place for place in self._places if not place.left]
        if not places:
            return math.inf
        if self._due is None:
            oldest = places[0]
            since, delay = self._delay(oldest, now=now, least=least, most=most, patient=patient)
            if announced and delay and not any(place.announced for place in places):
                delay = max(delay, PATIENCE * most)
            due = since + jitter(delay * (1 - _UNEVEN), delay)
            self._due = max(now, min([due, *(place.deadline for place in places if not place.looked)]))
        return self._due

    def _delay(self, oldest: Place, *, now: float, least: float, most: float, patient: bool) -> tuple[float, float]:
        """Return since when to wait for the next look, and how long."""
        if not oldest.fresh and not oldest.looked:
            # It runs since an earlier life, and may long have ended.
            return now, 0.0
        if oldest.long:
            return now, max(least, most)
        if oldest.delays is not None:
            return now, next(oldest.delays)
        if not oldest.fresh:
            oldest.delays = growing(least, most)
            return now, next(oldest.delays)
        oldest.delays = self.pace.delays(least=least, most=most, patient=patient)
        return max(oldest.began, self._free), next(oldest.delays)

    @property
    def waits_for(self) -> int:
        """How many syncs are waited for, those that were left to a later run not among them."""
        return sum(not place.left for place in self._places)

    def leave(self, sync_id: SyncId | None = None) -> None:
        """Leave a sync to a later run, or all of them."""
        for place in self._places:
            if sync_id in {None, place.sync_id}:
                place.left, place.looked, place.hinted = True, True, False
        self._due = None

    def leave_overdue(self, next_look: float) -> list[SyncId]:
        """Leave syncs to a later run whose time is over before the next look; return them."""
        over = [place for place in self._places if place.looked and not place.left and place.deadline < next_look]
        for place in over:
            place.left = True
            self._due = None
        return [place.sync_id for place in over]

    def saw(self, seen: Seen, *, now: float) -> bool:
        """Take in what a look found: who has ended is waited for no more, and teaches.

        Return whether one has ended that no hint had announced.
        """
        # A look that came late, because others had their turns before, says little of when a sync ended.
        prompt = self._due is None or now - self._due <= LATE
        self._due = None
        missed = False
        for place in list(self._places):
            status = seen.get(place.sync_id)
            if not isinstance(status, SyncStatus):
                continue
            place.looked = True
            if status.kind is SyncClass.RUNNING:
                if place.hinted:
                    # Its status lags behind the hint: it is asked again soon.
                    place.delays = None
                    place.fresh = False
                place.hinted = False
                place.still, place.long = now, status.code == SyncCode.IN_PROGRESS_LONG
                continue
            missed = missed or not place.announced
            self._places.remove(place)
            began = max(place.began, self._free)
            if place.fresh and began < now and (prompt or place.announced):
                self.pace.learn(Run(max(0.0, place.still - began), now - began))
            self._free = now
        return missed


class Polls:
    """The watches of all companies that have begun in a run and have not come to their end."""

    def __init__(self) -> None:
        self._watches: dict[CompanyId, Watch] = {}
        self.pace = Pace()
        """What the syncs of all companies have shown, for those of which nothing is known."""
        self.hinted = False
        """Whether hints may come at all, in this run."""
        self.announced = False
        """Whether hints can be relied on: the last sync that was seen to have ended had been announced by one."""
        self.wake: Callable[[CompanyId], None] = _nobody
        """Called when a company that waits has something to look at."""

    def hint(self, company: CompanyId, sync_id: SyncId) -> None:
        """Learn that a sync is said to have ended, from whoever can be believed so far as to look at it.

        It may come before the answer that tells its id. A company that has not begun yet is looked at anyway when it
        does, and one that has come to its end waits for nothing.
        """
        watch = self._watches.get(company)
        if watch is not None and watch.hint(sync_id):
            self.announced = True
            self.wake(company)

    def begin(self, company: CompanyId, pace: str | None) -> None:
        """Watch a company, with what earlier runs have learned of its syncs."""
        self._watches[company] = Watch(Pace(pace, common=self.pace))

    def of(self, company: CompanyId) -> Watch:
        """Return the company's watch."""
        watch = self._watches.get(company)
        if watch is None:
            watch = self._watches[company] = Watch(Pace(common=self.pace))
        return watch

    def forget(self, company: CompanyId) -> None:
        """Let go of a company that has come to its end in this run."""
        self._watches.pop(company, None)


def _nobody(_company: CompanyId) -> None:
    pass
