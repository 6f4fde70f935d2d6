"""A start that the run at work has just begun is sent; one that nobody waits for is in doubt."""

import os
from dataclasses import replace

import pytest

from runner.domain.states import ExpenseState, Outcome
from runner.journal.attempts import End
from runner.journal.holder import Holder
from runner.journal.journal import Journal
from runner.journal.opening import open_scratch
from runner.journal.store import Inline
from runner.outcome import require_balance
from runner.report.summary import next_steps
from tests.clocks import FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import COMPANY_ID, staged


class Life:
    """A journal whose run has begun a start for two expenses."""

    def __init__(self, connection, clock):
        self.clock = clock
        self.journal = Journal(Inline(connection), clock)
        since = clock.now().isoformat(timespec="seconds")
        self.worker = Holder(os.getpid(), os.uname().nodename, since)

    async def start(self):
        await self.journal.runs.begin(version="1", flow="datasets")
        await file_in(self.journal, [staged(1), staged(2)])
        drafts = await self.journal.drafts.take(COMPANY_ID, limit=40, size=50)
        _, self.attempt = await self.journal.syncs.begin(COMPANY_ID, drafts, key="k", body_hash=b"h")

    async def standing(self, worker):
        """Return the states and their counts, by the books; all that a report is made of must say the same."""
        books = await self.journal.accounts.books(worker=worker)
        require_balance(books)
        health = await self.journal.health.of(worker=worker)
        doubts = books.count(ExpenseState.IN_DOUBT)
        assert health.books == books
        assert sum(each.number for each in health.causes) == len(health.troubles.shown) == doubts
        assert bool(list(next_steps(books, journal="j.db"))) == bool(doubts)
        return {state.value: books.count(state) for state in ExpenseState if books.count(state)}


@pytest.fixture
async def life():
    connection = open_scratch()
    made = Life(connection, FakeClock())
    await made.start()
    yield made
    connection.close()


async def test_a_start_of_the_run_at_work_is_sent_until_it_gets_no_answer(life):
    assert await life.standing(life.worker) == {"sent": 2}

    await life.journal.attempts.record(life.attempt, End(Outcome.UNKNOWN))
    assert await life.standing(life.worker) == {"in_doubt": 2}


async def test_a_start_that_was_turned_away_and_is_sent_again_is_no_doubt_while_its_run_lives(life):
    await life.journal.attempts.record(life.attempt, End(Outcome.NOT_SENT))
    await life.journal.attempts.again(life.attempt)

    assert await life.standing(life.worker) == {"sent": 2}


async def test_a_start_is_in_doubt_where_nobody_is_at_work(life):
    assert await life.standing(None) == {"in_doubt": 2}


async def test_a_start_of_a_killed_run_stays_in_doubt_while_another_is_at_work(life):
    life.clock.advance(2)
    later = replace(life.worker, since=life.clock.now().isoformat(timespec="seconds"))
    # Of the same number, as in a container: it holds the journal and has not begun its run.
    assert await life.standing(later) == {"in_doubt": 2}

    await life.journal.runs.begin(version="1", flow="datasets")
    assert await life.standing(later) == {"in_doubt": 2}


@pytest.mark.parametrize("change", [{"pid": 1 << 30}, {"host": "elsewhere"}])
async def test_a_process_that_is_not_the_run_s_vouches_for_nothing(life, change):
    assert await life.standing(replace(life.worker, **change)) == {"in_doubt": 2}
