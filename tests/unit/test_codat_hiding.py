import base64
import html
import json
import urllib.parse
from dataclasses import replace

import pytest

from runner.codat import replies, requests
from runner.codat.credential import Credential
from runner.codat.hiding import Hiding
from runner.codat.transport import HttpTransport
from runner.simulator import NO_LIMITS, Behaviour, Service
from runner.simulator.http import serve

KEY = "Zq+8/kT3x9PzL0aM=B2eR7uY \"'<"
HEADER = Credential(KEY).header()
READY_MADE = "Basic cmVhZHktbWFkZS1LZXk/fj41MTdm"


def dotnet(text):
    """As .NET writes JSON: every mark but a few as an escape."""
    return "".join(each if each.isalnum() else f"\\u{ord(each):04X}" for each in text)


WAYS = {
    "plain": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json with slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json of .NET": dotnet,
    "json in json": lambda text: json.dumps(dotnet(text))[1:-1],
    "json in json in json": lambda text: json.dumps(json.dumps(json.dumps(text)))[1:-1],
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "form": urllib.parse.quote_plus,
    "url twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "html": html.escape,
    "python": repr,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", [KEY, HEADER.removeprefix("Basic "), base64.b64encode(KEY.encode()).decode()])
def test_the_key_is_found_however_it_is_written(way, form):
    written = WAYS[way](form)
    assert any(run in written for run in ("Zq", "Wn", "kT3x"))

    shown = Credential(KEY).hidden(f"before {written} after")

    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "***" in shown
    for part in ("kT3x9PzL0aM", "B2eR7uY", form[4:14]):
        assert part not in shown
    assert Credential(KEY).hidden_data(f"{{{written}}}".encode()) != f"{{{written}}}".encode()


def test_both_forms_of_a_ready_made_header_are_found():
    raw = base64.b64decode(READY_MADE.removeprefix("Basic ")).decode()
    credential = Credential(READY_MADE)
    assert credential.hidden(f"Authorization: {READY_MADE}; {raw}") == "Authorization: Basic ***; ***"
    assert credential.hidden(READY_MADE.replace("/", "_").replace("+", "-")) == "Basic ***"


def test_base64_without_its_padding_is_found_and_takes_the_padding_along():
    token = Credential(KEY).header().removeprefix("Basic ")
    assert token.endswith("=")
    assert Credential(KEY).hidden(f"<{token}>") == "<***>"
    assert Credential(KEY).hidden(f"<{token.rstrip('=')}>") == "<***>"


def test_bytes_that_are_no_text_stay_as_they_are():
    body = b"\x00\xff\xfe" + KEY.encode() + b"\x80\r\n"
    assert Credential(KEY).hidden_data(body) == b"\x00\xff\xfe***\x80\r\n"
    assert Credential(KEY).hidden_data(b"\x00\xff\xfe") == b"\x00\xff\xfe"


def test_an_answer_without_the_key_stays_as_it_is():
    body = json.dumps({"id": "83582bc9-3a95-4600-8782-acdeb5b330e2", "text": "Zq+8 kT3x9PzL0aM"})
    assert Credential(KEY).hidden(body) == body


@pytest.mark.parametrize("word", ["demo", "key", "rehearsal", "acme"])
def test_a_word_is_not_taken_out_of_ids_and_messages_though_somebody_made_it_a_key(word):
    text = f'{{"companyId": "{word}-1", "token": "{base64.b64encode(word.encode()).decode()}"}}'
    assert Credential(word).hidden(text) == text


def test_a_raw_key_and_its_ready_made_header_are_the_same_key():
    assert Credential(KEY).header() == Credential(HEADER).header()


class Echo(Service):
    """Sends the key back, in a header and in an answer that is well."""

    def handle(self, call, *, now):
        answer = super().handle(call, now=now)
        echo = call.headers["authorization"]
        body = json.dumps({"results": [{"id": "acme", "name": echo}], "totalResults": 1}).encode()
        return replace(answer, headers={**answer.headers, "x-correlation-id": echo}, body=body)


async def test_what_comes_back_over_the_wire_does_not_hold_the_key():
    async with (
        await serve(Echo(Behaviour(limits=NO_LIMITS))) as server,
        HttpTransport(base_url=server.url, credential=Credential(KEY)) as transport,
    ):
        response = await transport.send(requests.companies_request(page=1, page_size=1))
    assert response.headers["x-correlation-id"] == "Basic ***"
    assert replies.read_companies(response).companies["acme"].name == "Basic ***"


def test_a_text_made_to_be_slow_is_not():
    hiding = Hiding(["a" * 10 + "+" * 30])
    assert hiding.text(("a" * 10 + "\\" * 500) * 200).startswith("aaaaaaaaaa")
