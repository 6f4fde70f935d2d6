"""Taking files out of an inbox into a real journal, with crashes at each point."""

import json
from pathlib import Path

import pytest

from runner import inbox
from runner.codat.draining import Draining
from runner.errors import Interrupted
from runner.inbox import Came, InboxReport, find_settled, take
from runner.intake.read import Options
from runner.journal.journal import writing
from tests.clocks import FakeClock

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
HEAD = "company_id,id,type,issue_date,currency,net_amount,account_id,receipts\n"


def row(key: str, net: str = "10.00", receipts: str = "") -> str:
    return f"{COMPANY},{key},Payment,2026-01-02,EUR,{net},acc-1,{receipts}\n"


class Crash(BaseException):
    """The process ends here."""


class Life:
    """Runs of one journal over one inbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "inbox"
        self.folder.mkdir()
        self.journal = folder / "journal.db"
        self.clock = FakeClock()
        self.draining = Draining()
        self.note = lambda *_, **__: None

    def drop(self, name: str, *rows: str, head: str = HEAD) -> Path:
        path = self.folder / name
        path.write_text(head + "".join(rows))
        return path

    async def run(self) -> InboxReport:
        report = InboxReport(self.folder)
        async with writing(self.journal, self.clock) as journal:
            await journal.runs.begin(version="1", flow="datasets")
            found = await find_settled(self.folder, settle=10, draining=self.draining, clock=self.clock)
            await take(found, Options(), journal, draining=self.draining, note=self.note, report=report)
            books = await journal.accounts.books()
            self.staged = sum(each.accepted.count for each in books.companies)
            self.errors = await journal.staging.open_row_errors()
            self.unfinished = await journal.staging.unfinished_inputs()
        return report

    def result(self, name: str) -> dict[str, object]:
        return json.loads((self.folder / f"{name}.result.json").read_text())

    def left(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.endswith(".result.json")
        )


@pytest.fixture
def life(tmp_path):
    return Life(tmp_path)


async def test_a_file_is_staged_and_moved_with_its_result(life):
    life.drop("cards.csv", row("one"), row("two"), row("three", net="ten"))
    report = await life.run()
    assert (life.staged, life.left()) == (2, ["done/cards.csv"])
    assert life.clock.sleeps == [10]
    result = life.result("done/cards.csv")
    assert [result[k] for k in ("outcome", "rows", "accepted", "rejected", "run")] == ["staged", 3, 2, 1, 1]
    assert [each["code"] for each in result["errors"]] == ["amount_unreadable"]
    assert len(result["sha256"]) == 64
    assert report.taken[0].moved_to == str(life.folder / "done/cards.csv")
    assert [error.file for error in life.errors] == [str(life.folder / "done/cards.csv")]


async def test_an_empty_inbox_is_not_waited_for(life):
    report = await life.run()
    assert (report.taken, life.clock.sleeps) == ([], [])


async def test_a_file_refused_as_a_whole_goes_to_failed_and_the_others_go_on(life):
    life.drop("a.csv", row("one"), head="what,is,this\n")
    life.drop("b.csv", row("two"))
    report = await life.run()
    assert life.left() == ["done/b.csv", "failed/a.csv"]
    assert [each.came for each in report.taken] == [Came.REFUSED, Came.STAGED]
    assert "column_missing" in str(life.result("failed/a.csv")["reason"])


async def test_the_same_content_again_is_a_no_op_that_says_so(life):
    life.drop("cards.csv", row("one"))
    await life.run()
    life.drop("copy.csv", row("one"))
    (taken,) = (await life.run()).taken
    assert (taken.came, taken.known_from) == (Came.KNOWN, (str(life.folder / "done/cards.csv"), 1))
    assert (life.staged, life.left()) == (1, ["done/cards.csv", "done/copy.csv"])
    assert life.result("done/copy.csv")["outcome"] == "known"


async def test_tonight_s_file_of_the_same_name_does_not_hide_what_was_wrong_last_night(life):
    life.drop("cards.csv", row("one", net="ten"))
    await life.run()
    # Whoever clears the folder must not make the journal forget.
    (life.folder / "done/cards.csv").unlink()
    (life.folder / "done/cards.csv.result.json").unlink()
    life.drop("cards.csv", row("two", net="twenty"))
    await life.run()
    assert life.left() == ["done/2/cards.csv"]
    assert [error.value for error in life.errors] == ["ten", "twenty"]


@pytest.mark.parametrize("point", ["_put_away", "write_result"])
async def test_a_file_dropped_over_one_that_a_crash_left_there_does_not_hide_what_was_wrong_with_it(
    life, point, monkeypatch
):
    def crash(*_):
        raise Crash

    life.drop("cards.csv", row("one"), row("bad", net="ten"))
    with monkeypatch.context() as patched:
        patched.setattr(inbox, point, crash)
        with pytest.raises(Crash):
            await life.run()
    life.drop("cards.csv", row("two"))
    await life.run()
    assert (life.staged, [error.value for error in life.errors]) == (2, ["ten"])


async def test_files_of_one_name_that_cannot_be_moved_do_not_hide_what_was_wrong_with_each(life):
    (life.folder / "done").write_text("a file where the folder should be")
    for night in ("ten", "ten", "twenty"):
        life.drop("cards.csv", row("one"), row(night, net=night))
        await life.run()
    assert [error.value for error in life.errors] == ["ten", "twenty"]
    # Nor does it once they can be.
    (life.folder / "done").unlink()
    await life.run()
    assert [error.value for error in life.errors] == ["ten", "twenty"]


async def test_receipts_stay_where_they_are_and_are_found_there_after_the_move(life):
    (life.folder / "taxi.pdf").write_bytes(b"%PDF")
    life.drop("cards.csv", row("one", receipts="taxi.pdf"))
    await life.run()
    assert life.errors == []
    assert life.left() == ["done/cards.csv", "taxi.pdf"]


@pytest.mark.parametrize("point", ["write_result", "after_result", "move", "after_move"])
async def test_a_life_that_ends_at_any_point_leaves_the_rest_to_the_next(life, point, monkeypatch):
    life.drop("cards.csv", row("one"), row("bad", net="ten"))
    name = "write_result" if "result" in point else "move"
    real = getattr(inbox, name)

    def crash(*arguments):
        if point.startswith("after"):
            real(*arguments)
        raise Crash

    monkeypatch.setattr(inbox, name, crash)
    with pytest.raises(Crash):
        await life.run()
    monkeypatch.setattr(inbox, name, real)
    await life.run()
    assert (life.staged, life.left(), life.unfinished) == (1, ["done/cards.csv"], [])
    assert len(life.errors) == 1
    (result,) = life.folder.rglob("*.result.json")
    accepted = json.loads(result.read_text())["accepted"]
    assert accepted == (0 if point == "write_result" else 1)


async def test_a_file_that_changed_while_it_was_read_stays_and_is_read_again(life, monkeypatch):
    path = life.drop("cards.csv", row("one"))
    real = inbox.check_unchanged

    looks = []

    def grow(dropped):
        looks.append(dropped)
        if len(looks) == 2:
            path.write_text(path.read_text() + row("two"))
        real(dropped)

    monkeypatch.setattr(inbox, "check_unchanged", grow)
    (taken,) = (await life.run()).taken
    assert taken.moved_to is None
    assert "changed while it was read" in taken.why
    monkeypatch.setattr(inbox, "check_unchanged", real)
    await life.run()
    assert (life.staged, life.left()) == (2, ["done/cards.csv"])


@pytest.mark.parametrize("change", ["grows", "vanishes"])
async def test_a_file_that_changes_while_another_is_read_is_left_and_no_error_is_made_of_it(life, change):
    life.drop("a.csv", row("one"))
    second = life.drop("b.csv", row("two"))

    def note(event, **_):
        if event == "inbox_taken":
            second.unlink() if change == "vanishes" else second.write_text("half a")

    life.note = note
    report = await life.run()
    assert (len(report.taken), report.growing, life.errors) == (1, (str(second),), [])


async def test_a_file_that_cannot_be_moved_is_staged_and_the_others_go_on(life):
    (life.folder / "done").write_text("a file where the folder should be")
    life.drop("a.csv", row("one"))
    life.drop("b.csv", row("two"))
    report = await life.run()
    assert [each.moved_to for each in report.taken] == [None, None]
    assert life.staged == 2


async def test_a_run_that_is_stopped_while_files_settle_takes_none(life):
    life.drop("cards.csv", row("one"))
    life.draining.start(Interrupted("stop"))
    with pytest.raises(Interrupted):
        await life.run()
    assert life.left() == ["cards.csv"]
