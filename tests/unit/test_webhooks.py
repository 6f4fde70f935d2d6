"""Webhooks: only Codat's are believed, each once, and only as a hint when to look."""

import json
import time
from dataclasses import replace

import pytest

from benchmarks.request_economy import CASES, measure
from runner.cli import webhooks
from runner.codat.listening import Address
from runner.codat.webhooks import REMEMBERED, Hint, Inbound, NotFromCodat, Unreadable
from runner.domain.ids import CompanyId, SyncId
from runner.domain.remote import SyncStatus
from runner.errors import ConfigurationWrong
from runner.simulator.webhooks import sign
from runner.steps.polls import Polls

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA=="
COMPANY = CompanyId("0b2c9f1e-0000-4000-8000-000000000001")
SYNC = SyncId("5f0c9f1e-0000-4000-8000-000000000002")


def event(kind="expenses.sync.successful", **payload):
    payload = {"referenceCompany": {"id": COMPANY, "name": "Ltd"}, "syncId": SYNC, "transactions": [], **payload}
    return json.dumps({"id": "1", "eventType": kind, "generatedDate": "2026-01-01", "payload": payload}).encode()


def signed(body, *, secret=SECRET, number="msg_1", at=None, prefix="webhook-"):
    timestamp = int(time.time() if at is None else at)
    names = {"id": number, "timestamp": str(timestamp), "signature": sign(secret, number, timestamp, body)}
    return {prefix + name: value for name, value in names.items()}


def alert(rule="Sync Completed", number="a1"):
    data = {"syncId": SYNC, "syncType": "Expenses"}
    return json.dumps({"AlertId": number, "CompanyId": COMPANY, "RuleType": rule, "Message": "", "Data": data}).encode()


@pytest.mark.parametrize("prefix", ["webhook-", "svix-"])
@pytest.mark.parametrize("kind", ["expenses.sync.successful", "expenses.sync.unsuccessful"])
def test_a_signed_event_names_the_sync_that_has_ended(prefix, kind):
    body = event(kind)

    assert Inbound([SECRET]).read(signed(body, prefix=prefix), body) == Hint(COMPANY, SYNC)


@pytest.mark.parametrize("spelled", [str.upper, str.title])
def test_a_hint_is_about_the_same_company_and_sync_in_whatever_case(spelled):
    company, sync = "cafe0000-3333-4c33-8c33-cafe00000003", SYNC.replace("0", "a", 1)
    payload = {"referenceCompany": {"id": spelled(company)}, "syncId": spelled(sync)}
    body = json.dumps({"eventType": "expenses.sync.successful", "payload": payload}).encode()
    assert Inbound([SECRET]).read(signed(body), body) == Hint(company, sync)
    data = {"syncId": spelled(sync), "syncType": "Expenses"}
    told = {"AlertId": "a", "CompanyId": spelled(company), "RuleType": "Sync Completed", "Message": "", "Data": data}
    legacy = Inbound(authorization="agreed")
    assert legacy.read({"authorization": "agreed"}, json.dumps(told).encode()) == Hint(company, sync)


def test_either_secret_verifies_while_one_replaces_the_other():
    body = event()

    assert Inbound([OTHER, SECRET]).read(signed(body), body) == Hint(COMPANY, SYNC)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (lambda body: signed(body, secret=OTHER), "signature"),
        (lambda body: signed(body + b" "), "signature"),
        (lambda body: signed(body, at=time.time() - 3_600), "too old"),
        (lambda body: signed(body, at=time.time() + 3_600), "too new"),
        (lambda body: {**signed(body), "webhook-id": "msg_2"}, "signature"),
        (lambda body: {**signed(body), "webhook-signature": "v1,%%%"}, "signature"),
        (lambda body: {**signed(body), "webhook-signature": "nonsense"}, "signature"),
        (lambda body: {**signed(body), "webhook-timestamp": "nan"}, "signature"),
        (lambda body: {"webhook-id": "msg_1"}, "not signed"),
        (lambda body: {}, "not signed"),
    ],
)
def test_what_codat_did_not_sign_is_refused(headers, reason):
    body = event()

    with pytest.raises(NotFromCodat, match=reason):
        Inbound([SECRET]).read(headers(body), body)


@pytest.mark.parametrize("deep", [b'{"eventType":"expenses.sync.successful","payload":', b'{"other":'])
def test_a_signed_body_that_is_nested_without_end_is_unreadable(deep):
    body = deep + b"[" * 100_000 + b"]" * 100_000 + b"}"

    with pytest.raises(Unreadable):
        Inbound([SECRET]).read(signed(body), body)


def test_a_legacy_body_that_is_nested_without_end_is_unreadable():
    body = b'{"RuleType":"Sync Completed","CompanyId":"c","Data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    with pytest.raises(Unreadable):
        Inbound(authorization="agreed").read({"authorization": "agreed"}, body)


def test_a_signed_body_that_is_no_text_is_refused_without_a_traceback():
    with pytest.raises(NotFromCodat):
        Inbound([SECRET]).read(signed(b"\xff"), b"\xff\xfe")


def test_the_same_message_counts_once():
    inbound, body = Inbound([SECRET]), event()

    assert inbound.read(signed(body), body) is not None
    assert inbound.read(signed(body), body) is None
    assert inbound.read(signed(body, number="msg_2"), body) is not None


def test_what_is_remembered_of_messages_is_bounded():
    inbound, body = Inbound(authorization="Bearer agreed"), alert()
    for number in range(REMEMBERED + 1):
        inbound.read({"authorization": "Bearer agreed"}, alert(number=str(number)))

    assert inbound.read({"authorization": "Bearer agreed"}, alert(number="0")) is not None
    assert inbound.read({"authorization": "Bearer agreed"}, alert(number=str(REMEMBERED))) is None
    assert inbound.read({"authorization": "Bearer agreed"}, body) is not None


@pytest.mark.parametrize(
    "body",
    [
        event("expenses.company.created"),
        event(syncId="no uuid"),
        event(referenceCompany={"id": "../../etc"}),
        event(referenceCompany=None),
        b"{}",
        b"[]",
        b"not JSON",
        b'{"eventType": "expenses.sync.successful", "payload": 7}',
    ],
)
def test_codats_other_messages_are_taken_and_mean_nothing(body):
    assert Inbound([SECRET]).read(signed(body), body) is None


@pytest.mark.parametrize("rule", ["Sync Completed", "Sync Failed"])
def test_a_legacy_rule_is_believed_for_its_authorization(rule):
    assert Inbound(authorization="Bearer agreed").read({"authorization": "Bearer agreed"}, alert(rule)) == Hint(
        COMPANY, SYNC
    )


@pytest.mark.parametrize("given", ["", "Bearer other", "bearer agreed", "Bearer agreed ", "Bearer \udcff"])
def test_a_legacy_rule_with_another_authorization_is_refused(given):
    with pytest.raises(NotFromCodat, match="Authorization"):
        Inbound(authorization="Bearer agreed").read({"authorization": given}, alert())


def test_a_legacy_rule_about_something_else_means_nothing():
    assert Inbound(authorization="x").read({"authorization": "x"}, alert("Data Connection Deleted")) is None


def test_without_anything_that_verifies_nothing_is_received():
    with pytest.raises(ConfigurationWrong, match="nothing is known"):
        Inbound()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_!", "whsec_ä"])
def test_a_secret_that_is_none_is_refused_without_being_quoted(secret):
    with pytest.raises(ConfigurationWrong) as caught:
        Inbound([secret])

    assert secret.removeprefix("whsec_") not in caught.value.message or secret == "whsec_"
    assert caught.value.__cause__ is None


def test_no_secret_shows_in_a_print():
    shown = repr(Inbound([SECRET], authorization="Bearer agreed"))

    assert SECRET not in shown
    assert "agreed" not in shown


@pytest.fixture
def given(monkeypatch, tmp_path):
    for name in (webhooks.SECRET, webhooks.AUTHORIZATION):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    def give(variable, text, mode=0o600):
        path = tmp_path / "secret"
        path.write_text(f"{text}\n")
        path.chmod(mode)
        monkeypatch.setenv(f"{variable}_FILE", str(path))

    return give


def test_the_secret_may_stand_in_a_file_that_only_its_owner_can_read(given, monkeypatch):
    monkeypatch.setenv(webhooks.SECRET, OTHER)
    given(webhooks.SECRET, SECRET)
    body = event()

    reception = webhooks.read_reception(Address("127.0.0.1", 0))

    assert reception.inbound.read(signed(body), body) == Hint(COMPANY, SYNC)


def test_a_secret_that_others_can_read_is_refused(given):
    given(webhooks.SECRET, SECRET, mode=0o644)

    with pytest.raises(ConfigurationWrong, match="webhook secret is not read"):
        webhooks.read_reception(Address("127.0.0.1", 0))


def test_without_an_address_nothing_is_received_and_nothing_needed(given):
    assert webhooks.read_reception(None) is None
    with pytest.raises(ConfigurationWrong, match="nothing is known"):
        webhooks.read_reception(Address("127.0.0.1", 0))


# ---- what a hint does ----


def rest(watch, polls, now=0.0):
    due = watch.next_look(
        now=now, least=2.0, most=30.0, jitter=lambda _low, high: high, announced=polls.announced, patient=False
    )
    return due - now


def status(code=2000):
    return SyncStatus(SYNC, code)


def test_a_hint_lets_the_next_look_be_now_and_wakes_who_waits():
    polls, woken = Polls(), []
    polls.wake = woken.append
    polls.of(COMPANY).started(SYNC, now=0.0, wait=600.0)
    assert rest(polls.of(COMPANY), polls) == 2.0

    polls.hint(COMPANY, SYNC)

    assert woken == [COMPANY]
    assert rest(polls.of(COMPANY), polls) == 0.0
    assert polls.of(COMPANY).is_due(0.0)


def test_a_hint_that_comes_before_the_answer_with_the_syncs_id_is_not_lost():
    polls = Polls()
    polls.begin(COMPANY, None)
    polls.hint(COMPANY, SYNC)
    polls.of(COMPANY).started(SYNC, now=0.0, wait=600.0)

    assert rest(polls.of(COMPANY), polls) == 0.0


def test_hints_of_unknown_syncs_do_not_fill_the_memory_and_push_out_none_of_known_ones():
    polls = Polls()
    polls.begin(COMPANY, None)
    polls.of(COMPANY).started(SYNC, now=0.0, wait=600.0)
    polls.hint(COMPANY, SYNC)
    for number in range(20_000):
        polls.hint(COMPANY, SyncId(str(number)))
        polls.hint(CompanyId(f"another-{number}"), SyncId(str(number)))

    assert len(polls.of(COMPANY)._early) <= 50
    assert len(polls._watches) == 1
    assert polls.of(COMPANY).is_due(0.0)


def test_a_hint_is_not_the_truth():
    polls = Polls()
    watch = polls.of(COMPANY)
    watch.started(SYNC, now=0.0, wait=600.0)
    polls.hint(COMPANY, SYNC)

    watch.saw({SYNC: status(1000)}, now=1.0)

    assert watch.awaited() == [SYNC]
    assert rest(watch, polls, now=1.0) == 2.0


def test_a_sync_that_was_left_is_looked_at_again_when_a_hint_says_that_it_has_ended():
    polls = Polls()
    watch = polls.of(COMPANY)
    watch.started(SYNC, now=0.0, wait=0.0)
    watch.saw({SYNC: status(1000)}, now=1.0)
    assert watch.leave_overdue(rest(watch, polls, now=1.0) + 1.0) == [SYNC]
    assert watch.awaited() == []

    polls.hint(COMPANY, SYNC)

    assert watch.awaited() == [SYNC]


def test_looks_become_rare_once_hints_have_proved_to_come_and_usual_again_when_one_is_missed():
    polls, second = Polls(), SyncId("second")
    watch = polls.of(COMPANY)
    watch.started(SYNC, now=0.0, wait=600.0)
    polls.hint(COMPANY, SYNC)
    assert not watch.saw({SYNC: status()}, now=1.0)

    watch.started(second, now=1.0, wait=600.0)
    assert rest(watch, polls, now=1.0) == 60.0

    assert watch.saw({second: status()}, now=61.0)


def test_with_webhooks_at_most_a_third_of_the_polls_are_needed():
    told, quiet = spent_with(1.0), spent_with(None)

    assert told.polls * 3 <= quiet.polls
    # Seldom asked is not enough: a hint has to wake whoever waits.
    assert sum(told.late) * 3 <= sum(quiet.late)


def test_where_every_fourth_webhook_is_lost_each_sync_is_still_seen_through_and_soon_on_average():
    spent = spent_with(0.75)

    assert sum(spent.late) / len(spent.late) < 15.0
    # What is asked of Codat meanwhile grows by what was lost, and not beyond.
    assert spent.polls <= spent_with(None).polls


def test_where_webhooks_stop_arriving_only_one_end_is_found_late():
    spent = spent_with(1.0, webhooks_end=200.0)

    assert sum(late > 30.0 for late in spent.late) <= 1
    assert sum(spent.late) / len(spent.late) < 8.0


def spent_with(webhooks, **changed):
    case = next(case for case in CASES if case.webhooks)
    small = replace(case, expenses=case.expenses // 50, draft_size=1, webhooks=webhooks, **changed)
    spent = measure(small)
    assert spent.posted == small.companies * small.expenses
    return spent
