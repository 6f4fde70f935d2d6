"""A night as systemd sees it: ready, how far, alive, stopped in the middle; the next start goes on from the inbox."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.command import Command, finish, look_until
from tests.acceptance.expenses import Expenses, assert_all_posted_once
from tests.acceptance.simulated import Simulator


class Manager:
    """The end of `$NOTIFY_SOCKET` at which systemd would be."""

    def __init__(self, path: Path) -> None:
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(str(path))
        self.channel.setblocking(False)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Return all lines heard so far."""
        while True:
            try:
                self.heard += self.channel.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(tmp_path / "notify")
    yield listening
    listening.channel.close()


def test_stopped_in_the_middle_of_a_night_the_next_start_goes_on(
    manager: Manager,
    own_simulator: Callable[..., Simulator],
    write: Callable[..., Expenses],
    tmp_path: Path,
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [0.2, 0.5]\nlimits = false")
    expenses = write(companies=3, each=100, receipt_every=25, part="inbox")
    (expenses.folder / "broken.csv").write_text("what,is,this\n1,2,3\n")
    (expenses.folder / "coming.csv.part").write_text("half a f")
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        # 2 s: the run gives a sign of life at once and then every half second.
        "WATCHDOG_USEC": "2000000",
    }
    command = replace(Command(tmp_path, simulator.url), environment=environment)
    options = ["--inbox", str(expenses.folder), "--inbox-settle", "0.05", "--drafts-a-sync", "1"]

    process = command.start_run(options=options)
    assert look_until(lambda: simulator.requests(method="POST") >= 5, process=process)
    process.send_signal(signal.SIGTERM)
    ended = finish(process).expect(143)

    heard = manager.listen()
    assert heard[0] == "READY=1"
    assert "WATCHDOG=1" in heard
    assert [line for line in heard if line.startswith("EXTEND_TIMEOUT_USEC=")]
    assert heard.index("STOPPING=1") < next(n for n, line in enumerate(heard) if line.startswith("STATUS=Finishing"))
    assert heard[-1].startswith("STATUS=Ended: Finishing what is in flight: 3 companies, 300 staged")
    inbox = ended.report["inbox"]
    assert sorted(each["outcome"] for each in inbox["taken"]) == ["refused", "staged", "staged", "staged"]
    assert {path.name for path in expenses.folder.glob("*.csv*")} == {"coming.csv.part"}
    assert json.loads((expenses.folder / "failed/broken.csv.result.json").read_text())["reason"]

    # The second night: the same content again is nothing new, and what was open is finished, receipts included.
    again = min((expenses.folder / "done").glob("*.csv"))
    (expenses.folder / again.name).write_bytes(again.read_bytes())
    ended = command.run(options=options).expect(3)
    (taken,) = ended.report["inbox"]["taken"]
    assert (taken["outcome"], taken["accepted"]) == ("known", 0)
    assert taken["known_from"]["file"] == str(again)
    assert (expenses.folder / "done/2" / again.name).exists()
    assert_all_posted_once(expenses, simulator.ledger())


def test_an_empty_inbox_before_the_first_file_is_an_ordinary_night(command: Command, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    ended = command.run(options=["--inbox", str(tmp_path / "inbox")]).expect(0)
    assert ended.report["inbox"] == {"folder": str(tmp_path / "inbox"), "taken": [], "growing": [], "ignored": []}
