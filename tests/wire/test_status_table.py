"""Statuses all the way from aiohttp to the error tree, through the whole stack of transports."""

import json

import pytest
from aioresponses import aioresponses

from runner.backoff import Backoff
from runner.codat.client import Codat
from runner.codat.counting import Counting, RequestCounts
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.codat.flows import Flow
from runner.codat.gate import Gate, Unlimited
from runner.codat.retrying import Retrying
from runner.codat.transport import HttpTransport
from runner.domain.ids import CompanyId, IdempotencyKey
from runner.errors import (
    AccountLimited,
    BudgetReached,
    KeyRefused,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Refused,
)
from tests.clocks import FakeClock

BASE = "https://api.codat.io"
CREATE = f"{BASE}/companies/acme/sync/expenses/expense-transactions"
LIST = f"{BASE}/companies/acme/sync/expenses/syncs/list/status"
COMPANY = CompanyId("acme")
KEY = IdempotencyKey("9a8b7c6d-2222-4222-8222-222222222222")
DATASET = "6f1fbf74-3333-4333-8333-333333333333"
RETRIES = 2


class Stack:
    """The whole stack over a mocked session, with what passed through it."""

    def __init__(self, wire):
        self.clock = FakeClock()
        self.counts = RequestCounts()
        self.begun = []
        gate = Gate(Counting(wire, counts=self.counts), governor=Unlimited(), draining=Draining())
        self.codat = Codat(
            Retrying(
                gate,
                clock=self.clock,
                jitter=lambda _low, high: high,
                backoff=Backoff(initial=1.0, factor=2.0, attempts=RETRIES),
                on_retry=self.counts.retry,
            ),
            flow=Flow.DATASETS,
        )

    async def begin(self, request):
        self.begun.append(request)

    async def create(self):
        return await self.codat.create(COMPANY, [b'{"id":1}'], key=KEY, begin=self.begin)


@pytest.fixture
async def stack():
    async with HttpTransport(base_url=BASE, credential=Credential("key")) as wire:
        yield Stack(wire)


async def outcome(awaitable):
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 - the test looks at its class
        return error


@pytest.mark.parametrize(
    ("status", "error", "sends"),
    [
        (302, OutcomeUnknown, 1),
        (400, Refused, 1),
        (401, KeyRefused, 1),
        (402, AccountLimited, 1),
        (403, Refused, 1),
        (404, Refused, 1),
        (408, OutcomeUnknown, 1),
        (409, NotReady, 1 + RETRIES),
        (413, Refused, 1),
        (415, Refused, 1),
        (422, Refused, 1),
        (429, RateLimited, 1 + RETRIES),
        (500, OutcomeUnknown, 1),
        (502, OutcomeUnknown, 1),
        (503, OutcomeUnknown, 1),
        (504, OutcomeUnknown, 1),
    ],
)
async def test_each_status_of_an_effect_ends_as_its_own_error_after_as_many_sends_as_are_safe(
    stack, status, error, sends
):
    with aioresponses() as mocked:
        mocked.post(CREATE, status=status, payload={"error": "why", "correlationId": "c"}, repeat=True)
        fault = await outcome(stack.create())
    assert type(fault) is error
    assert fault.correlation_id == "c"
    assert stack.counts.total == sends == len(stack.begun)
    assert {request.headers["Idempotency-Key"] for request in stack.begun} == {KEY}
    assert len({request.body_hash() for request in stack.begun}) == 1


@pytest.mark.parametrize(
    ("status", "error", "sends"),
    [
        (302, OutcomeUnknown, 1),
        (400, Refused, 1),
        (401, KeyRefused, 1),
        (402, AccountLimited, 1),
        (403, Refused, 1),
        (404, Refused, 1),
        (408, OutcomeUnknown, 1 + RETRIES),
        (409, NotReady, 1 + RETRIES),
        (422, Refused, 1),
        (429, RateLimited, 1 + RETRIES),
        (500, OutcomeUnknown, 1 + RETRIES),
        (502, OutcomeUnknown, 1 + RETRIES),
        (503, OutcomeUnknown, 1 + RETRIES),
    ],
)
async def test_each_status_of_a_read_is_asked_again_if_it_may_pass(stack, status, error, sends):
    with aioresponses() as mocked:
        mocked.get(LIST, status=status, body="<html>proxy</html>", repeat=True)
        fault = await outcome(stack.codat.statuses(COMPANY))
    assert type(fault) is error
    assert stack.counts.total == sends
    assert stack.counts.retried == sends - 1


async def test_a_rate_limited_create_is_sent_again_after_the_pause_asked_for(stack):
    with aioresponses() as mocked:
        mocked.post(CREATE, status=429, headers={"Retry-After": "42"})
        mocked.post(CREATE, status=200, body=json.dumps({"datasetId": DATASET}))
        created = await stack.create()
        (calls,) = mocked.requests.values()
    assert created.dataset_id == DATASET
    assert stack.clock.sleeps == [42.0]
    assert stack.counts.rate_limited == 1
    assert [call.kwargs["headers"]["Idempotency-Key"] for call in calls] == [KEY, KEY]
    assert [call.kwargs["data"] for call in calls] == [b'{"items":[{"id":1}]}'] * 2
    assert all(call.kwargs["allow_redirects"] is False for call in calls)


async def test_an_exhausted_day_ends_the_run_with_the_time_to_come_back(stack):
    with aioresponses() as mocked:
        mocked.post(CREATE, status=429, headers={"Retry-After": "54000"})
        fault = await outcome(stack.create())
    assert isinstance(fault, BudgetReached)
    assert fault.resume_at == "2026-01-06T00:00:00+00:00"


@pytest.mark.parametrize("body", ["", "<html>", '{"datasetId":', '{"datasetId": "x"}', "null"])
async def test_a_2xx_that_cannot_be_read_is_unknown_and_the_effect_is_not_repeated(stack, body):
    with aioresponses() as mocked:
        mocked.post(CREATE, status=200, body=body, repeat=True)
        fault = await outcome(stack.create())
    assert isinstance(fault, OutcomeUnknown)
    assert fault.received is False
    assert stack.counts.total == 1
