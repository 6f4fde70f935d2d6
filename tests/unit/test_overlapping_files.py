"""Files of rows without ids, one after the other: known, new, the same in another spelling, or a question."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain.resolution import Answer
from runner.journal.resolutions import Selection, Word
from runner.resolving import resolve, select
from tests.clocks import FakeClock
from tests.unit import rejecting
from tests.unit.rejecting import World

HEADER = "company_id,type,issue_date,currency,net_amount,account_id,merchant_name\n"
PROFILE = """
[fields]
type = { constant = "Payment" }
company_id = { constant = "acme" }
currency = { constant = "EUR" }
merchant_name = { column = "Info" }
account_id = { constant = "400" }

[fields.issue_date]
column = "Date"
format = ["DD.MM.YYYY", "DD/MM/YYYY"]

[amounts]
gross = "Amount"
"""


def bank(*rows: str) -> str:
    return "Date,Info,Amount\n" + "".join(f"{each}\n" for each in rows)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from rejecting.world(tmp_path)


def row(net: str, merchant: str = "Taxi", *, day: int = 1, company: str = "acme", account: str = "400") -> str:
    return f"{company},Payment,2024-03-{day:02},EUR,{net},{account},{merchant}\n"


def amounts(*texts: str) -> list[Decimal]:
    return sorted(map(Decimal, texts))


def counts(staged: Any) -> tuple[int, int, int]:
    return staged.accepted, staged.repeated, staged.asked


def say(world: World, answer: Answer, *questions: str, **which: Any) -> tuple[int, int]:
    """Answer questions; return of how many it was said, and of how many it could not be."""

    async def answered() -> tuple[int, int]:
        selection = Selection(questions=questions, **which)
        found = await select(world.journal, answer, selection, clock=FakeClock(), quiescence=0.0)
        await resolve(world.journal, answer, found.chosen, Word("ann", "desk", None))
        return len(found.chosen), len(found.refused)

    said = asyncio.run(answered())
    world.send()
    return said


def codes(world: World) -> list[str]:
    rows = world.connection.execute("SELECT code FROM row_error WHERE settled = 0 AND dismissed = 0 ORDER BY error_no")
    return [code for (code,) in rows]


THREE = row("1.00", "a") + row("2.00", "b") + row("3.00", "c", day=2)


# ---- known bytes, and revisions ----


def test_known_bytes_are_known_under_any_name_and_nothing_is_asked(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    for name in ("a.csv", "b.csv"):
        assert counts(world.run(world.write(name, HEADER + THREE))) == (0, 3, 0)
    assert world.posted() == amounts("1", "2", "3")


def test_a_growing_file_brings_what_is_new(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    grown = HEADER + THREE + row("2.00", "b") + row("4.00", day=3)
    assert counts(world.run(world.write("tonight.csv", grown))) == (2, 3, 0)
    assert counts(world.run(world.write("later.csv", grown + row("5.00", day=1)))) == (1, 5, 0)
    assert world.posted() == amounts("1", "2", "2", "3", "4", "5")
    (superseded,) = world.connection.execute("SELECT count(*) FROM input WHERE superseded = 1").fetchone()
    assert superseded == 2


def test_the_order_of_rows_and_columns_and_more_of_them_change_nothing(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    turned = "merchant_name,account_id,net_amount,currency,issue_date,type,company_id\n" + "".join(
        ",".join(reversed(line.split(","))) + "\n" for line in reversed(THREE.splitlines())
    )
    assert counts(world.run(world.write("b.csv", turned))) == (0, 3, 0)


def test_a_correction_in_the_original_takes_the_place_of_the_wrong_row(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE + row("4,00", "d")))
    assert codes(world) == ["amount_unreadable"] or codes(world) == ["too_many_cells"]
    staged = world.run(world.write("a.csv", HEADER + THREE + row("4.00", "d")))
    assert (staged.accepted, staged.repeated, codes(world)) == (1, 3, [])
    assert world.posted() == amounts("1", "2", "3", "4")


def test_a_wrong_row_that_is_gone_stays_told_and_one_that_stays_is_told_once(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("x", "w") + THREE))
    for _ in range(2):
        staged = world.run(world.write("a.csv", HEADER + row("x", "w") + THREE + row("4.00", day=4)))
        assert (staged.errors, codes(world)) == (0, ["amount_unreadable"])
    world.run(world.write("a.csv", HEADER + THREE + row("4.00", day=4) + row("5.00", day=5)))
    assert codes(world) == ["amount_unreadable"]
    assert world.posted() == amounts("1", "2", "3", "4", "5")


def test_a_wrong_row_does_not_vanish_behind_a_new_one_in_its_place(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE + row("x", "w", account="401")))
    world.run(world.write("a.csv", HEADER + THREE + row("9.00", "another", day=9, account="777")))
    assert codes(world) == ["amount_unreadable"]
    assert world.posted() == amounts("1", "2", "3", "9")


def test_a_wrong_row_that_is_wrong_in_another_way_is_told_in_that_way_alone(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE + row("x", "w")))
    world.run(world.write("a.csv", HEADER + THREE + row("1.00", "w").replace("EUR", "EURO")))
    assert codes(world) == ["currency_unknown"]
    world.run(world.write("a.csv", HEADER + THREE + row("1.00", "w")))
    assert codes(world) == []
    assert world.posted() == amounts("1", "1", "2", "3")


def test_a_row_that_was_corrected_by_a_file_of_rejects_is_known_in_the_next_growth(world: World) -> None:
    original = HEADER + THREE + row("99.00", "d")
    reject: rejecting.Verdict = lambda _, gross: "validation_error" if gross > 50 else None  # noqa: E731
    world.run(world.write("a.csv", original), reject)
    (written,) = world.rejects()
    (found,) = rejecting.read(written.path)
    world.run(rejecting.rewrite(written.path, [found | {"net_amount": "9.00"}]), reject)
    for more in ("", row("5.00", day=5)):
        world.run(world.write("a.csv", original + more), reject)
    world.run(world.write("a.csv", original.replace("99.00", "9.00") + row("5.00", day=5) + row("6.00", day=6)), reject)
    assert world.posted() == amounts("1", "2", "3", "9", "5", "6")
    assert codes(world) == []


# ---- other files ----


OTHER = row("1.00", "a") + row("7.00", "g") + row("8.00", "h", day=9)


def test_exports_that_overlap_as_somebody_has_said_are_paired(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    assert counts(world.run(world.write("b.csv", HEADER + OTHER), overlap="yes")) == (2, 1, 0)
    assert world.posted() == amounts("1", "2", "3", "7", "8")


def test_exports_that_bring_only_new_rows_are_new(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    assert counts(world.run(world.write("b.csv", HEADER + OTHER), overlap="no")) == (3, 0, 0)
    assert world.posted() == amounts("1", "1", "2", "3", "7", "8")


def test_where_nobody_has_said_the_days_in_common_are_a_question_and_the_others_come_in(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    for _ in range(3):
        staged = world.run(world.write("b.csv", HEADER + OTHER))
        assert codes(world) == ["possible_duplicate"] * 2
    assert staged.errors == 0
    assert world.posted() == amounts("1", "2", "3", "8")
    # The same rows in a file that has grown are the same question.
    world.run(world.write("b.csv", HEADER + OTHER + row("9.00", day=9) + row("9.50", day=10)))
    assert codes(world) == ["possible_duplicate"] * 2
    assert world.posted() == amounts("1", "2", "3", "8", "9", "9.50")


@pytest.mark.parametrize(("setting", "posted"), [("yes", "1 2 3 7 8"), ("no", "1 1 2 3 7 8")])
def test_the_setting_answers_what_was_asked_before(world: World, setting: Any, posted: str) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    world.run(world.write("b.csv", HEADER + OTHER))
    world.run(world.write("b.csv", HEADER + OTHER), overlap=setting)
    assert (world.posted(), codes(world)) == (amounts(*posted.split()), [])


def test_a_person_answers_for_each_row(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    staged = world.run(world.write("b.csv", HEADER + OTHER))
    assert say(world, Answer.SAME, f"{staged.number}.2") == (1, 0)
    assert say(world, Answer.OTHER, f"{staged.number}.3") == (1, 0)
    assert (world.posted(), codes(world)) == (amounts("1", "2", "3", "7", "8"), [])
    assert world.states(world.folder / "b.csv") == {2: "posted", 3: "posted", 4: "posted"}
    # It holds for revisions of the file.
    assert counts(world.run(world.write("b.csv", HEADER + OTHER + row("4.00", day=11)))) == (1, 3, 0)


def test_what_is_the_same_is_so_for_as_many_rows_as_there_are_expenses(world: World) -> None:
    world.run(world.write("a.csv", HEADER + row("1.00") + row("2.00")))
    name = str(world.write("b.csv", HEADER + row("1.00") + row("1.00") + row("1.00") + row("6.00")))
    world.run(Path(name))
    assert codes(world) == ["possible_duplicate"] * 4
    assert say(world, Answer.SAME, input_name=name) == (1, 3)
    assert say(world, Answer.OTHER, input_name=name) == (3, 0)
    assert (world.posted(), codes(world)) == (amounts("1", "1", "1", "2", "6"), [])
    ids = [own for (own,) in world.connection.execute("SELECT expense_id FROM expense")]
    assert len(set(ids)) == len(ids)
    payloads = world.connection.execute("SELECT expense_id, body FROM expense JOIN payload USING (expense_no)")
    assert all(own.encode() in body for own, body in payloads)


def test_other_companies_and_other_days_are_never_asked_about(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    other = row("1.00", "a", company="beta") + row("2.00", "b", day=20)
    assert counts(world.run(world.write("b.csv", HEADER + other))) == (2, 0, 0)


def test_another_source_is_asked_about_only_where_half_of_it_agrees(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE)
    world.run(world.write("a.csv", HEADER + THREE))
    few = "Date,Info,Amount\n01.03.2024,x,1.00\n01.03.2024,y,50.00\n02.03.2024,z,60.00\n"
    assert counts(world.run(world.write("few.csv", few), mapping=profile)) == (3, 0, 0)
    many = "Date,Info,Amount,\n01.03.2024,q,1.00,\n01.03.2024,r,2.00,\n03.03.2024,z,60.00,\n"
    other = tmp_path / "card.toml"
    other.write_text(PROFILE)
    staged = world.run(world.write("many.csv", many), mapping=other)
    assert (staged.accepted, staged.asked) == (1, 2)


# ---- what is left over of a revision ----


R1, R2, R3, R4, R5 = (row(f"{day}.00", f"m{day}", day=day) for day in range(1, 6))


@pytest.mark.parametrize(
    ("files", "yes", "no", "unset"),
    [
        ((R1 + R2, R3 + R4, R1 + R2 + R3), "1 2 3 4", "1 2 3 3 4", "1 2 3 4"),
        ((R1 + R2 + R3, R5 + row("6.00", day=6), R2 + R3 + R4 + R5), "1 2 3 4 5 6", "1 2 3 4 5 5 6", "1 2 3 4 5 6"),
        ((R1 + R2, R3, R4, R1 + R2 + R3 + R4), "1 2 3 4", "1 2 3 3 4 4", "1 2 3 4"),
        ((R1 + R2, R3, R1 + R2 + R3, R1 + R2 + R3 + R3), "1 2 3 3", "1 2 3 3 3", "1 2 3"),
    ],
    ids=["grows over another file", "window", "grows over two", "grows again"],
)
def test_what_a_revision_brings_is_compared_with_what_came_by_other_files(
    tmp_path: Path, files: tuple[str, ...], yes: str, no: str, unset: str
) -> None:
    for overlap, posted in (("yes", yes), ("no", no), (None, unset)):
        for world in rejecting.world(tmp_path):
            setting: Any = overlap
            for place, text in enumerate(files):
                world.run(world.write(f"{overlap}{place}.csv", HEADER + text), overlap=setting)
            assert world.posted() == amounts(*posted.split()), overlap
            assert ("possible_duplicate" in codes(world)) == (overlap is None)


@pytest.mark.parametrize("overlap", ["yes", "no", None])
@pytest.mark.parametrize(
    "changed",
    [row("4.00", "final", day=4), row("4.40", "m4", day=4), row("4.00", "m4", day=5), row("4.00", "final", day=6)],
    ids=["text", "tip", "booked a day later", "text and day"],
)
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_posted_row_that_changes_in_a_growing_file_is_a_question(
    world: World, overlap: Any, changed: str, *, newest_first: bool
) -> None:
    def export(*rows: str) -> str:
        return HEADER + "".join(reversed(rows) if newest_first else rows)

    world.run(world.write("a.csv", export(R1, R2, R3, R4)), overlap=overlap)
    grown = export(R1, R2, R3, changed, row("9.00", "new", day=9))
    for _ in range(2):
        world.run(world.write("a.csv", grown), overlap=overlap)
        assert world.posted() == amounts("1", "2", "3", "4", "9")
        assert codes(world) == ["possible_duplicate"]
    assert say(world, Answer.SAME, input_name=str(world.folder / "a.csv")) == (1, 0)
    world.run(world.write("a.csv", grown.rstrip() + "\n" + row("10.00", day=10)), overlap=overlap)
    assert (world.posted(), codes(world)) == (amounts("1", "2", "3", "4", "9", "10"), [])


def test_rows_that_drop_out_of_a_window_are_no_question(world: World) -> None:
    window = [row(f"{day}.00", "same shop", day=day) for day in range(1, 10)]
    for start in range(5):
        world.run(world.write("a.csv", HEADER + "".join(window[start : start + 5])))
    assert (world.posted(), codes(world)) == (amounts(*"123456789"), [])


def test_what_was_rejected_gets_the_content_of_the_row_in_its_place(world: World) -> None:
    reject: rejecting.Verdict = lambda _, gross: "validation_error" if gross == 2 else None  # noqa: E731
    world.run(world.write("a.csv", HEADER + R1 + R2 + R3), reject)
    staged = world.run(world.write("a.csv", HEADER + R1 + row("2.50", "m2", day=2) + R3), reject)
    assert (staged.corrected, world.posted(), codes(world)) == (1, amounts("1", "2.50", "3"), [])
    assert world.connection.execute("SELECT count(*) FROM expense").fetchone() == (3,)


@pytest.mark.parametrize(("overlap", "left"), [("yes", 0), ("no", 1), (None, 1)])
def test_a_wrong_row_whose_right_one_came_by_another_file_does_not_come_twice(
    world: World, overlap: Any, left: int
) -> None:
    wrong = R1 + R2.replace("2024-03-02", "02.03.2024") + R3
    world.run(world.write("a.csv", HEADER + wrong), overlap=overlap)
    world.run(world.write("fix.csv", HEADER + R2), overlap=overlap)
    world.run(world.write("a.csv", HEADER + R1 + R2 + R3), overlap=overlap)
    assert world.posted() == amounts("1", "2", "3")
    assert codes(world) == ["possible_duplicate"] * left


@pytest.mark.parametrize(("overlap", "posted", "left"), [("yes", "1 2 3", 1), (None, "1 2 3", 1), ("no", "1 2 2 3", 0)])
def test_a_row_mended_by_rejects_meets_what_came_by_another_file_before_its_own(
    world: World, overlap: Any, posted: str, left: int
) -> None:
    world.run(world.write("right.csv", HEADER + R1 + R2 + R3), overlap=overlap)
    world.run(world.write("a.csv", HEADER + R1 + R2.replace("2024-03-02", "02.03.2024") + R3), overlap=overlap)
    (written,) = world.rejects()
    (found,) = rejecting.read(written.path)
    world.run(rejecting.rewrite(written.path, [found | {"issue_date": "2024-03-02"}]), overlap=overlap)
    assert world.posted() == amounts(*posted.split())
    assert codes(world) == ["possible_duplicate"] * left


def test_a_row_mended_beside_an_equal_one_of_its_file_is_a_purchase_of_its_own(world: World) -> None:
    world.run(world.write("a.csv", HEADER + R1 + R2 + R3))
    wrong = R2.replace("2024-03-02", "02.03.2024")
    world.run(world.write("a.csv", HEADER + R1 + R2 + wrong + R3))
    (written,) = world.rejects()
    (found,) = rejecting.read(written.path)
    world.run(rejecting.rewrite(written.path, [found | {"issue_date": "2024-03-02"}]))
    assert (world.posted(), codes(world)) == (amounts("1", "2", "2", "3"), [])


def test_cells_are_the_same_whatever_day_a_profile_reads_from_them(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    rows = ["01/02/2024,a,5.00", "03/02/2024,b,6.00", "04/02/2024,c,7.00", "05/02/2024,d,8.00", "09/02/2024,e,1.00"]
    for overlap, posted in (('overlap = "yes"', "1 5 6 7 8"), ("", "1 5 6 7 8")):
        for each in rejecting.world(tmp_path):
            profile.write_text(PROFILE.replace("DD/MM/YYYY", "MM/DD/YYYY") + f"[id]\n{overlap}\n")
            each.run(each.write("a.csv", bank(*rows[:4])), mapping=profile)
            profile.write_text(PROFILE + f"[id]\n{overlap}\n")
            each.run(each.write("b.csv", bank(rows[3], rows[4])), mapping=profile)
            assert each.posted() == amounts(*posted.split()), overlap
            assert codes(each) == ([] if overlap else ["possible_duplicate"])


# ---- contradictions ----


def line_of_one(net: str) -> str:
    return f"acme,1,Payment,2024-03-01,EUR,{net},400,Taxi\n"


WITH_ID = "company_id,id,type,issue_date,currency,net_amount,account_id,merchant_name\n"


@pytest.mark.parametrize(
    ("first", "second", "third", "name", "left"),
    [
        ("5", "6", "5", "b.csv", 0),
        ("5", "6", "5.00", "c.csv", 0),
        ("5", "6", "5", "a.csv", 1),
        ("1 2", "1 3", "2 1", "c.csv", 0),
        ("1 2", "1 2 3", "1 2", "a.csv", 1),
        ("1 2", "1 2 3", "2 1", "c.csv", 1),
        ("1 2", "1 2 3", "1 2", "b.csv", 1),
    ],
    ids=[
        "taken back in the file itself",
        "told again as it was",
        "known bytes beside it",
        "lines as they were",
        "more lines, and known bytes beside it",
        "more lines, and fewer again",
        "more lines, and fewer again in the file itself",
    ],
)
def test_a_contradiction_is_settled_by_a_later_word_with_at_least_as_many_lines(
    world: World, first: str, second: str, third: str, name: str, left: int
) -> None:
    for file, amounts_ in (("a.csv", first), ("b.csv", second), (name, third)):
        world.run(world.write(file, WITH_ID + "".join(map(line_of_one, amounts_.split()))))
    assert codes(world) == ["id_conflict"] * left


# ---- questions in a file of rejects ----


def test_a_question_that_comes_back_unanswered_stays_one(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    staged = world.run(world.write("b.csv", HEADER + row("11.00", "other")))
    (written,) = world.rejects(everything=True)
    for _ in range(2):
        world.run(written.path)
        assert codes(world) == ["possible_duplicate"]
    assert say(world, Answer.OTHER, f"{staged.number}.2") == (1, 0)
    assert (world.posted(), codes(world)) == (amounts("1", "2", "3", "11"), [])


def test_a_question_that_comes_back_edited_is_about_what_it_says_now(world: World) -> None:
    world.run(world.write("a.csv", HEADER + THREE))
    staged = world.run(world.write("b.csv", HEADER + row("11.00", "other")))
    (written,) = world.rejects(everything=True)
    (found,) = rejecting.read(written.path)
    world.run(rejecting.rewrite(written.path, [found | {"net_amount": "12.00"}]))
    assert codes(world) == ["possible_duplicate"]
    assert say(world, Answer.OTHER, f"{staged.number}.2") == (1, 0)
    assert (world.posted(), codes(world)) == (amounts("1", "2", "3", "12"), [])


# ---- any series of exports ----


@dataclass(frozen=True)
class Bought:
    """A purchase with an amount of its own; its booking is pending, under another text, for some nights."""

    number: int
    day: int
    final_from: int

    def row(self, night: int) -> str:
        text = f"shop {self.number % 3}"
        return row(f"{self.number}.00", text if night >= self.final_from else f"PENDING {text}", day=self.day)


EXPORTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.lists(st.integers(0, 2), max_size=6),
        st.sampled_from(["all", "window", "new"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=7,
)
"""Of each night: how many are bought, how long each is pending, what is exported, and whether newest first."""


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(EXPORTS, st.sampled_from(["yes", None]))
def test_whatever_is_exported_every_purchase_comes_in_once_and_a_person_is_asked_what_cannot_be_known(
    nights: list[tuple[int, list[int], str, bool]], overlap: Any
) -> None:
    with TemporaryDirectory() as folder:
        for world in rejecting.world(Path(folder)):
            bought: list[Bought] = []
            seen: set[int] = set()
            for night, (count, pending, export, newest_first) in enumerate(nights, start=1):
                for place in range(count):
                    late = night + (pending[place] if place < len(pending) else 0)
                    bought.append(Bought(len(bought) + 1, night, late))
                since = {"all": 1, "window": night - 2, "new": night}[export]
                exported = [each for each in bought if each.day >= since]
                if not exported:
                    continue
                seen |= {each.number for each in exported}
                rows = [each.row(night) for each in exported]
                text = HEADER + "".join(reversed(rows) if newest_first else rows)
                world.run(world.write(f"{night}.csv", text), overlap=overlap)
                posted = Counter(world.posted())
                assert max(posted.values(), default=0) <= 1
                answer_truly(world, posted)
                assert world.posted() == amounts(*map(str, seen))
                assert codes(world) == []


def answer_truly(world: World, posted: Counter[Decimal]) -> None:
    asked = world.connection.execute("SELECT input_no, line, units FROM question WHERE answer IS NULL").fetchall()
    for input_no, line, units in asked:
        answer = Answer.SAME if posted[Decimal(units)] else Answer.OTHER
        assert say(world, answer, f"{input_no}.{line}") == (1, 0)


# ---- what reads otherwise today, and what is spelt otherwise ----


BANK = "Date,Info,Amount,Balance\n01.03.2024,Taxi,10.00,{}\n02.03.2024,Hotel,20.00,{}\n03.03.2024,Bus,5.00,{}\n"


def test_a_balance_that_shifts_makes_no_row_another_one(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE + '[id]\noverlap = "yes"\n')
    world.run(world.write("a.csv", BANK.format(90, 70, 65)), mapping=profile)
    later = BANK.format(89, 69, 64) + "02.03.2024,Late,1.00,99\n"
    assert counts(world.run(world.write("b.csv", later), mapping=profile)) == (1, 3, 0)
    profile.write_text(PROFILE)
    asked = world.run(world.write("c.csv", BANK.format(79, 59, 54)), mapping=profile)
    assert counts(asked)[:2] == (0, 0)
    assert world.posted() == amounts("1", "5", "10", "20")


@pytest.mark.parametrize(
    "spelt",
    [
        "Date,Info,Amount\n01/03/2024,Taxi,10\n02/03/2024,Hotel,20\n03/03/2024,Bus,5\n",
        "Amount,Info,Date\n10.00,TAXI,01.03.2024\n20.00,hotel,02.03.2024\n5.00,Bus ,03.03.2024\n",
        "Date;Info;Amount;Note\n01.03.2024;Taxi;10.00;x\n02.03.2024;Hotel;20.00;x\n03.03.2024;Bus;5.00;x\n",
    ],
)
def test_the_same_rows_spelt_otherwise_are_the_same(world: World, tmp_path: Path, spelt: str) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE + '[id]\noverlap = "yes"\n')
    world.run(world.write("a.csv", bank("01.03.2024,Taxi,10.00", "02.03.2024,Hotel,20.00", "03.03.2024,Bus,5.00")),
              mapping=profile)  # fmt: skip
    staged = world.run(world.write("b.csv", spelt), mapping=profile)
    assert (staged.accepted, staged.asked) == (0, 0)
    assert world.posted() == amounts("5", "10", "20")


def test_a_booking_whose_text_has_changed_is_a_question(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE + '[id]\noverlap = "yes"\n')
    world.run(
        world.write("a.csv", "Date,Info,Amount\n01.03.2024,pending Taxi,10.00\n02.03.2024,Bus,2.00\n"), mapping=profile
    )
    staged = world.run(
        world.write("b.csv", "Date,Info,Amount,\n01.03.2024,Taxi,10.00,\n02.03.2024,Bus,2.00,\n"), mapping=profile
    )
    assert counts(staged) == (0, 1, 1)
    assert codes(world) == ["possible_duplicate"]


def test_an_edited_profile_corrects_what_is_not_sent_and_notes_what_is(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE)
    original = world.write("a.csv", BANK.format(1, 2, 3))
    world.stage(original, mapping=profile)
    profile.write_text(PROFILE.replace('"400"', '"500"'))
    staged = world.run(original, mapping=profile)
    assert (staged.corrected, staged.noted) == (3, 0)
    profile.write_text(PROFILE.replace('"400"', '"600"'))
    staged = world.run(original, mapping=profile)
    assert (staged.accepted, staged.corrected, staged.noted, staged.errors) == (0, 0, 3, 0)


def test_ids_that_are_mapped_in_mid_life_are_the_ids_of_what_is_known(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    profile.write_text(PROFILE)
    text = "Ref,Date,Info,Amount\nr1,01.03.2024,Taxi,10.00\nr2,02.03.2024,Hotel,20.00\n"
    world.run(world.write("a.csv", text), mapping=profile)
    profile.write_text(PROFILE + '[id]\ncolumn = "Ref"\n')
    grown = text + "r3,03.03.2024,Bus,5.00\n"
    assert counts(world.run(world.write("b.csv", grown), mapping=profile)) == (1, 2, 0)
    # By now the ids decide, in whatever file.
    one = world.run(world.write("c.csv", "Ref,Date,Info,Amount\nr1,01.03.2024,Taxi,10\n"), mapping=profile)
    assert counts(one) == (0, 1, 0)
    assert world.posted() == amounts("5", "10", "20")


# ---- ids of the user's own ----


NAMED = "company_id,id,type,issue_date,currency,net_amount,account_id\n"


def named(own: str, net: str, account: str = "400") -> str:
    return f'acme,{own},Payment,2024-03-01,EUR,"{net}",{account}\n'


@pytest.mark.parametrize("order", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_a_wrong_line_of_a_known_id_stays_told_in_whatever_order(world: World, order: tuple[str, str]) -> None:
    world.write("a.csv", NAMED + named("T3", "100.00"))
    world.write("b.csv", NAMED + named("T3", "100.00") + named("T3", "1,250.00"))
    for name in order:
        world.run(world.folder / name)
    world.run(world.folder / "a.csv")
    assert codes(world) == ["amount_unreadable"]
    assert world.posted() == amounts("100")


def test_one_row_twice_under_one_id_is_refused_unless_it_is_meant_or_known(world: World, tmp_path: Path) -> None:
    twice = NAMED + named("A", "5.00") + named("A", "5.00") + named("B", "1.00")
    staged = world.run(world.write("a.csv", twice))
    assert (staged.accepted, codes(world)) == (1, ["line_repeated"])
    profile = tmp_path / "keep.toml"
    columns = ("company_id", "type", "currency", "account_id")
    fields = "".join(f'{name} = {{ column = "{name}" }}\n' for name in columns)
    profile.write_text(
        f'[fields]\n{fields}[fields.issue_date]\ncolumn = "issue_date"\nformat = ["YYYY-MM-DD"]\n'
        '[amounts]\nnet = "net_amount"\n[id]\ncolumn = "id"\nrepeated_lines = "keep"\n'
    )
    world.run(world.write("a.csv", twice), mapping=profile)
    assert (world.posted(), codes(world)) == (amounts("1", "10"), [])
    # Known with that content, it is told by nobody.
    world.run(world.write("c.csv", twice + named("C", "2.00")))
    assert (world.posted(), codes(world)) == (amounts("1", "2", "10"), [])


# ---- several companies ----


def test_equal_files_of_two_companies_are_two_files(world: World) -> None:
    head = "type,issue_date,currency,net_amount,account_id\n"
    text = head + "Payment,2024-03-01,EUR,9.00,400\nPayment,2024-03-02,EUR,9.00,400\nPayment,2024-03-03,EUR,x,400\n"
    for name in ("acme.csv", "beta.csv", "acme.csv", "beta.csv"):
        world.run(world.write(name, text))
        assert len(world.posted()) == (2 if name == "acme.csv" and world.open_errors() == 1 else 4)
    assert codes(world) == ["amount_unreadable"] * 2
    grown = text.replace("x", "7.00") + "Payment,2024-03-04,EUR,1.00,400\n"
    for name in ("beta.csv", "acme.csv", "acme.csv", "beta.csv"):
        world.run(world.write(name, grown))
    assert world.posted() == amounts("9", "9", "7", "1", "9", "9", "7", "1")
    assert codes(world) == []
    rows = world.results(world.folder / "beta.csv")
    assert {each["_company_id"] for each in rows} == {"beta"}


def test_profiles_that_name_the_company_keep_equal_rows_apart(world: World, tmp_path: Path) -> None:
    text = BANK.format(1, 2, 3)
    profiles = {}
    for company in ("acme", "beta"):
        profiles[company] = tmp_path / f"{company}.toml"
        profiles[company].write_text(PROFILE.replace('"acme"', f'"{company}"'))
    for _ in range(2):
        for company, profile in profiles.items():
            world.run(world.write(f"{company}-bank.csv", text), mapping=profile)
    assert world.posted() == amounts("5", "5", "10", "10", "20", "20")
    assert codes(world) == []


def test_a_row_whose_company_another_lookup_gives_now_stays_what_it_was(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    told = PROFILE.replace(
        'company_id = { constant = "acme" }', 'company_id = { column = "Dept", lookup = { A = "acme", B = "beta" } }'
    )
    profile.write_text(told)
    path = world.write("a.csv", "Dept,Date,Info,Amount\nA,01.03.2024,Taxi,10.00\nB,02.03.2024,Hotel,20.00\n")
    world.run(path, mapping=profile)
    profile.write_text(told.replace('A = "acme"', 'A = "gamma"'))
    for _ in range(2):
        staged = world.run(path, mapping=profile)
        assert (staged.accepted, staged.corrected, staged.noted, staged.errors) == (0, 0, 1, 0)
    assert world.posted() == amounts("10", "20")


def test_a_line_that_joins_a_known_expense_is_told_wherever_its_contradiction_stands(world: World) -> None:
    more = named("B", "1.00") + named("C", "2.00")
    world.run(world.write("a.csv", NAMED + named("T", "100.00") + more))
    joined = NAMED + named("T", "5.00").replace("EUR", "USD") + named("T", "100.00") + more
    for _ in range(2):
        world.run(world.write("a.csv", joined))
        assert codes(world) == ["lines_disagree"]
    assert world.posted() == amounts("1", "2", "100")


def test_what_is_wrong_with_known_bytes_is_told_once_however_often_they_are_read(world: World, tmp_path: Path) -> None:
    profile = tmp_path / "bank.toml"
    skipping = PROFILE + '[[skip]]\ncolumn = "Info"\nis = "Hotel"\n'
    profile.write_text(skipping)
    path = world.write("a.csv", "Date,Info,Amount\n01.03.2024,Taxi,10.00\n02.03.2024,Hotel,x\n")
    world.run(path, mapping=profile)
    profile.write_text(PROFILE)
    for _ in range(3):
        world.run(path, mapping=profile)
        assert codes(world) == ["amount_unreadable"]
    assert world.states(path) == {2: "posted", 3: "wrong"}
    # Skipped now, it stays what it became.
    profile.write_text(skipping)
    world.run(path, mapping=profile)
    assert codes(world) == ["amount_unreadable"]
    profile.write_text(PROFILE)
    (written,) = world.rejects()
    world.run(rejecting.rewrite(written.path, [{**rejecting.read(written.path)[0], "Amount": "3.00"}]), mapping=profile)
    assert (world.posted(), codes(world)) == (amounts("3", "10"), [])
