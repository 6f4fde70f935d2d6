import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes, policy

import pytest

from runner.codat import payload, requests
from runner.codat.flows import Flow
from runner.codat.messages import Priority
from runner.codat.multipart import safe_filename
from runner.codat.routes import Route, route_of
from runner.domain.expense import Expense, ExpenseLine, ExpenseType
from runner.domain.ids import CompanyId, DatasetId, ExpenseId, IdempotencyKey, SyncId
from runner.domain.money import parse_decimal
from runner.domain.remote import ReceiptFile

COMPANY = CompanyId("acme-1")
EXPENSE = ExpenseId("4d7c6929-7770-412b-91bb-44d3bc71d111")
SYNC = SyncId("0d2bd1f6-1111-4111-8111-111111111111")
KEY = IdempotencyKey("9a8b7c6d-2222-4222-8222-222222222222")


def an_expense(**changes):
    values = {
        "company_id": COMPANY,
        "id": EXPENSE,
        "type": ExpenseType.PAYMENT,
        "issue_date": datetime(2021, 5, 21, tzinfo=UTC),
        "currency": "GBP",
        "lines": (ExpenseLine(net_amount=Decimal("110.420"), account_id="acc", tax_amount=Decimal("14.43")),),
    }
    return Expense(**(values | changes))


def with_amount(written):
    line = ExpenseLine(net_amount=parse_decimal(written), account_id="acc")
    return re.search(rb'"netAmount":([^,}]*)', payload.encode_expense(an_expense(lines=(line,)))).group(1).decode()


def test_a_full_expense_becomes_the_documented_object():
    line = ExpenseLine(
        net_amount=Decimal("1.10"),
        account_id="acc",
        tax_amount=Decimal("0.20"),
        tax_rate_id="vat",
        tracking_ids=("t1", "t2"),
        invoice_to_id="cust",
    )
    full = an_expense(
        lines=(line,),
        currency_rate=Decimal("1.250"),
        merchant_name='Amélie\'s "Café"',
        contact_id="sup",
        bank_account_id="bank",
        reference="ref",
        notes="two\nlines",
    )
    assert json.loads(payload.encode_expense(full), parse_float=str) == {
        "id": EXPENSE,
        "type": "Payment",
        "issueDate": "2021-05-21T00:00:00+00:00",
        "currency": "GBP",
        "currencyRate": "1.250",
        "contactRef": {"id": "sup", "type": "Supplier"},
        "bankAccountRef": {"id": "bank"},
        "merchantName": 'Amélie\'s "Café"',
        "reference": "ref",
        "notes": "two\nlines",
        "lines": [
            {
                "netAmount": "1.10",
                "taxAmount": "0.20",
                "accountRef": {"id": "acc"},
                "taxRateRef": {"id": "vat"},
                "trackingRefs": [{"id": "t1"}, {"id": "t2"}],
                "invoiceTo": {"id": "cust", "type": "customer"},
            }
        ],
    }


def test_what_an_expense_does_not_have_is_left_out_but_the_tax_is_always_there():
    line = ExpenseLine(net_amount=Decimal(5), account_id="acc")
    sent = json.loads(payload.encode_expense(an_expense(lines=(line,))))
    assert set(sent) == {"id", "type", "issueDate", "currency", "lines"}
    assert sent["lines"] == [{"netAmount": 5, "taxAmount": 0, "accountRef": {"id": "acc"}}]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("12.50", "12.50"),
        ("0.10", "0.10"),
        ("-3.00", "-3.00"),
        ("123456789012345.123456789", "123456789012345.123456789"),
        ("0.000000001", "0.000000001"),
        ("0.000000000", "0.000000000"),
        ("+5", "5"),
        ("007", "7"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("5.", "5"),
    ],
)
def test_an_amount_is_sent_digit_for_digit_where_json_allows_it(written, sent):
    assert with_amount(written) == sent


def test_an_amount_that_is_not_finite_is_not_sent():
    line = ExpenseLine(net_amount=Decimal("NaN"), account_id="acc")
    with pytest.raises(ValueError, match="finite"):
        payload.encode_expense(an_expense(lines=(line,)))


@pytest.mark.parametrize(
    ("flow", "body"),
    [(Flow.DATASETS, b'{"items":[{"a":1.10},{"b":2}]}'), (Flow.DIRECT, b'[{"a":1.10},{"b":2}]')],
)
def test_a_create_joins_the_staged_bytes_as_they_are(flow, body):
    request = requests.create_request(COMPANY, [b'{"a":1.10}', b'{"b":2}'], flow=flow, key=KEY)
    assert request.body == body
    assert request.path == "/companies/acme-1/sync/expenses/expense-transactions"
    assert request.headers["Idempotency-Key"] == KEY
    assert request.headers["Content-Type"] == "application/json"
    assert request.is_effect
    assert request.priority is Priority.SUBMIT
    assert request.company == COMPANY


def test_a_create_can_use_the_older_path():
    path = "data/expense-transactions"
    request = requests.create_request(COMPANY, [], flow=Flow.DATASETS, key=KEY, create_path=path)
    assert request.path == "/companies/acme-1/sync/expenses/data/expense-transactions"


def test_an_initiate_names_its_datasets():
    request = requests.initiate_request(COMPANY, [DatasetId("d1"), DatasetId("d2")], key=KEY)
    assert json.loads(request.body) == {"datasetIds": ["d1", "d2"]}
    assert request.path == "/companies/acme-1/sync/expenses/syncs"
    assert request.headers["Idempotency-Key"] == KEY


@pytest.mark.parametrize("company", ["..", ".", ""])
def test_an_id_that_would_walk_up_the_path_is_not_put_into_a_url(company):
    with pytest.raises(ValueError, match="URL"):
        requests.company_request(CompanyId(company))


def test_an_id_is_percent_encoded():
    assert requests.company_request(CompanyId("a/b?c")).path == "/companies/a%2Fb%3Fc"


def attach(file, key=KEY):
    return requests.attach_request(COMPANY, SYNC, EXPENSE, file, key=key)


def parsed(request):
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return message_from_bytes(head + request.body, policy=policy.HTTP)


def test_an_attachment_has_one_part_named_file_with_the_exact_content():
    content = bytes(range(256)) + b"\r\n--x--\r\n"
    request = attach(ReceiptFile("lunch.pdf", "application/pdf", content))
    (part,) = parsed(request).iter_parts()
    assert part.get_param("name", header="content-disposition") == "file"
    assert part.get_filename() == "lunch.pdf"
    assert part.get_content_type() == "application/pdf"
    assert part.get_payload(decode=True) == content
    assert request.path.endswith(f"/syncs/{SYNC}/transactions/{EXPENSE}/attachments")
    assert request.headers["Idempotency-Key"] == KEY
    assert request.priority is Priority.RECEIPT


def test_a_replayed_attachment_is_the_same_bytes_and_another_key_has_another_boundary():
    file = ReceiptFile("a.png", "image/png", b"x" * 1000)
    assert attach(file) == attach(file)
    other = attach(file, IdempotencyKey("another"))
    assert other.headers["Content-Type"] != attach(file).headers["Content-Type"]


def test_a_file_that_contains_the_boundary_gets_another_one():
    boundary = attach(ReceiptFile("a", "a/b", b"")).headers["Content-Type"].partition("boundary=")[2]
    content = f"\r\n--{boundary}--\r\n".encode()
    request = attach(ReceiptFile("a", "a/b", content))
    assert f"boundary={boundary}" not in request.headers["Content-Type"]
    (part,) = parsed(request).iter_parts()
    assert part.get_payload(decode=True) == content


def test_a_media_type_that_is_none_becomes_any_content():
    request = attach(ReceiptFile("a.pdf", "text/html\r\nX-Evil: 1", b"x"))
    assert b"X-Evil" not in request.body
    assert b"Content-Type: application/octet-stream\r\n" in request.body


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("lunch.pdf", "lunch.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\bill.png", "bill.png"),
        ('a"b.pdf', "a_b.pdf"),
        ("a\r\nContent-Type: evil.pdf", "a__Content-Type: evil.pdf"),
        ("a\x00b\x7f\x85.pdf", "a_b__.pdf"),
        ("a%22.pdf", "a_22.pdf"),
        ("a;b.pdf", "a_b.pdf"),
        ("bill\u202efdp.exe", "bill_fdp.exe"),
        ("a\udcff.pdf", "a_.pdf"),
        ("Quittung Müller 収据.jpg", "Quittung Müller 収据.jpg"),
        ("", "receipt"),
        ("..", "receipt"),
        ("x/", "receipt"),
    ],
)
def test_a_filename_cannot_end_its_header_or_be_a_path(name, safe):
    assert safe_filename(name) == safe


@pytest.mark.parametrize("name", ["é" * 500 + ".jpeg", "収" * 500, "a" * 300 + "." + "b" * 300])
def test_a_long_filename_is_cut_to_whole_characters(name):
    cut = safe_filename(name)
    assert 190 < len(cut.encode("utf-8")) <= 200
    assert cut.endswith(".jpeg") or not name.endswith(".jpeg")


@pytest.mark.parametrize(
    ("request_", "route"),
    [
        (requests.create_request(COMPANY, [], flow=Flow.DIRECT, key=KEY), Route.CREATE),
        (requests.initiate_request(COMPANY, [], key=KEY), Route.INITIATE),
        (attach(ReceiptFile("a", "a/b", b"")), Route.ATTACH),
        (requests.company_request(COMPANY), Route.COMPANY),
        (requests.companies_request(page=1, page_size=5), Route.COMPANIES),
        (requests.config_request(COMPANY), Route.CONFIG),
        (requests.mapping_options_request(COMPANY), Route.MAPPING_OPTIONS),
        (requests.status_request(COMPANY, SYNC), Route.STATUS),
        (requests.statuses_request(COMPANY), Route.STATUSES),
        (requests.transactions_request(COMPANY, SYNC, page=1, page_size=5), Route.TRANSACTIONS),
    ],
)
def test_each_request_is_known_by_its_route(request_, route):
    assert route_of(request_) is route
    assert request_.is_effect == (route in {Route.CREATE, Route.INITIATE, Route.ATTACH})


def test_a_page_of_transactions_is_asked_for_by_number_and_size():
    request = requests.transactions_request(COMPANY, SYNC, page=3, page_size=2000)
    assert request.query == {"page": "3", "pageSize": "2000"}
