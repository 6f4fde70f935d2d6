"""Logs: no key, no forged lines."""

import pytest

from runner.logs import _escape_control, _hide_secrets


@pytest.mark.parametrize("name", ["authorization", "Authorization", "api_key", "codat_apikey", "password", "secret_x"])
def test_secrets_are_hidden_by_their_names(name):
    assert _hide_secrets(None, "info", {name: "s3cr3t", "company": "c"}) == {name: "***", "company": "c"}


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "a\rb", "\u202e", "\x00"])
def test_control_characters_cannot_forge_a_line(text):
    (escaped,) = _escape_control(None, "info", {"message": text}).values()
    assert escaped.isprintable()


def test_plain_text_and_numbers_stay_as_they_are():
    event = {"message": "Café № 7", "count": 3}
    assert _escape_control(None, "info", dict(event)) == event
