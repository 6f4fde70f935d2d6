"""A file whose reading was cut off is told until a file is read that holds all that had come in of it."""

import io
import sqlite3
import sys
from contextlib import closing

import pytest

from runner.app import App
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import writing
from runner.journal.staging import Staging
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from runner.simulator.behaviour import NO_LIMITS, Behaviour
from runner.simulator.http import serve
from runner.simulator.service import Service
from runner.stage import lost_inputs, stage, unfinished
from tests.clocks import FakeClock

HEAD = "company_id,id,type,issue_date,currency,net_amount,account_id\n"


class Crash(BaseException):
    """The process ends here."""


class Log:
    def __getattr__(self, _):
        return lambda *_, **__: None


def rows(*keys, net="10.00"):
    return [f"acme,{key},Payment,2026-01-02,EUR,{net},400\n" for key in keys]


def unnamed(*amounts):
    return [f"acme,,Payment,2026-01-02,EUR,{amount},400\n" for amount in amounts]


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
        """Stage these and what was cut off before; return names and expenses of what is lost."""
        async with writing(self.journal, self.clock) as journal:
            await journal.runs.begin(version="1", flow="datasets")
            told = {"draining": Draining(), "note": lambda *_, **__: None}
            again = await unfinished(journal, sources)
            self.again = [source.name for source, _ in again]
            for source, options in [*again, *((each, Options()) for each in sources)]:
                await stage([source], options, journal, **told)
            self.errors = [each.code for each in await journal.staging.open_row_errors()]
            self.total = sum(each.accepted.count for each in (await journal.accounts.books()).companies)
            return [(each.name, each.came_in) for each in await lost_inputs(journal)]

    def reject(self):
        """Let all that came in be rejected."""
        with closing(sqlite3.connect(self.journal)) as connection, connection:
            connection.execute("UPDATE expense SET state = 'rejected', code = 'c', message = 'm'")

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
    """Let the process end when so many expenses of the next file have come in."""
    real = Staging.stage

    async def cut(count, reading):
        async def part(self, number, batch, **values):
            found = await real(self, number, batch[:count], **values)
            if batch:
                raise Crash
            return found

        with monkeypatch.context() as patched:
            patched.setattr(Staging, "stage", part)
            with pytest.raises(Crash):
                await reading

    return cut


async def test_a_named_file_that_another_one_overwrote_is_told_until_the_original_is_read_under_any_name(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.write(*rows("b1"))
    assert await desk.read(source) == [("a.csv", 2)]
    # What lies there now has been read: it is not taken for what lay there.
    assert (await desk.read(), desk.again, desk.total) == ([("a.csv", 2)], [], 3)
    assert await desk.read(desk.write(*rows("a1", "a2", "a3"), name="backup.csv")) == []
    assert (await desk.read(), desk.total) == ([], 4)


async def test_another_file_at_the_place_is_read_once_by_a_run_without_files_and_not_taken_for_the_first(desk, cut):
    await cut(2, desk.read(desk.write(*rows("a1", "a2", "a3"))))
    desk.write(*rows("b1"))
    assert (await desk.read(), desk.again) == ([("a.csv", 2)], ["a.csv"])
    assert (await desk.read(), desk.again) == ([("a.csv", 2)], [])
    desk.write(*rows("a1", "a2", "a3"))
    assert (await desk.read(), desk.again, desk.total) == ([], ["a.csv"], 4)


@pytest.mark.parametrize(
    "now",
    [
        [*rows("a1", "a2", "a3")],
        [*rows("a1", "a2", "a3", "a4")],
        [*rows("a2", "a1"), *rows("a3", net="11.00")],
        [*rows("a1"), *rows("a2", net="11.00"), *rows("a3")],
    ],
    ids=["identical", "grown", "corrected behind the cut", "corrected before it"],
)
async def test_a_file_that_holds_all_that_came_in_supersedes_the_reading_that_was_cut_off(desk, cut, now):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.write(*now)
    assert await desk.read(source) == []


async def test_a_file_that_holds_but_a_part_of_what_came_in_does_not_supersede(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.write(*rows("a1", "a3", "a4", "a5"))
    assert await desk.read(source) == [("a.csv", 2)]


async def test_equal_expenses_without_ids_count_as_often_as_they_came_in(desk, cut):
    source = desk.write(*unnamed(1, 1, 2))
    await cut(2, desk.read(source))
    desk.write(*unnamed(1, 3))
    assert await desk.read(source) == [("a.csv", 2)]
    desk.write(*unnamed(4, 1, 1))
    assert await desk.read(source) == []


async def test_a_correction_of_all_that_came_in_says_nothing_of_the_rest_of_the_file(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.reject()
    desk.write(*rows("b1"))
    correction = desk.write(*rows("a2", net="11.00"), name="correction.csv")
    assert await desk.read(source, correction) == [("a.csv", 2)]
    # What was corrected since is not asked for again.
    assert await desk.read(desk.write(*rows("a1", "a4"), name="grown.csv")) == []


async def test_corrections_of_all_that_came_in_settle_under_the_name_of_the_file_only(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.reject()
    (desk.folder / "a.csv").unlink()
    assert await desk.read(desk.write(*rows("a1", "a2", net="11.00"), name="correction.csv")) == [("a.csv", 2)]
    # The same bytes are the file, though none of what came in is as it was.
    assert await desk.read(desk.write(*rows("a1", "a2", "a3"), name="backup.csv")) == []
    await cut(2, desk.read(desk.write(*rows("b1", "b2", "b3"))))
    desk.reject()
    assert await desk.read(desk.write(*rows("b1", "b2", "b3", net="11.00"))) == []


async def test_a_cut_off_file_of_corrections_is_told_as_well(desk, cut):
    assert await desk.read(desk.write(*rows("a1", "a2"))) == []
    desk.reject()
    source = desk.write(*rows("a1", "a2", "a3", net="11.00"), name="corrections.csv")
    await cut(2, desk.read(source))
    desk.write(*rows("b1"), name="corrections.csv")
    assert await desk.read(source) == [("corrections.csv", 2)]
    assert await desk.read(desk.write(*rows("a2", "a1", "a3", net="11.00"), name="corrections.csv")) == []


async def test_a_file_of_which_nothing_came_in_is_superseded_by_its_name_alone(desk, cut):
    source = desk.write(*rows("a1"))
    await cut(0, desk.read(source))
    other = desk.write(*rows("x1"), name="other.csv")
    (desk.folder / "a.csv").unlink()
    assert await desk.read(other) == [("a.csv", 0)]
    assert await desk.read(desk.write(*rows("b1"))) == []


async def test_two_files_of_one_name_that_were_cut_off_are_settled_each_for_itself(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.read(source))
    desk.write(*rows("b1", "b2"))
    await cut(1, desk.read(source))
    assert await desk.read(desk.write(*rows("c1"))) == [("a.csv", 3)]
    assert await desk.read(desk.write(*rows("b1", "b2"), name="second.csv")) == [("a.csv", 2)]
    assert await desk.read(desk.write(*rows("a1", "a2", "a3"), name="first.csv")) == []


async def test_one_file_that_was_cut_off_twice_is_settled_by_one_reading(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3", "a4"))
    await cut(1, desk.read(source))
    await cut(3, desk.read(source))
    assert (await desk.read(), desk.total) == ([], 4)


async def test_standard_input_with_other_content_does_not_supersede(desk, cut, monkeypatch):
    def given(*lines):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((HEAD + "".join(lines)).encode())))
        return Source("standard input", None)

    await cut(2, desk.read(given(*rows("a1", "a2", "a3"))))
    assert await desk.read(given(*rows("b1"))) == [("standard input", 2)]
    assert await desk.read(given(*rows("a1", "a2", "a3"))) == []


async def test_what_was_wrong_with_the_first_file_stays_told_with_it(desk, monkeypatch):
    source = desk.write(*rows("a1", "a2"), *rows("bad", net="ten"))
    real = Staging.add_row_errors
    assert await desk.read(source) == []
    assert desk.errors == ["amount_unreadable"]
    desk.write(*rows("c1", "c2"), *rows("worse", net="twelve"))

    async def crash(*given):
        await real(*given)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "add_row_errors", crash)
        with pytest.raises(Crash):
            await desk.read(source)
    desk.write(*rows("d1"))
    assert await desk.read(source) == [("a.csv", 2)]
    assert desk.errors == ["amount_unreadable"]
    # Read to its end it says so itself, and only once.
    original = desk.write(*rows("c1", "c2"), *rows("worse", net="twelve"), name="backup.csv")
    assert await desk.read(original) == []
    assert desk.errors == ["amount_unreadable"]


async def test_an_inbox_file_that_the_next_export_overwrote_is_told_with_exit_4_and_settled_by_the_original(desk, cut):
    desk.write(*rows("a1", "a2", "a3"), name="inbox/cards.csv")
    await cut(2, desk.run(inbox=desk.inbox))
    desk.write(*rows("b1"), name="inbox/cards.csv")
    report = await desk.run(inbox=desk.inbox)
    (lost,) = report.lost_inputs
    assert (lost.name, lost.came_in) == (str(desk.inbox / "cards.csv"), 2)
    assert "2 of its expenses came in. Run with the original file" in lost.words
    assert len((await desk.run(inbox=desk.inbox)).lost_inputs) == 1
    desk.write(*rows("a1", "a2", "a3"), name="inbox/recovered.csv")
    assert (await desk.run(inbox=desk.inbox)).lost_inputs == []


async def test_a_lost_file_leaves_work_when_all_that_came_in_is_posted(desk, cut):
    source = desk.write(*rows("a1", "a2", "a3"))
    await cut(2, desk.run(source))
    desk.write(*rows("b1"))
    given = {"max_requests": None, "poll_interval": 0.01}
    for sources in ([source], []):
        report = await desk.run(*sources, **given)
        assert (int(report.exit_code), len(report.lost_inputs)) == (4, 1)
