"""Telling: look at what stands open, compare it with what each channel was told, deliver, remember.

What is delivered is remembered after it is delivered: a life that ends in between tells it once more, and never not
at all. Nothing in here changes how a run ended.
"""

import asyncio
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.clock import Clock
from runner.delivery.message import Channel, Message, NotDelivered
from runner.domain.notices import Change, Comparison, Known, News, State, Topic, compare
from runner.errors import JournalUnusable, RunnerError
from runner.journal.holder import holder_of
from runner.journal.journal import Journal, reading, writing
from runner.journal.records import Books
from runner.report.notices import (
    Found,
    Frame,
    RunEnd,
    Thresholds,
    as_json,
    entries,
    of_books,
    of_end,
    of_lives,
    summary,
    text,
)

_LIVES = 100
"""Runs that are looked through for one that did its work."""

Say = Callable[[str], None]
"""Says one line to whoever sits there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who is told, of what, and from which journal."""

    journal: Path
    channels: tuple[Channel, ...]
    thresholds: Thresholds
    clock: Clock
    say: Say

    async def at_end(self, journal: Journal, end: RunEnd, books: Books) -> None:
        """Tell what is new at a run's end, and write it down while the run still holds its journal."""
        seen = await self._look(journal, of_end(end), books)
        # A way out may take its time: the loop has signs of life to give meanwhile.
        _, states = await asyncio.to_thread(self._tell, seen)
        if states:
            await journal.notices.record(states)

    def after_run(self, end: RunEnd) -> None:
        """Tell how a run ended that has no books, because it could not begin or went wrong.

        Where the journal cannot be read, or there is none, it is told each time: nothing can be remembered.
        """
        ended = of_end(end)
        try:
            with reading(self.journal, self.clock) as journal:
                seen = asyncio.run(self._look(journal, ended, None))
        except JournalUnusable:
            self._tell(_Seen(ended, {}))
            return
        self._remember(self._tell(seen)[1])

    def now(self) -> bool:
        """Tell what is new by the journal alone, beside whatever runs; return whether all was delivered.

        How runs end is left to runs, and everything to a run that is at work: what is in flight would pass for
        doubtful. Raises `JournalUnusable` where there is no journal to look at.
        """
        holder = holder_of(self.journal)
        if holder is not None and holder.lives:
            self.say("A run is at work; it tells what is new when it ends.")
            return True
        with reading(self.journal, self.clock) as journal:
            seen = asyncio.run(self._look_now(journal))
        delivered, states = self._tell(seen)
        self._remember(states)
        return delivered

    def sample(self) -> bool:
        """Send a sample through every channel; return whether all took it. Nothing is remembered."""
        now = self.clock.now()
        news = (News(Change.BEGAN, Topic.HELD, "00000000-0000-0000-0000-000000000000", 0, 0, "no_connection", now),)
        message = self._message(news, sample=True)
        took = [self._deliver(channel, message, hint="") for channel in self.channels]
        return all(took)

    async def _look(self, journal: Journal, ended: Found, books: Books | None) -> "_Seen":
        now = self.clock.now()
        lives = await journal.runs.lives(limit=_LIVES)
        found = ended + of_lives(lives, self.thresholds, at_work=False, now=now)
        if books is not None:
            found += of_books(books, await journal.notices.arrivals(), self.thresholds, now=now)
        return _Seen(found, await self._known(journal))

    async def _look_now(self, journal: Journal) -> "_Seen":
        now = self.clock.now()
        lives = await journal.runs.lives(limit=_LIVES)
        found = of_lives(lives, self.thresholds, at_work=False, now=now)
        arrivals = await journal.notices.arrivals()
        found += of_books(await journal.accounts.books(), arrivals, self.thresholds, now=now)
        return _Seen(found, await self._known(journal))

    async def _known(self, journal: Journal) -> dict[str, list[Known]]:
        return {channel.name: await journal.notices.known(channel.name) for channel in self.channels}

    def _tell(self, seen: "_Seen") -> tuple[bool, list[tuple[str, State]]]:
        """Deliver what is new; return whether all took it, and what is to be remembered."""
        now = self.clock.now()
        states: list[tuple[str, State]] = []
        delivered = True
        messages: dict[tuple[News, ...], Message] = {}
        for channel in self.channels:
            compared = self._compared(seen, channel, now)
            took = True
            if compared.news:
                # One notice has one id, whatever way it takes.
                message = messages.setdefault(compared.news, self._message(compared.news))
                took = self._deliver(channel, message)
            delivered &= took
            states.append((channel.name, compared.delivered if took else compared.undelivered))
        return delivered, [each for each in states if each[1].keep or each[1].forget]

    def _compared(self, seen: "_Seen", channel: Channel, now: datetime) -> Comparison:
        return compare(
            seen.known.get(channel.name, ()),
            seen.found.conditions,
            judged=seen.found.judged & self.thresholds.about,
            now=now,
            remind_after=self.thresholds.remind,
        )

    def _message(self, news: Sequence[News], *, sample: bool = False) -> Message:
        journal = str(self.journal)
        frame = Frame(
            at=self.clock.now(),
            host=os.uname().nodename,
            journal=journal,
            identity=str(uuid.uuid4()),
            sample=sample,
        )
        said = entries(news, journal=journal)
        return Message(summary(said, frame), text(said, frame), as_json(said, frame))

    def _deliver(self, channel: Channel, message: Message, *, hint: str = " The next run tries again.") -> bool:
        try:
            channel.deliver(message)
        except NotDelivered as error:
            self.say(f"Notice not delivered through {channel.shown}: {error.message}{hint}")
            return False
        return True

    def _remember(self, states: list[tuple[str, State]]) -> None:
        if not states:
            return
        try:
            asyncio.run(self._record(states))
        except RunnerError as error:
            self.say(f"What was told could not be recorded, and may be told again: {error.message}")

    async def _record(self, states: list[tuple[str, State]]) -> None:
        async with writing(self.journal, self.clock, brief=True) as journal:
            await journal.notices.record(states)


@dataclass(frozen=True, slots=True)
class _Seen:
    found: Found
    known: dict[str, list[Known]]
