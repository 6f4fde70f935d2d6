import pytest

from runner.simulator.faults import PRESETS, Fault, FaultKind, parse_faults
from tests.simulator_client import Client, expense, expense_id, read


def with_fault(kind, **where):
    return Client(faults=[Fault(kind, **{"method": "POST", **where})])


def postings_after(client, answer, *, seconds=3600):
    client.wait(seconds)
    client.service.advance(client.now)
    return answer, client.times_posted(1)


def test_lost_before_has_no_effect():
    client = with_fault(FaultKind.LOST, when="before")
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert (answer.lost, postings) == (True, 0)
    assert client.service.posts() == 0


def test_lost_after_has_its_effect():
    client = with_fault(FaultKind.LOST)
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert (answer.lost, postings) == (True, 1)
    assert client.service.requests[0].status == 0


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize(("when", "effect"), [("before", 0), ("after", 1)])
def test_error_comes_before_or_after_the_effect(status, when, effect):
    client = with_fault(FaultKind.ERROR, status=status, when=when)
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert (answer.status, postings) == (status, effect)


def test_late_request_takes_effect_after_the_client_has_given_up():
    client = with_fault(FaultKind.LATE, seconds=300)
    assert client.create_directly(expense(1)).lost
    client.wait(299)
    client.service.advance(client.now)
    assert client.service.posts() == 0
    assert client.service.next_event_at() == 1300
    client.wait(30)
    client.service.advance(client.now)
    assert client.times_posted(1) == 1
    late = client.service.requests[-1]
    assert (late.now, late.reached) == (1300, True)


def test_late_request_meets_the_books_as_they_are_when_it_arrives():
    late = Fault(FaultKind.LATE, method="POST", seconds=300, nth=2)
    client = Client(duplicate_check="request", faults=[late])
    client.create_directly(expense(1))
    client.create_directly(expense(1))
    # One look long afterwards: what happened in between has to happen in its own order.
    client.wait(3600)
    client.service.advance(client.now)
    assert client.service.requests[-1].status == 400
    assert client.times_posted(1) == 1


def test_request_delivered_twice_has_its_effect_twice_unless_it_has_a_key():
    client = with_fault(FaultKind.TWICE)
    _, postings = postings_after(client, client.create_directly(expense(1)))
    assert postings == 2
    client = with_fault(FaultKind.TWICE)
    _, postings = postings_after(client, client.create_directly(expense(1), key="k"))
    assert postings == 1


def test_slow_answer_says_how_long_it_takes():
    client = with_fault(FaultKind.SLOW, seconds=9)
    assert client.create(expense(1)).delay == 9


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.TRUNCATED, FaultKind.GARBAGE, FaultKind.HTML])
def test_unreadable_answer_follows_an_effect(kind):
    client = with_fault(kind, status=502)
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert postings == 1
    with pytest.raises(ValueError):
        __import__("json").loads(answer.body)
    assert answer.lost == (kind is FaultKind.CUT)


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.REDIRECT, 307), (FaultKind.RATE_LIMITED, 429), (FaultKind.HTML, 502)]
)
def test_some_faults_come_instead_of_the_effect(kind, status):
    client = with_fault(kind, status=502, when="before")
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert (answer.status, postings) == (status, 0)


def test_fault_strikes_only_where_it_matches():
    client = Client(faults=[Fault(FaultKind.ERROR, path="/config$", company="a", method="GET")])
    assert client.get("config", company="a").status == 500
    assert client.get("config", company="b").status == 200
    assert client.get("mappingOptions", company="a").status == 200
    assert client.send("POST", client.path("config", "a"), {}).status == 400


def test_fault_can_follow_an_expense():
    client = Client(faults=[Fault(FaultKind.ERROR, expense=expense_id(2))])
    assert client.create(expense(1)).status == 200
    assert client.create(expense(1), expense(2)).status == 500


def test_fault_can_strike_the_nth_time_only():
    client = Client(faults=[Fault(FaultKind.ERROR, nth=2)])
    assert [client.get("config").status for _ in range(4)] == [200, 500, 200, 200]


def test_fault_can_strike_a_number_of_times():
    client = Client(faults=[Fault(FaultKind.ERROR, times=2)])
    assert [client.get("config").status for _ in range(4)] == [500, 500, 200, 200]


def test_fault_can_strike_by_chance_and_the_same_for_the_same_seed():
    def statuses(seed):
        client = Client(seed=seed, faults=[Fault(FaultKind.ERROR, probability=0.5)])
        return [client.get("config").status for _ in range(100)]

    assert 20 < statuses(1).count(500) < 80
    assert statuses(1) == statuses(1)
    assert statuses(1) != statuses(2)


def test_fault_in_sync_codes_can_be_about_one_company():
    client = Client(faults=[Fault(FaultKind.SYNC_CODE, code=4000, company="a")])
    first, second = client.posted(expense(1), company="a"), client.posted(expense(1), company="b")
    assert client.code(first, company="a") == 4000
    assert client.code(second, company="b") == 2000


def test_every_preset_is_named_on_the_command_line():
    faults = parse_faults(",".join(PRESETS))
    assert len(faults) == sum(len(each) for each in PRESETS.values())


def test_names_carry_a_status_a_code_a_probability_and_a_number():
    assert parse_faults("error_503_before*2, sync_5130,lost_after:0.5") == (
        Fault(FaultKind.ERROR, status=503, when="before", probability=1.0, times=2),
        Fault(FaultKind.SYNC_CODE, code=5130),
        Fault(FaultKind.LOST, probability=0.5),
    )
    assert parse_faults("error_500_after")[0].when == "after"
    assert parse_faults("") == ()


@pytest.mark.parametrize("text", ["nonsense", "lost_before:2", "lost_before:x", "LOST", "error_999", "a b"])
def test_unknown_name_is_refused(text):
    with pytest.raises(ValueError):
        parse_faults(text)


def test_reset_forgets_everything_but_the_first_faults():
    client = Client(faults=[Fault(FaultKind.ERROR, path="config", times=1)])
    client.service.add_fault(Fault(FaultKind.ERROR, path="mappingOptions"))
    client.posted(expense(1))
    assert client.get("mappingOptions").status == 500
    client.service.reset()
    assert (client.ledger.entries, client.service.requests) == ([], [])
    assert client.get("mappingOptions").status == 200
    assert client.get("config").status == 500


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("make", [Client.create, Client.create_directly])
def test_an_answer_may_have_the_id_of_what_was_made_last(make, when):
    client = Client(faults=[Fault(FaultKind.REPEATED_ID, method="POST", nth=2, when=when)])
    first, second = make(client, expense(1)), make(client, expense(2), company="another")
    assert read(first) == read(second)
    assert read(make(client, expense(3))) != read(first)
    client.wait(60)
    client.service.advance(client.now)
    started = make is Client.create_directly
    assert client.times_posted(2, company="another") == (started and when == "after")


def test_the_first_id_cannot_be_a_repeated_one():
    client = with_fault(FaultKind.REPEATED_ID, when="before")
    answer, postings = postings_after(client, client.create_directly(expense(1)))
    assert (answer.status, postings) == (200, 1)
