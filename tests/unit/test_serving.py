"""Pages over HTTP: for this machine only, read only, and in good order to the end."""

import asyncio
import threading

import pytest
from aiohttp import ClientSession

from runner.domain.hosts import is_loopback
from runner.errors import JournalUnusable
from runner.serving import Answer, listen


def render(path):
    if path == "/broken":
        raise JournalUnusable("The journal is gone.")
    return Answer("text/plain", path.encode()) if path == "/page" else None


@pytest.fixture
async def served():
    async with (
        await listen(render, host="127.0.0.1", port=0, names=["my-machine"]) as server,
        ClientSession() as session,
    ):

        async def ask(path, *, method="GET", host=None):
            headers = {} if host is None else {"Host": host}
            async with session.request(method, server.url + path, headers=headers) as answer:
                return answer.status, await answer.text(), answer.headers

        yield ask


async def test_a_page_is_answered_and_forbids_all_that_it_does_not_need(served):
    status, text, headers = await served("/page")

    assert (status, text) == (200, "/page")
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:80", "MY-MACHINE:8089", "127.0.0.2"])
async def test_this_machines_own_names_are_answered(served, host):
    assert (await served("/page", host=host))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "localhost.evil",
        "[::2]",
        "0.0.0.0",
        "[::1].evil.example",
        "[::1]evil.example:80",
        "127.0.0.1:80.evil.example",
        "localhost:80:80",
        "localhost@evil",
    ],
)
async def test_a_website_whose_name_was_bound_to_this_machine_gets_nothing(served, host):
    status, text, _ = await served("/page", host=host)

    assert status == 421
    assert "/page" not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_can_be_changed(served, method):
    assert (await served("/page", method=method))[0] == 405


async def test_what_is_not_there_and_what_cannot_be_read_is_said(served):
    assert (await served("/nothing"))[0] == 404
    status, text, _ = await served("/broken")
    assert (status, text) == (503, "The journal is gone.\n")


async def test_many_who_ask_at_once_get_one_rendering():
    made = []

    def counted(path):
        made.append(path)
        return Answer("text/plain", b"x")

    async with await listen(counted, host="127.0.0.1", port=0) as server, ClientSession() as session:

        async def ask():
            async with session.get(server.url + "/") as answer:
                return answer.status

        assert await asyncio.gather(*(ask() for _ in range(5))) == [200] * 5
    assert made == ["/"]


async def test_a_request_under_way_comes_to_its_end_when_the_server_closes():
    begun, go_on = threading.Event(), threading.Event()

    def slow(path):
        begun.set()
        go_on.wait(10)
        return Answer("text/plain", path.encode())

    async with ClientSession() as session:
        server = await listen(slow, host="127.0.0.1", port=0)

        async def ask():
            async with session.get(server.url + "/slow") as answer:
                return await answer.text()

        asked = asyncio.create_task(ask())
        await asyncio.to_thread(begun.wait, 10)
        closing = asyncio.create_task(server.__aexit__(None, None, None))
        go_on.set()
        assert await asked == "/slow"
        await closing


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("db", False)]
)
def test_loopback_is_known(host, own):
    assert is_loopback(host) is own
