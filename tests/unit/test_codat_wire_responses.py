import json

import pytest

from runner.codat import replies
from runner.codat.messages import Response
from runner.domain.mapping_options import MappingOptions, Option
from runner.domain.remote import CompanyInfo, Created, Defaults
from runner.domain.states import SyncClass, TransactionStatus
from runner.errors import OutcomeUnknown

UUID = "6f1fbf74-3333-4333-8333-333333333333"
OTHER = "7e2ecf85-4444-4444-8444-444444444444"


def answered(body, *, status=200, **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Response(status, {"content-type": "application/json"} | headers, body)


READERS = [
    replies.read_created,
    replies.read_started,
    replies.read_attachment,
    replies.read_status,
    replies.read_status_list,
    replies.read_transactions,
    replies.read_company,
    replies.read_defaults,
    replies.read_mapping_options,
    replies.read_companies,
]

UNREADABLE = {
    "empty": b"",
    "truncated": b'{"datasetId": "6f1fbf74-33',
    "HTML": b"<html><body>Sign in to the guest network</body></html>",
    "text": b"OK",
    "not UTF-8": '{"id": 1}'.encode("utf-16"),
    "null": b"null",
    "number": b"17",
    "too deep": b'{"x":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    "trailing": b'{"id":"1"} {"id":"2"}',
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_2xx_that_cannot_be_read_is_an_unknown_outcome_that_a_replay_can_settle(reader, body):
    with pytest.raises(OutcomeUnknown) as caught:
        reader(answered(body))
    assert caught.value.received is False


def test_an_html_page_with_status_200_is_named_as_such():
    with pytest.raises(OutcomeUnknown, match="not Codat's \\(HTML\\) with status 200"):
        replies.read_created(answered(b"<html>", status=200))


def test_a_create_answers_a_dataset_or_a_sync():
    assert replies.read_created(answered({"datasetId": UUID})) == Created(dataset_id=UUID)
    assert replies.read_created(answered({"syncId": UUID, "x": [1, {"y": None}]})) == Created(sync_id=UUID)
    assert replies.read_created(answered({"syncId": None, "datasetId": UUID.upper()})) == Created(dataset_id=UUID)


def test_an_answer_with_both_ids_is_a_started_sync():
    other = UUID.replace("1", "2")
    assert replies.read_created(answered({"datasetId": other, "syncId": UUID})) == Created(sync_id=UUID)
    assert replies.read_created(answered({"datasetId": UUID, "syncId": "0" * 8 + "-0000" * 3 + "-" + "0" * 12})) == (
        Created(dataset_id=UUID)
    )
    assert replies.read_created(answered({"datasetId": UUID, "syncId": ""})) == Created(dataset_id=UUID)
    for unreadable in ("soon", 7, [UUID], {"id": UUID}, True):
        with pytest.raises(OutcomeUnknown, match="names a sync"):
            replies.read_created(answered({"datasetId": UUID, "syncId": unreadable}))


def test_the_status_of_another_sync_is_no_answer():
    body = {"syncId": UUID.upper(), "syncStatusCode": 2000}
    assert replies.read_status(answered(body), of=UUID).code == 2000
    with pytest.raises(OutcomeUnknown, match="another sync"):
        replies.read_status(answered(body), of=UUID.replace("1", "2"))


@pytest.mark.parametrize("value", [None, "", "../../companies", 17, {"id": UUID}, UUID + "/x", UUID[:-1]])
def test_an_id_that_is_no_uuid_is_not_believed(value):
    for reader in (replies.read_created, replies.read_started):
        with pytest.raises(OutcomeUnknown) as caught:
            reader(answered({"datasetId": value, "syncId": value}))
        assert caught.value.received is False


def test_an_initiate_needs_a_sync():
    with pytest.raises(OutcomeUnknown):
        replies.read_started(answered({"datasetId": UUID}))
    assert replies.read_started(answered({"syncId": UUID})).sync_id == UUID


@pytest.mark.parametrize(("sent", "read"), [(UUID, UUID), ("1400000000122699154", "1400000000122699154"), (17, "17")])
def test_an_attachments_id_is_the_platforms_and_can_be_any_text(sent, read):
    assert replies.read_attachment(answered({"id": sent, "companyId": UUID})) == read


@pytest.mark.parametrize("sent", [None, "", {}, True])
def test_an_attachment_without_an_id_is_an_unknown_outcome(sent):
    with pytest.raises(OutcomeUnknown):
        replies.read_attachment(answered({"id": sent}))


def test_a_status_is_read_with_both_of_its_messages():
    status = replies.read_status(
        answered(
            {
                "companyId": "c",
                "syncId": UUID.upper(),
                "syncStatusCode": 5080,
                "syncStatus": "Duplicates",
                "errorMessage": "one",
                "syncExceptionMessage": "two\x1b[2J",
                "syncUtc": "2022-10-23T00:00:00.000Z",
                "dataPushed": False,
                "new": {"field": 1},
            }
        )
    )
    assert (status.sync_id, status.code, status.kind) == (UUID, 5080, SyncClass.ERROR)
    assert status.error == "one; two\\x1b[2J"
    assert (status.text, status.at) == ("Duplicates", "2022-10-23T00:00:00.000Z")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (2000, 2000),
        ("2000", 2000),
        (" 5130 ", 5130),
        (2000.0, 2000),
        (None, 0),
        ("done", 0),
        (True, 0),
        ("²000", 0),
        (-1, 0),
        (10**400, 0),
        ("9" * 5000, 0),
    ],
)
def test_a_status_code_comes_as_a_number_or_a_numeric_text_and_anything_else_is_not_final(sent, code):
    status = replies.read_status(answered({"syncId": UUID, "syncStatusCode": sent}))
    assert status.code == code
    assert status.error is None
    assert code or status.kind is SyncClass.RUNNING


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"results": items, "totalResults": len(items)}])
def test_the_list_of_syncs_is_an_array_or_an_object_with_results(wrap):
    items = [{"syncId": UUID, "syncStatusCode": 2000}, {"syncId": OTHER, "syncStatusCode": "1000"}]
    assert [(each.sync_id, each.code) for each in replies.read_status_list(answered(wrap(items)))] == [
        (UUID, 2000),
        (OTHER, 1000),
    ]
    assert replies.read_status_list(answered(wrap([]))) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"results": None},
        {"error": "x"},
        [None],
        [{"syncStatusCode": 2000}],
        [{"syncId": UUID}, {"syncId": "x"}],
        {"results": [{"syncId": UUID}], "totalResults": 2},
    ],
)
def test_a_list_of_syncs_that_may_lack_one_is_not_taken_for_the_truth(body):
    with pytest.raises(OutcomeUnknown):
        replies.read_status_list(answered(body))


def rows(*entries, **more):
    return replies.read_transactions(answered({"results": list(entries), **more}))


@pytest.mark.parametrize(
    ("kind", "is_expense"),
    [
        ("expense", True),
        ("expenses", True),
        ("Expenses", True),
        ("EXPENSE", True),
        ("bankfeeds", False),
        ("bankFeed", False),
        (None, False),
        (3, False),
    ],
)
def test_only_an_expense_row_speaks_of_the_expense(kind, is_expense):
    (row,) = rows({"transactionId": UUID, "status": "Completed", "integrationType": kind}).rows
    assert row.is_expense is is_expense


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Unknown", TransactionStatus.UNKNOWN),
        ("Pending", TransactionStatus.PENDING),
        ("ValidationError", TransactionStatus.VALIDATION_ERROR),
        ("Completed", TransactionStatus.COMPLETED),
        ("completed", TransactionStatus.COMPLETED),
        ("PushError", TransactionStatus.PUSH_ERROR),
        ("Completed?", TransactionStatus.UNKNOWN),
        ("Brandnew", TransactionStatus.UNKNOWN),
        (None, TransactionStatus.UNKNOWN),
        (4, TransactionStatus.UNKNOWN),
    ],
)
def test_a_transactions_status_that_is_not_documented_is_unknown(text, status):
    (row,) = rows({"transactionId": UUID, "status": text, "integrationType": "expense"}).rows
    assert row.status is status


def test_a_transactions_id_is_read_in_lower_case_and_its_message_made_printable():
    (row,) = rows({"transactionId": UUID.upper(), "message": "no\r\nsuch \x1b[31maccount" + "x" * 5000}).rows
    assert row.expense_id == UUID
    assert row.message.startswith("no\\r\\nsuch \\x1b[31maccount")
    assert len(row.message) == 2000


def test_entries_without_an_id_are_left_out_but_counted():
    page = rows(None, {"transactionId": None}, {"transactionId": UUID}, totalResults="3", pageSize=100)
    assert [row.expense_id for row in page.rows] == [UUID]
    assert (page.received, page.total, page.page_size) == (3, 3, 100)


@pytest.mark.parametrize(
    ("links", "has_next"),
    [
        ({"next": {"href": "/x"}}, True),
        ({"next": None, "self": {}}, False),
        ({}, False),
        (None, None),
        ("odd", None),
    ],
)
def test_a_page_says_whether_another_follows(links, has_next):
    assert rows(_links=links).has_next is has_next


def test_no_list_of_transactions_is_believed_only_where_the_total_is_0():
    assert replies.read_transactions(answered({"results": None, "totalResults": 0})).rows == ()
    for body in ({}, {"results": None}, {"results": None, "totalResults": 2}):
        with pytest.raises(OutcomeUnknown):
            replies.read_transactions(answered(body))


ACCOUNTING = {"sourceType": "Accounting", "platformName": "Xero"}


@pytest.mark.parametrize(
    ("connections", "platform", "linked", "status"),
    [
        ([ACCOUNTING | {"status": "Linked"}], "Xero", True, "Linked"),
        ([ACCOUNTING | {"status": "Deauthorized"}], "Xero", False, "Deauthorized"),
        (
            [ACCOUNTING | {"status": "Unlinked"}, ACCOUNTING | {"status": "Linked", "platformName": "QBO"}],
            "QBO",
            True,
            "Linked",
        ),
        ([{"sourceType": "Banking", "status": "Linked", "platformName": "Plaid"}], None, False, None),
        ([{"status": "linked", "platformName": None}], None, True, "linked"),
        ([None, ACCOUNTING | {"status": None}], "Xero", False, None),
        ([], None, None, None),
        (None, None, None, None),
    ],
)
def test_a_company_is_linked_by_its_accounting_connection(connections, platform, linked, status):
    body = {"id": "c", "name": "Acme", "dataConnections": connections, "tags": {}}
    assert replies.read_company(answered(body)) == CompanyInfo("Acme", platform, linked, status)


@pytest.mark.parametrize(
    ("body", "bank_account", "supplier"),
    [
        ({"bankAccount": {"id": "1"}, "supplier": {"id": "2"}, "customer": {"id": "3"}}, True, True),
        ({"bankAccount": {"id": "1"}, "supplier": None}, True, False),
        ({"bankAccount": {"id": None}, "supplier": {"id": "2"}}, False, True),
        ({"bankAccount": {"id": ""}, "supplier": {}}, False, False),
        ({}, False, False),
    ],
)
def test_a_default_is_set_where_it_has_an_id(body, bank_account, supplier):
    assert replies.read_defaults(answered(body)) == Defaults(bank_account, supplier)


def test_mapping_options_are_read_with_all_that_rows_may_name_them_by():
    body = {
        "accounts": [
            {"id": "a-1", "nominalCode": "400", "name": "Travel", "validTransactionTypes": ["Payment", None]},
            {"id": 7, "name": None, "validTransactionTypes": None},
            {"id": "", "name": "no id"},
            {"id": "bad\nid", "name": "no row could name it"},
            None,
        ],
        "taxRates": [{"id": "t", "name": "20%", "code": "T20", "effectiveTaxRate": 20.0}],
        "trackingCategories": [{"id": "d", "hasChildren": True}, {"id": "s", "parentId": "d"}],
        "expenseProvider": None,
    }
    assert replies.read_mapping_options(answered(body)) == MappingOptions(
        (Option("a-1", "Travel", "400", ("Payment",)), Option("7")),
        (Option("t", "20%", "T20"),),
        (Option("d", has_children=True), Option("s", parent_id="d")),
    )


@pytest.mark.parametrize("body", [{}, {"accounts": None, "taxRates": [], "trackingCategories": None}])
def test_mapping_options_without_entries_say_nothing(body):
    assert replies.read_mapping_options(answered(body)).say_nothing


def test_a_page_of_companies_has_their_ids_in_one_spelling():
    page = replies.read_companies(answered({"results": [{"id": UUID.upper()}, {"id": "Acme"}]}))
    assert list(page.companies) == [UUID, "Acme"]


def test_a_page_of_companies_is_read_with_their_connections():
    linked = {"id": "c-1", "name": "A", "dataConnections": [{"status": "Linked", "sourceType": "Accounting"}]}
    cut = {"id": "c-2", "dataConnections": [{"status": "Unlinked", "sourceType": "Accounting"}]}
    page = replies.read_companies(answered({"results": [linked, cut, {"id": None}, None], "totalResults": 9}))
    assert {company: info.linked for company, info in page.companies.items()} == {"c-1": True, "c-2": False}
    assert (page.received, page.total) == (4, 9)
