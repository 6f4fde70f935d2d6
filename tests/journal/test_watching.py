"""A life writes down while it goes on how long it has watched the world."""

import asyncio
from contextlib import closing

from runner.errors import JournalUnusable
from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.store import Inline
from runner.journal.watching import EVERY, watching
from tests.clocks import FakeClock


class Alarm(FakeClock):
    """Time passes when the test says so."""

    def __init__(self):
        super().__init__()
        self.asleep = asyncio.Queue()
        self.due = 0.0

    async def sleep(self, seconds):
        self.waking = asyncio.Event()
        await self.asleep.put(seconds)
        await self.waking.wait()

    async def pass_by(self):
        """Let the sleeper wake when its time has come, and fall asleep again."""
        self.advance(self.due or await self.asleep.get())
        self.waking.set()
        self.due = await self.asleep.get()


class Full(Inline):
    """A disk that is full from some moment on."""

    full = False

    async def write(self, operation):
        if self.full:
            raise JournalUnusable("full")
        return await super().write(operation)


def watched(connection):
    return connection.execute("SELECT alive_boot - started_boot FROM run").fetchone()[0]


async def test_a_life_that_is_cut_off_has_written_down_all_but_the_last_seconds():
    with closing(open_scratch()) as connection:
        clock = Alarm()
        journal = Journal(Inline(connection), clock)
        await journal.runs.begin(version="0", flow="datasets")
        async with watching(journal, clock):
            for times in range(1, 4):
                await clock.pass_by()
                assert watched(connection) == times * EVERY
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1


async def test_a_journal_that_cannot_be_written_is_met_by_whoever_works_with_it():
    with closing(open_scratch()) as connection:
        clock, store = Alarm(), Full(connection)
        journal = Journal(store, clock)
        await journal.runs.begin(version="0", flow="datasets")
        async with watching(journal, clock):
            await clock.pass_by()
            store.full = True
            clock.advance(clock.due)
            clock.waking.set()
            for _ in range(5):
                await asyncio.sleep(0)
        assert watched(connection) == EVERY
