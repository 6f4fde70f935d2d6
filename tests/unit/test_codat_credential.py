import base64
import logging
import traceback

import pytest

from runner.codat.credential import Credential
from runner.errors import ConfigurationWrong

KEY = "s3cretKeyOfTheAccount42"


def test_a_raw_key_is_encoded():
    assert Credential(KEY).header() == "Basic " + base64.b64encode(KEY.encode()).decode()


def test_a_raw_key_that_happens_to_be_base64_is_still_a_raw_key():
    text = base64.b64encode(b"printable text").decode()
    assert Credential(text).header() == "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("text", ["Basic YWJjZA==", "basic YWJjZA==", "  Basic   YWJjZA==\n"])
def test_a_ready_made_header_is_used_as_it_is(text):
    assert Credential(text).header() == "Basic YWJjZA=="


def test_space_around_a_key_is_no_part_of_it():
    assert Credential(f" {KEY}\n").header() == Credential(KEY).header()


@pytest.mark.parametrize("text", ["", "  \n", "Basic ", "basic"])
def test_an_empty_key_is_refused(text):
    with pytest.raises(ConfigurationWrong, match="empty"):
        Credential(text)


@pytest.mark.parametrize("text", [f"{KEY}\r\nX-Evil: 1", f"{KEY}ü", f"{KEY}\x00"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(text):
    with pytest.raises(ConfigurationWrong) as caught:
        Credential(text)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_nothing_that_prints_a_credential_shows_it(caplog):
    credential = Credential(KEY)
    logging.getLogger("t").warning("%s %r %s", credential, credential, [credential])
    shown = f"{credential} {credential!r} {credential!s} {credential:>20} {[credential]} {caplog.text}"
    assert "***" in shown
    assert KEY not in shown
    assert credential.header().removeprefix("Basic ") not in shown
    assert not hasattr(credential, "__dict__")
