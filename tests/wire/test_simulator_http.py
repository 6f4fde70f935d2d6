import asyncio

import aiohttp
import pytest

from runner.simulator.behaviour import NO_LIMITS, Behaviour, Limits
from runner.simulator.faults import Fault, FaultKind
from runner.simulator.http import serve
from runner.simulator.service import Service
from runner.simulator.values import encode
from tests.simulator_client import AUTHORIZED, COMPANY, expense, expense_id

BASE = f"/companies/{COMPANY}/sync/expenses"


class Clock:
    """Seconds that move when they are told to, and pauses that take none."""

    def __init__(self):
        self.now = 1_000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)


class World:
    def __init__(self, server, session, clock):
        self.server, self.session, self.clock = server, session, clock
        self.service = server.service

    async def send(self, method, path, body=None, *, headers=AUTHORIZED, **more):
        data = more.pop("data", None if body is None else encode(body))
        async with self.session.request(
            method, self.server.url + path, data=data, headers=headers, allow_redirects=False, **more
        ) as response:
            await response.read()
            return response

    async def control(self, method, path, body=None):
        response = await self.send(method, f"/_simulator/{path}", body, headers={})
        return response.status, await response.json()


@pytest.fixture
async def world():
    """Start a server on loopback for a behaviour and faults; closed when the test ends."""
    opened = []

    async def start(*faults, **dials):
        dials = {"limits": NO_LIMITS, "sync_seconds": (10.0, 10.0), **dials}
        clock = Clock()
        service = Service(Behaviour(**dials), faults=faults)
        server = await serve(service, clock=clock, sleep=clock.sleep)
        session = aiohttp.ClientSession()
        opened.append((server, session))
        return World(server, session, clock)

    yield start
    for server, session in opened:
        await session.close()
        await server.close()


async def test_dataset_flow_runs_over_http(world):
    codat = await world()
    created = await codat.send("POST", f"{BASE}/expense-transactions", {"items": [expense(1)]})
    dataset = (await created.json())["datasetId"]
    started = await codat.send("POST", f"{BASE}/syncs", {"datasetIds": [dataset]})
    sync = (await started.json())["syncId"]
    codat.clock.now += 10
    status = await codat.send("GET", f"{BASE}/syncs/{sync}/status")
    page = await codat.send("GET", f"{BASE}/syncs/{sync}/transactions?page=1&pageSize=10")
    assert (created.status, started.status) == (200, 202)
    assert (await status.json())["syncStatusCode"] == 2000
    assert (await page.json())["results"][0]["transactionId"] == expense_id(1)


async def test_direct_flow_runs_over_http(world):
    codat = await world()
    await codat.send("POST", f"{BASE}/expense-transactions", [expense(1)])
    codat.clock.now += 10
    _, ledger = await codat.control("GET", "ledger")
    assert [(each["expense"], each["net"]) for each in ledger["entries"]] == [(expense_id(1), "12.50")]


async def test_attachment_of_a_real_client_arrives_whole(world):
    codat = await world()
    answer = await codat.send("POST", f"{BASE}/expense-transactions", [expense(1)])
    sync = (await answer.json())["syncId"]
    codat.clock.now += 10
    form = aiohttp.FormData()
    form.add_field("file", bytes(range(256)) * 1000, filename="Über bill.png", content_type="image/png")
    path = f"{BASE}/syncs/{sync}/transactions/{expense_id(1)}/attachments"
    sent = await codat.send("POST", path, data=form)
    (stored,) = codat.service.ledger.attachments
    assert sent.status == 200
    assert (stored.name, stored.content_type, stored.size) == ("Über bill.png", "image/png", 256_000)


async def test_answers_carry_the_limits(world):
    codat = await world(limits=Limits(a_day=1))
    for _ in range(2):
        await codat.send("GET", f"/companies/{COMPANY}")
    refused = await codat.send("GET", f"/companies/{COMPANY}")
    assert refused.status == 429
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    assert int(refused.headers["Retry-After"]) == 86_400 - 1_000


async def test_missing_key_is_refused(world):
    codat = await world()
    assert (await codat.send("GET", "/companies", headers={})).status == 401


@pytest.mark.parametrize(("when", "effect"), [("before", 0), ("after", 1)])
async def test_lost_answer_is_a_closed_connection(world, when, effect):
    codat = await world(Fault(FaultKind.LOST, when=when, times=1))
    with pytest.raises(aiohttp.ClientConnectionError):
        await codat.send("POST", f"{BASE}/expense-transactions", [expense(1)])
    codat.clock.now += 10
    _, ledger = await codat.control("GET", "ledger")
    assert len(ledger["entries"]) == effect
    assert (await codat.send("GET", "/companies")).status == 200


async def test_cut_answer_breaks_in_the_middle_of_its_body(world):
    codat = await world(Fault(FaultKind.CUT, times=1))
    with pytest.raises(aiohttp.ClientPayloadError):
        await codat.send("GET", f"{BASE}/mappingOptions")
    assert (await codat.send("GET", f"{BASE}/mappingOptions")).status == 200


async def test_truncated_answer_is_whole_http_and_broken_json(world):
    codat = await world(Fault(FaultKind.TRUNCATED))
    answer = await codat.send("GET", f"{BASE}/mappingOptions")
    assert answer.status == 200
    with pytest.raises(ValueError):
        await answer.json()


async def test_proxy_page_and_redirect_arrive_as_they_are(world):
    codat = await world(Fault(FaultKind.HTML, status=502, times=1), Fault(FaultKind.REDIRECT, times=1))
    page = await codat.send("GET", "/companies")
    redirect = await codat.send("GET", "/companies")
    assert (page.status, page.content_type) == (502, "text/html")
    assert (redirect.status, redirect.headers["Location"]) == (307, "https://elsewhere.invalid/")


async def test_slow_answer_takes_its_time(world):
    codat = await world(Fault(FaultKind.SLOW, seconds=30, times=1))
    await codat.send("GET", "/companies")
    await codat.send("GET", "/companies")
    assert codat.clock.slept == [30]


async def test_client_that_goes_away_does_not_take_back_the_effect(world):
    codat = await world(Fault(FaultKind.SLOW, seconds=30))
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def wait_until_gone(_):
        arrived.set()
        await gone.wait()

    codat.clock.sleep = wait_until_gone
    codat.server = await serve(codat.service, clock=codat.clock, sleep=wait_until_gone)
    sending = asyncio.create_task(codat.send("POST", f"{BASE}/expense-transactions", [expense(1)]))
    await arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    gone.set()
    codat.clock.now += 10
    _, ledger = await codat.control("GET", "ledger")
    assert len(ledger["entries"]) == 1
    await codat.server.close()


async def test_requests_are_counted_by_route(world):
    codat = await world()
    await codat.send("GET", "/companies/a")
    await codat.send("GET", "/companies/b")
    await codat.send("POST", f"{BASE}/syncs", {})
    status, counted = await codat.control("GET", "requests")
    assert status == 200
    assert counted["posts"] == 1
    assert {"method": "GET", "route": "/companies/{}", "status": 200, "count": 2} in counted["requests"]


async def test_faults_are_added_while_it_runs(world):
    codat = await world()
    assert await codat.control("POST", "faults", ["error_503_before*1", {"kind": "redirect", "times": 1}]) == (
        200,
        {"added": 2},
    )
    statuses = [(await codat.send("GET", "/companies")).status for _ in range(3)]
    assert statuses == [503, 307, 200]


@pytest.mark.parametrize("body", [b"{", b'"nonsense"', b'{"kind":"nonsense"}', b"[5]"])
async def test_faults_that_are_none_are_refused(world, body):
    codat = await world()
    answer = await codat.send("POST", "/_simulator/faults", data=body)
    assert answer.status == 400


async def test_reset_empties_the_books(world):
    codat = await world()
    await codat.send("POST", f"{BASE}/expense-transactions", [expense(1)])
    codat.clock.now += 10
    _, before = await codat.control("GET", "ledger")
    await codat.control("POST", "reset")
    codat.clock.now += 10
    _, after = await codat.control("GET", "ledger")
    assert (len(before["entries"]), len(after["entries"])) == (1, 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
async def test_address_beyond_loopback_is_refused(host):
    with pytest.raises(ValueError, match="loopback"):
        await serve(Service(), host=host)


async def test_taken_port_is_an_error(world):
    codat = await world()
    with pytest.raises(OSError):
        await serve(Service(), port=int(codat.server.url.rpartition(":")[2]))
