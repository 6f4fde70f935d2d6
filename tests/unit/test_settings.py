"""What follows from settings."""

import pytest

from runner.codat.credential import Credential
from runner.settings import RunSettings


@pytest.mark.parametrize(
    ("given", "quiet"),
    [({}, 660.0), ({"request_timeout": 10.0}, 610.0), ({"quiescence": 5.0}, 5.0), ({"quiescence": 0.0}, 0.0)],
)
def test_the_quiet_time_is_the_requests_timeout_and_ten_minutes_unless_it_is_set(given, quiet):
    assert RunSettings(credential=Credential("key"), **given).quiet_time == quiet


def test_settings_never_show_the_key():
    assert "s3cr3t" not in repr(RunSettings(credential=Credential("s3cr3t")))
