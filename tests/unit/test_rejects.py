"""Rejects come back: who a row is survives its correction, nothing is doubled and nothing is lost."""

import asyncio
import io
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.codat.draining import Draining
from runner.domain.resolution import Answer
from runner.errors import RefusedToStart
from runner.intake.added import ADDED, escape, restore
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.resolutions import Selection, Word
from runner.journal.staging import Staging
from runner.journal.statements import load
from runner.resolving import resolve, select
from runner.stage import StagedInput, Unread, stage, unread_inputs
from tests.clocks import FakeClock
from tests.unit import rejecting
from tests.unit.rejecting import World, read, rewrite

HEADER = "company_id,type,issue_date,currency,net_amount,account_id,notes\n"
WITH_ID = "company_id,id,type,issue_date,currency,net_amount,account_id,notes\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from rejecting.world(tmp_path)


def row(net: str, *, account: str = "400", notes: str = "", date: str = "2024-03-31") -> str:
    return f"acme,Payment,{date},EUR,{net},{account},{notes}\n"


def named(id_: str, net: str, *, notes: str = "", date: str = "2024-03-31") -> str:
    return f"acme,{id_},Payment,{date},EUR,{net},400,{notes}\n"


def above(limit: str) -> rejecting.Verdict:
    """Reject what is worth more than this."""
    return lambda _, gross: "validation_error" if gross > Decimal(limit) else None


def test_a_wrong_row_is_written_with_its_own_cells_and_what_to_do(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("10.00") + row("1O.00", notes="taxi")))
    (written,) = world.rejects()
    (found,) = read(written.path)
    assert list(found) == [*HEADER.strip().split(","), *ADDED]
    assert (found["net_amount"], found["notes"], found["_line"], found["_class"]) == ("1O.00", "taxi", "3", "fix-data")
    assert found["_file"].endswith("a.csv")
    assert found["_code"] == "amount_unreadable"
    assert found["_stage"] == "reading"
    assert "1O.00" in found["_message"]
    assert found["_how_to_fix"]
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o600


def test_a_corrected_row_comes_in_once_and_settles_its_error(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("1O.00"))
    world.run(original)
    (written,) = world.rejects()
    (found,) = read(written.path)
    staged = world.run(rewrite(written.path, [found | {"net_amount": "11.00"}]))
    assert (staged.accepted, staged.errors, staged.unknown) == (1, 0, ())
    assert world.posted() == [Decimal(10), Decimal(11)]
    assert world.open_errors() == 0
    last = world.results(original)[-1]
    assert (last["_line"], last["_state"]) == (3, "posted")
    assert last["_corrected_in"] == f"{written.path}:2"
    assert world.rejects("again.csv") == []


def test_of_two_equal_purchases_one_wrong_one_posted_both_are_in_the_books_once(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("5.00") + row("1O.00"))
    world.run(original)
    (written,) = world.rejects()
    (found,) = read(written.path)
    corrected = rewrite(written.path, [found | {"net_amount": "10.00"}])
    for _ in range(2):
        world.run(corrected)
        assert world.posted() == [Decimal(5), Decimal(10), Decimal(10)]
    # Somebody corrects the original as well: all rows are known by now.
    staged = world.run(world.write("a.csv", HEADER + row("10.00") + row("5.00") + row("10.00")))
    assert (staged.accepted, staged.repeated, staged.errors) == (0, 3, 0)
    assert world.posted() == [Decimal(5), Decimal(10), Decimal(10)]


def test_a_rejected_row_without_an_id_keeps_its_id_when_its_content_changes(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("99.00") + row("99.00"))
    world.run(original, above("50"))
    before = [each["_expense_id"] for each in world.results(original)]
    (written,) = world.rejects()
    first, second = read(written.path)
    world.run(rewrite(written.path, [second, first | {"net_amount": "9.00"}]), above("50"))
    assert world.posted() == [Decimal(9), Decimal(10)]
    found = world.results(original)
    assert [each["_expense_id"] for each in found] == before
    assert [each["_state"] for each in found] == ["posted", "posted", "rejected"]
    # The old file again, and then the file as it should have been: nothing new in either.
    assert world.run(original).errors == 0
    staged = world.run(world.write("b.csv", HEADER + row("10.00") + row("9.00") + row("99.00")), above("50"))
    assert staged.accepted == 0
    assert len(world.posted()) == 2


def test_the_original_corrected_still_works_after_rejects_were_written(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("5.00") + row("1O.00"))
    world.run(original)
    world.rejects()
    world.run(world.write("a.csv", HEADER + row("10.00") + row("5.00") + row("10.00")))
    assert world.posted() == [Decimal(5), Decimal(10), Decimal(10)]
    assert world.open_errors() == 0


def test_a_correction_that_equals_an_expense_of_another_file_is_asked_about(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("10.00") + row("1O.00")))
    (written,) = world.rejects()
    world.run(world.write("b.csv", HEADER + row("11.00")), overlap="no")
    (found,) = read(written.path)
    staged = world.run(rewrite(written.path, [found | {"net_amount": "11.00"}]))
    assert (staged.accepted, staged.errors) == (0, 1)
    assert len(world.posted()) == 2
    assert (world.rejects("asked.csv"), world.told.left_out) == ([], {"decide": 1})
    (asked,) = read(world.rejects("asked.csv", everything=True)[0].path)
    assert asked["_code"] == "possible_duplicate"
    assert asked["_row_key"] == found["_row_key"]
    assert "b.csv, line 2" in asked["_message"]


def test_all_rows_of_an_expense_come_together(world: World) -> None:
    text = WITH_ID + named("A", "1.00") + named("B", "2.00") + named("A", "x") + named("A", "3.00")
    original = world.write("a.csv", text)
    world.run(original)
    (written,) = world.rejects()
    found = read(written.path)
    assert [each["_line"] for each in found] == ["2", "4", "5"]
    assert "line 4" in found[0]["_message"]
    found[1]["net_amount"] = "7.00"
    assert world.run(rewrite(written.path, found)).errors == 0
    assert world.posted() == [Decimal(2), Decimal(11)]
    assert set(world.states(original).values()) == {"posted"}
    assert world.open_errors() == 0


def test_a_row_that_is_copied_with_its_key_is_no_second_line(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("1O.00")))
    (written,) = world.rejects()
    (found,) = read(written.path)
    good = found | {"net_amount": "10.00"}
    staged = world.run(rewrite(written.path, [good, good | {"net_amount": "11.00"}]))
    assert (staged.accepted, staged.errors) == (0, 2)
    staged = world.run(rewrite(written.path, [good, good | {"net_amount": "11.00", "_row_key": ""}]))
    assert staged.accepted == 2
    assert world.posted() == [Decimal(10), Decimal(11)]


@pytest.mark.parametrize("change", [{"company_id": "other"}, {"_row_key": "e.0123456789abcdef.2.x"}])
def test_a_key_goes_with_its_company_and_cannot_be_changed(world: World, change: dict[str, str]) -> None:
    world.run(world.write("a.csv", HEADER + row("99.00")), above("50"))
    (written,) = world.rejects()
    (found,) = read(written.path)
    staged = world.run(rewrite(written.path, [found | {"net_amount": "9.00"} | change]))
    assert (staged.accepted, staged.corrected, staged.errors) == (0, 0, 1)
    assert world.posted() == []


def test_an_id_cannot_be_moved_to_another_expense_by_its_key(world: World) -> None:
    world.run(world.write("a.csv", WITH_ID + named("A", "99.00") + named("B", "98.00")), above("50"))
    (written,) = world.rejects()
    one, other = read(written.path)
    staged = world.run(rewrite(written.path, [one | {"_row_key": other["_row_key"], "net_amount": "1.00"}]))
    assert (staged.corrected, staged.errors) == (0, 1)


def test_rows_of_a_file_named_after_its_company_come_back_under_any_name(world: World) -> None:
    header, line = HEADER.removeprefix("company_id,"), row("1O.00").removeprefix("acme,")
    original = world.write("acme.csv", header + line)
    world.run(original)
    (written,) = world.rejects()
    (found,) = read(written.path)
    assert found["_company_id"] == "acme"
    world.run(rewrite(written.path, [found | {"net_amount": "10.00"}]))
    assert world.results(original)[0]["_company_id"] == "acme"
    assert world.posted() == [Decimal(10)]


def test_one_file_for_each_company_and_each_kind_of_columns(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("x") + row("x").replace("acme", "bravo")))
    assert sorted(each.path.name for each in world.rejects(per_company=True)) == [
        "rejects.acme.csv",
        "rejects.bravo.csv",
    ]
    world.run(world.write("b.csv", (WITH_ID + named("A", "x")).replace(",", ";")))
    assert sorted(each.path.name for each in world.rejects()) == ["rejects-1.csv", "rejects-2.csv"]


def test_a_file_with_corrections_that_no_run_has_read_is_not_replaced(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("x") + row("y")))
    (written,) = world.rejects()
    assert world.rejects() == [written]
    first, second = read(written.path)
    corrected = rewrite(written.path, [first | {"net_amount": "10.00"}, second])
    with pytest.raises(RefusedToStart, match="corrections"):
        world.rejects()
    with pytest.raises(RefusedToStart, match="has read"):
        world.rejects("a.csv", force=True)
    world.run(corrected)
    (again,) = world.rejects()
    (left,) = read(again.path)
    assert (left["net_amount"], left["_row_key"], left["_line"]) == ("y", second["_row_key"], "3")
    # And so on, under the same name, until all is done.
    world.run(rewrite(again.path, [left | {"net_amount": "20.00"}]))
    assert world.rejects() == []
    assert world.posted() == [Decimal(10), Decimal(20)]
    assert set(world.states(world.folder / "a.csv").values()) == {"posted"}


def test_a_wrong_row_that_is_left_out_of_the_next_rejects_is_not_forgotten(world: World) -> None:
    original = world.write("a.csv", HEADER + row("x") + row("y"))
    world.run(original)
    (written,) = world.rejects()
    first, second = read(written.path)
    world.run(rewrite(written.path, [first, second]))
    assert world.open_errors() == 2
    world.run(rewrite(written.path, [first | {"net_amount": "10.00"}]))
    assert world.open_errors() == 1
    assert world.states(original) == {2: "posted", 3: "wrong"}
    (left,) = read(world.rejects()[0].path)
    assert left["net_amount"] == "y"


def test_rows_of_files_that_have_changed_or_gone_are_written_all_the_same(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("x")))
    world.run(world.write("b.csv", HEADER + row("99.00")), above("50"))
    world.run(world.write("c.csv", HEADER + row("y")))
    world.write("a.csv", HEADER)
    (world.folder / "b.csv").unlink()
    (written,) = world.rejects()
    assert sorted(each["net_amount"] for each in read(written.path)) == ["99.00", "x", "y"]
    assert world.told.unreadable == {}
    assert world.told.missing == 0


def test_a_file_that_grows_gives_its_rejects_from_its_newest_reading(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("4.00") + row("99.00")), above("50"))
    world.run(world.write("a.csv", HEADER + row("4.00") + row("5.00") + row("99.00")), above("50"))
    (written,) = world.rejects()
    assert [each["_line"] for each in read(written.path)] == ["4"]
    assert world.told.unreadable == {}
    assert world.told.missing == 0


def test_what_only_waits_is_left_out_unless_asked_for(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("99.00")))
    world.connection.execute("PRAGMA ignore_check_constraints = ON")
    world.connection.execute("DROP TRIGGER expense_transition")
    world.connection.execute("UPDATE expense SET state = 'failed', code = 'push_error'")
    assert world.rejects() == []
    assert world.told.left_out == {"wait": 1}
    (written,) = world.rejects(everything=True)
    (found,) = read(written.path)
    assert (found["_class"], found["_stage"]) == ("wait", "sending")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+cmd|x", "-x", "@a", "\tx", "\rx", "'=1", "''=1", "'text", "text", "", "-", "-12.50", "+3", "-1.234,56",
     "-£12.50", "-12.50 CR", "-1+2", "-2024-01-01"],
)  # fmt: skip
def test_a_cell_comes_back_as_it_was_and_is_never_a_formula(cell: str) -> None:
    written = escape(cell)
    assert restore(written) == cell
    number = cell in {"-12.50", "+3", "-1.234,56", "-£12.50", "-12.50 CR"}
    assert (written == cell) is (number or not cell.lstrip("'").startswith(("=", "+", "-", "@", "\t", "\r")))


def test_formula_cells_come_back_as_they_were(world: World) -> None:
    original = world.write("a.csv", HEADER + row("99.00", notes="=2+3") + row("-99.50", notes="'-x"))
    world.run(original, lambda *_: "validation_error")
    (written,) = world.rejects()
    found = read(written.path)
    assert [each["notes"] for each in found] == ["'=2+3", "''-x"]
    assert found[1]["net_amount"] == "-99.50"
    staged = world.stage(written.path)
    assert (staged.repeated, staged.errors) == (2, 0)


def test_a_receipt_that_was_missing_when_the_file_was_read_does_not_change_who_is_who(world: World) -> None:
    header = HEADER.strip() + ",receipts\n"
    lines = row("10.00").strip() + ",a.txt\n", row("10.00").strip() + ",\n"
    original = world.write("a.csv", header + "".join(lines))
    world.run(original)
    assert world.states(original) == {2: "wrong", 3: "posted"}
    world.write("a.txt", "receipt")
    assert world.states(original) == {2: "wrong", 3: "posted"}
    world.run(world.rejects()[0].path)
    assert world.states(original) == {2: "posted", 3: "posted"}
    assert world.posted() == [Decimal(10), Decimal(10)]


PROFILE = """
[file]
encoding = "windows-1252"
delimiter = ";"

[fields.company_id]
column = "Abteilung"
lookup = { "Straße" = "acme" }

[fields.type]
constant = "Payment"

[fields.issue_date]
column = "Datum"
format = "dd.mm.yyyy"

[fields.currency]
constant = "EUR"

[fields.account_id]
column = "Konto"

[amounts]
gross = "Betrag"
decimal = ","
thousands = "."

[id]
overlap = "yes"

[[skip]]
column = "Abteilung"
starts_with = "Summe"
"""
MAPPED = (
    "Ausgaben März;;;\r\n"
    "Abteilung;Datum;Konto;Betrag\r\n"
    "Straße;01.03.2024;400;1.010,00\r\n"
    "Straße;01.03.2024;400;1.010,00\r\n"
    "Straße;31.02.2024;400;1.010,00\r\n"
    "Büro;02.03.2024;400;-12,50\r\n"
    "Straße;03.03.2024;999;5,00\r\n"
    "Summe;;;3.022,50\r\n"
)


def test_a_row_with_an_id_that_was_copied_is_no_second_line_of_its_expense(world: World) -> None:
    world.run(world.write("a.csv", WITH_ID + named("p1", "1O.00")))
    (written,) = world.rejects()
    (found,) = read(written.path)
    good = found | {"net_amount": "10.00"}
    assert world.run(rewrite(written.path, [good, good])).accepted == 0
    assert world.run(rewrite(written.path, [good, good | {"net_amount": "2.00", "_row_key": ""}])).accepted == 1
    assert world.posted() == [Decimal(12)]


@pytest.mark.parametrize("header", [HEADER, WITH_ID])
def test_a_row_whose_key_was_damaged_gets_no_new_one_beside_the_row_that_it_was(world: World, header: str) -> None:
    world.run(world.write("a.csv", header + (row("1O.00") if header is HEADER else named("p1", "1O.00"))))
    (written,) = world.rejects()
    (found,) = read(written.path)
    damaged = found["_row_key"] + "x"
    world.run(rewrite(written.path, [found | {"net_amount": "10.00", "_row_key": damaged}]))
    (again,) = world.rejects("again.csv")
    both = read(again.path)
    assert sorted(each["_row_key"] for each in both) == sorted([damaged, found["_row_key"]])
    world.run(rewrite(again.path, [each | {"net_amount": "10.00"} for each in both]))
    assert len(world.posted()) <= 1
    world.run(rewrite(again.path, [found | {"net_amount": "10.00"}]))
    assert world.posted() == [Decimal(10)]


def test_pruning_leaves_what_a_row_that_came_back_wrong_said_at_first(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("1O.00"))
    world.run(original)
    (written,) = world.rejects()
    (found,) = read(written.path)
    world.run(rewrite(written.path, [found | {"net_amount": "wrong again"}]))
    world.connection.execute(load("pruning")["errors"], {"after": 0, "until": 99, "before": "9999"})
    # The row is left out of the file this time: it is known of from its first reading only.
    world.run(rewrite(written.path, [found | {"net_amount": "7.00", "_row_key": ""}]))
    assert world.states(original) == {2: "posted", 3: "wrong"}
    assert world.open_errors() == 1


def test_a_mapped_file_comes_back_in_its_own_form_with_the_same_profile(world: World) -> None:
    profile = world.write("p.toml", PROFILE)
    original = world.write("m.csv", MAPPED, encoding="cp1252")
    world.run(original, lambda _, gross: "account_unknown" if gross == 5 else None, mapping=profile)
    form: dict[str, Any] = {"delimiter": ";", "encoding": "cp1252"}
    assert world.states(original) == {
        1: "skipped", 3: "posted", 4: "posted", 5: "wrong", 6: "wrong", 7: "rejected", 8: "skipped",
    }  # fmt: skip
    (written,) = world.rejects()
    assert written.command == f"expense-runner run --journal j.db --map {profile} {written.path}"
    first, second, third = read(written.path, **form)
    assert (second["Abteilung"], second["Betrag"]) == ("Büro", "-12,50")
    # The first is a third purchase like the two that are posted; the profile learns the second's department.
    profile.write_text(PROFILE.replace('"acme" }', '"acme", "Büro" = "bravo" }'), encoding="utf-8")
    rows = [first | {"Datum": "01.03.2024"}, second, third | {"Konto": "410"}]
    staged = world.run(rewrite(written.path, rows, **form), mapping=profile)
    assert (staged.accepted, staged.corrected, staged.errors, staged.unknown) == (2, 1, 0, ())
    assert len(world.posted()) == 5
    assert set(world.states(original).values()) == {"posted", "skipped"}
    assert world.rejects() == []
    # The export as it should have been says nothing new.
    whole = MAPPED.replace("31.02.", "01.03.").replace(";999;", ";410;")
    staged = world.run(world.write("m2.csv", whole, encoding="cp1252"), mapping=profile)
    assert (staged.accepted, staged.errors) == (0, 0)


def test_results_leave_out_rows_that_are_told_where_they_first_stood(world: World) -> None:
    original = world.write("a.csv", HEADER + row("10.00") + row("x"))
    world.run(original)
    (written,) = world.rejects()
    (found,) = read(written.path)
    new = dict.fromkeys(found, "") | {"company_id": "acme", "type": "Payment", "issue_date": "2024-05-01",
                                      "currency": "EUR", "net_amount": "3.00", "account_id": "400"}  # fmt: skip
    corrected = rewrite(written.path, [found | {"net_amount": "11.00"}, new])
    world.run(corrected)
    everything = world.results()
    assert [(Path(each["_file"]).name, each["_line"]) for each in everything] == [
        ("a.csv", 2), ("a.csv", 3), ("rejects.csv", 3),
    ]  # fmt: skip
    assert world.states(corrected) == {2: "posted", 3: "posted"}
    with pytest.raises(RefusedToStart, match="has not been read"):
        world.results(world.write("other.csv", HEADER))
    original.write_text(HEADER, encoding="utf-8")
    with pytest.raises(RefusedToStart, match="has changed"):
        world.results(original)


def test_rows_of_a_workbook_come_back_as_csv(world: World) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in (HEADER.strip().split(","), ["acme", "Payment", "2024-03-31", "EUR", 10, "400", "é"],
                  ["acme", "Payment", "31.3.2024", "EUR", -10.5, "400", "é"]):  # fmt: skip
        book.active.append(cells)
    original = world.folder / "a.xlsx"
    book.save(original)
    world.run(original)
    (written,) = world.rejects()
    form: dict[str, Any] = {"encoding": "utf-8-sig"}
    (found,) = read(written.path, **form)
    assert (found["net_amount"], found["notes"], found["_line"]) == ("-10.5", "é", "3")
    world.run(rewrite(written.path, [found | {"issue_date": "2024-03-30"}], **form))
    assert world.states(original) == {2: "posted", 3: "posted"}
    assert world.posted() == [Decimal("-10.5"), Decimal(10)]


def test_a_rejected_receipt_comes_back_with_its_row_and_is_uploaded_again(world: World) -> None:
    world.write("a.txt", "receipt")
    world.run(world.write("a.csv", HEADER.strip() + ",receipts\n" + row("10.00").strip() + ",a.txt\n"))
    world.connection.execute("UPDATE receipt SET state = 'rejected', code = 'refused', message = 'Too large.'")
    (written,) = world.rejects()
    (found,) = read(written.path)
    assert (found["_stage"], found["_class"], found["_message"]) == ("receipt", "fix-data", "Too large.")
    world.write("a.txt", "smaller")
    assert world.stage(written.path).repeated == 1
    assert world.connection.execute("SELECT state FROM receipt").fetchall() == [("waiting",)]


@pytest.mark.parametrize("change", [{"company_id": "bravo"}, {"id": "other"}])
def test_a_row_that_has_come_in_does_not_come_in_again_as_another_expense(world: World, change: dict[str, str]) -> None:
    world.run(world.write("a.csv", WITH_ID + named("", "x") + named("B", "x")))
    (written,) = world.rejects()
    rows = [each | {"net_amount": "10.00"} for each in read(written.path)]
    world.run(rewrite(written.path, rows))
    assert world.posted() == [Decimal(10), Decimal(10)]
    staged = world.run(rewrite(written.path, [each | change for each in rows]))
    assert (staged.accepted, staged.corrected) == (0, 0)
    assert len(world.posted()) == 2
    assert {each["_state"] for each in world.results(world.folder / "a.csv")} == {"posted"}
    assert {code for (code,) in world.connection.execute("SELECT code FROM row_error WHERE settled = 0")} == {
        "row_key_wrong"
    }


def test_a_file_of_rejects_that_was_cut_off_is_as_if_it_had_not_been_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(world.write("a.csv", HEADER + row("10.00") + row("20.00") + row("3O.00")), above("5"))
    (written,) = world.rejects()
    found = [
        each | {"net_amount": each["net_amount"].replace("O", "0"), "notes": "mended"} for each in read(written.path)
    ]
    back = rewrite(written.path, found)

    async def cut(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Staging, "let_in", cut)
        with pytest.raises(KeyboardInterrupt):
            world.stage(back)
    unread = asyncio.run(unread_inputs(world.journal))
    assert (list(unread.lost), list(unread.waiting)) == ([], [str(back)])
    world.stage(rewrite(written.path, found[:1]))
    unread = asyncio.run(unread_inputs(world.journal))
    assert ([each.name for each in unread.lost], list(unread.waiting)) == ([str(back)], [])
    whole = rewrite(written.path, found, to=world.folder / "again.csv")
    world.stage(whole)
    assert asyncio.run(unread_inputs(world.journal)) == Unread([], [])
    world.send()
    assert world.posted() == [Decimal(10), Decimal(20), Decimal(30)]


def test_rows_of_standard_input_and_of_files_that_are_gone_come_back(world: World) -> None:
    def pipe(text: str) -> StagedInput:
        asyncio.run(world.journal.runs.begin(purpose="run", version="1", flow="datasets"))
        given = {"draining": Draining(), "note": lambda *_, **__: None, "stdin": io.BytesIO(text.encode())}
        (staged,) = asyncio.run(stage([Source("-", None)], Options(), world.journal, **given))
        world.send()
        return staged

    assert pipe(HEADER + row("10.00") + row("2O.00") + row("5.00")).errors == 1
    gone = world.write("a.csv", HEADER + row("7.00", date="2024-05-01") + row("8O.00", date="2024-05-01"))
    world.run(gone)
    gone.unlink()
    (written,) = world.rejects()
    found = read(written.path)
    assert sorted((each["_file"], each["_line"]) for each in found) == [("'-", "3"), (str(gone), "3")]
    assert {each["net_amount"] for each in found} == {"2O.00", "8O.00"}
    world.run(rewrite(written.path, [each | {"net_amount": each["net_amount"].replace("O", "0")} for each in found]))
    assert world.posted() == [Decimal(5), Decimal(7), Decimal(10), Decimal(20), Decimal(80)]
    assert [each["_state"] for each in world.results()] == ["posted"] * 5
    # The same bytes again, and the same rows from elsewhere.
    assert pipe(HEADER + row("10.00") + row("2O.00") + row("5.00")).repeated == 2
    assert world.open_errors() == 0


def test_questions_are_answered_after_their_files_are_gone(world: World) -> None:
    first = world.write("a.csv", HEADER + row("1.00") + row("2.00"))
    second = world.write("b.csv", HEADER + row("1.00") + row("9.00") + row("5.00", date="2024-05-01"))
    world.run(first)
    staged = world.run(second)
    first.unlink()
    second.unlink()

    async def answer() -> None:
        for said, line in ((Answer.SAME, 2), (Answer.OTHER, 3)):
            chosen = Selection(questions=(f"{staged.number}.{line}",))
            found = await select(world.journal, said, chosen, clock=FakeClock(), quiescence=0.0)
            await resolve(world.journal, said, found.chosen, Word("ann", "desk", None))

    asyncio.run(answer())
    world.send()
    assert world.posted() == [Decimal(1), Decimal(2), Decimal(5), Decimal(9)]
    assert [each["_state"] for each in world.results()] == ["posted"] * 5
    assert world.open_errors() == 0
