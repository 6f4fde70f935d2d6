"""Time, requests and the day's quota: reached, they end a run in good order, and the next one goes on."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from itertools import pairwise

import click
import pytest

from benchmarks.request_economy import NOON, LoopClock, Rehearsal, VirtualLoop, stage
from runner.app import App
from runner.cli.limits import Addresses, Moment, next_moment
from runner.cli.summary import print_report, report_json
from runner.clock import SystemClock
from runner.codat.budgets import ending_at
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.codat.gate import Unlimited
from runner.codat.governor import Limits as Rates
from runner.domain.forecast import Batches, OpenWork, requests_for
from runner.errors import BudgetReached, ExitCode
from runner.intake.sources import find_sources
from runner.journal.journal import scratch
from runner.outcome import exit_code_of, outcomes_of
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from runner.simulator import NO_LIMITS, Behaviour, Call, Service
from runner.simulator.behaviour import Limits as ServiceLimits
from runner.simulator.http import serve
from runner.steps.kit import Limits
from tests.unit.governor_world import asking


def play(history):
    """Run it in virtual time; nothing may be left running."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(history())
        loop.run_until_complete(asyncio.sleep(0))
        assert asyncio.all_tasks(loop) == set()
        return result
    finally:
        loop.close()


async def code_of(rehearsal, journal):
    """The exit code of the last run."""
    books = await journal.accounts.books()
    outcomes = outcomes_of(books, stop=rehearsal.stop, retries_left=True, unread=False)
    return int(exit_code_of(outcomes, rehearsal.stop))


def assert_all_posted_once(service, companies, expenses):
    posted = [(entry.company, entry.expense) for entry in service.ledger.entries]
    assert len(posted) == len(set(posted)) == companies * expenses


# ---- the day's quota ----


def test_a_quota_that_runs_out_ends_the_run_with_75_and_the_runs_after_each_reset_go_on():
    async def history():
        behaviour = Behaviour(limits=ServiceLimits(a_day=60), epoch=NOON, sync_seconds=(1.0, 30.0))
        service = Service(behaviour, seed=5)
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1, drafts_a_sync=10))
        ends = []
        with scratch(LoopClock()) as journal:
            await stage(journal, 3, 120)
            for _ in range(10):
                wire = await rehearsal.run(journal)
                ends.append((await code_of(rehearsal, journal), rehearsal.stop and rehearsal.stop.resume_at))
                assert wire.refused == 0
                if rehearsal.stop is None:
                    break
                again = datetime.fromisoformat(rehearsal.stop.resume_at)
                await asyncio.sleep((again - LoopClock().now()).total_seconds() + 1.0)
        return service, ends

    service, ends = play(history)
    midnights = [NOON.replace(hour=0) + timedelta(days=day) for day in range(1, len(ends))]
    assert ends == [*((75, midnight.isoformat()) for midnight in midnights), (0, None)]
    assert len(ends) >= 3
    assert_all_posted_once(service, 3, 120)


def test_another_client_that_eats_from_the_quota_is_noticed_from_the_headers():
    async def history():
        behaviour = Behaviour(limits=ServiceLimits(a_day=200), epoch=NOON, sync_seconds=(1.0, 5.0))
        service = Service(behaviour, seed=5)
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1, drafts_a_sync=10), rates=Rates(max_rpm=120))
        eaten = 0

        async def eat():
            nonlocal eaten
            while True:
                call = Call("GET", "/companies/company-0", {}, {"authorization": "Basic c2VjcmV0"}, b"", "elsewhere")
                eaten += service.handle(call, now=asyncio.get_running_loop().time()).status == 200
                await asyncio.sleep(0.5)

        with scratch(LoopClock()) as journal:
            await stage(journal, 1, 2_000)
            eating = asyncio.ensure_future(eat())
            wire = await rehearsal.run(journal)
            eating.cancel()
            code = await code_of(rehearsal, journal)
        return rehearsal, wire, eaten, code

    rehearsal, wire, eaten, code = play(history)
    assert code == 75
    assert "quota" in rehearsal.stop.message
    assert rehearsal.stop.resume_at == "2026-01-06T00:00:00+00:00"
    assert eaten > 50
    assert 390 <= wire.counts.total() - wire.refused + eaten <= 400
    assert wire.refused <= 1


def test_a_reserve_is_left_to_other_programs():
    async def history():
        service = Service(Behaviour(limits=ServiceLimits(a_day=100), epoch=NOON, sync_seconds=(1.0, 5.0)))
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1), rates=Rates(reserve=50))
        with scratch(LoopClock()) as journal:
            await stage(journal, 1, 500)
            return await rehearsal.run(journal), rehearsal.stop

    wire, stop = play(history)
    assert wire.counts.total() <= 150
    assert "50 are reserved" in stop.message


# ---- time ----


def test_a_run_that_waits_for_a_sync_ends_when_its_time_is_over():
    async def history():
        draining, clock = Draining(), LoopClock()
        service = Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(5_000.0, 5_000.0)))
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1))
        with scratch(clock) as journal:
            await stage(journal, 1, 40)
            async with ending_at(NOON + timedelta(minutes=10), draining=draining, clock=clock):
                await rehearsal.run(journal, draining=draining)
            ended = clock.monotonic()
            code = await code_of(rehearsal, journal)
            await asyncio.sleep(5_000)
            await rehearsal.run(journal)
            assert await code_of(rehearsal, journal) == 0
        assert_all_posted_once(service, 1, 40)
        return rehearsal, ended, code

    _, ended, code = play(history)
    assert ended == pytest.approx(600.0)
    assert code == 75


def test_a_time_that_is_over_ends_the_run_at_once():
    async def history():
        draining, clock = Draining(), LoopClock()
        async with ending_at(NOON, draining=draining, clock=clock):
            await draining.wait()
        return draining.error, clock.monotonic()

    error, moment = play(history)
    assert isinstance(error, BudgetReached)
    assert "2026-01-05T12:00:00+00:00" in error.message
    assert moment == 0.0


def test_nothing_is_left_behind_where_the_run_ends_before_its_time():
    async def history():
        draining, clock = Draining(), LoopClock()
        async with ending_at(NOON + timedelta(hours=1), draining=draining, clock=clock):
            await asyncio.sleep(1)
        await asyncio.sleep(7_200)
        return draining.active

    assert play(history) is False


# ---- requests ----


def test_a_number_of_requests_ends_the_run_before_it_sends_more():
    async def history():
        service = Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(1.0, 5.0)))
        rehearsal = Rehearsal(service, limits=Limits(draft_size=1), rates=Rates(max_requests=30))
        with scratch(LoopClock()) as journal:
            await stage(journal, 2, 40)
            wire = await rehearsal.run(journal)
            first = (wire.counts.total(), await code_of(rehearsal, journal))
            rehearsal.rates = Rates()
            await rehearsal.run(journal)
            assert await code_of(rehearsal, journal) == 0
        assert_all_posted_once(service, 2, 40)
        return first

    assert play(history) == (30, 75)


async def test_without_a_rate_a_number_of_requests_is_kept_to_all_the_same():
    admission = Unlimited(max_requests=2)
    for _ in range(2):
        async with admission.admitted(asking()):
            pass

    with pytest.raises(BudgetReached, match="2 requests"):
        async with admission.admitted(asking()):
            raise AssertionError("admitted")


# ---- the command line ----


@pytest.fixture
def zone(monkeypatch):
    """Sets the time zone of this machine."""

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "now", "moment"),
    [
        ("06:00", "2026-01-05T01:00Z", "2026-01-05T05:00Z"),
        ("06:00", "2026-01-05T05:00Z", "2026-01-06T05:00Z"),
        ("06:00", "2026-01-05T23:30Z", "2026-01-06T05:00Z"),
        ("06:00:30", "2026-01-05T01:00Z", "2026-01-05T05:00:30Z"),
        # The clocks go forward in the night of March 29th: that day has 23 hours.
        ("06:00", "2026-03-28T05:00Z", "2026-03-29T04:00Z"),
        # There is no half past two in that night: at two it is three.
        ("02:30", "2026-03-28T22:50Z", "2026-03-29T01:00Z"),
        ("02:30", "2026-03-29T00:50Z", "2026-03-29T01:00Z"),
        ("02:00", "2026-03-29T00:50Z", "2026-03-29T01:00Z"),
        ("03:00", "2026-03-29T00:50Z", "2026-03-29T01:00Z"),
        ("02:30", "2026-03-29T01:00Z", "2026-03-30T00:30Z"),
        # When the clocks go back it is half past two twice.
        ("02:30", "2026-10-25T00:10Z", "2026-10-25T00:30Z"),
        ("02:30", "2026-10-25T00:50Z", "2026-10-25T01:30Z"),
        ("02:30", "2026-10-25T01:10Z", "2026-10-25T01:30Z"),
        ("02:30", "2026-10-25T01:30Z", "2026-10-26T01:30Z"),
        ("2026-03-29T02:30", "2026-01-05T01:00Z", "2026-03-29T01:00Z"),
        ("2026-10-25T02:30", "2026-01-05T01:00Z", "2026-10-25T00:30Z"),
        ("2026-10-25T02:30", "2026-10-25T00:50Z", "2026-10-25T01:30Z"),
        ("2026-03-01T06:00", "2026-01-05T01:00Z", "2026-03-01T05:00Z"),
        ("2026-03-01T06:00Z", "2026-01-05T01:00Z", "2026-03-01T06:00Z"),
        ("2026-07-01T06:00-05:00", "2026-01-05T01:00Z", "2026-07-01T11:00Z"),
    ],
)
def test_a_time_of_day_is_its_next_occurrence_here_and_a_date_is_that_date(zone, text, now, moment):
    zone("Europe/Berlin")

    assert next_moment(text, now=datetime.fromisoformat(now)) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("name", "text", "now", "moment"),
    [
        # The clocks of Beirut skip midnight; those of Lord Howe Island go back by half an hour.
        ("Asia/Beirut", "00:15", "2026-03-28T21:50Z", "2026-03-28T22:00Z"),
        ("Australia/Lord_Howe", "01:45", "2026-04-04T14:50Z", "2026-04-04T15:15Z"),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T15:20Z", "2026-10-03T15:30Z"),
        ("America/New_York", "02:30", "2026-03-08T06:59Z", "2026-03-08T07:00Z"),
        ("America/New_York", "01:30", "2026-11-01T05:45Z", "2026-11-01T06:30Z"),
    ],
)
def test_a_time_of_day_is_found_wherever_clocks_change(zone, name, text, now, moment):
    zone(name)

    assert next_moment(text, now=datetime.fromisoformat(now)) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["soon", "25:00", "", "06:00+02:00", "6", "2020-01-01T00:00Z", "0001-01-01"])
def test_what_is_no_time_to_come_is_refused(text):
    with pytest.raises(click.BadParameter):
        Moment().convert(text, None, None)


def test_a_time_of_day_from_a_toml_file_is_taken():
    moment = Moment().convert(datetime(2099, 1, 1, 6, tzinfo=UTC), None, None)

    assert moment == datetime(2099, 1, 1, 6, tzinfo=UTC)
    assert Moment().convert(clock_time(6, 0), None, None) > datetime.now(UTC)


def test_addresses_are_read_from_text_or_a_list():
    assert Addresses().convert("10.0.0.1, 10.0.0.2,2001:DB8::1", None, None) == ("10.0.0.1", "10.0.0.2", "2001:db8::1")
    assert Addresses().convert(["10.0.0.1"], None, None) == ("10.0.0.1",)


@pytest.mark.parametrize("text", ["here", "10.0.0.1,10.0.0.1", "10.0.0.1,", "10.0.0.256"])
def test_what_are_no_addresses_is_refused(text):
    with pytest.raises(click.BadParameter):
        Addresses().convert(text, None, None)


# ---- a whole run ----


class Log:
    """Takes every event, and says nothing."""

    def __getattr__(self, _name):
        return lambda *_args, **_facts: None


async def run(folder, service, count=120, **settings):
    """Run over a file of so many expenses and real HTTP."""
    rows = [f"acme,e{n},Payment,2026-03-01,EUR,{n + 1}.50,400" for n in range(count)]
    text = "\n".join(["company_id,id,type,issue_date,currency,net_amount,account_id", *rows])
    (folder / "expenses.csv").write_text(text + "\n")
    app = App(clock=SystemClock(), notes=Notes(Log(), Progress()), draining=Draining())
    async with await serve(service) as server:
        chosen = RunSettings(
            credential=Credential("key"), journal=folder / "j.db", base_url=server.url, poll_interval=0.05, **settings
        )
        return await app.run(chosen, find_sources([str(folder / "expenses.csv")]))


@pytest.mark.parametrize("limit", ["max_duration", "until"])
async def test_a_run_ends_in_the_middle_of_a_wait_when_its_time_is_over(tmp_path, capsys, limit):
    value = 0.6 if limit == "max_duration" else datetime.now(UTC) + timedelta(seconds=0.6)
    service = Service(Behaviour(sync_seconds=(1_000.0, 1_000.0)))

    report = await run(tmp_path, service, **{limit: value})

    assert report.exit_code == ExitCode.BUDGET
    assert report.outcomes == ["budget"]
    assert 0.4 < report.seconds < 20.0
    print_report(report, journal=tmp_path / "j.db", as_json=False)
    assert f"To go on: expense-runner run --journal {tmp_path / 'j.db'}" in capsys.readouterr().out


@pytest.mark.parametrize("max_rpm", [980, 0])
async def test_a_run_sends_no_more_requests_than_it_may(tmp_path, max_rpm):
    service = Service(Behaviour(sync_seconds=(0.05, 0.1)))

    report = await run(tmp_path, service, max_requests=2, max_rpm=max_rpm)

    assert report.exit_code == ExitCode.BUDGET
    assert len(service.requests) == 2
    assert report_json(report, tmp_path / "j.db")["resume"]


async def test_a_run_keeps_no_more_in_flight_than_it_may(tmp_path):
    service = Service(Behaviour(sync_seconds=(0.05, 0.1), latency=0.02))

    report = await run(tmp_path, service, count=300, max_in_flight=1)

    assert report.exit_code == ExitCode.OK
    moments = sorted(each.now for each in service.requests)
    assert all(later - earlier >= 0.019 for earlier, later in pairwise(moments))


async def test_a_run_tells_requests_predicted_beside_those_sent(tmp_path, capsys):
    service = Service(Behaviour(sync_seconds=(0.0, 0.0)))

    report = await run(tmp_path, service)

    # The preflight's 3, 3 creates, an initiate, a status, a page, and the list before the first sync.
    assert report.predicted == 10
    print_report(report, journal=None, as_json=True)
    requests = json.loads(capsys.readouterr().out.splitlines()[-1])["requests"]
    assert requests == {"total": 10, "retried": 0, "rate_limited": 0, "this_run": 10, "predicted": 10}


# ---- the prediction ----

DATASETS = Batches(creates_datasets=True, draft_size=50, drafts_a_sync=40, page_size=2_000)
DIRECT = Batches(creates_datasets=False, draft_size=50, drafts_a_sync=40, page_size=2_000)


@pytest.mark.parametrize(
    ("work", "datasets", "direct"),
    [
        (OpenWork(), 0, 0),
        (OpenWork(undrafted=1), 4, 3),
        (OpenWork(undrafted=50), 4, 3),
        (OpenWork(undrafted=51), 5, 6),
        (OpenWork(undrafted=2_000), 43, 120),
        (OpenWork(undrafted=2_001), 47, 123),
        (OpenWork(undrafted=20_000), 430, 1_200),
        (OpenWork(undrafted=1, first=True), 5, 4),
        (OpenWork(drafted=40), 43, 120),
        (OpenWork(stored=40), 3, 120),
        (OpenWork(stored=40, undrafted=50), 7, 123),
        (OpenWork(syncs=2, unfinished=1, in_syncs=4_000), 3, 3),
        (OpenWork(syncs=3, unfinished=3, in_syncs=30), 6, 6),
        (OpenWork(receipts=7), 7, 7),
        (OpenWork(held=True, undrafted=500, receipts=3), 1, 1),
    ],
)
def test_the_prediction_counts_each_request_once(work, datasets, direct):
    assert requests_for([work], DATASETS) == datasets
    assert requests_for([work], DIRECT) == direct


def test_the_prediction_of_companies_adds_up():
    assert requests_for([OpenWork(undrafted=2_000)] * 3 + [OpenWork(receipts=1)], DATASETS) == 3 * 43 + 1


def test_a_sync_that_holds_more_than_a_page_takes_several_pages():
    large = Batches(creates_datasets=True, draft_size=50, drafts_a_sync=100, page_size=2_000)

    assert requests_for([OpenWork(undrafted=5_000)], large) == 100 + 2 + 3


def test_what_an_interrupted_run_left_open_is_predicted_from_the_journal():
    async def history():
        service = Service(Behaviour(limits=NO_LIMITS, epoch=NOON, sync_seconds=(1.0, 1.0)))
        limits = Limits(draft_size=1, drafts_a_sync=10)
        rehearsal = Rehearsal(service, limits=limits, rates=Rates(max_requests=16))
        with scratch(LoopClock()) as journal:
            await stage(journal, 1, 40, receipts=1)
            batches = Batches(creates_datasets=True, draft_size=1, drafts_a_sync=10, page_size=2_000)
            before = requests_for(await journal.outlook.open_work(), batches)
            await rehearsal.run(journal)
            between = requests_for(await journal.outlook.open_work(), batches)
            rehearsal.rates = Rates()
            wire = await rehearsal.run(journal)
            return before, between, wire, await journal.outlook.open_work()

    before, between, wire, left = play(history)
    assert before == 1 + 40 + 4 * 3 + 40
    assert before - 16 <= between < before
    polls = wire.counts["status"] + wire.counts["statuses"]
    assert wire.counts["attach"] == 40
    assert between - 4 <= wire.counts.total() - polls <= between
    assert left == []
