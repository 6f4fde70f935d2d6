"""What systemd is told, over a real datagram socket."""

import os
import socket

import pytest

from runner.app import App
from runner.cli.liveness import Liveness, WatchedClock
from runner.cli.notify import EXTENSION, Pulse, notifying, sender, watchdog_seconds
from runner.codat.draining import Draining
from runner.errors import Interrupted
from runner.progress import Notes, Progress
from tests.clocks import FakeClock


class Log:
    def __getattr__(self, _):
        return lambda *_, **__: None


def app_on(clock):
    return App(clock=clock, notes=Notes(Log(), Progress()), draining=Draining())


@pytest.fixture
def pulse():
    clock = WatchedClock(FakeClock())
    app = app_on(clock)
    return Pulse(app, Liveness(clock, app.notes, app.counts), watched=True)


@pytest.fixture(params=["path", "abstract"])
def listening(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@expense-runner-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name[1:] if name.startswith("@") else name)
        channel.settimeout(5)
        yield channel, name


def test_a_message_arrives_whichever_kind_of_address_it_has(listening):
    channel, name = listening
    sender(name)("STATUS=hello")
    assert channel.recv(100) == b"STATUS=hello"


def test_a_message_that_nobody_hears_disturbs_nothing(tmp_path):
    sender(str(tmp_path / "nobody"))("READY=1")


def test_a_run_that_is_stuck_gives_no_sign_of_life(pulse):
    assert "WATCHDOG=1" in pulse.beat()
    assert pulse.beat() == []
    pulse.app.notes("staged", expenses=3, file="a.csv")
    assert pulse.beat() == ["WATCHDOG=1", "STATUS=0 companies, 3 staged, 0 sent, 0 posted, 0 receipts"]


def test_the_end_is_said_once_and_time_is_asked_for_only_while_something_moves(pulse):
    pulse.beat()
    pulse.app.draining.start(Interrupted("stop"))
    pulse.app.counts.ended += 1
    first = pulse.beat()
    assert first[:2] == ["STOPPING=1", f"EXTEND_TIMEOUT_USEC={EXTENSION}000000"]
    assert first[-1].startswith("STATUS=Finishing what is in flight: ")
    assert pulse.beat() == []


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "600000000"}, 600.0),
        ({"WATCHDOG_USEC": "600000000", "WATCHDOG_PID": str(os.getpid())}, 600.0),
        ({"WATCHDOG_USEC": "600000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_fed_where_it_waits_for_this_process(environment, seconds):
    assert watchdog_seconds(environment) == seconds


async def test_a_run_is_ready_at_once_and_its_children_cannot_speak_for_it(listening):
    channel, name = listening
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    watched = WatchedClock(FakeClock())
    async with notifying(app_on(watched), watched, clock=FakeClock(), environment=environment):
        assert channel.recv(1000).split(b"\n")[:2] == [b"READY=1", b"WATCHDOG=1"]
        assert environment == {"HOME": "/"}
    assert channel.recv(1000).startswith(b"STOPPING=1\nSTATUS=Ended: ")
