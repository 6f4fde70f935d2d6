"""A whole run over an inbox: what its own end, its checks and an empty folder mean."""

import asyncio
from pathlib import Path

import pytest

from runner.app import App
from runner.cli.inbox import inbox_json, inbox_lines
from runner.cli.liveness import WatchedClock
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.errors import RefusedToStart
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from tests.clocks import FakeClock


class Log:
    def __getattr__(self, _):
        return lambda *_, **__: None


class Never(FakeClock):
    """A clock on which nothing ever comes."""

    async def sleep(self, _seconds):
        await asyncio.Event().wait()


def settings(folder: Path, **values) -> RunSettings:
    (folder / "inbox").mkdir(exist_ok=True)
    return RunSettings(
        credential=Credential("key"), journal=folder / "journal.db", inbox=folder / "inbox", max_rpm=0, **values
    )


def app_on(clock: WatchedClock) -> App:
    return App(clock=clock, alarm=Never(), notes=Notes(Log(), Progress()), draining=Draining())


async def test_the_wait_for_the_run_s_own_end_is_no_sign_of_life(tmp_path):
    watched = WatchedClock(FakeClock())
    app = app_on(watched)
    awaited = []
    app.notes.listen(lambda _: awaited.append(list(watched.awaited())))
    chosen = settings(tmp_path, max_duration=3600.0)
    (tmp_path / "inbox/bad.csv").write_text("a,b\n")
    report = await app.run(chosen, [])
    assert report.stop is None
    assert awaited
    assert not any(awaited)


async def test_an_inbox_without_a_file_begins_a_journal(tmp_path):
    report = await app_on(WatchedClock(FakeClock())).run(settings(tmp_path), [])
    assert (report.exit_code, (tmp_path / "journal.db").exists()) == (0, True)
    assert list(inbox_lines(report.inbox)) == [f"The inbox {tmp_path / 'inbox'} holds nothing new."]


async def test_strict_leaves_everything_in_the_inbox_where_a_row_is_wrong(tmp_path):
    chosen = settings(tmp_path, strict=True)
    (tmp_path / "inbox/bad.csv").write_text("a,b\n")
    with pytest.raises(RefusedToStart, match="--strict sends nothing"):
        await app_on(WatchedClock(FakeClock())).run(chosen, [])
    assert [each.name for each in (tmp_path / "inbox").iterdir()] == ["bad.csv"]


async def test_a_refused_file_and_its_reason_are_in_the_report(tmp_path):
    chosen = settings(tmp_path)
    (tmp_path / "inbox/bad.csv").write_text("a,b\n")
    (tmp_path / "inbox/notes.ods").write_text("?")
    report = await app_on(WatchedClock(FakeClock())).run(chosen, [])
    (taken,) = inbox_json(report.inbox)["taken"]
    assert (taken["outcome"], taken["not_moved"]) == ("refused", None)
    assert "column_missing" in taken["reason"]
    said = list(inbox_lines(report.inbox))
    assert said[1:] == [
        "Moved bad.csv to failed/bad.csv",
        "notes.ods is no CSV file or workbook that can be read, and stays where it is.",
    ]
