"""Receipts: attached once where that can be known, and openly in doubt where it cannot."""

import hashlib

import pytest

from runner.errors import ReceiptUnusable
from runner.intake.receipts import ReceiptFolder, load_receipt
from runner.simulator import CompanySpec, Fault, FaultKind
from tests.filing import file_in
from tests.scenarios_steps.walking import staged
from tests.simulator_client import COMPANY, expense_id


def attach_fault(kind=FaultKind.LOST, **more):
    return Fault(kind, **{"method": "POST", "path": "/attachments$", "times": 1, **more})


def attached(w, number=1):
    return len(w.service.ledger.attachments_of(COMPANY, expense_id(number)))


async def test_receipts_are_attached_once_to_posted_expenses_only(world):
    w = world(faults=[Fault(FaultKind.VALIDATION_ERROR, expense=expense_id(2))])
    await w.stage(1, receipts=("a.pdf", "b.pdf"))
    await w.stage(2, receipts=("c.pdf",))

    assert await w.live() == 3
    assert w.receipts() == ["attached", "attached", "waiting"]
    assert (attached(w, 1), attached(w, 2)) == (2, 0)
    await w.live()
    assert attached(w, 1) == 2


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_proven_key_settles_a_lost_upload(world, when):
    w = world(faults=[attach_fault(when=when)])
    await w.stage(1, receipts=("a.pdf",))

    assert await w.live() == 0
    assert w.receipts() == ["attached"]
    assert attached(w) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_without_proven_keys_a_lost_upload_is_in_doubt_and_not_repeated(world, when):
    w = world(faults=[attach_fault(when=when)], idempotency="ignored")
    await w.stage(1, receipts=("a.pdf",))

    assert await w.live() == 7
    assert w.receipts() == ["in_doubt"]
    assert await w.live() == 7
    assert attached(w) == (when == "after")


async def test_a_received_500_burns_the_key_so_the_upload_is_in_doubt(world):
    w = world(faults=[attach_fault(FaultKind.ERROR, status=500)])
    await w.stage(1, receipts=("a.pdf",))

    assert await w.live() == 7
    assert w.receipts() == ["in_doubt"]
    assert attached(w) == 1


@pytest.mark.parametrize("risky", [False, True])
async def test_an_upload_that_died_unrecorded_is_recovered_under_its_proven_key(world, risky):
    w = world(limits={"retry_receipts_in_doubt": risky})
    await w.stage(1, receipts=("a.pdf",))
    w.kill_after("POST", "/attachments")
    await w.live_until_killed()

    assert await w.live() == 0
    assert w.receipts() == ["attached"]
    assert attached(w) == 1


async def test_who_accepts_the_risk_gets_an_upload_in_doubt_sent_again(world):
    w = world(faults=[attach_fault(when="before")], idempotency="ignored")
    await w.stage(1, receipts=("a.pdf",))
    await w.live()
    w.limits = type(w.limits)(retry_receipts_in_doubt=True)
    await w.journal.receipts.retry_in_doubt()

    assert await w.live() == 0
    assert attached(w) == 1


async def test_a_receipt_that_is_refused_is_rejected_and_the_others_go_on(world):
    w = world(companies=(CompanySpec(COMPANY, platform="FreeAgent"),))
    w.files["big.pdf"] = b"x" * (6 * 1024 * 1024)
    await w.stage(1, receipts=("big.pdf", "small.pdf"))

    assert await w.live() == 3
    assert w.receipts() == ["rejected", "attached"]


async def test_a_receipt_that_changed_is_rejected_without_a_request_and_can_be_staged_again(world):
    w = world()
    w.files["a.pdf"] = ReceiptUnusable("a.pdf has changed", code="receipt_changed")
    await w.stage(1, receipts=("a.pdf",))

    assert await w.live() == 3
    assert w.receipts() == ["rejected"]
    assert w.sent(ending="/attachments") == []
    del w.files["a.pdf"]
    await w.stage(1, receipts=("a.pdf",))
    assert await w.live() == 0
    assert attached(w) == 1


@pytest.mark.parametrize("way", ["the right file back", "corrected"])
async def test_a_file_overwritten_after_staging_is_never_attached_though_its_size_is_the_same(world, tmp_path, way):
    w = world()
    w.load = load_receipt
    (tmp_path / "a.pdf").write_bytes(b"%PDF mine")

    async def stage():
        folder = ReceiptFolder(tmp_path, max_bytes=1000)
        found = folder.find("a.pdf")
        folder.close()
        await w.begin()
        await file_in(w.journal, [staged(1)._replace(receipts=(found,))])

    await stage()
    (tmp_path / "a.pdf").write_bytes(b"%PDF your")
    assert await w.live() == 3
    assert w.receipts() == ["rejected"]
    assert w.connection.execute("SELECT code FROM receipt").fetchall() == [("receipt_changed",)]
    assert w.sent(ending="/attachments") == []

    right = b"%PDF mine" if way == "the right file back" else b"%PDF new, and longer"
    (tmp_path / "a.pdf").write_bytes(right)
    await stage()
    assert await w.live() == 0
    assert [each.sha256 for each in w.service.ledger.attachments_of(COMPANY, expense_id(1))] == [
        hashlib.sha256(right).hexdigest()
    ]


async def test_an_upload_without_an_answer_whose_file_has_gone_is_in_doubt_and_not_rejected(world):
    w = world()
    await w.stage(1, receipts=("a.pdf",))
    w.kill_after("POST", "/attachments")
    await w.live_until_killed()
    w.files["a.pdf"] = ReceiptUnusable("a.pdf has gone.", code="receipt_missing")

    assert await w.live() == 7
    assert w.receipts() == ["in_doubt"]
    ((code, message),) = w.connection.execute("SELECT code, message FROM receipt").fetchall()
    assert code == "unanswered"
    assert message.endswith("attached or not. a.pdf has gone.")
    assert [each["path"] for each in w.noted("receipt_in_doubt")] == ["a.pdf"]


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_a_company_that_loses_its_connection_is_held_and_its_receipts_keep_waiting(world, status):
    w = world(faults=[attach_fault(FaultKind.ERROR, status=status, when="before", times=None)])
    await w.stage(1, receipts=("a.pdf", "b.pdf"))
    send = w.wire.send

    async def wrapped(request, begin=None):
        if request.path.endswith("/attachments"):
            w.service.company(COMPANY).status = "Unlinked"
        return await send(request, begin)

    w.wire.send = wrapped
    assert await w.live() == 4
    assert w.receipts() == ["waiting", "waiting"]
    assert await w.hold() is not None

    w.wire.send = send
    w.service.faults.clear()
    w.service.set_status(COMPANY, "Linked")
    assert await w.live() == 0
    assert attached(w) == 2


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_receipt_that_alone_is_refused_is_rejected_where_the_company_is_well(world, status):
    w = world(faults=[attach_fault(FaultKind.ERROR, status=status, when="before")])
    await w.stage(1, receipts=("a.pdf", "b.pdf"))

    assert await w.live() == 3
    assert sorted(w.receipts()) == ["attached", "rejected"]
    assert await w.hold() is None


async def test_a_receipt_of_an_expense_that_others_posted_is_in_doubt(world):
    w = world()
    await w.stage(1)
    await w.live()
    other = world(beside=w)
    await other.stage(1, receipts=("a.pdf",))

    assert await other.live() == 7
    assert other.receipts() == ["in_doubt"]
    assert attached(w) == 0


async def test_receipts_that_a_correction_no_longer_names_are_not_attached(world):
    w = world(faults=[Fault(FaultKind.VALIDATION_ERROR, times=1)])
    await w.stage(1, receipts=("wrong.pdf",))
    await w.live()
    await w.stage(1, net="20.00", receipts=("right.pdf",))

    assert await w.live() == 0
    assert [each.name for each in w.service.ledger.attachments] == ["right.pdf"]
