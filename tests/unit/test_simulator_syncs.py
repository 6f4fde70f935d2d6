from decimal import Decimal

import pytest

from runner.simulator.companies import CompanySpec
from runner.simulator.faults import Fault, FaultKind
from tests.simulator_client import COMPANY, Client, expense, expense_id, read


def test_sync_is_in_progress_until_its_time_has_passed():
    client = Client()
    sync = client.sync(expense(1))
    assert client.code(sync) == 1000
    client.wait(9.9)
    assert client.code(sync) == 1000
    client.wait(0.1)
    assert client.code(sync) == 2000


def test_long_sync_says_so_after_ten_minutes():
    client = Client(sync_seconds=(1200.0, 1200.0))
    sync = client.sync(expense(1))
    client.wait(600)
    assert client.code(sync) == 1000
    client.wait(1)
    assert client.code(sync) == 1010
    client.wait(600)
    assert client.code(sync) == 2000


def test_syncs_of_one_company_run_in_turn():
    client = Client()
    first, second = client.sync(expense(1)), client.sync(expense(2))
    client.wait(10)
    assert (client.code(first), client.code(second)) == (2000, 1000)
    assert client.times_posted(2) == 0
    client.wait(10)
    assert client.code(second) == 2000


def test_syncs_of_two_companies_run_side_by_side_and_share_a_ledger_in_order_of_time():
    client = Client()
    client.sync(expense(1), expense(2), company="a")
    client.wait(1)
    client.sync(expense(1), expense(2), company="b")
    client.wait(60)
    client.get("config")
    assert [each.company for each in client.ledger.entries] == ["a", "b", "a", "b"]
    assert [each.no for each in client.ledger.entries] == [1, 2, 3, 4]
    moments = [each.at for each in client.ledger.entries]
    assert moments == sorted(moments)


def test_duration_lies_between_the_bounds_of_the_company():
    client = Client(companies=(CompanySpec(COMPANY, sync_seconds=(100.0, 200.0)),))
    sync = client.sync(expense(1))
    client.wait(99)
    assert client.code(sync) == 1000
    client.wait(101)
    assert client.code(sync) == 2000


def test_transactions_are_posted_one_after_another_during_the_run():
    client = Client()
    sync = client.sync(*(expense(number) for number in range(9)))
    client.wait(5)
    assert list(client.rows(sync).values()).count("Completed") == 5
    assert len(client.ledger.entries) == 5


def test_ledger_keeps_amounts_exactly_as_written():
    lines = (
        b'[{"netAmount":0.10,"taxAmount":0.20,"accountRef":{"id":"1"}},'
        b'{"netAmount":100000000000000.01,"taxAmount":-0.30,"accountRef":{"id":"1"}}]'
    )
    body = b'{"items":[{"id":"%s","type":"Refund","issueDate":"2026-03-01T00:00:00Z","currency":"EUR","lines":%s}]}' % (
        expense_id(1).encode(),
        lines,
    )
    client = Client()
    dataset = read(client.send("POST", client.path("expense-transactions"), body))["datasetId"]
    client.initiate(dataset)
    client.wait(11)
    client.get("config")
    (entry,) = client.ledger.entries
    assert (entry.net, entry.tax) == (Decimal("100000000000000.11"), Decimal("-0.10"))
    assert (str(entry.net), str(entry.tax)) == ("100000000000000.11", "-0.10")
    assert (entry.type, entry.currency) == ("Refund", "EUR")
    assert entry.gross == Decimal("100000000000000.01")


# ---- the duplicate guard, and what it does not promise ----


@pytest.mark.parametrize("check", ["request", "push", "never"])
def test_two_syncs_in_flight_with_the_same_expense_double_it(check):
    client = Client(duplicate_check=check)
    dataset = client.dataset(expense(1))
    client.initiate(dataset)
    client.initiate(dataset)
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 2
    assert client.ledger.doubled() == {(COMPANY, expense_id(1)): 2}


def test_same_expense_in_two_datasets_of_one_sync_is_doubled():
    client = Client()
    client.initiate(client.dataset(expense(1)), client.dataset(expense(1)))
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 2


def test_guard_that_looks_when_a_sync_starts_sees_the_one_before_it():
    client = Client(duplicate_check="push", guard_looks="started")
    dataset = client.dataset(expense(1))
    client.initiate(dataset)
    second = read(client.initiate(dataset))["syncId"]
    client.wait(60)
    assert client.code(second) == 5080
    assert client.times_posted(1) == 1


def test_guard_at_the_request_refuses_create_and_initiate_of_what_is_completed():
    client = Client(duplicate_check="request")
    both = client.dataset(expense(1), expense(2))
    client.posted(expense(1))
    message = f"One or more transactions have previously been processed: {expense_id(1)}"
    for answer in (
        client.create(expense(1), expense(3)),
        client.initiate(both),
        client.create_directly(expense(1)),
    ):
        assert answer.status == 400
        assert read(answer)["error"] == message
        assert read(answer)["validation"]["errors"][0]["itemId"] == expense_id(1)
    client.wait(60)
    client.get("config")
    assert len(client.ledger.entries) == 1


def test_guard_at_the_push_ends_the_sync_with_5080_and_pushes_nothing_of_it():
    client = Client(duplicate_check="push")
    client.posted(expense(1))
    sync = client.posted(expense(1), expense(2))
    status = read(client.get(f"syncs/{sync}/status"))
    assert status["syncStatusCode"] == 5080
    expected = f"One or more transactions have previously been processed: {expense_id(1)}"
    assert status["errorMessage"] == expected
    assert status["dataPushed"] is False
    assert (client.times_posted(1), client.times_posted(2)) == (1, 0)


def test_without_a_guard_a_completed_expense_is_posted_again():
    client = Client(duplicate_check="never")
    client.posted(expense(1))
    client.posted(expense(1))
    assert client.times_posted(1) == 2


@pytest.mark.parametrize("check", ["request", "push"])
def test_guard_knows_each_company_by_itself(check):
    client = Client(duplicate_check=check)
    client.posted(expense(1), company="a")
    client.posted(expense(1), company="b")
    assert (client.times_posted(1, company="a"), client.times_posted(1, company="b")) == (1, 1)


def test_failed_expense_is_sent_again_under_its_own_id():
    client = Client(faults=[Fault(FaultKind.PUSH_ERROR, expense=expense_id(1), times=1)])
    first = client.posted(expense(1), expense(2))
    assert client.code(first) == 5130
    assert client.rows(first) == {expense_id(1): "PushError", expense_id(2): "Completed"}
    second = client.posted(expense(1))
    assert client.code(second) == 2000
    assert (client.times_posted(1), client.times_posted(2)) == (1, 1)


def test_push_error_that_landed_is_doubled_by_a_retry():
    client = Client(push_error_lands=True, faults=[Fault(FaultKind.PUSH_ERROR, expense=expense_id(1), times=1)])
    first = client.posted(expense(1))
    assert client.rows(first) == {expense_id(1): "PushError"}
    assert client.times_posted(1) == 1
    client.posted(expense(1))
    assert client.times_posted(1) == 2


# ---- how syncs end ----


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.VALIDATION_ERROR, "ValidationError", 5120),
        (FaultKind.PUSH_ERROR, "PushError", 5130),
        (FaultKind.PENDING, "Pending", 2000),
        (FaultKind.UNKNOWN, "Unknown", 2000),
        (FaultKind.MISSING, None, 2000),
    ],
)
def test_one_expense_can_end_otherwise_than_the_rest(kind, status, code):
    client = Client(faults=[Fault(kind, expense=expense_id(2))])
    sync = client.posted(expense(1), expense(2), expense(3))
    rows = client.rows(sync)
    assert client.code(sync) == code
    assert rows.get(expense_id(2)) == status
    assert rows[expense_id(1)] == rows[expense_id(3)] == "Completed"
    assert [client.times_posted(number) for number in (1, 2, 3)] == [1, 0, 1]


@pytest.mark.parametrize("kind", [FaultKind.PENDING, FaultKind.UNKNOWN, FaultKind.MISSING])
def test_expense_without_a_final_status_may_stand_in_the_books(kind):
    client = Client(faults=[Fault(kind, lands=True)])
    client.posted(expense(1))
    assert client.times_posted(1) == 1


def test_expense_is_matched_by_its_reference_or_merchant():
    client = Client(faults=[Fault(FaultKind.VALIDATION_ERROR, reference="DEMO-BAD")])
    sync = client.posted(
        expense(1, reference="DEMO-BAD 7"), expense(2, merchantName="DEMO-BAD"), expense(3, reference="fine")
    )
    assert list(client.rows(sync).values()) == ["ValidationError", "ValidationError", "Completed"]


def test_sync_that_pushed_nothing_says_2040():
    client = Client(faults=[Fault(FaultKind.UNKNOWN)])
    assert client.code(client.posted(expense(1))) == 2040


def test_sync_that_dies_half_way_has_posted_a_part():
    client = Client(faults=[Fault(FaultKind.DIES_HALF_WAY)])
    sync = client.posted(*(expense(number) for number in range(4)))
    assert client.code(sync) == 5000
    assert list(client.rows(sync).values()) == ["Completed", "Completed", "Pending", "Pending"]
    assert len(client.ledger.entries) == 2


def test_transactions_that_a_sync_never_came_to_can_be_missing_from_its_rows():
    client = Client(faults=[Fault(FaultKind.DIES_HALF_WAY)], rows_when_not_run="missing")
    sync = client.posted(*(expense(number) for number in range(4)))
    assert list(client.rows(sync)) == [expense_id(0), expense_id(1)]


@pytest.mark.parametrize("code", [2040, 4000, 4040, 4220, 4260, 5080])
def test_sync_can_end_with_a_code_that_pushes_nothing(code):
    client = Client(faults=[Fault(FaultKind.SYNC_CODE, code=code)])
    sync = client.posted(expense(1))
    assert client.code(sync) == code
    assert client.ledger.entries == []


@pytest.mark.parametrize("code", [1000, 2000, 2999, 5000, 5120, 5130, 5999])
def test_sync_can_end_with_a_code_that_says_nothing_about_its_transactions(code):
    client = Client(faults=[Fault(FaultKind.SYNC_CODE, code=code)])
    sync = client.posted(expense(1))
    assert client.code(sync) == code
    assert client.rows(sync) == {expense_id(1): "Completed"}
    assert client.times_posted(1) == 1


def test_company_disconnected_while_its_sync_is_queued_ends_it_with_4220():
    client = Client()
    client.sync(expense(1))
    second = client.sync(expense(2))
    client.service.set_status(COMPANY, "Deauthorized")
    client.wait(60)
    assert client.code(second) == 4220
    assert client.times_posted(2) == 0


def test_company_without_configuration_needs_contact_and_bank_account_in_the_transaction():
    client = Client(companies=(CompanySpec(COMPANY, config={}),))
    complete = {"contactRef": {"id": "s", "type": "Supplier"}, "bankAccountRef": {"id": "b"}}
    assert client.code(client.posted(expense(1))) == 4000
    assert client.times_posted(1) == 0
    assert client.code(client.posted(expense(2, **complete))) == 2000


# ---- what the account shows, and when ----


def test_list_shows_the_syncs_newest_first_and_late_where_it_lags():
    client = Client(list_lag=30)
    first = client.sync(expense(1))
    client.wait(20)
    second = client.sync(expense(2))
    assert read(client.get("syncs/list/status")) == []
    client.wait(10)
    assert [each["syncId"] for each in read(client.get("syncs/list/status"))] == [first]
    client.wait(20)
    assert [each["syncId"] for each in read(client.get("syncs/list/status"))] == [second, first]


def test_latest_and_last_successful_sync_are_told_apart():
    client = Client(faults=[Fault(FaultKind.SYNC_CODE, code=5000, nth=2)])
    good, bad = client.posted(expense(1)), client.posted(expense(2))
    assert read(client.get("syncs/latest/status"))["syncId"] == bad
    assert read(client.get("syncs/lastSuccessful/status"))["syncId"] == good


def test_status_can_be_behind():
    client = Client(status_lag=5)
    sync = client.sync(expense(1))
    client.wait(14)
    assert client.code(sync) == 1000
    client.wait(1)
    assert client.code(sync) == 2000


def test_rows_can_be_late_after_the_final_status():
    client = Client(rows_lag=5)
    sync = client.sync(expense(1))
    client.wait(9.9)
    assert client.rows(sync) == {}
    client.wait(0.2)
    assert client.code(sync) == 2000
    assert client.rows(sync) == {expense_id(1): "Completed"}


@pytest.mark.parametrize("feed", ["completed", "push_error"])
@pytest.mark.parametrize("kind", ["expense", "expenses"])
def test_transaction_can_have_a_bank_feed_row_next_to_its_expense_row(feed, kind):
    client = Client(bank_feed_rows=feed, integration_type=kind, faults=[Fault(FaultKind.VALIDATION_ERROR)])
    sync = client.posted(expense(1))
    rows = read(client.get(f"syncs/{sync}/transactions/{expense_id(1)}"))
    shown = {"completed": "Completed", "push_error": "PushError"}[feed]
    assert [(each["integrationType"], each["status"]) for each in rows] == [
        ("bankfeeds", shown),
        (kind, "ValidationError"),
    ]


def test_transactions_are_listed_in_pages():
    client = Client()
    sync = client.posted(*(expense(number) for number in range(5)))
    pages = [read(client.get(f"syncs/{sync}/transactions", page=number, pageSize=2)) for number in (1, 2, 3, 4)]
    assert [len(each["results"]) for each in pages] == [2, 2, 1, 0]
    assert {each["totalResults"] for each in pages} == {5}
    assert ["next" in each["_links"] for each in pages] == [True, True, False, False]
    assert ["previous" in each["_links"] for each in pages] == [False, True, True, True]
    assert pages[0]["_links"]["next"]["href"].endswith("?page=2&pageSize=2")


def test_full_last_page_has_no_next():
    client = Client()
    sync = client.posted(*(expense(number) for number in range(4)))
    last = read(client.get(f"syncs/{sync}/transactions", page=2, pageSize=2))
    assert len(last["results"]) == 2
    assert "next" not in last["_links"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"pageSize": 5000}, 200),
        ({"pageSize": 5001}, 400),
        ({"pageSize": 0}, 400),
        ({"page": 0}, 400),
        ({"page": "x"}, 400),
        ({"page": "²"}, 400),
    ],
)
def test_page_size_is_limited(query, status):
    client = Client()
    sync = client.posted(expense(1))
    assert client.get(f"syncs/{sync}/transactions", **query).status == status


def test_page_has_a_hundred_rows_where_nothing_is_said():
    client = Client()
    datasets = [client.dataset(*(expense(50 * part + number) for number in range(50))) for part in range(3)]
    sync = read(client.initiate(*datasets))["syncId"]
    page = read(client.get(f"syncs/{sync}/transactions"))
    assert (len(page["results"]), page["pageSize"], page["totalResults"]) == (100, 100, 150)


def test_sync_of_another_company_is_unknown():
    client = Client()
    sync = client.sync(expense(1))
    assert client.get(f"syncs/{sync}/status", company="other").status == 404
