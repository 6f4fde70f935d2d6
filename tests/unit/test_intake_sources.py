import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli.map import map_
from runner.errors import RefusedToStart
from runner.intake.sources import Source, find_sources, find_workbooks, kernel_devices


def test_files_folders_and_standard_input_come_in_the_order_given(tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.csv", "a.CSV", "deep/c.csv", "notes.txt", ".hidden.csv"):
        (folder / name).write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "d.csv").write_text("x")
    single = tmp_path / "single.data"
    single.write_text("x")
    found = find_sources(["-", str(single), str(folder)])
    assert found[0] == Source("-", None)
    assert [source.name for source in found[1:]] == [
        str(single), str(folder / "a.CSV"), str(folder / "b.csv"), str(folder / "deep" / "c.csv"),
    ]  # fmt: skip


def test_workbooks_below_folders_are_told_apart_from_those_that_are_named(tmp_path):
    (tmp_path / "done").mkdir()
    for name in ("a.xlsx", "done/b.XLSM", "done/c.csv", "done/~$b.XLSM", ".hidden.xlsx", "named.xlsx"):
        (tmp_path / name).write_text("x")
    found = find_workbooks([str(tmp_path), str(tmp_path / "named.xlsx"), "-"])
    assert found == [str(tmp_path / "a.xlsx"), str(tmp_path / "done" / "b.XLSM")]


def test_a_file_named_twice_is_read_once(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x")
    (tmp_path / "link.csv").symlink_to(file)
    assert len(find_sources([str(file), str(tmp_path), str(tmp_path / "link.csv"), "-", "-"])) == 2


def test_a_path_that_does_not_exist_is_refused_by_name(tmp_path):
    with pytest.raises(RefusedToStart, match=r"nowhere\.csv' does not exist"):
        find_sources([str(tmp_path / "nowhere.csv")])


@pytest.mark.parametrize("argument", ["a\0b", "x" * 5000])
def test_an_impossible_path_is_refused(argument):
    with pytest.raises(RefusedToStart):
        find_sources([argument])


def test_a_folder_without_csv_files_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(RefusedToStart, match="has no CSV file"):
        find_sources([str(tmp_path)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x")
    file.chmod(0)
    with pytest.raises(RefusedToStart, match="may not be read"):
        find_sources([str(file)])


def test_no_argument_is_refused():
    with pytest.raises(RefusedToStart):
        find_sources([])


@pytest.mark.parametrize("argument", ["/dev/null", "/dev/stdin", "/dev/zero", "/dev/fd/0", "/proc/self/fd/0"])
def test_pipes_and_devices_are_no_files_and_named_as_such(argument):
    with pytest.raises(RefusedToStart, match="a pipe or a device") as refused:
        find_sources([argument])

    assert "check -" in (refused.value.hint or "")


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no such file system here")
def test_what_the_kernel_makes_up_is_no_file(tmp_path):
    (tmp_path / "link.csv").symlink_to("/proc/self/status")

    for argument in ("/proc/self/status", str(tmp_path / "link.csv")):
        with pytest.raises(RefusedToStart, match="makes it up"):
            find_sources([argument])


def test_the_kernels_file_systems_are_told_by_the_list_of_mounts():
    table = (
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "25 22 0:23 / /proc rw,nosuid - proc proc rw\n"
        "26 22 0:24 / /sys rw master:3 propagate_from:2 - sysfs sysfs rw\n"
        "30 22 0:30 / /home rw - nfs4 proc:/home rw\n"
        "nonsense\n"
    )

    assert kernel_devices(table) == {os.makedev(0, 23), os.makedev(0, 24)}


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u2028", "\u200f"])
def test_a_name_that_would_show_as_another_is_refused(tmp_path, mark):
    file = tmp_path / f"a{mark}vsc.csv"
    file.write_text("x")

    with pytest.raises(RefusedToStart, match="can show"):
        find_sources([str(file)])


@pytest.mark.parametrize("command", ["init", "test"])
def test_a_file_that_a_run_refuses_is_not_looked_at_for_a_profile_either(tmp_path, command):
    os.mkfifo(tmp_path / "cards.csv")
    options = ["--map", "canonical"] if command == "test" else []

    told = CliRunner().invoke(map_, [command, str(tmp_path / "cards.csv"), *options])

    assert isinstance(told.exception, RefusedToStart)
    assert "a pipe or a device" in str(told.exception)
