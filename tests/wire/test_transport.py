"""The one HTTP transport against real servers on loopback that misbehave."""

import asyncio
import contextlib
import gc
import logging
import socket
import ssl
import traceback
import zlib
from dataclasses import replace

import pytest
from aiohttp import web

from runner import __version__
from runner.codat.credential import Credential
from runner.codat.messages import Request
from runner.codat.transport import HttpTransport
from runner.domain.ids import CompanyId
from runner.errors import ConfigurationWrong, NotSent, OutcomeUnknown
from tests.clocks import FakeClock

KEY = "s3cretKeyOfTheAccount42"
COMPANY = CompanyId("acme")
GET = Request("GET", "/companies/acme", COMPANY)
POST = Request("POST", "/companies/acme/x", COMPANY, headers={"Idempotency-Key": "k"}, body=b'{"a":1}')

# A certificate for localhost that nobody vouches for, with its key: it guards nothing.
SELF_SIGNED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgU6XCCJ4SZ4/PdD/U
fEzmnWHsZvF0SscLAqajlAeinR6hRANCAAQd9HZ4q/UAyfVFMs6MKg/ArrFNl5MU
Em+6MDFqd1L4kMJQpkMXyxLlscumPPP3KEf3VLBRHSG5+PPonzckKZBI
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUXvDwsbQyxmEM5scdniLRF4r2cmwwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjEzNDY0NVoYDzIxMjYxMDI5
MTM0NjQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQd9HZ4q/UAyfVFMs6MKg/ArrFNl5MUEm+6MDFqd1L4kMJQpkMXyxLl
scumPPP3KEf3VLBRHSG5+PPonzckKZBIo28wbTAdBgNVHQ4EFgQUViSaOSnL28IH
cmp/pq/qDKqfliYwHwYDVR0jBBgwFoAUViSaOSnL28IHcmp/pq/qDKqfliYwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgaEBJsOxwg659iDP0JvDBkX8g4ejpCUzixE/Y8AsqAa4CIEn/
bE0d7bSVm4Frj9GfhpXxjGXGc33oEXIxuXlNZ//A
-----END CERTIFICATE-----
"""


def transport(url, **more):
    return HttpTransport(base_url=url, credential=Credential(KEY), **more)


@contextlib.asynccontextmanager
async def raw_server(script, *, tls=None):
    """Serve connections by `script(reader, writer, lines)`; yield the URL and the requests' first lines."""
    lines = []
    tasks = set()

    async def connected(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await script(reader, writer, lines)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://localhost:{port}", lines
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def one_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    await reader.readexactly(length)
    return head.split(b"\r\n")[0].decode()


def reset(writer):
    """Close with a reset instead of an orderly end."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


def answering(data, *, then="close"):
    """A script that reads one request, answers bytes, and then closes, resets or hangs."""

    async def script(reader, writer, lines):
        lines.append(await one_request(reader))
        if data:
            writer.write(data)
            await writer.drain()
        if then == "reset":
            reset(writer)
        elif then == "hang":
            await asyncio.get_running_loop().create_future()

    return script


async def fault_of(url, request, **more):
    async with transport(url, **more) as wire:
        with pytest.raises((NotSent, OutcomeUnknown)) as caught:
            await wire.send(request)
    return caught.value


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LOST = {
    "closed before any answer": answering(b""),
    "reset before any answer": answering(b"", then="reset"),
    "closed within the headers": answering(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "reset within the headers": answering(b"HTTP/1.1 200 OK\r\nContent-Ty", then="reset"),
    "closed after the headers": answering(HEAD + b"Content-Length: 20\r\n\r\n"),
    "reset after the headers": answering(HEAD + b"Content-Length: 20\r\n\r\n", then="reset"),
    "truncated body": answering(HEAD + b"Content-Length: 20\r\n\r\n" + b'{"datasetId":'),
    "reset within the body": answering(HEAD + b"Content-Length: 20\r\n\r\n" + b'{"da', then="reset"),
    "truncated chunks": answering(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"),
    "not HTTP": answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "not gzip": answering(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    "absurd length": answering(HEAD + b"Content-Length: -7\r\n\r\nabc"),
    "headers too long": answering(HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n"),
    "no answer in time": answering(b"", then="hang"),
    "a body that does not end in time": answering(HEAD + b"Content-Length: 20\r\n\r\nab", then="hang"),
}


@pytest.mark.parametrize("late", [False, True])
async def test_a_request_that_is_late_does_not_leave_and_can_be_sent_again(late):
    clock = FakeClock()
    request = replace(POST, leave_by=clock.boottime() - (1.0 if late else 0.0))
    async with (
        raw_server(answering(HEAD + b"Content-Length: 2\r\n\r\n{}")) as (url, lines),
        transport(url, clock=clock) as wire,
    ):
        if late:
            with pytest.raises(NotSent):
                await wire.send(request)
            assert lines == []
        assert (await wire.send(replace(request, leave_by=clock.boottime()))).status == 200
    assert len(lines) == 1


async def test_a_request_that_is_held_up_while_it_connects_does_not_leave(monkeypatch):
    clock = FakeClock()
    async with raw_server(answering(b"")) as (url, lines), transport(url, clock=clock) as wire:
        connect = asyncio.BaseEventLoop.create_connection

        async def stopped(loop, *given, **more):
            made = await connect(loop, *given, **more)
            clock.advance(31.0)
            return made

        monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", stopped)
        with pytest.raises(NotSent):
            await wire.send(replace(POST, leave_by=clock.boottime() + 30.0))
    assert lines == []


@pytest.mark.parametrize("script", LOST.values(), ids=LOST.keys())
async def test_a_lost_answer_is_an_unknown_outcome_and_a_post_leaves_once(script):
    async with raw_server(script) as (url, lines):
        fault = await fault_of(url, POST, total_timeout=0.3)
        assert isinstance(fault, OutcomeUnknown)
        assert fault.received is False
        assert lines == ["POST /companies/acme/x HTTP/1.1"]


async def test_a_post_on_a_kept_connection_that_turns_out_closed_is_unknown_and_never_sent_again():
    async def script(reader, writer, lines):
        lines.append(await one_request(reader))
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()
        # The second request arrives on the same connection, and is met by its end.
        lines.append(await one_request(reader))

    async with raw_server(script) as (url, lines), transport(url) as wire:
        assert (await wire.send(POST)).status == 200
        with pytest.raises(OutcomeUnknown) as caught:
            await wire.send(POST)
        assert caught.value.received is False
        assert len(lines) == 2


async def test_a_refused_port_means_that_nothing_was_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        fault = await fault_of(url, POST)
    assert isinstance(fault, NotSent)
    assert Credential(KEY).header().removeprefix("Basic ") not in everything_about(fault)
    assert fault.__context__ is None


async def test_a_name_that_does_not_resolve_means_that_nothing_was_sent():
    assert isinstance(await fault_of("https://no-such-host.invalid", POST), NotSent)


async def test_a_certificate_that_nobody_vouches_for_means_that_nothing_was_sent(tmp_path):
    pem = tmp_path / "self-signed.pem"
    pem.write_text(SELF_SIGNED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    async with raw_server(answering(HEAD + b"Content-Length: 2\r\n\r\n{}"), tls=context) as (url, lines):
        fault = await fault_of(url, POST)
        assert isinstance(fault, NotSent)
        assert "certificate" in fault.message.lower()
        assert lines == []


async def test_a_failed_tls_handshake_means_that_nothing_was_sent():
    async def script(reader, writer, lines):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with raw_server(script) as (url, _):
        assert isinstance(await fault_of(url.replace("http:", "https:"), POST), NotSent)


async def test_a_tls_handshake_that_is_not_answered_in_time_means_that_nothing_was_sent():
    async def script(reader, writer, lines):
        await asyncio.get_running_loop().create_future()

    async with raw_server(script) as (url, _):
        fault = await fault_of(url.replace("http:", "https:"), POST, connect_timeout=0.1)
        assert isinstance(fault, NotSent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_handed_back_and_not_followed(status):
    data = f"HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    async with raw_server(answering(data)) as (url, lines), transport(url) as wire:
        assert (await wire.send(POST)).status == status
        assert len(lines) == 1


@pytest.mark.parametrize(
    ("status", "then"),
    [(400, "close"), (401, "close"), (429, "close"), (500, "close"), (400, "hang"), (503, "hang")],
)
async def test_a_status_that_is_no_2xx_speaks_for_itself_even_if_its_body_is_lost(status, then):
    data = f"HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 50\r\n\r\n".encode() + b'{"error"'
    async with raw_server(answering(data, then=then)) as (url, _), transport(url, total_timeout=1.0) as wire:
        response = await wire.send(POST)
    assert (response.status, response.headers["retry-after"]) == (status, "7")


@contextlib.asynccontextmanager
async def good_server(answer):
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def test_what_is_sent_is_the_request_with_the_credential_and_nothing_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    seen = []

    async def answer(request):
        seen.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        return web.json_response({"ok": 1}, headers={"Set-Cookie": "a=b; Path=/", "X-Rate-Limit-Remaining": "9"})

    asked = Request(
        "GET",
        "/companies/a%2Fb/transactions",
        COMPANY,
        query={"page": "2", "query": "x&y=z ü"},
        headers={"Accept": "a/b"},
    )
    async with good_server(answer) as url, transport(url + "/base/") as wire:
        response = await wire.send(asked)
        await wire.send(POST)
    assert response.body == b'{"ok": 1}'
    assert response.headers["x-rate-limit-remaining"] == "9"
    method, path, headers, _ = seen[0]
    assert (method, path) == ("GET", "/base/companies/a%2Fb/transactions?page=2&query=x%26y%3Dz+%C3%BC")
    assert headers["Authorization"] == Credential(KEY).header()
    assert headers["User-Agent"] == f"expense-runner/{__version__}"
    assert headers["Accept"] == "a/b"
    method, _, headers, body = seen[1]
    assert (method, body, headers["Idempotency-Key"]) == ("POST", b'{"a":1}', "k")
    assert headers["Content-Length"] == "7"
    assert "Cookie" not in headers


@pytest.mark.parametrize("zipped", [False, True])
async def test_an_answer_bigger_than_the_cap_is_not_read(zipped):
    plain = b"[" + b" " * 500_000 + b"]"

    async def answer(request):
        status = int(request.query["status"])
        if zipped:
            return web.Response(status=status, body=zlib.compress(plain), headers={"Content-Encoding": "deflate"})
        return web.Response(status=status, body=plain)

    async with good_server(answer) as url, transport(url, max_answer=100_000) as wire:
        with pytest.raises(OutcomeUnknown, match="100000 bytes"):
            await wire.send(Request("GET", "/", COMPANY, query={"status": "200"}))
        response = await wire.send(Request("GET", "/", COMPANY, query={"status": "400"}))
        assert response.status == 400
        assert len(response.body) <= 100_000


async def test_begin_is_awaited_before_the_wire_and_its_failure_keeps_the_request_back():
    events = []

    async def answer(_request):
        events.append("wire")
        return web.json_response({})

    async def begin(request):
        events.append(("begun", request))

    async def failing(_request):
        raise OSError("disk full")

    async with good_server(answer) as url, transport(url) as wire:
        await wire.send(POST, begin)
        with pytest.raises(OSError, match="disk full"):
            await wire.send(POST, failing)
    assert events == [("begun", POST), "wire"]


async def test_many_requests_are_in_flight_together():
    arrived = []
    everybody = asyncio.Event()

    async def answer(_request):
        arrived.append(1)
        if len(arrived) == 150:
            everybody.set()
        await everybody.wait()
        return web.json_response({})

    async with good_server(answer) as url, transport(url) as wire:
        answers = await asyncio.gather(*(wire.send(POST) for _ in range(150)))
    assert {each.status for each in answers} == {200}


async def test_cancelling_passes_through():
    arrived = asyncio.Event()

    async def script(reader, writer, lines):
        await one_request(reader)
        arrived.set()
        await asyncio.get_running_loop().create_future()

    async with raw_server(script) as (url, _), transport(url) as wire:
        sending = asyncio.create_task(wire.send(POST))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


def test_a_big_upload_has_more_time_than_a_small_request():
    wire = transport("https://api.codat.io", total_timeout=60.0)
    big = Request("POST", "/x", COMPANY, body=bytes(10 * 2**20))
    assert wire._timeout(POST).total == 60.0
    assert wire._timeout(big).total == 60.0 + 64.0


async def test_a_transport_that_is_not_open_says_so():
    with pytest.raises(RuntimeError, match="not open"):
        await transport("https://api.codat.io").send(GET)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.codat.io",
        "https://api.codat.io/",
        "https://proxy.example/codat",
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        "http://127.8.9.1",
        "http://[::1]:8080",
    ],
)
def test_https_is_taken_and_http_to_this_machine(url):
    transport(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.codat.io",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://192.168.1.5",
        "ftp://localhost",
        "api.codat.io",
        "",
        "https://",
        "https://user:pw@api.codat.io",
        "https://api.codat.io?x=1",
        "https://api.codat.io/#x",
        "https://api.codat.io:99999",
        "https://[::1",
    ],
)
def test_any_other_base_url_is_refused(url):
    with pytest.raises(ConfigurationWrong) as caught:
        transport(url)
    assert "pw" not in str(caught.value)


def everything_about(error):
    """All that a careless logger could write of an error: its text, its chain, and the reprs along it."""
    texts = ["".join(traceback.format_exception(error)), repr(error), str(vars(error))]
    link = error
    while link is not None:
        texts.append(repr(link))
        texts.append(repr(getattr(link, "request_info", "")))
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("script", LOST.values(), ids=LOST.keys())
async def test_the_credential_is_in_no_error_and_no_log(script, caplog):
    caplog.set_level(logging.DEBUG)
    async with raw_server(script) as (url, _):
        for request in (POST, GET):
            fault = await fault_of(url, request, total_timeout=0.2)
            text = everything_about(fault) + caplog.text
            assert KEY not in text
            assert Credential(KEY).header().removeprefix("Basic ") not in text
            assert fault.__cause__ is None
            assert fault.__context__ is None


async def test_the_transport_leaves_nothing_open():
    async def answer(_request):
        return web.json_response({})

    async with good_server(answer) as url:
        async with transport(url) as wire:
            await wire.send(GET)
        gc.collect()
