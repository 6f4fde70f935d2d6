"""`verify` tells what the two sides see differently and repairs what the journal knew less of; `retry` follows it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.cli.verify import _lines
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.errors import ExitCode, RefusedToStart
from runner.journal.journal import writing
from runner.simulator.faults import Fault, FaultKind
from runner.steps.verifying import Remote, _agreed_to, not_compared, verify_company
from runner.verifier import Verifier
from tests.clocks import START, FakeClock
from tests.filing import begin, file_in
from tests.scenarios_steps.walking import COMPANY_ID, staged
from tests.simulator_client import COMPANY, expense_id

LONG = 700.0
DAY = 86_400.0
EPOCH = START - timedelta(seconds=1_000)
"""Codat's clock shows what the clock on this machine shows."""
OTHER = "9c0cc4f2-2f4a-4a40-9e6c-0c9f4e9b1c01"


def unlisted(**options):
    """The first expense is missing from the transactions of its first sync."""
    return Fault(FaultKind.MISSING, expense=expense_id(1), times=1, **options)


async def verify(world, *, idle=LONG, company=COMPANY_ID, everything=False):
    await world.journal.runs.begin(version="test", flow=world.flow, purpose="verify")
    findings = await verify_company(company, world.kit(), idle=idle, everything=everything)
    assert accounted(findings) == findings.expenses == len(world.states())
    return findings


def accounted(findings):
    """Count the expenses of all lists that no two of which share any."""
    sides = (findings.agreed, findings.earlier, findings.settled)
    compared = sum(each.count for side in sides for each in side.values())
    return compared + len(findings.missing) + len(findings.in_doubt) + sum(findings.rest.values())


async def rebuild(world, *, others_posted=False):
    await world.journal.runs.begin(version="test", flow=world.flow, purpose="rebuild")
    await Verifier(world.kit(Draining()), 4).rebuild(others_posted=others_posted)


async def posted_by_another(world, build, *numbers, **changed):
    other = build(beside=world)
    await other.stage(*numbers, **changed)
    await other.live()
    return other


async def test_what_both_sides_call_posted_agrees_in_count_and_money(world):
    here = world()
    await here.stage(1, 2)
    await here.live()

    findings = await verify(here)

    assert findings.agrees
    assert findings.expenses == 2
    assert (findings.agreed["GBP"].count, findings.agreed["GBP"].amount) == (2, 30)


async def test_what_is_not_in_the_books_is_counted_by_its_state(world):
    here = world()
    await here.stage(1, 2)
    await here.live()
    await here.stage(3, 4, 5)
    here.connection.execute(
        "UPDATE expense SET state = 'failed', code = 'push_error' WHERE expense_id = ?", (expense_id(3),)
    )

    findings = await verify(here)
    assert findings.rest == {"failed": 1, "staged": 2}

    await here.journal.companies.hold(COMPANY_ID, code="no_connection", message="Not connected.", hint=None)
    held = await verify(here)
    assert held.rest == {"failed": 1, "held": 2}
    assert [line.split(maxsplit=1) for line in _lines(held)[1:]] == [
        ["2", "posted, both say (30.00 GBP)"],
        ["2", "not sent, because the company is held"],
        ["1", "failed: not taken by the accounting software; may be sent again"],
    ]


async def test_a_company_that_cannot_be_read_is_told_by_the_journal_alone(world):
    here = world()
    await here.stage(1, 2)
    await here.live()
    await here.stage(3)

    findings = await not_compared(COMPANY_ID, "No connection.", here.kit())

    assert (findings.expenses, dict(findings.rest)) == (3, {"posted": 2, "staged": 1})
    assert not findings.agrees
    assert _lines(findings)[1:] == [
        "  could not be compared: No connection.",
        "         2  posted, by the journal alone",
        "         1  not sent yet",
    ]


async def test_a_doubt_is_settled_by_the_sync_of_somebody_else_and_is_external(world):
    here = world(faults=[unlisted()])
    await here.stage(1, 2, receipts=("a.pdf",))
    await here.live()
    assert here.state(1) == "in_doubt"
    await posted_by_another(here, world, 1)

    findings = await verify(here)

    assert findings.settled["GBP"].count == 1
    assert findings.agrees
    assert here.states()[1] == ("posted", "verified")
    assert here.connection.execute("SELECT external FROM expense ORDER BY expense_no").fetchall() == [(1,), (0,)]


async def test_an_expense_that_was_posted_here_and_is_listed_nowhere_is_missing(world):
    here = world()
    await here.stage(1, 2)
    await here.live()
    here.service.company(COMPANY).syncs.clear()

    findings = await verify(here)

    assert sorted(findings.missing) == [expense_id(1), expense_id(2)]
    assert not findings.agrees
    assert here.state(1) == "posted"


async def test_an_expense_that_two_syncs_completed_is_doubled(world):
    here = world(duplicate_check="never")
    await here.stage(1, 2)
    await here.live()
    await posted_by_another(here, world, 1)

    findings = await verify(here)

    assert findings.doubled == [expense_id(1)]
    assert not findings.agrees


async def test_an_expense_that_was_never_staged_here_is_unknown(world):
    here = world()
    await here.stage(1)
    await here.live()
    await posted_by_another(here, world, 9)

    findings = await verify(here)

    assert findings.unknown == [expense_id(9)]
    assert findings.agrees


async def test_a_sync_that_a_dead_process_had_started_is_found_and_judged(world):
    here = world()
    await here.stage(1)
    here.kill_after("POST", "/syncs")
    await here.live_until_killed()
    here.clock.advance(60)

    findings = await verify(here)

    assert here.state(1) == "posted"
    assert findings.agreed["GBP"].count == 1
    assert not here.sent(ending="/syncs")[1:]


@pytest.mark.parametrize(("idle", "absent"), [(0.0, []), (659.0, []), (660.0, [expense_id(1)])])
async def test_absence_is_certain_only_when_nothing_was_sent_for_the_quiescence_time(world, idle, absent):
    here = world(faults=[unlisted()])
    await here.stage(1, 2)
    await here.live()
    # However the wall clock is set.
    here.clock.jump(1_000_000)

    findings = await verify(here, idle=idle)

    assert findings.in_doubt == [expense_id(1)]
    assert findings.absent == absent
    assert [each.absence_checked for each in await here.journal.resends.candidates()] == [bool(absent)]


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_whoever_verifies_every_ten_minutes_gets_an_answer(world, elsewhere):
    here = world(faults=[unlisted()])
    await here.stage(1, 2)
    await here.live()
    if elsewhere:
        here.clock.reboot(uptime=900_000)
    absent = []
    for _ in range(3):
        here.clock.advance(600)
        await here.journal.runs.begin(version="test", flow=here.flow, purpose="verify")
        (findings,) = await Verifier(here.kit(), 4).verify(())
        absent.append(findings.absent)
    # The run was not seen to its end: it was over when the first verification began.
    assert absent == [[], [], [expense_id(1)]]


async def test_an_expense_that_is_in_doubt_only_since_this_verification_is_not_absent_yet(world):
    here = world(faults=[unlisted()])
    await here.stage(1, 2)
    here.kill_after("POST", "/syncs")
    await here.live_until_killed()
    here.clock.advance(60)

    first = await verify(here)
    second = await verify(here)

    assert (first.in_doubt, first.absent) == ([expense_id(1)], [])
    assert second.absent == [expense_id(1)]


@pytest.mark.parametrize("kind", [FaultKind.PENDING, FaultKind.UNKNOWN])
async def test_what_codat_itself_does_not_know_is_never_absent(world, kind):
    here = world(faults=[Fault(kind, expense=expense_id(1))])
    await here.stage(1)
    await here.live()

    assert (await verify(here)).absent == []


async def test_nothing_is_absent_while_a_sync_of_others_runs(world):
    here = world(faults=[unlisted()], rows_lag=1.0)
    await here.stage(1)
    await here.live()
    other = world(beside=here)
    await other.stage(7)
    other.kill_after("POST", "/syncs")
    await other.live_until_killed()

    during = await verify(here)
    here.clock.advance(60)
    after = await verify(here)

    assert (during.absent, after.absent) == ([], [expense_id(1)])


async def test_what_is_absent_is_sent_again_by_a_retry_and_posted_once(world):
    here = world(faults=[unlisted()])
    await here.stage(1, 2)
    await here.live()
    await verify(here)

    await here.journal.resends.stage_again(await here.journal.resends.candidates())
    await here.live()

    assert here.state(1) == "posted"
    assert here.posted(1) == 1


async def test_a_company_that_cannot_be_read_is_told_and_the_others_go_on(world):
    here = world()
    await here.stage(1)
    await here.stage(1, company=OTHER)
    await here.live()
    here.service.set_status(OTHER, "Deleted")

    found = {each.company_id: each for each in await Verifier(here.kit(), 4).verify(())}

    assert found[CompanyId(OTHER)].unread
    assert not found[CompanyId(OTHER)].agrees
    assert found[COMPANY_ID].agrees


async def test_a_company_that_a_rebuild_cannot_read_is_sent_nothing_before_another_rebuild(world):
    here = world()
    await here.stage(1)
    await here.stage(1, company=OTHER)
    here.service.company(OTHER)
    here.service.set_status(OTHER, "Deleted")

    await rebuild(here)
    here.service.set_status(OTHER, "Linked")
    await here.live()
    assert await here.hold(OTHER) == "not_rebuilt"
    assert [request.company for request in here.sent(ending="/syncs")] == [COMPANY]

    await rebuild(here)
    await here.live()

    assert await here.hold(OTHER) is None
    assert here.posted(1, company=OTHER) == 1


async def test_what_no_file_explains_holds_a_company_whose_rows_without_ids_could_be_that(world):
    lost = world()
    await lost.stage(1)
    await lost.live()
    here = world(beside=lost)
    await here.stage(2, 3)

    await rebuild(here)
    # Ids of the user's own say themselves that they are others.
    assert await here.hold() is None

    here.connection.execute("UPDATE expense SET named = 0 WHERE expense_id = ?", (expense_id(2),))
    await rebuild(here)
    await here.live()
    assert (await here.hold(), here.posted(2), here.posted(3)) == ("unexplained", 0, 0)

    await rebuild(here, others_posted=True)
    await here.live()
    assert (await here.hold(), here.posted(2), here.posted(3)) == (None, 1, 1)


async def test_a_company_whose_sync_never_ends_is_held_and_the_rebuild_ends(world):
    here = world(sync_seconds=(100_000.0, 100_000.0))
    other = world(beside=here)
    await other.stage(1)
    other.kill_after("POST", "/syncs")
    await other.live_until_killed()
    await here.stage(1, 2)
    await here.stage(1, company=OTHER)

    await rebuild(here)

    assert (await here.hold(), await here.hold(OTHER)) == ("not_rebuilt", None)


async def test_a_rebuild_waits_until_a_last_request_of_the_lost_journal_has_arrived(world):
    here = world()
    other = world(beside=here)
    await other.stage(1)
    here.service.add_fault(Fault(FaultKind.LATE, method="POST", path="/syncs$", seconds=600.0, times=1))
    other.kill_after("POST", "/syncs")
    await other.live_until_killed()
    await here.stage(1)

    await rebuild(here)
    await here.live()

    assert here.states()[1] == ("posted", "rebuilt")
    assert here.posted(1) == 1


async def test_a_rebuild_sends_the_receipt_of_an_expense_in_the_books_to_the_doubts(world):
    here = world()
    await posted_by_another(here, world, 1, receipts=("a.pdf",))
    await here.stage(1, 2, receipts=("a.pdf",))

    await rebuild(here)
    assert here.receipts() == ["in_doubt", "waiting"]
    await here.live()

    assert here.receipts() == ["in_doubt", "attached"]
    assert len(here.service.ledger.attachments_of(COMPANY, expense_id(1))) == 1


# ---- only what is new ----


async def nights(world, *numbers):
    """Post an expense a night, a day apart; the clock stands a day after the last one."""
    for number in numbers:
        await world.stage(number)
        await world.live()
        world.clock.advance(DAY)


def syncs_of(world):
    """The company's syncs at Codat, newest first."""
    account = world.service.account
    return account.syncs.of(world.service.company(COMPANY), now=world.clock.monotonic())


def change(world, number, status):
    """Change what the newest sync that holds the expense says of it."""
    items = [item for sync in syncs_of(world) for item in sync.items if item.transaction.id == expense_id(number)]
    items[0].status = status


async def read_by(world, **options):
    """Verify; return what came of it, and how many syncs were read."""
    before = len(world.sent("GET", "/transactions"))
    findings = await verify(world, **options)
    return findings, len(world.sent("GET", "/transactions")) - before


async def test_only_syncs_since_the_last_comparison_that_agreed_are_read(world):
    here = world(epoch=EPOCH)
    await nights(here, 1, 2, 3)
    first = await read_by(here)
    await nights(here, 4)

    second = await read_by(here)
    everything = await read_by(here, everything=True)

    assert [read for _, read in (first, second, everything)] == [3, 2, 4]
    assert (second[0].agreed["GBP"].count, second[0].earlier["GBP"].count) == (2, 2)
    assert everything[0].agreed["GBP"].count == 4
    assert all(findings.agrees for findings, _ in (first, second, everything))


async def test_a_deviation_in_a_sync_that_is_new_is_found_and_in_an_old_one_with_everything(world):
    here = world(epoch=EPOCH)
    await nights(here, 1, 2)
    await verify(here)
    await nights(here, 3)
    change(here, 1, "PushError")

    assert (await verify(here)).agrees
    assert (await verify(here, everything=True)).missing == [expense_id(1)]

    change(here, 1, "Completed")
    assert (await verify(here, everything=True)).agrees
    await nights(here, 4)
    change(here, 4, "PushError")
    assert (await verify(here)).missing == [expense_id(4)]


async def test_a_comparison_that_does_not_agree_is_made_again_in_full(world):
    here = world(epoch=EPOCH)
    await nights(here, 1, 2)
    await verify(here)
    await nights(here, 3)
    change(here, 3, "PushError")
    await verify(here)
    await nights(here, 4, 5)
    change(here, 3, "Completed")

    findings, read = await read_by(here)

    # That of the mark, and all since.
    assert (findings.agrees, read) == (True, 4)


async def test_what_an_old_and_a_new_sync_completed_is_doubled(world):
    here = world(epoch=EPOCH, duplicate_check="never")
    await nights(here, 1, 2)
    await verify(here)
    here.clock.advance(DAY)
    await posted_by_another(here, world, 1)

    findings = await verify(here)

    assert findings.doubled == [expense_id(1)]
    assert (await verify(here)).doubled == [expense_id(1)]


async def test_an_old_sync_is_read_as_long_as_an_expense_of_it_may_be_sent_again(world):
    here = world(epoch=EPOCH, faults=[Fault(FaultKind.PUSH_ERROR, expense=expense_id(1))])
    await nights(here, 1, 2)
    assert (await verify(here)).rest == {"failed": 1}
    await nights(here, 3)
    change(here, 1, "Completed")

    findings = await verify(here)

    assert findings.settled["GBP"].count == 1
    assert here.state(1) == "posted"


async def test_a_sync_that_had_not_ended_is_read_once_it_has(world):
    here = world(epoch=EPOCH, duplicate_check="never")
    await nights(here, 1)
    other = world(beside=here)
    await other.stage(1)
    other.kill_after("POST", "/syncs")
    await other.live_until_killed()
    syncs_of(here)[0].duration = 3 * DAY
    here.clock.advance(DAY)
    assert (await verify(here)).agrees
    here.clock.advance(5 * DAY)

    assert (await verify(here)).doubled == [expense_id(1)]


def test_the_mark_stays_before_whatever_may_still_say_something_else():
    now = datetime(2026, 1, 19, 12, tzinfo=UTC)
    ids = [SyncId(f"{day}") for day in (10, 18, 19)]
    listed = {each: SyncStatus(each, 2000, at=f"2026-01-{each}T00:00:00") for each in ids}

    def mark(*, running=(), open_ones=(), now=now):
        remote = Remote(running={ids[each] for each in running}, open={ids[each] for each in open_ones})
        found = _agreed_to(listed, remote, now)
        return None if found is None else (found.day, found.hour)

    assert mark() == (19, 0)
    assert mark(running=[1]) == (18, 0)
    assert mark(running=[0]) == (10, 0)
    assert mark(open_ones=[2, 1]) == (18, 0)
    # Transactions that have not come for days do not come any more.
    assert mark(open_ones=[0]) == (19, 0)
    assert mark(now=datetime(2026, 1, 15, 6, tzinfo=UTC)) == (15, 6)
    listed[ids[0]] = SyncStatus(ids[0], 1000, at=None)
    assert mark(running=[0]) is None


@pytest.mark.parametrize("lag", [600.0, 3_000.0])
async def test_a_sync_that_the_list_showed_late_is_read(world, lag):
    here = world(epoch=EPOCH, duplicate_check="never")
    await nights(here, 1)
    await posted_by_another(here, world, 1)
    syncs = here.service.company(COMPANY).syncs
    late = syncs.pop()
    here.clock.advance(lag)
    await here.stage(2)
    await here.live()
    assert (await verify(here)).agrees

    syncs.insert(1, late)
    here.clock.advance(DAY)

    assert (await verify(here)).doubled == [expense_id(1)]


async def test_nothing_is_left_out_where_one_of_our_syncs_is_not_listed_any_more(world):
    here = world(epoch=EPOCH)
    await nights(here, 1, 2, 3)
    await verify(here)
    syncs = here.service.company(COMPANY).syncs
    syncs.pop(0)

    findings = await verify(here)

    assert findings.missing == [expense_id(1)]
    assert findings.agreed["GBP"].count == 2


async def test_whatever_is_in_doubt_is_searched_for_in_all_syncs(world):
    here = world(epoch=EPOCH)
    await nights(here, 1, 2)
    await verify(here)
    here.service.add_fault(Fault(FaultKind.MISSING, expense=expense_id(3)))
    await nights(here, 3)

    findings, read = await read_by(here)

    assert (findings.in_doubt, findings.absent, read) == ([expense_id(3)], [expense_id(3)], 3)


# ---- the commands ----


@pytest.fixture
def journal_path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def invoke(journal_path, monkeypatch):
    monkeypatch.setenv("CODAT_API_KEY", "secret")

    def invoke(*words):
        # Nobody listens there: what is refused must be refused before anything leaves.
        address = () if words[0] == "retry" else ("--base-url", "http://127.0.0.1:9")
        return CliRunner().invoke(cli, [*words, "--journal", str(journal_path), *address], standalone_mode=False)

    return invoke


async def fill(path, *, purpose="run", finished_input=True):
    async with writing(path, FakeClock()) as journal:
        await journal.runs.begin(version="test", flow="datasets", purpose=purpose)
        if finished_input:
            await file_in(journal, [staged(1), staged(2), staged(3)], name="in.csv")
        else:
            await begin(journal, "gone.csv", path="/nowhere/gone.csv", sha256="00")
        if finished_input:
            await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)


async def doubt(path):
    """Two expenses are in doubt, one of them was searched for; the third has failed."""
    async with writing(path, SystemClock()) as journal:
        await journal.runs.begin(version="test", flow="datasets", purpose="verify")

        def states(connection):
            connection.execute("UPDATE expense SET state = 'in_doubt', code = 'absent' WHERE expense_no <= 2")
            connection.execute("UPDATE expense SET state = 'failed', code = 'push_error' WHERE expense_no = 3")

        await journal.runs._context.store.write(states)
        await journal.verification.record_absent(COMPANY_ID, {expense_id(2): None})


def test_retry_in_doubt_takes_only_those_that_were_searched_for(journal_path, invoke):
    asyncio.run(fill(journal_path))
    asyncio.run(doubt(journal_path))

    assert json.loads(invoke("retry", "--json").output)["staged_again"] == [expense_id(3)]
    told = json.loads(invoke("retry", "--in-doubt", "--json").output)

    assert told == {"staged_again": [expense_id(2)], "not_verified": 1, "came_again": []}


@pytest.mark.parametrize("words", [("run",), ("verify",)])
def test_nothing_but_a_rebuild_goes_on_from_an_unfinished_one(journal_path, invoke, words):
    asyncio.run(fill(journal_path, purpose="rebuild", finished_input=False))

    result = invoke(*words)

    assert isinstance(result.exception, RefusedToStart)
    assert "verify --rebuild" in result.exception.hint


def test_a_rebuild_from_half_a_file_is_refused(journal_path, invoke):
    asyncio.run(fill(journal_path, purpose="rebuild", finished_input=False))

    result = invoke("verify", "--rebuild")

    assert result.return_value == ExitCode.REFUSED
    assert "gone.csv" in result.output
