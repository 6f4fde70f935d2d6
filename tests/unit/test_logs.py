"""Logs: no key, no forged lines."""

import json

import pytest

from runner.logs import _escape_control, _hide_secrets, configure, get_log


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


def test_a_line_says_what_was_bound_and_hides_what_is_secret(capsys):
    log = get_log().bind(company="c1")
    configure(log_format="json", level="info")
    log.bind(token="s3cr3t").warning("request", status=503)

    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp")
    assert line == {"event": "request", "level": "warning", "company": "c1", "token": "***", "status": 503}


@pytest.mark.parametrize(("level", "written"), [("debug", ["a", "b", "c"]), ("info", ["b", "c"]), ("warning", ["c"])])
def test_what_lies_below_the_level_is_not_written(capsys, level, written):
    configure(log_format="json", level=level)
    log = get_log()
    log.debug("a")
    log.info("b")
    log.warning("c")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == written


def test_without_a_set_up_only_warnings_are_written(capsys):
    get_log().info("a")
    get_log().warning("something is wrong")
    said = capsys.readouterr()
    assert "something is wrong" in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
