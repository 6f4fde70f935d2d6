"""Evidence for what was posted before is found with few requests, however many syncs a company has had."""

from datetime import UTC, datetime, timedelta

from runner.domain.ids import SyncId
from runner.domain.remote import SyncStatus
from runner.journal.attempts import Traces
from runner.steps.evidence import likely_first
from tests.clocks import START
from tests.simulator_client import COMPANY, expense_id

EPOCH = START - timedelta(seconds=1_000)
"""Codat's clock shows what the clock on this machine shows."""
NIGHTS = 100
DAY = 86_400.0


async def test_an_expense_that_a_lost_start_posted_is_found_among_hundreds_of_syncs_with_two_requests(world):
    here = world(epoch=EPOCH, duplicate_check="push")
    other = world(beside=here)

    async def pass_nights(first):
        for number in range(first, first + NIGHTS):
            await other.stage(number)
            await other.live()
            here.clock.advance(DAY)

    await pass_nights(100)
    await here.stage(1)
    here.kill_after("POST", "/syncs")
    await here.live_until_killed()
    here.clock.advance(60)
    await pass_nights(100 + NIGHTS)
    syncs = here.service.company(COMPANY).syncs
    lost = syncs.pop(NIGHTS)
    requests = []

    def note(request):
        """The list shows the lost sync at last, when it has been taken for one that never was."""
        if request.method == "POST":
            syncs.insert(NIGHTS, lost)
            requests.clear()
        requests.append(request.path.rpartition("/syncs/")[2])

    here.wire.before = note
    assert await here.live() == 0

    assert here.connection.execute("SELECT state, evidence_sync FROM expense").fetchall() == [("posted", lost)]
    assert here.posted(1) == 1
    (read,) = [requests[place:] for place, path in enumerate(requests) if path == "list/status"]
    assert read == ["list/status", f"{lost}/transactions"]


def test_syncs_that_listed_an_expense_come_first_then_those_nearest_to_a_send_then_the_newest():
    def ended(day):
        return SyncStatus(SyncId(f"{day}"), 2000, at=f"2026-01-{day}T00:00:00Z")

    statuses = [ended(day) for day in (10, 11, 14, 20, 28)]
    timeless = SyncStatus(SyncId("?"), 2000, at="long ago")
    sent = [datetime(2026, 1, 13, tzinfo=UTC), datetime(2026, 1, 21, tzinfo=UTC)]

    ordered = likely_first([timeless, *statuses], Traces(frozenset({SyncId("28")}), sent))
    untraced = likely_first(statuses, Traces(frozenset(), ()))

    assert [each.sync_id for each in ordered] == ["28", "20", "14", "11", "10", "?"]
    assert [each.sync_id for each in untraced] == ["28", "20", "14", "11", "10"]


async def test_sends_and_the_rows_that_were_known_are_told_by_the_journal(world):
    here = world()
    await here.stage(1, 2)
    await here.live()
    here.connection.execute("INSERT INTO known_row SELECT expense_no, 's1', 'x' FROM expense WHERE expense_no = 1")

    traces = await here.journal.attempts.traces_of(COMPANY, [expense_id(1)])

    assert (traces.syncs, len(traces.sent)) == ({"s1"}, 1)
    assert (await here.journal.attempts.traces_of(COMPANY, [expense_id(2)])).syncs == set()
