"""What was told is remembered for each channel; what came in last is counted by the batch that it came with."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from runner.delivery.message import NotDelivered
from runner.domain.expense import RowError
from runner.domain.notices import Known, State, Topic
from runner.domain.states import ExpenseState
from runner.errors import ExitCode, JournalLocked
from runner.journal.journal import scratch, writing
from runner.journal.lock import Lock
from runner.journal.notices import Arrivals
from runner.journal.preflight import Rejection
from runner.notices import Telling
from runner.report.notices import RunEnd, Thresholds
from tests.clocks import START, FakeClock
from tests.filing import file_in
from tests.scenarios_steps.walking import COMPANY_ID, expense_id, staged

HELD = Known(Topic.HELD, "c-1", 0, "no_connection", START, None)


@pytest.fixture
async def journal():
    with scratch(FakeClock()) as opened:
        await opened.runs.begin(version="test", flow="datasets")
        yield opened


async def test_each_channel_knows_what_it_was_told_and_forgets_what_has_ended(journal):
    told = replace(HELD, told_at=START, measure=7, resolved_at=START + timedelta(1))
    await journal.notices.record([("command", State((HELD,), ())), ("file", State((told,), ()))])
    assert await journal.notices.known("command") == [HELD]
    assert await journal.notices.known("file") == [told]
    await journal.notices.record(
        [("command", State((replace(HELD, told_at=START),), ())), ("file", State((), (HELD.key,)))]
    )
    assert await journal.notices.known("command") == [replace(HELD, told_at=START)]
    assert await journal.notices.known("file") == []


def wrong_row(number):
    key = expense_id(number)
    return RowError("a.csv", 2, "amount_unreadable", "net_amount", "x", "a number", COMPANY_ID, key, key)


async def read(journal, name, expenses, wrong=()):
    await file_in(journal, expenses, name=name, wrong=[(wrong_row(each), expense_id(each)) for each in wrong])


async def test_the_share_is_that_of_the_last_batch_and_reading_it_again_changes_nothing(journal):
    await read(journal, "old.csv", [staged(number) for number in range(1, 20)])
    await journal.runs.begin(version="test", flow="datasets")
    await read(journal, "new.csv", [staged(number) for number in range(20, 24)], wrong=[30])
    page = await journal.preflight.page(COMPANY_ID, after=0, limit=50)
    rejected = [Rejection(page[0].place, "account_unknown", "no"), Rejection(page[-1].place, "account_unknown", "no")]
    await journal.preflight.record(COMPANY_ID, bodies=(), rejections=rejected)
    expected = Arrivals(START, START, expenses=5, rejected=2)
    assert await journal.notices.arrivals() == expected
    assert (await journal.accounts.books()).count(ExpenseState.REJECTED) == 3
    # The next night finds the same files again.
    await journal.runs.begin(version="test", flow="datasets")
    await read(journal, "new.csv", [staged(number) for number in range(20, 24)], wrong=[30])
    assert await journal.notices.arrivals() == expected


async def test_where_nothing_ever_came_in_right_everything_is_rejected(journal):
    await read(journal, "a.csv", [], wrong=[1, 2])
    assert await journal.notices.arrivals() == Arrivals(START, None, 2, 2)


# ---- telling from a journal ----


class Ear:
    """A channel that takes what it is given, or does not."""

    name = shown = "ear"

    def __init__(self, failure=None):
        self.heard, self.failure = [], failure

    def deliver(self, message):
        self.heard.append(message.summary.partition(": ")[2])
        if self.failure is not None:
            raise self.failure


def telling(path, *ears, said=None, clock=None, **thresholds):
    say = [].append if said is None else said.append
    return Telling(
        journal=path, channels=ears, thresholds=Thresholds(**thresholds), clock=clock or FakeClock(), say=say
    )


def begun(path, clock, *, hold=False):
    """Add a run to a journal, with a company that is held or well at its end; return the books."""

    async def write():
        async with writing(path, clock) as journal:
            await journal.runs.begin(version="test", flow="datasets")
            await read(journal, "a.csv", [staged(1)])
            await (journal.companies.release(COMPANY_ID) if not hold else hold_one(journal))
            await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)
            return await journal.accounts.books()

    return asyncio.run(write())


def end_of_run(telling, end, books):
    """Tell what is new at the end of a run, which holds the journal."""

    async def tell():
        async with writing(telling.journal, telling.clock) as journal:
            await telling.at_end(journal, end, books)

    asyncio.run(tell())


def known_to_a_new_run(path):
    """What the channel was told, as the first run sees that gets the lock."""

    async def look():
        async with writing(path, FakeClock()) as journal:
            return [known.topic for known in await journal.notices.known("ear")]

    return asyncio.run(look())


async def hold_one(journal):
    await journal.companies.hold(COMPANY_ID, code="no_connection", message="no", hint=None)


def test_a_night_of_trouble_is_told_once_the_next_is_silent_and_the_third_recovers(tmp_path):
    path, clock, ear = tmp_path / "j.db", FakeClock(), Ear()
    held = begun(path, clock, hold=True)
    for _ in range(2):
        end_of_run(telling(path, ear, clock=clock), RunEnd(ExitCode.WORK_REMAINS), held)
    assert ear.heard == ["1 company held"]
    end_of_run(telling(path, ear, clock=clock), RunEnd(ExitCode.OK), begun(path, clock))
    assert ear.heard[1:] == ["recovered: 1 company held"]
    end_of_run(telling(path, ear, clock=clock), RunEnd(ExitCode.OK), begun(path, clock))
    assert len(ear.heard) == 2


def test_a_channel_that_failed_is_told_at_the_next_end_and_others_are_not_told_again(tmp_path):
    path, said, well, broken = tmp_path / "j.db", [], Ear(), Ear(NotDelivered("It ended with 1."))
    broken.name, broken.shown = "other", "the command x"
    held = begun(path, FakeClock(), hold=True)
    end_of_run(telling(path, broken, well, said=said), RunEnd(ExitCode.WORK_REMAINS), held)
    broken.failure = None
    end_of_run(telling(path, broken, well, said=said), RunEnd(ExitCode.WORK_REMAINS), held)
    assert (len(well.heard), len(broken.heard)) == (1, 2)
    assert said == ["Notice not delivered through the command x: It ended with 1. The next run tries again."]


def test_a_failure_without_a_journal_is_told_each_time_and_makes_none(tmp_path):
    path, ear = tmp_path / "j.db", Ear()
    for _ in range(2):
        telling(path, ear).after_run(RunEnd(ExitCode.KEY_REFUSED, "key_refused"))
    assert ear.heard == ["run failed (77)"] * 2
    telling(path, ear).after_run(RunEnd(ExitCode.JOURNAL_LOCKED, "journal_locked"))
    assert len(ear.heard) == 2
    assert not path.exists()


def test_a_failure_with_a_journal_is_told_once_and_leaves_what_stands_in_the_books_alone(tmp_path):
    path, clock, ear = tmp_path / "j.db", FakeClock(), Ear()
    end_of_run(telling(path, ear, clock=clock), RunEnd(ExitCode.OK), begun(path, clock, hold=True))
    for _ in range(2):
        telling(path, ear, clock=clock).after_run(RunEnd(ExitCode.CONFIGURATION, "configuration"))
    assert ear.heard == ["1 company held", "run failed (78)"]


def test_topics_that_nobody_wants_are_not_told(tmp_path):
    path, ear = tmp_path / "j.db", Ear()
    held = begun(path, FakeClock(), hold=True)
    end_of_run(telling(path, ear, about=frozenset({Topic.RUN_FAILED})), RunEnd(ExitCode.OK), held)
    assert ear.heard == []


def test_that_no_run_comes_is_told_beside_the_runs_and_ends_with_the_next(tmp_path):
    path, clock, ear = tmp_path / "j.db", FakeClock(), Ear()
    begun(path, clock)
    stale = {"clock": clock, "stale": timedelta(hours=26)}
    assert telling(path, ear, **stale).now()
    clock.advance(27 * 3600)
    for _ in range(2):
        assert telling(path, ear, **stale).now()
    assert ear.heard == ["no run for too long"]
    end_of_run(telling(path, ear, **stale), RunEnd(ExitCode.OK), begun(path, clock))
    assert ear.heard[1:] == ["recovered: no run for too long"]


def test_beside_a_run_at_work_nothing_is_told(tmp_path):
    path, clock, ear = tmp_path / "j.db", FakeClock(), Ear()
    begun(path, clock, hold=True)
    with Lock(path, now=clock.now()):
        assert telling(path, ear, clock=clock).now()
    assert ear.heard == []


def test_what_cannot_be_recorded_is_told_and_told_again(tmp_path):
    path, said, ear = tmp_path / "j.db", [], Ear()
    begun(path, FakeClock())
    failed = RunEnd(ExitCode.CONFIGURATION, "configuration")
    with Lock(path, now=START):
        telling(path, ear, said=said).after_run(failed)
    assert len(said) == 1
    assert said[0].startswith("What was told could not be recorded, and may be told again")
    telling(path, ear, said=said).after_run(failed)
    assert ear.heard == ["run failed (78)"] * 2


def test_a_run_that_begins_while_another_tells_is_refused_and_finds_it_told(tmp_path):
    path, clock, ear = tmp_path / "j.db", FakeClock(), Ear()
    held = begun(path, clock, hold=True)
    refused = []

    def begin_another(_message):
        with pytest.raises(JournalLocked), Lock(path, now=START):
            pass
        refused.append(True)

    ear.deliver = begin_another
    end_of_run(telling(path, ear, clock=clock), RunEnd(ExitCode.WORK_REMAINS), held)
    assert refused == [True]
    assert known_to_a_new_run(path) == [Topic.HELD]


class Passing(FakeClock):
    """Calls something as soon as it has gone on for so long."""

    def __init__(self, seconds, then):
        super().__init__()
        self.until, self.then = self.monotonic() + seconds, then

    async def sleep(self, seconds):
        await super().sleep(seconds)
        if self.monotonic() >= self.until:
            self.then()


async def test_a_run_waits_ten_seconds_for_what_is_held_to_write_down_what_was_told(tmp_path):
    path = tmp_path / "j.db"
    async with writing(path, FakeClock()):
        pass
    with ExitStack() as notify:
        notify.enter_context(Lock(path, now=START, brief=True))
        clock = Passing(9.5, notify.close)
        async with writing(path, clock) as journal:
            await journal.runs.begin(version="test", flow="datasets")
    assert 9.0 < sum(clock.sleeps) < 10.0

    clock = FakeClock()
    with Lock(path, now=START, brief=True), pytest.raises(JournalLocked):
        async with writing(path, clock):
            pass
    assert 9.9 < sum(clock.sleeps) < 10.2


@pytest.mark.parametrize(("holder", "comer"), [(False, False), (False, True), (True, True)])
async def test_nobody_waits_for_a_run_and_notices_wait_for_nobody(tmp_path, holder, comer):
    path, clock = tmp_path / "j.db", FakeClock()
    async with writing(path, FakeClock()):
        pass
    with Lock(path, now=START, brief=holder), pytest.raises(JournalLocked):
        async with writing(path, clock, brief=comer):
            pass
    assert clock.sleeps == []


def test_a_sample_is_not_remembered_and_needs_no_journal(tmp_path):
    ear = Ear()
    assert telling(tmp_path / "j.db", ear).sample()
    assert not telling(tmp_path / "j.db", Ear(NotDelivered("no")), ear).sample()
    assert len(ear.heard) == 2
    assert not (tmp_path / "j.db").exists()
