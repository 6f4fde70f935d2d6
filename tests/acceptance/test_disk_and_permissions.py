"""A full disk and a journal made read-only: a clear message, and a clean run afterwards loses and doubles nothing.

A clock that jumps and a machine that reboots are looked at under virtual time, in the scenarios.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.command import Command, finish, start
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled
from tests.acceptance.simulated import Simulator

SLOW = "sync_seconds = [0.3, 0.6]\nlimits = false"


def limit_files(size: int) -> None:
    """Let every write beyond `size` bytes of a file fail, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("kilobytes", [4, 200, 330])
def test_a_file_that_may_not_grow_any_further_stops_the_run_and_the_next_one_finishes(
    kilobytes: int, command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2, each=200, receipt_every=50)
    arguments = command.arguments(expenses.folder, options=["--drafts-a-sync", "1"])

    ended = finish(command.start(arguments, preexec_fn=lambda: limit_files(kilobytes * 1024)))

    assert ended.code in {1, 6}, ended
    assert "Traceback" not in ended.err
    assert "defect" not in ended.err
    assert "run the same command again" in ended.err
    assert_nothing_doubled(expenses, simulator.ledger())
    command.run(expenses.folder).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="no file system may be mounted here, not even in a namespace of one's own")
@pytest.mark.parametrize("kilobytes", [40, 300])
def test_a_full_disk_is_named_and_the_next_run_with_room_finishes(
    kilobytes: int, tmp_path: Path, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2, each=200, receipt_every=50)
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    command = Command(disk, simulator.url)
    # The disk goes with its namespace: what lies on it is copied out at the end, as after a repair.
    script = (
        f'mount -t tmpfs -o size={kilobytes}k none "{disk}" && cd "{disk}" && "$@"; code=$?; '
        f'cp -a "{disk}/." "{kept}/"; exit $code'
    )
    program = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        sys.executable,
        "-m",
        "runner",
    ]
    arguments = command.arguments(expenses.folder, options=["--drafts-a-sync", "1"])

    ended = finish(start(arguments, folder=tmp_path, env=command.env, program=program))

    assert ended.code in {1, 6}, ended
    assert "full" in ended.err or "No space left" in ended.err, ended.err
    assert "oom, then run the same command again" in ended.err or "make room if it is full" in ended.err, ended.err
    assert "Traceback" not in ended.err
    assert_nothing_doubled(expenses, simulator.ledger())
    Command(kept, simulator.url).run(expenses.folder).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.skipif(os.geteuid() == 0 and not may_mount(), reason="root may write everything, and may not mount here")
@pytest.mark.parametrize("what", ["journal", "folder"])
def test_a_journal_that_may_not_be_written_any_more_is_named_and_the_next_run_finishes(
    what: str, tmp_path: Path, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write()
    simulator = own_simulator()
    place = tmp_path / "place"
    place.mkdir()
    command = Command(place, simulator.url)
    command.run(min(expenses.folder.glob("*.csv"))).expect(0)
    posts = simulator.posts()
    target = place if what == "folder" else command.journal
    mode = target.stat().st_mode
    target.chmod(mode & ~0o222)
    # What a mode does not keep root from is kept from it by a mount that is read-only.
    script = f'mount --bind "{target}" "{target}" && mount -o remount,bind,ro "{target}" && cd "{place}" && exec "$@"'
    program = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"] * (os.geteuid() == 0)

    process = start(
        command.arguments(expenses.folder),
        folder=place,
        env=command.env,
        program=[*program, sys.executable, "-m", "runner"],
    )
    ended = finish(process).expect(6)

    assert "journal" in ended.err
    # A journal that is mounted as a single file is refused as such.
    assert any(word in ended.err for word in ("read-only", "writable", "single file")), ended.err
    assert simulator.posts() == posts
    target.chmod(mode)
    command.run(expenses.folder).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize(
    ("content", "said"), [(b"not a database, but long enough to be read as one " * 20, "not a journal"), (None, "")]
)
def test_a_file_that_is_no_journal_is_left_alone(
    content: bytes | None, said: str, command: Command, write: Callable[..., Expenses]
) -> None:
    expenses = write()
    if content is None:
        command.journal.mkdir()
        ended = command.run(expenses.folder).expect(2)
        assert "is a directory" in ended.err
        return
    command.journal.write_bytes(content)

    ended = command.run(expenses.folder).expect(6)

    assert said in ended.err
    assert command.journal.read_bytes() == content
