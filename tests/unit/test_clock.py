"""The machine's clocks."""

from datetime import UTC
from pathlib import Path

import pytest

from runner import clock as module
from runner.clock import ServiceTime, SystemClock


async def test_the_systems_clocks_go_on_and_know_their_boot():
    clock = SystemClock()
    before = clock.monotonic(), clock.boottime()
    await clock.sleep(0)
    assert (clock.monotonic(), clock.boottime()) >= before
    assert clock.now().tzinfo is UTC
    assert clock.boot_id() == SystemClock().boot_id() != ""


def test_boot_time_includes_what_the_monotonic_clock_may_leave_out():
    clock = SystemClock()
    assert clock.boottime() >= clock.monotonic() - 1


def files(monkeypatch, **contents):
    """Let the system's files say this; one that is not named is not there."""

    def read_text(path, **_options):
        if path.name not in contents:
            raise FileNotFoundError(path)
        return contents[path.name]

    monkeypatch.setattr(Path, "read_text", read_text)


def test_a_system_without_boot_ids_counts_each_process_as_a_boot_of_its_own(monkeypatch):
    files(monkeypatch)
    here = SystemClock().boot_id()
    assert here == SystemClock().boot_id() != ""
    monkeypatch.setattr(module, "_OWN_BOOT", "another process")
    assert SystemClock().boot_id() != here


@pytest.mark.parametrize(
    ("offsets", "same"),
    [
        ("monotonic           0         0\nboottime            0         0\n", True),
        ("monotonic        1000         0\nboottime            0         0\n", True),
        ("monotonic           0         0\nboottime       864000         0\n", False),
        ("monotonic           0         0\nboottime            0 500000000\n", False),
    ],
)
def test_a_container_whose_boot_clock_is_moved_does_not_count_as_the_same_boot(monkeypatch, offsets, same):
    files(monkeypatch, boot_id="6b1f\n")
    assert SystemClock().boot_id() == "6b1f"
    files(monkeypatch, boot_id="6b1f\n", timens_offsets=offsets)
    assert (SystemClock().boot_id() == "6b1f") is same


def heard(*answers):
    """What (date, asked, seen) of some answers prove at boot time 1,000, beside the truth of an answer at once."""
    service_time = ServiceTime()
    for date, asked, seen in answers:
        service_time.hear(date, asked=asked, seen=seen)
    return service_time.earliest(1_000.0), service_time.latest(1_000.0)


def test_the_services_time_lies_between_what_an_answer_allows():
    assert heard((50_000.0, 990.0, 990.0)) == (50_010.0, 50_011.0)
    assert heard((50_000.0, 988.0, 990.0)) == (50_010.0, 50_013.0)


@pytest.mark.parametrize("answer", [(None, 990.0, 990.0), (50_000.0, 900.0, 990.0), (50_000.0, 990.0, 980.0)])
def test_an_answer_without_a_date_or_a_very_slow_one_says_nothing(answer):
    assert heard(answer) == (None, None)
    assert heard(answer, (50_000.0, 990.0, 990.0)) == (50_010.0, 50_011.0)


def test_dates_that_differ_a_little_widen_what_is_possible_and_others_prove_nothing():
    """A cache that gives old answers, or one of several servers whose clock is wrong."""
    assert heard((50_000.0, 990.0, 990.0), (50_000.0, 995.0, 995.0)) == (50_005.0, 50_011.0)
    assert heard((50_000.0, 900.0, 900.0), (50_000.0, 990.0, 990.0)) == (None, None)
    assert heard((50_000.0, 990.0, 990.0), (53_600.0, 990.0, 990.0)) == (None, None)
