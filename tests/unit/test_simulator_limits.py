from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runner.simulator.behaviour import Limits
from tests.simulator_client import Client, read

OFF = {"a_day": None, "in_flight": None, "a_minute": None}
DAY = 86_400


def client_with(**limits):
    behaviour = limits.pop("behaviour", {})
    return Client(limits=Limits(**{**OFF, **limits}), **behaviour)


def test_every_answer_tells_the_daily_quota():
    client = client_with(a_day=1000)
    headers = client.send("GET", "/companies/a").headers
    assert headers["x-rate-limit-limit"] == "2000"
    assert headers["x-rate-limit-remaining"] == "1999"
    assert headers["x-rate-limit-reset"] == "1970-01-02T00:00:00Z"


def test_daily_quota_grows_with_the_companies():
    client = client_with(a_day=1000)
    for company in ("a", "b", "c"):
        answer = client.send("GET", f"/companies/{company}")
    assert answer.headers["x-rate-limit-limit"] == "4000"


def test_used_up_quota_refuses_until_midnight():
    client = client_with(a_day=3)
    answers = [client.send("GET", "/companies") for _ in range(4)]
    assert [each.status for each in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == str(DAY - 1000)
    assert answers[-1].headers["x-rate-limit-remaining"] == "0"
    assert read(answers[-1])["statusCode"] == 429
    client.now = DAY - 1
    assert client.send("GET", "/companies").status == 429
    client.now = DAY
    assert client.send("GET", "/companies").status == 200


def test_day_ends_at_midnight_utc_whatever_the_epoch_is():
    epoch = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    client = client_with(a_day=1, behaviour={"epoch": epoch})
    client.send("GET", "/companies")
    refused = client.send("GET", "/companies")
    assert refused.headers["x-rate-limit-reset"] == "2026-03-02T00:00:00Z"
    client.now = 3600
    assert client.send("GET", "/companies").status == 200


def test_thousand_requests_of_one_sender_fill_a_sliding_minute():
    client = client_with(a_minute=1000)
    for _ in range(500):
        assert client.send("GET", "/companies").status == 200
    client.wait(30)
    for _ in range(500):
        assert client.send("GET", "/companies").status == 200
    refused = client.send("GET", "/companies")
    assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    assert client.send("GET", "/companies", peer="192.0.2.1").status == 200
    client.wait(30)
    assert client.send("GET", "/companies").status == 200


def test_ten_requests_of_one_company_may_be_in_flight():
    client = client_with(in_flight=10, behaviour={"latency": 5.0})
    statuses = [client.get("config").status for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert client.get("config", company="other").status == 200
    client.wait(5)
    assert client.get("config").status == 200


def test_pause_can_be_said_as_a_date():
    client = client_with(a_day=0, retry_after_as_date=True)
    refused = client.send("GET", "/companies")
    assert parsedate_to_datetime(refused.headers["retry-after"]) == datetime(1970, 1, 2, tzinfo=UTC)


def test_refused_request_has_no_effect():
    client = client_with(a_day=0)
    assert client.send("POST", client.path("config"), {}).status == 429


def test_limits_that_are_off_are_not_told():
    assert not [name for name in client_with().get("config").headers if name.startswith("x-rate-limit")]
