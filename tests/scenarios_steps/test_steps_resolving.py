"""What a person says of a doubt: the ledger and the accounts come out right, and it is kept who said it."""

import sqlite3

import pytest

from runner.domain.resolution import Answer
from runner.errors import ExitCode
from runner.journal.resolutions import Selection, Word
from runner.resolving import resolve, select
from runner.simulator.faults import Fault, FaultKind
from runner.steps.verifying import verify_company
from tests.scenarios_steps.walking import COMPANY_ID
from tests.simulator_client import expense_id

WORD = Word("ann", "desk", "looked up in Xero")
UNKNOWN = Fault(FaultKind.UNKNOWN, expense=expense_id(1), times=1)
ALL = Selection(company=COMPANY_ID)


async def say(w, answer, selection=ALL, **more):
    await w.journal.runs.begin(version="test", flow=w.flow, purpose="resolve")
    found = await select(w.journal, answer, selection, clock=w.clock, quiescence=660.0, **more)
    await resolve(w.journal, answer, found.chosen, WORD)
    await w.journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)
    return found


async def in_doubt(world, fault=UNKNOWN, **more):
    w = world(faults=[fault])
    await w.stage(1, **more)
    await w.stage(2)
    assert await w.live() == ExitCode.IN_DOUBT
    return w


def reasons(found):
    return [each.reason for each in found.refused]


@pytest.mark.parametrize("landed", [True, False])
async def test_a_doubt_is_settled_both_ways_and_the_books_are_right(world, landed):
    w = await in_doubt(world, Fault(FaultKind.UNKNOWN, expense=expense_id(1), times=1, lands=landed))
    w.clock.advance(1_000)

    found = await say(w, Answer.POSTED if landed else Answer.ABSENT)

    assert len(found.chosen) == 1
    assert await w.live() == 0
    assert (w.posted(1), w.posted(2)) == (1, 1)
    assert w.states()[1] == (("posted", "resolved") if landed else ("posted", None))
    books = await w.journal.accounts.books()
    assert sum(each.count for each in books.resolved.values()) == landed
    (story,) = await w.journal.stories.of(expense_id(1))
    (said,) = [each for each in story["events"] if each["kind"] == "resolved"]
    assert "ann at desk" in said["detail"]
    assert "looked up in Xero" in said["detail"]
    assert "unknown" in said["detail"]
    await w.begin()
    findings = await verify_company(COMPANY_ID, w.kit(), idle=1_000.0)
    assert findings.agrees


async def test_absent_is_refused_before_the_quiescence_is_over(world):
    w = await in_doubt(world)

    found = await say(w, Answer.ABSENT)

    assert not found.chosen
    assert "on this can be said" in reasons(found)[0]
    assert w.state() == "in_doubt"


@pytest.mark.parametrize("answer", [Answer.ABSENT, Answer.POSTED])
async def test_nothing_is_said_of_what_is_on_its_way(world, answer):
    w = world(sync_seconds=(5_000.0, 5_000.0), limits={"wait": 10.0})
    await w.stage(1)
    await w.live()
    w.clock.advance(1_000)

    found = await say(w, answer, Selection(ids=(expense_id(1),)))

    assert "Run first" in reasons(found)[0]
    assert w.state() == "sent"


async def test_what_failed_is_posted_by_a_word_and_not_absent(world):
    w = world(faults=[Fault(FaultKind.PUSH_ERROR, lands=True)])
    await w.stage(1)
    await w.live()
    w.clock.advance(1_000)
    named = Selection(ids=(expense_id(1),))

    assert "retry" in reasons(await say(w, Answer.ABSENT, named))[0]
    assert len((await say(w, Answer.POSTED, named)).chosen) == 1
    assert await w.live() == 0
    assert w.posted() == 1
    assert "posted" in reasons(await say(w, Answer.POSTED, named))[0]


async def test_what_was_rejected_is_dismissed_and_asks_for_nobody(world):
    w = world(faults=[Fault(FaultKind.VALIDATION_ERROR)])
    await w.stage(1)
    assert await w.live() == ExitCode.REJECTED

    await say(w, Answer.DISMISSED)

    assert w.states()[1] == ("rejected", "dismissed")
    assert await w.live() == 0
    books = await w.journal.accounts.books()
    assert books.dismissed.expenses == 1
    assert await w.journal.accounts.count_attention() == 0
    assert await w.journal.trouble.causes() == []
    assert reasons(await say(w, Answer.DISMISSED)) == ["dismissed already"]


async def test_receipts_of_what_is_posted_by_a_word_are_for_a_person(world):
    w = await in_doubt(world, receipts=("a.pdf",))
    await say(w, Answer.POSTED)

    assert await w.live() == ExitCode.IN_DOUBT
    assert w.receipts() == ["in_doubt"]
    assert not w.sent(ending="/attachments")
    assert "by hand" in reasons(await say(w, Answer.MISSING, receipts=True))[0]
    await say(w, Answer.ATTACHED, receipts=True)
    assert w.receipts() == ["attached"]
    assert await w.live() == 0


@pytest.mark.parametrize("answer", [Answer.ATTACHED, Answer.MISSING])
async def test_a_receipt_in_doubt_is_settled_both_ways(world, answer):
    w = world(
        faults=[
            Fault(FaultKind.LOST, path="/attachments$", times=9, when="before" if answer == "missing" else "after")
        ],
        idempotency="ignored",
    )
    await w.stage(1, receipts=("a.pdf",))
    assert await w.live() == ExitCode.IN_DOUBT
    young = await say(w, answer, receipts=True)
    assert bool(young.refused) is (answer is Answer.MISSING)
    w.clock.advance(1_000)
    w.service.faults.clear()
    if answer is Answer.MISSING:
        await say(w, answer, receipts=True)

    assert await w.live() == 0
    assert w.receipts() == ["attached"]
    assert len(w.service.ledger.attachments) == 1


async def test_what_was_said_is_never_deleted_or_changed(world):
    w = await in_doubt(world)
    await say(w, Answer.POSTED)

    for statement in ("DELETE FROM resolution", "UPDATE resolution SET person = 'bob'"):
        with pytest.raises(sqlite3.IntegrityError):
            w.connection.execute(statement)


async def test_a_sync_that_codat_has_forgotten_is_no_reason_against_an_absent(world):
    w = world(
        faults=[Fault(FaultKind.FORGOTTEN, times=1), Fault(FaultKind.MISSING, times=1)], sync_seconds=(60.0, 60.0)
    )
    await w.stage(1)
    for _ in range(3):
        await w.live()
        w.clock.advance(1_000)
    assert w.states()[1] == ("in_doubt", "sync_not_found")

    await say(w, Answer.ABSENT)

    assert await w.live() == 0
    assert w.posted() == 1


async def test_what_shows_up_after_somebody_called_it_absent_is_in_doubt_again(world):
    w = await in_doubt(world)
    w.clock.advance(1_000)
    await say(w, Answer.ABSENT)
    w.service.account.syncs.of(w.service.company(COMPANY_ID), now=1e9)[0].items[0].status = "Pending"

    assert await w.live() == ExitCode.IN_DOUBT
    assert w.states()[1] == ("in_doubt", "pending")
    assert w.posted() == 0
