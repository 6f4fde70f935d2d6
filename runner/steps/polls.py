"""Who waits for which syncs of a company, and when the next look at all of them is due. No I/O in here."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.backoff import Jitter
from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.domain.states import SyncClass, SyncCode
from runner.errors import Refused
from runner.steps.pace import Pace, Run, growing

Seen = Mapping[SyncId, SyncStatus | Refused]
"""What one look found: the status of each sync that was waited for, or why it cannot be told."""

REMEMBERED = 5_000
"""Companies whose pace is remembered, and hints nobody waits for: memory must not grow with their number."""
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
    """When whoever waits gives up, and leaves it to a later run."""
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
    delays: Iterator[float] | None = None


class Watch:
    """The syncs of one company that are waited for, oldest first.

    Codat runs a company's syncs in turn, so the oldest one decides when to look; a look is at all of them.
    """

    def __init__(self) -> None:
        self.pace = Pace()
        self.listed = True
        """Whether the company's list of statuses is worth asking."""
        self.look: asyncio.Task[Seen] | None = None
        """The next look, once somebody waits for it."""
        self.woken = asyncio.Event()
        """Set once a sync that is waited for is said to have ended."""
        self._places: list[Place] = []
        self._started: dict[SyncId, float] = {}
        self._free = 0.0
        """When a sync of the company was last seen to end: the one behind it runs since then."""
        self._due: tuple[float, float] | None = None
        """When the next look was decided, and how long after that it is."""

    def started(self, sync_id: SyncId, *, now: float) -> None:
        """Learn that a sync has been started just now."""
        self._started[sync_id] = now

    def enter(self, sync_id: SyncId, *, now: float, wait: float) -> Place:
        """Wait for a sync, at most `wait` seconds."""
        began = self._started.pop(sync_id, None)
        place = Place(sync_id, now if began is None else began, now + wait, fresh=began is not None)
        self._places.append(place)
        return place

    def leave(self, place: Place) -> None:
        """Wait no longer."""
        if place in self._places:
            self._places.remove(place)
        if self.look is None or self.look.done():
            # What was decided may have been decided for this one.
            self._due = None
        if not self._places:
            self.look = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not self._places and not self._started

    def awaited(self) -> list[SyncId]:
        """Return the syncs that are waited for, oldest first."""
        return list(dict.fromkeys(place.sync_id for place in self._places))

    def hint(self, sync_id: SyncId) -> bool:
        """Let the next look be now, because a sync is said to have ended; False where nobody waits for it."""
        meant = [place for place in self._places if place.sync_id == sync_id]
        for place in meant:
            place.hinted = place.announced = True
            self._due = None
            self.woken.set()
        return bool(meant)

    def pause(self, *, now: float, least: float, most: float, jitter: Jitter, announced: bool = False) -> float:
        """Return the seconds until the next look, the same for all who wait, decided once for each look.

        Somebody must be waiting. However short the waits, each sync is looked at once: one that nobody looks
        at never ends. `announced` says that the ends of syncs are told by hints, which have proved reliable.
        """
        if any(place.hinted for place in self._places):
            return 0.0
        if self._due is None:
            oldest = self._places[0]
            if oldest.delays is None:
                known = self.pace.delays(least=least, most=most)
                oldest.delays = known if oldest.fresh else growing(least, most)
            delay = max(least, most) if oldest.long else next(oldest.delays)
            if announced and not any(place.announced for place in self._places):
                delay = max(delay, PATIENCE * most)
            delay = jitter(delay * (1 - _UNEVEN), delay)
            patience = [place.deadline - now for place in self._places if not place.looked]
            self._due = (now, max(0.0, min([delay, *patience])))
        decided, delay = self._due
        return max(0.0, delay - (now - decided))

    def ask_anew(self) -> None:
        """Forget when the look that is just over was due."""
        self._due = None

    def saw(self, seen: Seen, *, now: float) -> bool:
        """Take in what a look found: who has ended is waited for no more, and teaches.

        Return whether one has ended that no hint had announced.
        """
        missed = False
        self.woken.clear()
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
            if place.fresh and began < now:
                self.pace.learn(Run(max(0.0, place.still - began), now - began))
            self._free = now
        return missed


class Polls:
    """The watches of all companies of a run."""

    def __init__(self) -> None:
        self._watches: OrderedDict[CompanyId, Watch] = OrderedDict()
        self._early: OrderedDict[tuple[CompanyId, SyncId], None] = OrderedDict()
        self.hinted = False
        """Whether hints may come at all, in this run."""
        self.announced = False
        """Whether hints can be relied on: the last sync that was seen to have ended had been announced by one."""

    def hint(self, company: CompanyId, sync_id: SyncId) -> None:
        """Learn that a sync is said to have ended, from whoever can be believed so far as to look at it.

        It may come before the answer that tells its id.
        """
        watch = self._watches.get(company)
        if watch is not None and watch.hint(sync_id):
            self.announced = True
            return
        self._early[company, sync_id] = None
        if len(self._early) > REMEMBERED:
            self._early.popitem(last=False)

    def enter(self, company: CompanyId, sync_id: SyncId, *, now: float, wait: float) -> Place:
        """Wait for a sync of a company, at most `wait` seconds."""
        watch = self.of(company)
        place = watch.enter(sync_id, now=now, wait=wait)
        if (company, sync_id) in self._early:
            del self._early[company, sync_id]
            watch.hint(sync_id)
        return place

    def of(self, company: CompanyId) -> Watch:
        """Return the company's watch."""
        watch = self._watches.get(company)
        if watch is None:
            watch = self._watches[company] = Watch()
            self._forget()
        self._watches.move_to_end(company)
        return watch

    def _forget(self) -> None:
        if len(self._watches) <= REMEMBERED:
            return
        idle = next((company for company, watch in self._watches.items() if watch.is_idle), None)
        if idle is not None:
            del self._watches[idle]
