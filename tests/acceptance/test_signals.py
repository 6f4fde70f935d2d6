"""The first SIGINT or SIGTERM drains, the second stops at once, and the next run finishes."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.command import Command, finish, look_until
from tests.acceptance.expenses import Expenses, assert_all_posted_once
from tests.acceptance.simulated import Simulator

SLOW_SYNCS = "sync_seconds = [0.2, 0.6]\nlimits = false"
CASES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]


@pytest.fixture(autouse=True)
def hangups_count() -> Iterator[None]:
    """Let programs meet a hangup as a shell's do, also where the tests themselves run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_run_whose_terminal_is_lost_ends_in_good_order(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour=SLOW_SYNCS)
    expenses = write(companies=4, each=100)
    command = Command(expenses.folder.parent, simulator.url)
    ours, theirs = pty.openpty()

    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "run", "--drafts-a-sync", "1", str(expenses.folder)],
        cwd=command.folder,
        env=command.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - its own terminal, as a shell's
    )
    os.close(theirs)
    assert look_until(lambda: simulator.requests(method="POST") >= 5)
    os.close(ours)

    assert process.wait(60) == 143
    assert command.query("SELECT exit_code FROM run") == [(143,)]
    assert [each for each in command.attempts() if each[1] is None] == []
    command.run().expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_a_hangup_that_was_ignored_from_the_start_ends_nothing(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour=SLOW_SYNCS)
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = command.start_run(expenses.folder)
    assert look_until(lambda: simulator.requests(method="POST") >= 1, process=process)
    process.send_signal(signal.SIGHUP)

    finish(process).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_an_interrupt_while_the_program_is_being_loaded_leaves_no_traceback(tmp_path: Path) -> None:
    # Whoever imports the command line is interrupted in the middle of it.
    early = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    early += "class Finder:\n    def find_spec(self, name, *_):\n"
    early += "        if name == 'runner.cli': os.kill(os.getpid(), signal.SIGINT)\n"
    early += "sys.meta_path.insert(0, Finder())\nfrom runner.__main__ import main\nmain()"
    ended = subprocess.run([sys.executable, "-c", early], capture_output=True, timeout=60, check=False)

    assert ended.returncode == 130
    assert ended.stderr == b"Interrupted.\n"


@pytest.mark.parametrize(("number", "code"), CASES)
@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_the_first_signal_finishes_what_is_in_flight_and_says_how_to_go_on(
    number: signal.Signals,
    code: int,
    flow: str,
    own_simulator: Callable[..., Simulator],
    write: Callable[..., Expenses],
) -> None:
    simulator = own_simulator(behaviour=SLOW_SYNCS)
    expenses = write(companies=4, each=100, receipt_every=20)
    command = Command(expenses.folder.parent, simulator.url)
    options = ["--flow", flow, "--drafts-a-sync", "1"]

    process = command.start_run(expenses.folder, options=options)
    assert look_until(lambda: simulator.requests(method="POST") >= 5, process=process)
    process.send_signal(number)
    ended = finish(process).expect(code)

    assert f"{number.name}: finishing what is in flight" in ended.err
    assert "Stopped: The run was interrupted" in ended.err
    report = ended.report
    assert report["exit_code"] == code
    assert str(command.journal) in report["resume"]
    assert report["expenses"]["posted"] < 400
    assert sum(report["expenses"].values()) == 2 * report["expenses"]["total"]
    assert [each for each in command.attempts() if each[1] is None] == []

    command.run(options=options).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize(("number", "code"), CASES)
def test_a_person_is_told_the_command_that_goes_on(
    number: signal.Signals, code: int, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [5.0, 5.0]\nlimits = false")
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)

    process = command.start(["run", "--poll-interval", "0.05", str(expenses.folder)])
    assert look_until(lambda: simulator.requests(method="GET") >= 3, process=process)
    process.send_signal(number)
    ended = finish(process).expect(code)

    assert f"To go on: expense-runner run --journal {command.journal}" in ended.out
    assert "sent" in ended.out


@pytest.mark.parametrize(("number", "code"), CASES)
def test_the_second_signal_stops_at_once_and_the_next_run_settles_what_was_cut_off(
    number: signal.Signals, code: int, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    # Every answer to a POST takes so long that only the second signal can end the run within the test.
    fault = '[[fault]]\nkind = "slow"\nmethod = "POST"\nseconds = 3.0\ntimes = 2\npath = "/syncs$"\n'
    simulator = own_simulator(scenario=fault)
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)

    process = command.start_run(expenses.folder)
    assert look_until(lambda: simulator.requests(method="POST", route="/syncs") >= 2, process=process)
    said = b""
    process.send_signal(number)
    assert process.stderr is not None
    while b"Once more to stop at once" not in said:
        said += process.stderr.readline()
    process.send_signal(number)
    finish(process).expect(code)
    assert command.attempts().count(("start", None)) == 2

    command.run().expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_a_signal_while_files_are_read_is_heard_and_the_file_is_read_again(
    command: Command, tmp_path: Path, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1, each=20_000)
    posts = simulator.posts()

    process = command.start_run(expenses.folder)
    assert look_until(lambda: command.journal.exists() and begun(command) > 0, process=process)
    process.send_signal(signal.SIGTERM)
    ended = finish(process).expect(143)

    assert ended.report["expenses"]["staged"] == 0
    assert ended.report["resume"] is not None
    assert simulator.posts() == posts


def begun(command: Command) -> int:
    try:
        number: int = command.query("SELECT count(*) FROM input")[0][0]
    except Exception:  # noqa: BLE001 - the tables may not be there yet
        return 0
    return number
