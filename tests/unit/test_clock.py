"""The machine's clocks."""

from datetime import UTC

from runner.clock import SystemClock


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
