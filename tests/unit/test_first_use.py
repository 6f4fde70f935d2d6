"""The HTTP stack is opened by the first request, once, and what would make that fail is found before."""

import asyncio

import pytest

from runner.clock import SystemClock
from runner.codat.counting import RequestCounts
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.codat.first_use import FirstUse
from runner.codat.messages import Request, Response
from runner.errors import ConfigurationWrong
from runner.settings import RunSettings
from runner.stack import connected

READ = Request("GET", "/companies/acme", company=None)


class Opening:
    """Counts how often it was opened, and takes its time."""

    def __init__(self):
        self.opened = 0
        self.sent = []

    async def opens(self):
        self.opened += 1
        await asyncio.sleep(0)
        return self

    async def send(self, request, begin=None):
        self.sent.append((request, begin))
        return Response(200, {}, b"")


async def test_nothing_is_opened_before_the_first_request():
    below = Opening()
    FirstUse(below.opens)
    assert below.opened == 0


async def test_requests_at_the_same_time_open_it_once_and_all_are_sent():
    below = Opening()
    transport = FirstUse(below.opens)

    async def begin(_request):
        raise AssertionError("it is for those below to begin")

    await asyncio.gather(*(transport.send(READ, begin) for _ in range(5)))
    assert below.opened == 1
    assert below.sent == [(READ, begin)] * 5


async def test_what_could_not_be_opened_is_tried_again_by_the_next_request():
    below = Opening()
    faults = [ConfigurationWrong("not now")]

    async def opens():
        if faults:
            raise faults.pop()
        return await below.opens()

    transport = FirstUse(opens)
    with pytest.raises(ConfigurationWrong):
        await transport.send(READ)
    assert (await transport.send(READ)).status == 200


@pytest.mark.parametrize(
    "wrong", [{"base_url": "http://codat.example"}, {"base_url": "nowhere"}, {"source_ips": ("192.0.2.1",)}]
)
async def test_a_wrong_address_is_refused_before_anything_is_sent(wrong):
    settings = RunSettings(credential=Credential("key"), **wrong)
    stack = connected(settings, None, clock=SystemClock(), draining=Draining(), counts=RequestCounts())
    with pytest.raises(ConfigurationWrong):
        await stack.__aenter__()
