"""A file comes in whole or not at all; one whose reading was cut off is told until its bytes have been read."""

import asyncio
import io
import json
import sqlite3
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner

from runner.app import App
from runner.cli import cli
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.errors import BudgetReached, Interrupted
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import writing
from runner.journal.staging import Staging
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from runner.simulator.behaviour import NO_LIMITS, Behaviour
from runner.simulator.http import serve
from runner.simulator.service import Service
from runner.stage import Unread, stage, unfinished, unread_inputs
from tests.clocks import FakeClock

HEAD = "company_id,id,type,issue_date,currency,net_amount,account_id\n"


class Crash(BaseException):
    """The process ends here."""


class Log:
    def __getattr__(self, _):
        return lambda *_, **__: None


def rows(*keys, net="10.00"):
    return [f"acme,{key},Payment,2026-01-02,EUR,{net},400\n" for key in keys]


class Desk:
    """Runs of one journal up to where they would send."""

    def __init__(self, folder):
        self.folder = folder
        self.journal = folder / "journal.db"
        self.clock = FakeClock()
        self.inbox = folder / "inbox"
        self.inbox.mkdir()

    def source(self, name="a.csv"):
        return Source(name, self.folder / name)

    def write(self, *lines, name="a.csv"):
        (self.folder / name).write_text(HEAD + "".join(lines))
        return self.source(name)

    async def read(self, *sources):
        """Stage these and what was cut off before; return the names of what is lost, and of what lies there."""
        async with writing(self.journal, self.clock) as journal:
            await journal.runs.begin(version="1", flow="datasets")
            told = {"draining": Draining(), "note": lambda *_, **__: None}
            again = await unfinished(journal, sources)
            self.again = [source.name for source, _ in again]
            for source, options in [*again, *((each, Options()) for each in sources)]:
                await stage([source], options, journal, **told)
            self.errors = [each.code for each in await journal.staging.open_row_errors()]
            self.total = sum(each.accepted.count for each in (await journal.accounts.books()).companies)
            unread = await unread_inputs(journal)
            return [each.name for each in unread.lost], [*unread.waiting]

    async def run(self, *sources, **chosen):
        service = Service(Behaviour(sync_seconds=(0.0, 0.0), limits=NO_LIMITS))
        app = App(clock=self.clock, notes=Notes(Log(), Progress()), draining=Draining())
        async with await serve(service) as server:
            values = {"credential": Credential("k"), "journal": self.journal, "max_rpm": 0, "max_requests": 0, **chosen}
            return await app.run(RunSettings(base_url=server.url, **values), sources)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def cut(monkeypatch):
    """Let the process end at one of the steps by which the next file comes in."""

    async def cut(reading, step="let_in"):
        async def end(*_, **__):
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(Staging, step, end)
            with pytest.raises(Crash):
                await reading

    return cut


STEPS = ["clear", "add", "compare", "let_in"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_file_that_was_cut_off_is_read_by_the_next_run_as_long_as_it_lies_there(desk, cut, step):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source), step)
    with closing(sqlite3.connect(desk.journal)) as connection:
        assert connection.execute("SELECT count(*) FROM expense").fetchone() == (0,)
    assert (await desk.read(), desk.again, desk.total) == (([], []), ["a.csv"], 3)
    assert (await desk.read(), desk.again, desk.total) == (([], []), [], 3)


async def test_one_that_was_overwritten_is_told_until_its_bytes_are_read_under_any_name(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source))
    desk.write(*rows("b1"))
    assert await desk.read(source) == (["a.csv"], [])
    # What lies there now has been read: it is not taken for what lay there.
    assert (await desk.read(), desk.again, desk.total) == ((["a.csv"], []), [], 1)
    assert await desk.read(desk.write(*rows("a1", "a2", "a3"), name="backup.csv")) == ([], [])
    assert (await desk.read(), desk.total) == (([], []), 4)


async def test_one_that_has_grown_since_holds_what_it_held(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source))
    desk.write(*rows("a1", "a2", "a3", "a4"))
    assert (await desk.read(source), desk.total) == (([], []), 4)


@pytest.mark.parametrize(
    "now",
    [[*rows("a2", "a1", "a3")], [*rows("a1", "a2")], [*rows("a1", "a2"), *rows("a3", net="11.00"), *rows("a4")]],
    ids=["in another order", "shorter", "corrected"],
)
async def test_one_that_was_rewritten_since_may_not_hold_what_it_held(desk, cut, now):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source))
    desk.write(*now)
    assert await desk.read(source) == (["a.csv"], [])


async def test_two_files_of_one_name_that_were_cut_off_are_met_each_for_itself(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source))
    desk.write(*rows("b1", "b2"))
    await cut(desk.read(source))
    assert await desk.read(desk.write(*rows("c1"))) == (["a.csv"], [])
    assert await desk.read(desk.write(*rows("b1", "b2"), name="second.csv")) == (["a.csv"], [])
    assert await desk.read(desk.write(*rows("a1", "a2", "a3"), name="first.csv")) == ([], [])


async def test_what_is_lost_or_waits_is_told_by_every_command_that_says_where_things_stand(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(desk.read(source))

    def told(*command):
        result = CliRunner().invoke(cli, [*command, "--journal", str(desk.journal)], standalone_mode=False)
        return result.return_value, result.output

    async def each():
        return [await asyncio.to_thread(told, command) for command in ("status", "errors", "results")]

    assert all("a.csv has not been read to its end yet" in said for _, said in await each())
    (_, status), _ = [await asyncio.to_thread(told, command, "--json") for command in ("status", "errors")]
    assert "work_remains" in json.loads(status)["outcomes"]
    source.path.unlink()
    found = await each()
    assert all("The reading of a.csv was cut off" in said for _, said in found)
    assert [code for code, _ in found] == [0, 3, 6]
    (_, status), (_, errors) = [await asyncio.to_thread(told, command, "--json") for command in ("status", "errors")]
    assert (json.loads(status)["inputs_lost"], json.loads(status)["outcomes"]) == (["a.csv"], ["rejected"])
    assert json.loads(errors)["inputs_lost"] == ["a.csv"]


async def test_standard_input_is_met_by_the_same_bytes(desk, cut, monkeypatch):
    def given(*lines):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((HEAD + "".join(lines)).encode())))
        return Source("-", None)

    await cut(desk.read(given(*rows("a1", "a2", "a3"))))
    assert await desk.read(given(*rows("b1"))) == (["-"], [])
    assert await desk.read(given(*rows("a1", "a2", "a3"))) == ([], [])


async def test_a_file_that_changes_while_it_is_read_leaves_nothing_behind(desk, monkeypatch):
    source = desk.write(*rows("a1", "a2", "a3"))
    real = Staging.begin_input

    async def meanwhile(self, begun):
        desk.write(*rows("a1", "a2", "a3", "a4"))
        return await real(self, begun)

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "begin_input", meanwhile)
        assert (await desk.read(source), desk.total, desk.errors) == (([], []), 0, [])
    assert (await desk.read(source), desk.total) == (([], []), 4)


async def test_a_file_that_was_refused_stays_told_until_it_is_read_right_or_dropped(desk):
    source = desk.write(*rows("a1"), 'acme,a2,"Payment,2026-01-02,EUR,10.00,400\n')
    assert await desk.read(source) == ([], [])
    assert desk.errors == ["quoting_broken"]
    # Its name settles nothing.
    desk.write(*rows("b1"))
    await desk.read(source)
    assert (desk.errors, desk.total) == (["quoting_broken"], 1)


async def test_an_inbox_file_that_the_next_export_overwrote_is_told_with_exit_3_and_met_by_the_original(desk, cut):
    desk.write(*rows("a1", "a2", "a3"), name="inbox/cards.csv")
    await cut(desk.run(inbox=desk.inbox))
    desk.write(*rows("b1"), name="inbox/cards.csv")
    given = {"max_requests": None, "poll_interval": 0.01, "inbox": desk.inbox}
    report = await desk.run(**given)
    (lost,) = report.unread.lost
    assert (int(report.exit_code), lost.name) == (3, str(desk.inbox / "cards.csv"))
    assert "Run with the original file" in lost.words
    assert len((await desk.run(**given)).unread.lost) == 1
    desk.write(*rows("a1", "a2", "a3"), name="inbox/recovered.csv")
    assert (await desk.run(inbox=desk.inbox)).unread == Unread([], [])


async def test_a_time_limit_ends_a_run_between_two_files_and_a_signal_within_one(desk):
    sources = [desk.write(*rows(f"{name}1", f"{name}2"), name=f"{name}.csv") for name in "ab"]
    seen = []

    async def read(error):
        draining = Draining()

        def note(event, **_):
            seen.append(event)
            if event == "reading":
                draining.start(error)

        async with writing(desk.journal, desk.clock) as journal:
            await journal.runs.begin(version="1", flow="datasets")
            with pytest.raises(type(error)):
                await stage(sources, Options(), journal, draining=draining, note=note)
            return (await journal.accounts.books()).total

    assert await read(Interrupted("a signal")) == 0
    assert await read(BudgetReached("the time is over")) == 2
