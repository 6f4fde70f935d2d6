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
"""Companies whose pace is remembered: memory must not grow with their number."""
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

    def pause(self, *, now: float, least: float, most: float, jitter: Jitter) -> float:
        """Return the seconds until the next look, the same for all who wait, decided once for each look.

        Somebody must be waiting. However short the waits, each sync is looked at once: one that nobody looks
        at never ends.
        """
        if self._due is None:
            oldest = self._places[0]
            if oldest.delays is None:
                known = self.pace.delays(least=least, most=most)
                oldest.delays = known if oldest.fresh else growing(least, most)
            delay = max(least, most) if oldest.long else next(oldest.delays)
            delay = jitter(delay * (1 - _UNEVEN), delay)
            patience = [place.deadline - now for place in self._places if not place.looked]
            self._due = (now, max(0.0, min([delay, *patience])))
        decided, delay = self._due
        return max(0.0, delay - (now - decided))

    def ask_anew(self) -> None:
        """Forget when the look that is just over was due."""
        self._due = None

    def saw(self, seen: Seen, *, now: float) -> None:
        """Take in what a look found: who has ended is waited for no more, and teaches."""
        for place in list(self._places):
            status = seen.get(place.sync_id)
            if not isinstance(status, SyncStatus):
                continue
            place.looked = True
            if status.kind is SyncClass.RUNNING:
                place.still, place.long = now, status.code == SyncCode.IN_PROGRESS_LONG
                continue
            self._places.remove(place)
            began = max(place.began, self._free)
            if place.fresh and began < now:
                self.pace.learn(Run(max(0.0, place.still - began), now - began))
            self._free = now


class Polls:
    """The watches of all companies of a run."""

    def __init__(self) -> None:
        self._watches: OrderedDict[CompanyId, Watch] = OrderedDict()

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
