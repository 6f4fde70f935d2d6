"""An inbox's files: which of them are taken, and how they are put away without losing or overwriting any."""

import json
import os
from pathlib import Path

import pytest

from runner.errors import RefusedToStart
from runner.intake.inbox import Dropped, FileChanged, Place, look_into, move, places, settled, write_result


def drop(folder: Path, name: str, text: str = "a\n1\n") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def ready(folder: Path) -> list[Dropped]:
    return list(settled(folder, look_into(folder), look_into(folder)).ready)


def test_only_plain_visible_inputs_right_in_the_folder_are_taken(tmp_path):
    for name in ("a.csv", "B.CSV", "book.xlsx", ".hidden.csv", "~$book.xlsx", "c.csv.part", "d.csv.filepart", "e.tmp"):
        drop(tmp_path, name)
    (tmp_path / "sub").mkdir()
    drop(tmp_path / "sub", "below.csv")
    assert [each.path.name for each in ready(tmp_path)] == ["B.CSV", "a.csv", "book.xlsx"]


def test_what_somebody_may_have_meant_to_be_read_is_named_and_receipts_are_not(tmp_path):
    for name in ("taxi.pdf", "note.txt", "expenses.csv.gz", "expenses.ods"):
        drop(tmp_path, name)
    (tmp_path / "link.csv").symlink_to("/etc/hostname")
    assert look_into(tmp_path).ignored == ("expenses.csv.gz", "expenses.ods", "link.csv")


def test_a_workbook_is_left_alone_where_the_extra_that_reads_it_is_missing(tmp_path, monkeypatch):
    drop(tmp_path, "book.xlsx")
    monkeypatch.setattr("runner.intake.inbox.find_spec", lambda _: None)
    look = look_into(tmp_path)
    assert (dict(look.files), look.ignored) == ({}, ("book.xlsx",))


@pytest.mark.parametrize("change", ["grow", "touch", "replace", "appear"])
def test_a_file_that_changed_between_two_looks_is_still_growing(tmp_path, change):
    path = tmp_path / "a.csv"
    if change != "appear":
        drop(tmp_path, "a.csv")
        os.utime(path, ns=(5, 5))
    before = look_into(tmp_path)
    if change == "grow":
        path.write_text("a\n1\n2\n")
        os.utime(path, ns=(5, 5))
    elif change == "touch":
        os.utime(path, ns=(6, 6))
    else:
        other = drop(tmp_path, "other.tmp")
        os.utime(other, ns=(5, 5))
        other.rename(path)
    found = settled(tmp_path, before, look_into(tmp_path))
    assert (found.ready, found.growing) == ((), (str(path),))


def test_an_inbox_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(RefusedToStart, match="cannot be read"):
        look_into(tmp_path / "missing")


def test_a_file_keeps_its_name_wherever_it_is_put(tmp_path):
    names = places(tmp_path / "done", "x.csv")
    assert [str(next(names).file.relative_to(tmp_path)) for _ in range(3)] == [
        "done/x.csv",
        "done/2/x.csv",
        "done/3/x.csv",
    ]


def test_nothing_is_overwritten(tmp_path):
    place = Place(tmp_path / "done" / "a.csv")
    place.file.parent.mkdir()
    drop(place.file.parent, "a.csv", "older")
    assert not place.is_free("1")
    drop(tmp_path, "a.csv", "newer")
    (dropped,) = ready(tmp_path)
    with pytest.raises(FileExistsError):
        move(dropped, place)
    assert (place.file.read_text(), dropped.path.read_text()) == ("older", "newer")


def test_the_result_of_a_move_that_was_cut_off_is_taken_up_by_the_same_content_only(tmp_path):
    place = Place(tmp_path / "done" / "a.csv")
    write_result(place, {"sha256": "one", "accepted": 5})
    assert (place.is_free("one"), place.is_free("two")) == (True, False)
    write_result(place, {"sha256": "one", "accepted": 0})
    assert json.loads(place.result.read_text())["accepted"] == 5


def test_a_result_is_for_its_owner_only_and_leaves_no_draft_behind(tmp_path):
    place = Place(tmp_path / "done" / "a.csv")
    write_result(place, {"sha256": "one"})
    assert place.result.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in place.file.parent.iterdir()] == ["a.csv.result.json"]


def test_a_file_that_changed_after_it_was_found_is_not_moved(tmp_path):
    drop(tmp_path, "a.csv")
    (dropped,) = ready(tmp_path)
    dropped.path.write_text("a\n1\n2\n3\n")
    place = Place(tmp_path / "done" / "a.csv")
    write_result(place, {"sha256": "one"})
    with pytest.raises(FileChanged):
        move(dropped, place)
    assert dropped.path.exists()
    assert not place.file.exists()


def test_a_file_written_to_while_it_was_moved_goes_back(tmp_path, monkeypatch):
    drop(tmp_path, "a.csv")
    (dropped,) = ready(tmp_path)
    place = Place(tmp_path / "done" / "a.csv")
    write_result(place, {"sha256": "one"})
    rename = Path.rename

    def slip(self, target):
        if target == place.file:
            with self.open("a") as file:
                file.write("2\n")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", slip)
    with pytest.raises(FileChanged):
        move(dropped, place)
    assert dropped.path.read_text() == "a\n1\n2\n"
    assert list(place.file.parent.iterdir()) == []
