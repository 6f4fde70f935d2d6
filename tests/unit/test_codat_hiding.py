import base64
import html
import json
import time
import urllib.parse
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.codat import replies, requests
from runner.codat.credential import Credential
from runner.codat.hiding import Hiding, forms_of
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


ESCAPES = {
    "json, all of it": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "json, all of it, in capitals": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "json in json, all of it": lambda text: "".join(f"\\\\u{ord(each):04x}" for each in text),
    "json": lambda text: json.dumps(text)[1:-1],
    "percent, all of it": lambda text: "".join(f"%{ord(each):02X}" for each in text),
    "percent, all of it, in small letters": lambda text: "".join(f"%{ord(each):02x}" for each in text),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "form": urllib.parse.quote_plus,
    "html, all of it": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "html in hexadecimal": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "html": html.escape,
    "python": lambda text: "".join(f"\\x{ord(each):02x}" for each in text),
    "octal": lambda text: "".join(f"\\{ord(each):03o}" for each in text),
    "every second letter": lambda text: "".join(
        f"\\u{ord(each):04x}" if number % 2 or each in "\\%&" else each for number, each in enumerate(text)
    ),
    "as it is": lambda text: text,
}


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


SECOND_FORMS = {
    "the key": lambda key: key,
    "the token": in_base64,
    "the header": lambda key: Credential(key).header(),
    "the key in hexadecimal": lambda key: key.encode().hex(),
    "the key in capital hexadecimal": lambda key: key.encode().hex().upper(),
    "the key in hexadecimal with colons": lambda key: key.encode().hex(":"),
    "the header in hexadecimal": lambda key: Credential(key).header().encode().hex(),
    "the header in base64": lambda key: in_base64(Credential(key).header()),
    "the header line in base64": lambda key: in_base64(f"Authorization: {Credential(key).header()}\r\n"),
    "the header in base64 for URLs": lambda key: base64.urlsafe_b64encode(Credential(key).header().encode()).decode(),
    "the header in base64, twice": lambda key: in_base64(in_base64(Credential(key).header())),
    "the key in hexadecimal in base64": lambda key: in_base64(key.encode().hex()),
}  # fmt: skip
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=48)
PLAIN_KEYS = st.text(
    st.characters(min_codepoint=48, max_codepoint=122, categories=["L", "N"]), min_size=16, max_size=48
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(KEYS, PLAIN_KEYS),
    st.sampled_from(sorted(SECOND_FORMS)),
    st.lists(st.sampled_from(sorted(ESCAPES)), max_size=3),
)
def test_any_key_is_found_in_any_form_escaped_in_any_ways(key, form, ways):
    assume(not key.lower().startswith("basic"))
    written = SECOND_FORMS[form](key)
    for way in ways:
        written = ESCAPES[way](written)

    shown = Credential(key).hidden(f'{{"a": "before <{written}> after"}}')

    assert "***" in shown
    # At most what is the same of every key is left, and a few characters at the ends of base64.
    assert len(shown) - len('{"a": "before <***> after"}') <= len(written) // 2
    assert shown.startswith('{"a": "before')
    assert shown.endswith('after"}')
    credential = Credential(key)
    assert credential.hidden(shown) == shown
    assert credential.hidden_data(f"<{written}>".encode()) == credential.hidden(f"<{written}>").encode()


@given(st.text(max_size=200), PLAIN_KEYS)
def test_a_text_without_the_key_stays_as_it_is(text, key):
    assume(key not in text)
    assert Credential(key).hidden(text) == text
    assert Credential(key).hidden_data(text.encode(errors="replace")) == text.encode(errors="replace")


@pytest.mark.parametrize("way", ESCAPES)
async def test_an_answer_that_has_the_key_escaped_is_read_without_it(way):
    class Escaping(Service):
        def handle(self, call, *, now):
            answer = super().handle(call, now=now)
            echo = json.dumps(ESCAPES[way](call.headers["authorization"]))
            echo = echo.replace("\\\\", "\\") if "u00" in echo else echo
            return replace(answer, body=f'{{"results": [{{"id": "acme", "name": {echo}}}]}}'.encode())

    key = "kQ8mZ3vX9tR2wY7bN4cL6hJ1pD5sF0gA"
    async with (
        await serve(Escaping(Behaviour(limits=NO_LIMITS))) as server,
        HttpTransport(base_url=server.url, credential=Credential(key)) as transport,
    ):
        response = await transport.send(requests.companies_request(page=1, page_size=1))
    assert "***" in replies.read_companies(response).companies["acme"].name


@pytest.mark.parametrize("piece", ["%25", "\\\\u005c", "&amp;", "\\", "&#", "aaaaaaaaaa+"])
def test_an_answer_made_to_be_slow_is_not(piece):
    began = time.process_time()
    Hiding(forms_of("a" * 10 + "+" * 30)).text(piece * 100_000)
    assert time.process_time() - began < 5


def test_a_text_made_to_be_slow_is_not():
    hiding = Hiding(["a" * 10 + "+" * 30])
    assert hiding.text(("a" * 10 + "\\" * 500) * 200).startswith("aaaaaaaaaa")
