"""Webhooks over HTTP on loopback: the simulator sends them, twice and out of order; strangers get nothing."""

import asyncio
import time
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
import pytest

from runner.codat.listening import LARGEST, Address, Reception, listening
from runner.codat.webhooks import Inbound
from runner.errors import ConfigurationWrong
from runner.simulator.webhooks import Sender, Webhooks
from tests.simulator_client import Client, expense

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def received(inbound):
    hints, notes = [], []

    def note(event, **facts):
        notes.append((event, facts))

    async with listening(Reception(Address("127.0.0.1", 0), inbound), arrived=hints.append, note=note):
        assert notes[0][0] == "webhooks_ready"
        yield notes[0][1]["url"], hints, notes


@pytest.mark.parametrize("style", ["current", "legacy", "both"])
async def test_each_sync_that_ends_is_told_of_once_however_often_it_is_delivered(style):
    client = Client(sync_seconds=(1.0, 1.0))
    syncs = {client.sync(expense(number)) for number in range(3)}
    inbound = Inbound([SECRET], authorization="agreed")
    async with received(inbound) as (url, hints, notes):
        to = Webhooks(url, style=style, secret=SECRET, authorization="agreed", twice=True, out_of_order=True)
        rounds = 0

        async def sleep(_seconds):
            nonlocal rounds
            rounds += 1
            await asyncio.sleep(0)
            if rounds == 2:
                raise asyncio.CancelledError

        sender = Sender(client.service, to, clock=time.time, sleep=sleep)
        with pytest.raises(asyncio.CancelledError):
            await sender.run()

        assert sender.delivered == 3 * 2 * (2 if style == "both" else 1)
        assert {hint.sync for hint in hints} == syncs
        assert len(hints) == 3 * (2 if style == "both" else 1)
        assert [event for event, _ in notes].count("webhook_refused") == 0


async def test_a_stranger_learns_nothing_and_a_thousand_strangers_are_five_lines_in_the_log():
    async with received(Inbound([SECRET])) as (url, hints, notes), aiohttp.ClientSession() as session:
        for _ in range(20):
            async with session.post(url, data=b"{}") as answer:
                assert (answer.status, await answer.read()) == (401, b"")
        async with session.get(url) as answer:
            assert answer.status == 405
        async with session.post(url, data=BytesIO(b"x" * (LARGEST + 1))) as answer:
            assert answer.status == 413

    assert not hints
    assert [event for event, _ in notes].count("webhook_refused") == 5


async def test_an_address_that_is_taken_is_refused_in_words():
    async with received(Inbound([SECRET])) as (url, _hints, _notes):
        taken = Reception(Address("127.0.0.1", int(url.rpartition(":")[2])), Inbound([SECRET]))
        with pytest.raises(ConfigurationWrong, match="cannot be received on 127"):
            async with listening(taken, arrived=print, note=lambda *_a, **_k: None):
                raise AssertionError
