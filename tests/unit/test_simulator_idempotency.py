import pytest

from runner.simulator.faults import Fault, FaultKind
from tests.simulator_client import Client, expense, expense_id, read


def test_same_key_and_body_replay_the_first_answer_without_a_second_effect():
    client = Client()
    first = client.create_directly(expense(1), key="k")
    client.wait(60)
    again = client.create_directly(expense(1), key="k")
    client.wait(60)
    client.get("config")
    assert again.body == first.body
    assert client.times_posted(1) == 1


def test_without_a_key_nothing_is_replayed():
    client = Client()
    assert client.create(expense(1)).body != client.create(expense(1)).body


def test_key_is_remembered_for_ninety_minutes():
    client = Client()
    first = client.create(expense(1), key="k")
    client.wait(90 * 60 - 1)
    assert client.create(expense(1), key="k").body == first.body
    client.wait(1)
    assert client.create(expense(1), key="k").body != first.body


def test_expired_key_protects_nothing():
    client = Client(duplicate_check="never")
    client.create_directly(expense(1), key="k")
    client.wait(90 * 60)
    client.create_directly(expense(1), key="k")
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 2


def test_key_with_another_body_is_refused():
    client = Client()
    client.create(expense(1), key="k")
    assert client.create(expense(2), key="k").status == 422


def test_key_is_honoured_for_refused_requests_too():
    client = Client()
    path = client.path("expense-transactions")
    assert client.send("POST", path, {"items": []}, key="k").status == 400
    assert client.send("POST", path, {"items": [{}]}, key="k").status == 422


def test_account_that_ignores_keys_does_everything_again():
    client = Client(idempotency="ignored", duplicate_check="never")
    path = client.path("expense-transactions")
    client.create_directly(expense(1), key="k")
    client.create_directly(expense(1), key="k")
    assert client.send("POST", path, {"items": []}, key="k").status == 400
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 2


def test_key_is_busy_while_its_first_request_is_worked_on():
    client = Client(latency=5.0)
    first = client.create(expense(1), key="k")
    assert first.delay == 5.0
    client.wait(4.9)
    assert client.create(expense(1), key="k").status == 409
    client.wait(0.1)
    assert client.create(expense(1), key="k").body == first.body


def test_lost_answer_is_recovered_by_its_key():
    client = Client(faults=[Fault(FaultKind.LOST, method="POST", times=1)])
    assert client.create_directly(expense(1), key="k").lost
    recovered = client.create_directly(expense(1), key="k")
    client.wait(60)
    assert client.rows(read(recovered)["syncId"]) == {expense_id(1): "Completed"}
    assert client.times_posted(1) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_received_error_is_kept_under_its_key(when):
    client = Client(faults=[Fault(FaultKind.ERROR, method="POST", status=500, when=when, times=1)])
    first = client.create_directly(expense(1), key="k")
    again = client.create_directly(expense(1), key="k")
    client.wait(60)
    client.get("config")
    assert (first.status, again.status) == (500, 500)
    assert again.body == first.body
    assert client.times_posted(1) == (1 if when == "after" else 0)


def test_error_that_a_proxy_made_up_hides_the_answer_that_is_kept():
    fault = Fault(FaultKind.ERROR, method="POST", status=502, cached=False, times=1)
    client = Client(faults=[fault])
    assert client.create_directly(expense(1), key="k").status == 502
    assert client.create_directly(expense(1), key="k").status == 200
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 1


def test_rate_limited_answer_is_not_kept():
    client = Client(faults=[Fault(FaultKind.RATE_LIMITED, method="POST", seconds=7, times=1)])
    refused = client.create(expense(1), key="k")
    assert (refused.status, refused.headers["retry-after"]) == (429, "7")
    assert client.create(expense(1), key="k").status == 200


def test_refused_credentials_are_not_kept():
    client = Client()
    path = client.path("expense-transactions")
    body = {"items": [expense(1)]}
    assert client.send("POST", path, body, key="k", headers={}).status == 401
    assert client.send("POST", path, body, key="k").status == 200


def test_initiate_is_replayed_like_any_post():
    client = Client(duplicate_check="never")
    dataset = client.dataset(expense(1))
    first = client.initiate(dataset, key="k")
    again = client.initiate(dataset, key="k")
    client.wait(60)
    client.get("config")
    assert (first.status, first.body) == (again.status, again.body)
    assert client.times_posted(1) == 1
