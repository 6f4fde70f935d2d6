"""Retrying, the gate, draining, logging and counting, over a scripted wire."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog

from runner.backoff import Backoff
from runner.clock import ServiceTime
from runner.codat.counting import Counting, RequestCounts
from runner.codat.draining import Draining
from runner.codat.gate import Gate, Unlimited
from runner.codat.logged import Logged
from runner.codat.messages import Request, Response
from runner.codat.retrying import Retrying
from runner.domain.ids import CompanyId
from runner.errors import BudgetReached, Interrupted, KeyRefused, NotSent, OutcomeUnknown
from tests.clocks import FakeClock

COMPANY = CompanyId("acme")
READ = Request("GET", "/companies/acme/sync/expenses/syncs/list/status", COMPANY)
EFFECT = Request(
    "POST",
    "/companies/acme/sync/expenses/syncs",
    COMPANY,
    headers={"Idempotency-Key": "key-1"},
    body=b'{"private":1}',
)
LOST = OutcomeUnknown("lost", received=False)
UNREACHED = NotSent("refused")


class Wire:
    """Answers with what it was given, in order; begins what it is asked to begin, as every transport does."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []
        self.events = []

    async def send(self, request, begin=None):
        if begin is not None:
            await begin(request)
        self.sent.append(request)
        self.events.append("wire")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else Response(answer, {}, b"")


class Governor:
    def __init__(self, events, *, on_admission=lambda: None):
        self.events = events
        self.on_admission = on_admission

    @asynccontextmanager
    async def admitted(self, request):
        self.events.append("admitted")
        self.on_admission()
        try:
            yield
        finally:
            self.events.append("released")

    def observe(self, request, response):
        self.events.append(f"observed {response.status}")


def retrying(wire, *, attempts=4, clock=None, jitter=lambda _low, high: high, **more):
    backoff = Backoff(initial=1.0, factor=2.0, maximum=60.0, attempts=attempts)
    return Retrying(wire, clock=clock or FakeClock(), jitter=jitter, backoff=backoff, **more)


async def outcome(transport, request, begin=None):
    try:
        return (await transport.send(request, begin)).status
    except (NotSent, OutcomeUnknown) as error:
        return error


@pytest.mark.parametrize("first", [UNREACHED, LOST, 408, 409, 425, 429, 500, 502, 503, 504])
async def test_a_read_is_asked_again_after_anything_transient(first):
    wire = Wire(first, 200)
    assert await outcome(retrying(wire), READ) == 200
    assert wire.sent == [READ, READ]


@pytest.mark.parametrize("first", [200, 204, 302, 400, 401, 402, 403, 404, 413, 422])
async def test_a_read_is_not_asked_again_after_a_definite_answer(first):
    wire = Wire(first)
    assert await outcome(retrying(wire), READ) == first
    assert len(wire.sent) == 1


@pytest.mark.parametrize("first", [UNREACHED, 409, 429])
async def test_an_effect_is_sent_again_only_after_it_was_definitely_not_done_and_as_the_same_request(first):
    begun = []

    async def begin(request):
        begun.append(request)

    wire = Wire(first, 200)
    assert await outcome(retrying(wire), EFFECT, begin) == 200
    assert wire.sent == [EFFECT, EFFECT]
    assert begun == [EFFECT, EFFECT]


@pytest.mark.parametrize(
    "first", [LOST, OutcomeUnknown("x", received=True), 302, 400, 404, 408, 422, 425, 500, 502, 503, 504]
)
async def test_an_effect_whose_outcome_is_unknown_or_definite_is_never_sent_again(first):
    wire = Wire(first, 200)
    clock = FakeClock()
    assert await outcome(retrying(wire, clock=clock), EFFECT) == first
    assert len(wire.sent) == 1
    assert clock.sleeps == []


async def test_an_effect_that_was_not_sent_at_first_is_not_repeated_once_its_outcome_is_unknown():
    wire = Wire(UNREACHED, 429, LOST, 200)
    assert await outcome(retrying(wire), EFFECT) is LOST
    assert len(wire.sent) == 3


@pytest.mark.parametrize(("request_", "answer"), [(READ, 503), (READ, LOST), (EFFECT, 429), (EFFECT, UNREACHED)])
async def test_after_the_last_attempt_the_last_outcome_goes_up(request_, answer):
    wire = Wire(*[answer] * 5)
    clock = FakeClock()
    assert await outcome(retrying(wire, attempts=3, clock=clock), request_) == answer
    assert len(wire.sent) == 4
    assert clock.sleeps == [1.0, 2.0, 4.0]


async def test_pauses_have_full_jitter():
    clock = FakeClock()
    drawn = []

    def jitter(low, high):
        drawn.append((low, high))
        return high / 4

    await outcome(retrying(Wire(500, 500, 200), clock=clock, jitter=jitter), READ)
    assert drawn == [(0.0, 1.0), (0.0, 2.0)]
    assert clock.sleeps == [0.25, 0.5]


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("17", 17.0),
        ("Mon, 05 Jan 2026 09:00:30 GMT", 30.0),
        ("Monday, 05-Jan-26 09:00:30 GMT", 30.0),
        ("nonsense", 1.0),
        ("0", 1.0),
        ("Mon, 05 Jan 2025 09:00:30 GMT", 1.0),
    ],
)
@pytest.mark.parametrize(("request_", "status"), [(READ, 429), (READ, 503), (EFFECT, 429)])
async def test_retry_after_is_obeyed_in_each_of_its_forms(text, pause, request_, status):
    clock = FakeClock()
    wire = Wire(Response(status, {"retry-after": text}, b""), 200)
    await outcome(retrying(wire, clock=clock), request_)
    assert clock.sleeps == [pause]


@pytest.mark.parametrize(
    ("text", "resume_at"),
    [
        ("3600", "2026-01-05T10:00:00+00:00"),
        ("Tue, 06 Jan 2026 00:00:00 GMT", "2026-01-06T00:00:00+00:00"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59+00:00"),
        ("9999999999", "2342-11-26T02:46:39+00:00"),
    ],
)
async def test_a_pause_longer_than_the_run_waits_ends_the_run_with_the_time_to_come_back(text, resume_at):
    clock = FakeClock()
    transport = retrying(Wire(Response(429, {"retry-after": text}, b"")), clock=clock, max_pause=600.0)
    with pytest.raises(BudgetReached) as caught:
        await transport.send(EFFECT)
    assert caught.value.resume_at == resume_at
    assert clock.sleeps == []


async def test_each_retry_is_told_with_its_cause():
    told = []
    wire = Wire(UNREACHED, LOST, 429, 200)
    await outcome(retrying(wire, on_retry=lambda request, cause: told.append((request, cause))), READ)
    assert told == [(READ, "not_sent"), (READ, "outcome_unknown"), (READ, "429")]


async def test_a_pause_ends_when_draining_begins_and_nothing_is_sent_any_more():
    draining, clock, wire = Draining(), _Forever(), Wire(429, 200)
    sending = asyncio.create_task(retrying(wire, clock=clock, draining=draining).send(EFFECT))
    await clock.asleep.wait()
    draining.start(Interrupted("stop"))
    with pytest.raises(Interrupted):
        await sending
    assert len(wire.sent) == 1


async def test_a_pause_is_slept_out_while_nothing_drains():
    clock, wire = FakeClock(), Wire(429, 200)
    assert await outcome(retrying(wire, clock=clock, draining=Draining()), EFFECT) == 200
    assert clock.sleeps == [1.0]


async def test_cancelling_passes_through_a_pause():
    clock = _Forever()
    sending = asyncio.create_task(retrying(Wire(429), draining=Draining(), clock=clock).send(EFFECT))
    await clock.asleep.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


class _Forever(FakeClock):
    """A clock whose pauses do not end by themselves."""

    def __init__(self):
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds):
        self.asleep.set()
        await asyncio.get_running_loop().create_future()


def gated(wire, *, draining=None, on_admission=lambda: None, **more):
    governor = Governor(wire.events, on_admission=on_admission)
    return Gate(wire, governor=governor, draining=draining or Draining(), **more)


class Punctual(Wire):
    """Lets nothing leave that is late, as the wire does."""

    def __init__(self, clock, *answers):
        super().__init__(*answers)
        self.clock = clock

    async def send(self, request, begin=None):
        if request.is_late(self.clock.boottime()):
            self.events.append("late")
            raise NotSent("held up")
        return await super().send(request, begin)


async def test_the_gate_has_one_order():
    wire = Wire(200)

    async def begin(request):
        assert request is EFFECT
        wire.events.append("begun")

    await gated(wire).send(EFFECT, begin)
    assert wire.events == ["admitted", "begun", "wire", "observed 200", "released"]


async def test_every_retry_of_an_effect_passes_the_whole_gate_again():
    wire = Wire(UNREACHED, 429, 200)

    async def begin(_request):
        wire.events.append("begun")

    await retrying(gated(wire)).send(EFFECT, begin)
    once = ["admitted", "begun", "wire"]
    assert wire.events == [
        *[*once, "released"],
        *[*once, "observed 429", "released"],
        *[*once, "observed 200", "released"],
    ]


async def test_nothing_is_admitted_while_draining():
    wire, draining = Wire(200), Draining()
    draining.start(Interrupted("stop"))
    with pytest.raises(Interrupted):
        await gated(wire, draining=draining).send(READ)
    assert wire.events == []


async def test_nothing_is_begun_when_draining_started_during_the_wait_for_admission():
    wire, draining = Wire(200), Draining()
    gate = gated(wire, draining=draining, on_admission=lambda: draining.start(Interrupted("stop")))

    async def begin(_request):
        wire.events.append("begun")

    with pytest.raises(Interrupted):
        await gate.send(EFFECT, begin)
    assert wire.events == ["admitted", "released"]


async def test_an_intention_that_could_not_be_written_keeps_the_request_from_leaving():
    wire = Wire(200)

    async def begin(_request):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await gated(wire).send(EFFECT, begin)
    assert wire.sent == []


@pytest.mark.parametrize(("held_up", "sent"), [(30.0, 1), (31.0, 0)])
async def test_a_begun_request_that_was_held_up_does_not_leave(held_up, sent):
    clock = FakeClock()
    wire = Punctual(clock, 200)

    async def begin(_request):
        # Stopped, or its machine was, after the intention came to the disk.
        clock.advance(held_up)

    sending = gated(wire, clock=clock).send(EFFECT, begin)
    if sent:
        assert (await sending).status == 200
    else:
        with pytest.raises(NotSent):
            await sending
    assert len(wire.sent) == sent


async def test_a_request_that_was_held_up_is_begun_anew_before_it_leaves():
    clock = FakeClock()
    wire = Punctual(clock, 200)
    holding_up = [3_600.0, 0.0]

    async def begin(_request):
        wire.events.append("begun")
        clock.advance(holding_up.pop(0))

    await retrying(gated(wire, clock=clock), clock=clock).send(EFFECT, begin)
    assert wire.events == [
        *["admitted", "begun", "late", "released"],
        *["admitted", "begun", "wire", "observed 200", "released"],
    ]


async def test_reading_may_take_as_long_as_it_likes():
    clock = FakeClock()
    wire = Punctual(clock, 200)
    gate = gated(wire, clock=clock, on_admission=lambda: clock.advance(3_600))
    assert (await gate.send(READ)).status == 200


async def test_the_time_at_the_service_is_heard_from_every_answer():
    clock, service_time = FakeClock(), ServiceTime()
    answers = [Response(200, {"date": "Mon, 05 Jan 2026 09:00:00 GMT"}, b""), 200]
    gate = gated(Wire(*answers), clock=clock, service_time=service_time)
    assert service_time.earliest(clock.boottime()) is None

    await gate.send(READ)
    await gate.send(READ)

    nine = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()
    clock.advance(100)
    assert service_time.earliest(clock.boottime()) == nine + 100
    assert service_time.latest(clock.boottime()) == nine + 101


async def test_unlimited_admits_everything():
    gate = Gate(Wire(200), governor=Unlimited(), draining=Draining())
    assert (await gate.send(READ)).status == 200


async def test_draining_raises_the_first_error_it_was_started_with():
    draining = Draining()
    draining.check()
    assert not draining.active
    first = KeyRefused("401")
    draining.start(first)
    draining.start(Interrupted("later"))
    assert draining.active
    await draining.wait()
    for _ in range(2):
        with pytest.raises(KeyRefused) as caught:
            draining.check()
        assert caught.value is first


async def test_requests_are_counted_by_kind_and_outcome():
    counts = RequestCounts()
    wire = Counting(Wire(429, UNREACHED, 200, 200), counts=counts)
    transport = retrying(wire, on_retry=counts.retry)
    await transport.send(EFFECT)
    await transport.send(READ)
    assert (counts.total, counts.retried, counts.rate_limited) == (4, 2, 1)
    assert counts.by_kind == {"initiate": 3, "statuses": 1}


async def test_a_good_answer_is_logged_at_debug_with_its_milliseconds():
    clock = FakeClock()

    class Slow(Wire):
        async def send(self, request, begin=None):
            clock.advance(0.25)
            return await super().send(request, begin)

    with structlog.testing.capture_logs() as logs:
        await Logged(Slow(Response(200, {"x-correlation-id": "c"}, b"{}")), structlog.get_logger(), clock=clock).send(
            READ
        )
    assert logs == [
        {
            "event": "request",
            "log_level": "debug",
            "method": "GET",
            "route": "statuses",
            "company": "acme",
            "status": 200,
            "milliseconds": 250,
            "correlation_id": "c",
        }
    ]


async def test_of_a_thousand_faults_that_are_alike_few_are_warnings_and_these_say_how_many_there_were():
    logged = Logged(Wire(*[UNREACHED] * 1_000, Response(500, {}, b"")), structlog.get_logger())
    with structlog.testing.capture_logs() as logs:
        for _ in range(1_001):
            await outcome(logged, READ)
    warned = [each for each in logs if each["log_level"] == "warning"]
    assert [each.get("alike") for each in warned] == [None] * 5 + [10, 20, 40, 80, 160, 320, 640] + [None]
    assert len(logs) == 1_001


async def test_a_refusal_that_a_probe_was_sent_for_says_so_and_is_no_warning():
    probe = replace(EFFECT, expected=frozenset({400, 422}))
    with structlog.testing.capture_logs() as logs:
        for status in (400, 422, 500):
            await outcome(Logged(Wire(Response(status, {}, b"")), structlog.get_logger()), probe)
    assert [(each["status"], each["log_level"], "expected" in each) for each in logs] == [
        (400, "info", True),
        (422, "info", True),
        (500, "warning", False),
    ]


@pytest.mark.parametrize("answer", [Response(500, {"secret": "s3cret"}, b'{"error":"private"}'), UNREACHED, LOST])
async def test_a_fault_is_logged_as_a_warning_without_headers_or_payloads(answer):
    with structlog.testing.capture_logs() as logs:
        await outcome(Logged(Wire(answer), structlog.get_logger()), EFFECT)
    (event,) = logs
    assert event["log_level"] == "warning"
    for hidden in ("key-1", "private", "s3cret"):
        assert hidden not in repr(event)
