"""What happens to files between a `kill -9` and the next run: it goes on rightly, or it sends nothing and says why."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.command import Command, kill, look_until
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled
from tests.acceptance.simulated import ROOT, Simulator
from tests.acceptance.warm import Warm

LIVELY = "sync_seconds = [0.05, 0.3]\nlimits = false"
WAY_OUT = "verify --rebuild"
OPTIONS = ("--drafts-a-sync", "1")
EXPENSES_A_DRAFT = 50


def moved_alone(folder: Path) -> None:
    for beside in ("-wal", "-shm", ".lock"):
        _beside(folder, beside).unlink(missing_ok=True)


def without_its_log(folder: Path) -> None:
    for beside in ("-wal", "-shm"):
        _beside(folder, beside).unlink(missing_ok=True)


def copied_without_its_lock_file(folder: Path) -> None:
    _beside(folder, ".lock").unlink()


def cut_to_nothing(folder: Path) -> None:
    os.truncate(folder / "journal.db", 0)


def cut_to_half(folder: Path) -> None:
    os.truncate(folder / "journal.db", (folder / "journal.db").stat().st_size // 8192 * 4096)


def log_cut_to_nothing(folder: Path) -> None:
    os.truncate(_beside(folder, "-wal"), 0)


def bit_in_the_first_frame(folder: Path) -> None:
    _flip(_beside(folder, "-wal"), 32 + 24 + 100)


def bit_in_the_middle_of_the_log(folder: Path) -> None:
    log = _beside(folder, "-wal")
    _flip(log, log.stat().st_size // 2)


def linked(folder: Path) -> None:
    os.link(folder / "journal.db", folder / "another-name.db")


def gone(folder: Path) -> None:
    without_its_log(folder)
    (folder / "journal.db").unlink()


MISHAPS: tuple[Callable[[Path], None], ...] = (
    moved_alone,
    without_its_log,
    copied_without_its_lock_file,
    cut_to_nothing,
    cut_to_half,
    log_cut_to_nothing,
    bit_in_the_first_frame,
    bit_in_the_middle_of_the_log,
    linked,
    gone,
)


def _beside(folder: Path, suffix: str) -> Path:
    return folder / f"journal.db{suffix}"


def _flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


@pytest.mark.parametrize("point", range(20))
def test_after_a_kill_no_mishap_of_the_files_posts_anything_twice(
    point: int, tmp_path: Path, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses], warm: Warm
) -> None:
    simulator = own_simulator(behaviour=LIVELY)
    expenses = write(companies=2, each=2 * EXPENSES_A_DRAFT)
    command = Command(expenses.folder.parent, simulator.url)
    life = warm.start(command, command.arguments(expenses.folder, options=OPTIONS))
    look_until(lambda: simulator.requests() > 2 * point, process=life)
    life.kill()
    warm.finish(life)
    assert command.journal.exists()

    for turn in range(len(MISHAPS)):
        mishap = MISHAPS[(point + turn) % len(MISHAPS)]
        other = _copy(command, tmp_path / mishap.__name__)
        try:
            mishap(other.folder)
        except (FileNotFoundError, IndexError):
            # Killed after its end: there was no log to do anything to.
            continue
        before = simulator.requests(method="POST")
        again = warm.start(other, other.arguments(expenses.folder, options=OPTIONS))
        ended = warm.finish(again)
        assert_nothing_doubled(expenses, simulator.ledger())
        if ended.code != 6:
            ended.expect(0)
            assert_all_posted_once(expenses, simulator.ledger())
            return
        ended.expect(6)
        assert WAY_OUT in ended.err or "hard link" in ended.err, (mishap.__name__, ended.err)
        assert simulator.requests(method="POST") == before, mishap.__name__

    command.run(expenses.folder, options=OPTIONS).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def _copy(command: Command, folder: Path) -> Command:
    folder.mkdir()
    for each in command.folder.glob("journal.db*"):
        shutil.copy(each, folder)
    return replace(command, folder=folder)


def test_what_has_lost_its_log_stays_refused_until_it_is_rebuilt_and_then_goes_on(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour=LIVELY)
    expenses = write(companies=2, each=3)
    command = Command(expenses.folder.parent, simulator.url)
    first = command.start_run(expenses.folder)
    look_until(lambda: simulator.requests(method="POST") > 1, process=first)
    kill(first)
    log = _beside(command.folder, "-wal")
    log.unlink()

    for _ in range(2):
        refused = command.run(expenses.folder).expect(6)
        assert "-wal file" in refused.err
        assert WAY_OUT in refused.err
    status = command.call("status").expect(0)
    assert "journal_not_whole" in status.err
    rebuilt = command.call("verify", "--rebuild", "--json", "--quiescence", "2", str(expenses.folder))
    assert rebuilt.code in {0, 7}, rebuilt.err

    command.run(expenses.folder).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_of_two_runners_over_a_hard_link_the_second_is_refused(
    tmp_path: Path, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [60.0, 60.0]\nlimits = false")
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)
    first = command.start_run(expenses.folder)
    assert look_until(lambda: simulator.requests(method="POST") > 0, process=first)
    other = replace(command, folder=tmp_path / "elsewhere")
    other.folder.mkdir()
    os.link(command.journal, other.journal)

    refused = other.run(expenses.folder).expect(6)

    assert "2 names (hard links)" in refused.err
    assert not _beside(other.folder, ".lock").exists()
    kill(first)
    assert_nothing_doubled(expenses, simulator.ledger())


def test_a_journal_that_is_mounted_as_a_single_file_is_refused(
    tmp_path: Path, simulator: Simulator, write: Callable[..., Expenses], record_property: Callable[..., None]
) -> None:
    """A real mount in a namespace of its own, where that is allowed."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        record_property("bind_mount", "not allowed here")
        pytest.skip("unshare -rm is not allowed here: a real bind mount was not tried")
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)
    command.run(expenses.folder).expect(0)
    inside = replace(command, folder=tmp_path / "container")
    inside.folder.mkdir()
    inside.journal.touch()
    mount = f'mount --bind {command.journal} {inside.journal} && exec {sys.executable} -m runner "$@"'

    refused = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", *inside.arguments(expenses.folder)],
        cwd=ROOT, env=inside.env, check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert refused.returncode == 6, refused.stderr
    assert "mounted as a single file" in refused.stderr


def test_a_lock_file_deleted_during_a_run_is_made_again_and_a_second_run_is_refused(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [60.0, 60.0]\nlimits = false")
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)
    first = command.start_run(expenses.folder)
    assert look_until(lambda: simulator.requests(method="POST") > 0, process=first)
    _beside(command.folder, ".lock").unlink()

    refused = command.run(expenses.folder).expect(8)

    assert "Another run holds" in refused.err
    kill(first)
