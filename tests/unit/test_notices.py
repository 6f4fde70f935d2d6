"""Notices: the same is told once, again when it is worse, and its end once; in words that give nothing away."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runner.domain.money import Sum
from runner.domain.notices import Change, Condition, Known, News, Topic, compare
from runner.domain.states import ExpenseState, ReceiptState
from runner.errors import ExitCode
from runner.journal.notices import Arrivals
from runner.journal.records import Books, CompanyBooks, Hold, Life
from runner.report.catalog import HOLDS
from runner.report.notices import (
    NAMED,
    Frame,
    RunEnd,
    Thresholds,
    as_json,
    entries,
    of_books,
    of_end,
    of_lives,
    summary,
    text,
)
from tests.clocks import START

HELD = Condition(Topic.HELD, "c-1", code="no_connection")
DOUBT = Condition(Topic.IN_DOUBT, "expenses", count=2)
FRAME = Frame(at=START, host="here", journal="/a/j.db", identity="id")


class Night:
    """One channel over many nights."""

    def __init__(self, *, remind=None):
        self.known, self.day, self.remind, self.news = {}, START, remind, ()

    def told(self, *found, delivered=True, judged=frozenset(Topic)):
        self.day += timedelta(days=1)
        compared = compare(
            self.known.values(), found, judged=judged, now=self.day, remind_after=self.remind and timedelta(self.remind)
        )
        state = compared.delivered if delivered else compared.undelivered
        self.known = {key: each for key, each in self.known.items() if key not in state.forget}
        self.known |= {each.key: each for each in state.keep}
        self.news = compared.news
        return [(each.change, each.subject) for each in compared.news]


def test_a_condition_is_told_once_and_its_end_once():
    night = Night()
    assert night.told(HELD) == [(Change.BEGAN, "c-1")]
    assert night.told(HELD) == []
    assert night.told() == [(Change.ENDED, "c-1")]
    assert night.told() == []
    assert night.known == {}
    assert night.told(HELD) == [(Change.BEGAN, "c-1")]


def test_a_company_newly_held_is_told_beside_one_that_was():
    night = Night()
    night.told(HELD)
    assert night.told(HELD, replace(HELD, subject="c-2")) == [(Change.BEGAN, "c-2")]


def test_another_reason_is_told():
    night = Night()
    night.told(HELD)
    assert night.told(replace(HELD, code="forbidden")) == [(Change.CHANGED, "c-1")]
    assert night.told(replace(HELD, code="forbidden")) == []


def test_more_doubts_are_worse_also_after_there_were_fewer():
    night = Night()
    night.told(DOUBT)
    assert night.told(replace(DOUBT, count=3)) == [(Change.WORSE, "expenses")]
    assert night.told(replace(DOUBT, count=1)) == []
    assert night.told(replace(DOUBT, count=2)) == [(Change.WORSE, "expenses")]


def test_a_share_is_worse_only_once_it_has_doubled():
    night, share = Night(), Condition(Topic.REJECTED, "", count=6, of=100)
    night.told(share)
    assert night.told(replace(share, count=11)) == []
    assert night.told(replace(share, count=12)) == [(Change.WORSE, "")]


def test_what_was_not_delivered_is_told_again_and_remembers_when_it_began():
    night = Night()
    assert night.told(HELD, delivered=False) == [(Change.BEGAN, "c-1")]
    began = night.day
    assert night.told(HELD) == [(Change.BEGAN, "c-1")]
    assert night.known[HELD.key].since == began
    assert night.told(delivered=False) == [(Change.ENDED, "c-1")]
    ended = night.day
    assert night.known[HELD.key].resolved_at == ended
    assert night.told() == [(Change.ENDED, "c-1")]
    assert [(each.since, each.ended_at) for each in night.news] == [(began, ended)]


def test_what_is_back_before_its_end_was_delivered_never_ended():
    night = Night()
    night.told(HELD)
    night.told(delivered=False)
    assert night.told(HELD) == []
    assert night.known[HELD.key].resolved_at is None


def test_growth_that_was_not_delivered_is_measured_from_what_the_other_side_knows():
    night = Night()
    night.told(DOUBT)
    assert night.told(replace(DOUBT, count=5), delivered=False) == [(Change.WORSE, "expenses")]
    assert night.told(replace(DOUBT, count=5)) == [(Change.WORSE, "expenses")]


def test_what_was_never_delivered_ends_without_a_word():
    night = Night()
    night.told(HELD, delivered=False)
    assert night.told() == []
    assert night.known == {}


def test_what_nobody_looked_at_has_not_ended():
    night = Night()
    night.told(HELD)
    assert night.told(judged={Topic.RUN_FAILED}) == []
    assert night.told(HELD) == []


def test_reminders_come_only_where_they_are_wanted_and_then_each_time():
    quiet, nagging = Night(), Night(remind=3)
    for night in (quiet, nagging):
        night.told(HELD)
    assert [quiet.told(HELD) for _ in range(6)] == [[]] * 6
    assert [bool(nagging.told(HELD)) for _ in range(6)] == [False, False, True] * 2


# ---- judging ----


def books(*, doubts=0, receipts=0, holds=()):
    states = {ExpenseState.POSTED: Sum(1, Decimal(1))}
    states |= {ExpenseState.IN_DOUBT: Sum(doubts, Decimal("987.65"))} if doubts else {}
    company = CompanyBooks("c-1", "EUR", states, Sum(1 + doubts, Decimal(0)))
    held = tuple(Hold(name, "no_connection", "Nice Bakery Ltd", None, START.isoformat()) for name in holds)
    return Books((company,), {ReceiptState.IN_DOUBT: receipts}, 0, 0, 0, 0, held)


def keys(found):
    return [each.key for each in found.conditions]


def test_doubts_and_holds_stand_open_as_the_books_say():
    arrivals = Arrivals(START, START, 100, 5)
    found = of_books(books(doubts=2, receipts=1, holds=["c-9"]), arrivals, Thresholds(), now=START)
    assert keys(found) == [(Topic.HELD, "c-9"), (Topic.IN_DOUBT, "expenses"), (Topic.IN_DOUBT, "receipts")]
    assert Topic.NOTHING_ARRIVED not in found.judged


@pytest.mark.parametrize(("rejected", "told"), [(5, False), (6, True)])
def test_rejections_stand_open_above_the_threshold(rejected, told):
    found = of_books(books(), Arrivals(START, START, 100, rejected), Thresholds(rejected_percent=5.0), now=START)
    assert (Topic.REJECTED in [each.topic for each in found.conditions]) is told


@pytest.mark.parametrize(("latest", "told"), [(47, False), (49, True), (None, True)])
def test_nothing_arrived_counts_from_the_last_new_expense_or_else_from_the_first_run(latest, told):
    now = START + timedelta(hours=100)
    arrivals = Arrivals(START, None if latest is None else now - timedelta(hours=latest))
    found = of_books(books(), arrivals, Thresholds(nothing_arrived=timedelta(hours=48)), now=now)
    assert bool(found.conditions) is told
    assert Topic.NOTHING_ARRIVED in found.judged


@pytest.mark.parametrize("code", [code for code in ExitCode if code is not ExitCode.USAGE])
def test_a_run_failed_if_it_did_not_do_its_work_and_nobody_wanted_that(code):
    found = of_end(RunEnd(code, "why"))
    topics = [each.topic for each in found.conditions]
    if code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.JOURNAL_LOCKED}:
        assert not found.judged
    assert (Topic.RUN_FAILED in topics) is (int(code) in {1, 5, 6, 77, 78})
    assert (Topic.BUDGET in topics) is (code is ExitCode.BUDGET)


def test_stale_is_judged_only_where_a_limit_is_set():
    lives = [Life(1, START, START, 0)]
    late = START + timedelta(hours=27)
    assert not of_lives(lives, Thresholds(), at_work=False, now=late).judged
    stale = Thresholds(stale=timedelta(hours=26))
    assert keys(of_lives(lives, stale, at_work=False, now=late)) == [(Topic.STALE, "")]
    assert not keys(of_lives(lives, stale, at_work=False, now=START))


# ---- words ----


def news(change=Change.BEGAN, topic=Topic.HELD, subject="c-1", code="no_connection", count=0, of=0):
    ended = START if change is Change.ENDED else None
    return News(change, topic, subject, count, of, code, START - timedelta(days=2), ended)


def test_companies_held_for_one_reason_are_told_together_and_capped():
    found = entries([news(subject=f"c-{number}") for number in range(60)], journal="/a/j.db")
    (entry,) = json.loads(as_json(found, FRAME))["entries"]
    assert (entry["count"], len(entry["companies"])) == (60, NAMED)
    assert entry["who"] == HOLDS["no_connection"].who
    assert "and 10 more" in text(found, FRAME)
    assert "c-0" in text(found, FRAME)


def test_recoveries_come_last():
    found = entries([news(Change.ENDED, Topic.RUN_FAILED, "", "77 key_refused"), news()], journal="j")
    assert [each.topic for each in found] == [Topic.HELD, Topic.RUN_FAILED]


@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize(
    ("topic", "subject", "code"),
    [
        (Topic.RUN_FAILED, "", "77 key_refused"),
        (Topic.RUN_FAILED, "", "1 internal_error"),
        (Topic.STALE, "", ""),
        (Topic.IN_DOUBT, "expenses", ""),
        (Topic.IN_DOUBT, "receipts", ""),
        (Topic.REJECTED, "", ""),
        (Topic.HELD, "c-1", "a_code_of_tomorrow"),
        (Topic.NOTHING_ARRIVED, "", ""),
        (Topic.BUDGET, "", "budget_reached"),
    ],
)
def test_everything_that_can_be_told_has_its_words(change, topic, subject, code):
    counts = (0, 0) if change is Change.ENDED else (3, 10)
    (entry,) = entries([news(change, topic, subject, code, *counts)], journal="/a b/j.db")
    said = text([entry], FRAME)
    assert "2026-01-03T09:00:00+00:00 (2 d)" in said
    assert "\n" not in summary([entry], FRAME)
    assert ("recovered" in summary([entry], FRAME)) is (change is Change.ENDED)
    if change is not Change.ENDED:
        assert entry.who
        assert entry.way_out
        assert "'/a b/j.db'" in entry.command


def test_a_notice_holds_no_amount_and_no_text_of_others():
    found = of_books(books(doubts=2, holds=["c-9"]), Arrivals(START, START, 100, 50), Thresholds(), now=START)
    compared = compare((), found.conditions, judged=found.judged, now=START)
    said = as_json(entries(compared.news, journal="j"), FRAME).decode()
    assert "c-9" in said
    assert "987" not in said
    assert "Bakery" not in said


def test_a_sample_says_that_it_is_one():
    found, frame = entries([news()], journal="j"), replace(FRAME, sample=True)
    assert json.loads(as_json(found, frame))["test"] is True
    assert text(found, frame).startswith("This is a test")
    assert summary(found, frame).startswith("TEST")


def test_the_keys_of_a_notice_are_those_of_the_reference():
    page = (Path(__file__).resolve().parents[2] / "docs/reference.md").read_text(encoding="utf-8")
    documented = json.loads(page.split("### Notices as JSON")[1].split("```")[1].removeprefix("json"))
    real = json.loads(as_json(entries([news()], journal="j"), FRAME))
    assert list(documented) == list(real)
    assert list(documented["entries"][0]) == list(real["entries"][0])


def test_every_kind_and_change_is_in_the_guide_and_the_reference():
    docs = Path(__file__).resolve().parents[2] / "docs"
    guide, reference = (docs / name for name in ("notices.md", "reference.md"))
    assert all(f"| `{topic}` |" in guide.read_text(encoding="utf-8") for topic in Topic)
    assert all(f"`{change}`" in reference.read_text(encoding="utf-8") for change in Change)


def test_known_and_condition_are_about_the_same_thing():
    assert Known(Topic.HELD, "c-1", 0, "", START, None).key == HELD.key
