import json
from datetime import UTC, datetime

import pytest

from runner.codat.answers import check, correlation_id_of, date_of, retry_after
from runner.codat.messages import Request, Response
from runner.codat.texts import cleaned
from runner.domain.ids import CompanyId
from runner.errors import (
    AccountLimited,
    ExitCode,
    KeyRefused,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RefusedItem,
)

POST = Request("POST", "/x", CompanyId("acme"), body=b"{}")
UUID = "6f1fbf74-3333-4333-8333-333333333333"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def answered(status, body=b"", **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def raised(status, body=b"", **headers):
    with pytest.raises(Exception) as caught:
        check(POST, answered(status, body, **headers))
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_passes(status):
    check(POST, answered(status))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, OutcomeUnknown),
        (301, OutcomeUnknown),
        (302, OutcomeUnknown),
        (307, OutcomeUnknown),
        (308, OutcomeUnknown),
        (400, Refused),
        (401, KeyRefused),
        (402, AccountLimited),
        (403, Refused),
        (404, Refused),
        (405, Refused),
        (408, OutcomeUnknown),
        (409, NotReady),
        (410, Refused),
        (413, Refused),
        (415, Refused),
        (422, Refused),
        (429, RateLimited),
        (451, Refused),
        (500, OutcomeUnknown),
        (501, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
def test_each_status_is_one_kind_of_outcome(status, error):
    fault = raised(status, {"error": "why", "correlationId": "c-1"})
    assert type(fault) is error
    assert "why" in fault.message
    assert fault.correlation_id == "c-1"
    if isinstance(fault, OutcomeUnknown):
        assert (fault.received, fault.status) == (True, status)
    if isinstance(fault, Refused):
        assert fault.status == status


def test_a_wrong_key_and_a_limited_account_end_the_run_with_their_own_codes():
    assert raised(401).exit_code is ExitCode.KEY_REFUSED
    assert raised(402).exit_code is ExitCode.BUDGET


def test_a_refusal_names_the_items_at_fault():
    fault = raised(
        400,
        {
            "error": "Validation failed",
            "canBeRetried": "False",
            "validation": {
                "errors": [
                    {"itemId": UUID.upper(), "message": "no such account\x07", "validatorName": "v"},
                    {"itemId": "lines[0]", "message": None},
                    {"itemId": None, "message": "odd"},
                    None,
                    "text",
                ],
                "warnings": None,
            },
        },
    )
    assert fault.message == "Validation failed"
    assert fault.items == (
        RefusedItem(UUID, "no such account\\x07"),
        RefusedItem("lines[0]", ""),
        RefusedItem("", "odd"),
    )


@pytest.mark.parametrize("validation", [None, [], "x", {}, {"errors": None}, {"errors": {"a": 1}}])
def test_a_refusal_without_items_has_none(validation):
    assert raised(400, {"error": "no", "validation": validation}).items == ()


def test_a_refusal_without_a_message_of_its_own_says_what_its_items_say():
    fault = raised(400, {"validation": {"errors": [{"itemId": "1", "message": "a"}, {"message": "b"}]}})
    assert fault.message == "a; b"


def test_fifty_ids_of_a_duplicate_refusal_survive_the_cut():
    ids = ", ".join([UUID] * 50)
    message = f"One or more transactions have previously been processed: {ids}"
    assert raised(400, {"error": message}).message == message


@pytest.mark.parametrize(
    ("body", "headers", "described"),
    [
        (b"<html><h1>Bad gateway</h1>", {}, "HTML"),
        (b"x", {"content_type": "text/html; charset=utf-8"}, "HTML"),
        (b"upstream died", {"content_type": "text/plain"}, "text/plain"),
        (b"", {}, "empty"),
        (b"[]", {"content_type": "application/json"}, "of another shape"),
        (b"[" * 300_000, {"content_type": "application/json"}, "of another shape"),
    ],
)
@pytest.mark.parametrize("status", [400, 502])
def test_an_answer_that_is_not_codats_is_described_and_not_quoted(body, headers, described, status):
    message = raised(status, body, **headers).message
    assert f"an answer that is not Codat's ({described}) with status {status}" in message
    assert "gateway" not in message


def test_a_remote_message_is_cut_and_its_control_characters_are_escaped():
    message = raised(400, {"error": "a\r\n\x1b[2J\u202e\u2028b" + "x" * 9000}).message
    assert message.startswith("a\\r\\n\\x1b[2J\\u202e\\u2028bxxx")
    assert len(message) == 2000


def test_a_lone_surrogate_is_escaped_too():
    assert cleaned("a\ud800b") == "a\\ud800b"


@pytest.mark.parametrize("text", ["plain", "Größe 収据 😀", ""])
def test_a_printable_text_stays_as_it_is(text):
    assert cleaned(text) == text


def test_the_correlation_id_comes_from_the_body_or_else_from_a_header():
    assert correlation_id_of(answered(500, {"correlationId": "b"}, x_correlation_id="h")) == "b"
    assert correlation_id_of(answered(500, {"correlationId": None}, x_correlation_id="h")) == "h"
    assert correlation_id_of(answered(502, b"<html>", x_correlation_id="h\n")) == "h"
    assert correlation_id_of(answered(200, b"{}")) is None


DATE = "Mon, 05 Jan 2026 09:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("Mon, 05 Jan 2026 09:00:30 GMT", 30.0),
        ("Monday, 05-Jan-26 09:00:30 GMT", 30.0),
        ("Mon Jan  5 09:00:30 2026", 30.0),
        ("Mon, 05 Jan 2026 08:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("." * 5, None),
        (".", None),
        ("9" * 40, None),
        ("Mon, 99 Jan 2026 09:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert retry_after(answered(429, retry_after=text), now=NOW) == seconds
    assert raised(429, retry_after=text, date=DATE).retry_after == seconds


def test_a_date_is_measured_by_the_answers_own_clock():
    response = answered(429, retry_after="Mon, 05 Jan 2026 10:00:30 GMT", date="Mon, 05 Jan 2026 10:00:00 GMT")
    assert retry_after(response, now=NOW) == 30.0


def test_a_date_without_any_clock_says_nothing():
    assert retry_after(answered(429, retry_after=DATE)) is None


def test_a_missing_retry_after_says_nothing():
    assert raised(429).retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"date": "Fri, 01 Jan 1971 00:01:00 GMT"}, 31_536_060.0),
        ({"date": "Fri, 01 Jan 1971 01:01:00 +0100"}, 31_536_060.0),
        ({"date": "Fri, 01 Jan 1971 00:01:00 GMT", "age": "0"}, None),
        ({"date": "Fri, 99 Jan 1971 00:01:00 GMT"}, None),
        ({"date": "Fri, 01 Jan 1971 00:01:00 +999999999999"}, None),
        ({"date": "Mon, 01 Jan 1900 00:00:00 +1400"}, None),
        ({"date": "Fri, 31 Dec 9999 23:59:59 -1400"}, None),
        ({"date": "now"}, None),
        ({"date": ""}, None),
        ({}, None),
    ],
)
def test_an_answer_tells_the_services_time_unless_it_comes_out_of_a_cache(headers, seconds):
    assert date_of(answered(200, **headers)) == seconds
