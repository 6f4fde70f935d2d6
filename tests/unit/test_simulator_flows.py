import base64

import pytest

from runner.simulator.companies import CompanySpec
from tests.simulator_client import COMPANY, Client, expense, expense_id, read

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_dataset_flow_posts_nothing_before_its_sync_is_started():
    client = Client()
    client.dataset(expense(1))
    client.wait(3600)
    client.get("config")
    assert client.ledger.entries == []


@pytest.mark.parametrize("path", ["expense-transactions", "data/expense-transactions"])
def test_dataset_flow_works_on_both_create_paths(path):
    client = Client()
    answer = client.send("POST", client.path(path), {"items": [expense(1)]})
    started = client.initiate(read(answer)["datasetId"])
    client.wait(11)
    assert (answer.status, started.status) == (200, 202)
    assert client.code(read(started)["syncId"]) == 2000
    assert client.times_posted(1) == 1


def test_direct_flow_starts_a_sync_at_once():
    client = Client()
    answer = client.create_directly(expense(1), expense(2))
    client.wait(11)
    assert answer.status == 200
    assert client.rows(read(answer)["syncId"]) == {expense_id(1): "Completed", expense_id(2): "Completed"}
    assert client.ledger.entries[0].dataset is None


def test_older_path_does_not_know_the_direct_flow():
    client = Client()
    assert client.send("POST", client.path("data/expense-transactions"), [expense(1)]).status == 400


def test_account_of_the_dataset_flow_refuses_an_array():
    client = Client(speaks="datasets")
    assert client.create_directly(expense(1)).status == 400
    assert client.create(expense(1)).status == 200


def test_account_of_the_direct_flow_answers_items_with_a_running_sync():
    client = Client(speaks="direct")
    answer = client.create(expense(1))
    client.wait(11)
    assert list(read(answer)) == ["syncId"]
    assert client.code(read(answer)["syncId"]) == 2000
    assert client.times_posted(1) == 1


def test_account_of_the_direct_flow_has_no_initiate():
    assert Client(speaks="direct").initiate(UNKNOWN).status == 404


def test_one_sync_takes_many_datasets():
    client = Client()
    datasets = [client.dataset(expense(number)) for number in (1, 2, 3)]
    sync = read(client.initiate(*datasets))["syncId"]
    client.wait(11)
    assert len(client.rows(sync)) == 3
    assert [each.dataset for each in client.ledger.entries] == datasets


def test_dataset_named_twice_in_one_request_is_synced_once():
    client = Client()
    dataset = client.dataset(expense(1))
    client.initiate(dataset, dataset.upper())
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_initiate_names_the_dataset_it_does_not_know(status):
    client = Client(unknown_dataset_status=status)
    answer = client.initiate(client.dataset(expense(1)), UNKNOWN)
    assert answer.status == status
    assert UNKNOWN in read(answer)["error"]
    client.wait(60)
    client.get("config")
    assert client.ledger.entries == []


def test_dataset_of_another_company_is_unknown():
    client = Client()
    dataset = client.dataset(expense(1), company="other")
    assert client.initiate(dataset).status == 400


def test_dataset_is_forgotten_after_its_time():
    client = Client(forget_datasets_after=100)
    dataset = client.dataset(expense(1))
    client.wait(99)
    assert client.initiate(dataset).status == 202
    client.wait(1)
    assert client.initiate(dataset).status == 400


@pytest.mark.parametrize("body", [{}, {"datasetIds": []}, {"datasetIds": None}, {"datasetIds": ["x"]}, [], b"{"])
def test_initiate_refuses_a_body_without_datasets(body):
    client = Client()
    assert client.send("POST", client.path("syncs"), body).status == 400


@pytest.mark.parametrize("body", [{}, {"datasetIds": []}, {"datasetIds": None}])
def test_a_start_without_datasets_may_mean_all_that_is_pending(body):
    client = Client(no_datasets="all_pending")
    client.initiate(client.dataset(expense(1)))
    client.dataset(expense(2))
    client.dataset(expense(3))
    client.dataset(expense(4), company="another")
    assert client.send("POST", client.path("syncs"), body).status == 202
    assert client.send("POST", client.path("syncs"), body).status == 400
    client.wait(60)
    client.get("config")
    assert [client.times_posted(number) for number in (1, 2, 3, 4)] == [1, 1, 1, 0]


def test_a_dataset_named_twice_may_be_synced_twice():
    client = Client(dataset_named_twice="twice", duplicate_check="never")
    dataset = client.dataset(expense(1))
    client.initiate(dataset, dataset)
    client.wait(60)
    client.get("config")
    assert client.times_posted(1) == 2


def test_company_without_a_linked_connection_starts_no_sync():
    client = Client()
    dataset = client.dataset(expense(1))
    client.service.set_status(COMPANY, "Unlinked")
    assert client.initiate(dataset).status == 422
    assert client.create_directly(expense(1)).status == 422


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Basic "}, {"authorization": "Bearer x"}]
)
def test_request_without_a_key_is_refused(headers):
    client = Client()
    answer = client.send("GET", "/companies", headers=headers)
    assert answer.status == 401
    assert read(answer)["statusCode"] == 401
    assert read(answer)["correlationId"]


def test_only_the_given_keys_are_accepted():
    client = Client(api_keys=frozenset({"secret"}))

    def status(value):
        return client.send("GET", "/companies", headers={"authorization": f"Basic {value}"}).status

    assert status(base64.b64encode(b"secret").decode()) == 200
    assert status(base64.b64encode(b"other").decode()) == 401


def test_refused_key_has_no_effect():
    client = Client(api_keys=frozenset({"other"}))
    assert client.create_directly(expense(1)).status == 401
    client.wait(60)
    client.get("config")
    assert client.ledger.entries == []


def test_any_company_is_known_and_linked_in_an_open_world():
    answer = Client().send("GET", "/companies/never-heard-of")
    assert answer.status == 200
    assert read(answer)["dataConnections"][0]["status"] == "Linked"


def test_closed_world_knows_only_declared_companies():
    client = Client(open_world=False, companies=(CompanySpec("known", name="Known Ltd", status="Deauthorized"),))
    known = client.send("GET", "/companies/known")
    assert read(known)["name"] == "Known Ltd"
    assert read(known)["dataConnections"][0]["status"] == "Deauthorized"
    assert client.send("GET", "/companies/unknown").status == 404
    assert client.create(expense(1), company="unknown").status == 404


def test_companies_are_listed_in_pages_and_can_be_searched():
    client = Client(companies=tuple(CompanySpec(f"c{number}", name=f"Name {number}") for number in range(5)))
    first = read(client.send("GET", "/companies", page=1, pageSize=2))
    last = read(client.send("GET", "/companies", page=3, pageSize=2))
    assert [each["id"] for each in first["results"]] == ["c0", "c1"]
    assert [each["id"] for each in last["results"]] == ["c4"]
    assert (first["totalResults"], first["pageNumber"], first["pageSize"]) == (5, 1, 2)
    assert "next" in first["_links"]
    assert "next" not in last["_links"]
    found = read(client.send("GET", "/companies", query="name 3"))
    assert [each["id"] for each in found["results"]] == ["c3"]


def test_configuration_can_be_read_and_changed():
    client = Client(companies=(CompanySpec(COMPANY, config={}),))
    assert read(client.get("config")) == {"bankAccount": None, "supplier": None, "customer": None}
    wanted = {"bankAccount": {"id": "b"}, "supplier": {"id": "s"}, "customer": {"id": "c"}}
    assert client.send("POST", client.path("config"), wanted).status == 200
    assert read(client.get("config")) == wanted
    assert client.send("POST", client.path("config"), {"bankAccount": {}}).status == 400


def test_mapping_options_list_what_a_company_declares():
    accounts = ({"id": "travel", "name": "Travel", "validTransactionTypes": ["Payment"]},)
    client = Client(companies=(CompanySpec(COMPANY, accounts=accounts),))
    options = read(client.get("mappingOptions"))
    assert options["accounts"] == list(accounts)
    assert options["taxRates"] == options["trackingCategories"] == []


def test_companies_with_the_usual_options_list_them_and_refuse_others():
    client = Client(usual_options=True)
    listed = read(client.get("mappingOptions"))
    assert {"400", "423"} <= {each["id"] for each in listed["accounts"]}
    assert listed["taxRates"]
    assert client.create(expense(1)).status == 200
    wrong = expense(2)
    wrong["lines"][0]["accountRef"] = {"id": "nowhere"}
    assert client.create(wrong).status == 400


def test_a_tracking_category_with_others_below_it_is_refused():
    client = Client(usual_options=True)
    parent, leaf = expense(1), expense(2)
    parent["lines"][0]["trackingRefs"] = [{"id": "department"}]
    leaf["lines"][0]["trackingRefs"] = [{"id": "sales"}]
    assert (client.create(parent).status, client.create(leaf).status) == (400, 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/companies/c/sync/expenses/nothing", 404),
        ("DELETE", "/companies/c", 405),
        ("GET", "/companies/c/sync/expenses/expense-transactions", 405),
        ("GET", f"/companies/c/sync/expenses/syncs/{UNKNOWN}/status", 404),
        ("GET", f"/companies/c/sync/expenses/syncs/{UNKNOWN}/transactions", 404),
        ("GET", "/companies/c/sync/expenses/syncs/latest/status", 404),
        ("GET", "/companies/c/sync/expenses/syncs/lastSuccessful/status", 404),
    ],
)
def test_what_is_not_there_is_refused(method, path, status):
    assert Client().send(method, path).status == status


def test_same_seed_gives_the_same_answers():
    def history(seed):
        client = Client(seed=seed, sync_seconds=(1.0, 9.0))
        sync = client.posted(expense(1))
        return client.get(f"syncs/{sync}/status").body

    assert history(5) == history(5)
    assert history(5) != history(6)


def test_log_tells_requests_and_counts_posts():
    client = Client()
    client.create(expense(1), key="key-1")
    client.get("config")
    assert client.service.posts() == 1
    first = client.service.requests[0]
    assert (first.method, first.company, first.status, first.key) == ("POST", COMPANY, 200, "key-1")
    assert client.service.counts()["GET", "/companies/{}/sync/expenses/config", 200] == 1
