import hashlib

import pytest

from runner.simulator.companies import CompanySpec
from runner.simulator.faults import Fault, FaultKind
from tests.simulator_client import AUTHORIZED, COMPANY, Client, attachment, expense, expense_id, read

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def attach(client, sync, number=1, *, sent=None, key=None):
    headers, body = sent or attachment()
    path = client.path(f"syncs/{sync}/transactions/{expense_id(number)}/attachments")
    return client.send("POST", path, body, headers=headers, key=key)


def test_attachment_is_stored_with_its_name_type_size_and_digest():
    client = Client()
    sync = client.posted(expense(1))
    content = b"\x00\r\n--limi\r\n\xff" * 100
    answer = attach(client, sync, sent=attachment(content, name="a b.png", content_type="image/png"))
    (stored,) = client.ledger.attachments
    assert read(answer) == {"id": stored.id, "companyId": COMPANY, "transactionId": expense_id(1)}
    assert (stored.name, stored.content_type, stored.size) == ("a b.png", "image/png", len(content))
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert client.ledger.attachments_of(COMPANY, expense_id(1)) == [stored]


def test_same_file_sent_twice_is_attached_twice():
    client = Client()
    sync = client.posted(expense(1))
    attach(client, sync)
    attach(client, sync)
    assert len(client.ledger.attachments) == 2


def test_same_file_under_the_same_key_is_attached_once():
    client = Client()
    sync = client.posted(expense(1))
    assert attach(client, sync, key="k").body == attach(client, sync, key="k").body
    assert len(client.ledger.attachments) == 1


def test_attachment_to_what_is_unknown_is_refused():
    client = Client()
    sync = client.posted(expense(1))
    assert attach(client, UNKNOWN).status == 404
    assert attach(client, sync, 2).status == 404
    assert client.ledger.attachments == []


@pytest.mark.parametrize("kind", [FaultKind.PUSH_ERROR, FaultKind.VALIDATION_ERROR, FaultKind.PENDING])
def test_attachment_to_an_expense_that_is_not_completed_is_refused(kind):
    client = Client(faults=[Fault(kind)])
    assert attach(client, client.posted(expense(1))).status == 400
    assert client.ledger.attachments == []


def test_attachment_before_the_expense_is_pushed_is_refused():
    client = Client()
    assert attach(client, client.sync(expense(1))).status == 400


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (({**AUTHORIZED, "content-type": "application/json"}, b"{}"), 415),
        (attachment(field="document"), 400),
        ((attachment()[0], attachment()[1][:-10]), 400),
        ((attachment()[0], attachment()[1][: -len("--\r\n")]), 400),
        ((attachment()[0], b""), 400),
    ],
)
def test_body_without_a_file_is_refused(sent, status):
    client = Client()
    assert attach(client, client.posted(expense(1)), sent=sent).status == status
    assert client.ledger.attachments == []


@pytest.mark.parametrize(("platform", "size", "status"), [("QuickBooks Desktop", 1, 400), ("FreeAgent", 1, 200)])
def test_platform_decides_which_attachments_it_takes(platform, size, status):
    client = Client(companies=(CompanySpec(COMPANY, platform=platform),))
    assert attach(client, client.posted(expense(1)), sent=attachment(b"x" * size)).status == status
