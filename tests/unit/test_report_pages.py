"""The report: everything is in it, it adds up, and nothing that it shows can become a part of it."""

import base64
import hashlib
import json
import re
import shlex
import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from runner.domain.money import Sum
from runner.domain.states import ExpenseState, ReceiptState, SyncState
from runner.journal.health import Bounds
from runner.journal.health_records import Times
from runner.journal.journal import reading
from runner.report import catalog, plain
from runner.report.amounts import money
from runner.report.chart import MOST, charts
from runner.report.commands import next_command
from runner.report.discreet import HIDDEN, OTHER, redacted, without_others
from runner.report.html.letter import letter
from runner.report.html.markup import tag
from runner.report.html.page import page
from runner.report.overview import Tone, causes_of, verdict
from runner.report.structured import structured
from tests.clocks import FakeClock
from tests.many_outcomes import BEGIN, HOSTILE, company_id, write

COMPANIES = 100
TROUBLED = company_id(100)
"""Held, with expenses in every bad state, a wrong row, and receipts in every state among its kind."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "j.db"
    write(path, companies=COMPANIES)
    # What could betray one company to another: a file of its name, and a message that quotes its id.
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE input SET name = ? WHERE input_no = 3", (f"in/{company_id(7)}.csv",))
        connection.execute(
            "UPDATE expense SET message = ? WHERE code = 'push_error'", (f"as for {company_id(8).upper()}: no answer",)
        )
    connection.close()
    return path


async def _health(journal, company=None, bounds=None):
    with reading(journal, FakeClock()) as opened:
        health = await opened.health.of(company, bounds=bounds)
        return health if company is None else without_others(health, await opened.health.company_ids())


@pytest.fixture
async def health(journal):
    return await _health(journal)


def _data(text):
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


class _Reader(HTMLParser):
    """Takes a page apart as a browser would."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]


# ---- the page ----


async def test_every_expense_is_in_the_page_once_by_state(health):
    data = _data(page(health, journal="j.db"))
    counts = {s.value: sum(row["expenses"].get(s.value, 0) for row in data["companies"]) for s in ExpenseState}

    assert counts == {s.value: health.books.count(s) for s in ExpenseState}
    assert all(count for state, count in counts.items() if state != "staged")


async def test_the_page_holds_the_same_json_as_the_json_report(health):
    assert _data(page(health, journal="j.db")) == json.loads(json.dumps(structured(health, journal="j.db")))


async def test_every_cause_has_its_words_its_reader_and_its_command(health):
    text = page(health, journal="my journal.db")
    causes = causes_of(health, journal="my journal.db")

    assert {cause.state for cause in causes} == {"in_doubt", "failed", "held", "rejected", "waiting"}
    for cause in causes:
        assert tag("p", cause.entry.meaning) in text
        assert cause.command is None or f">{tag('code', cause.command)[6:-7]}</code>" in text
        assert cause.command is None or "my journal.db" in shlex.split(cause.command)


async def test_hostile_text_is_shown_and_never_becomes_markup(health):
    text = page(health, journal="<b>j</b>.db")
    reader = _Reader(text)
    shown = json.dumps(_data(text))

    assert reader.tags.count("script") == 2
    assert not {"img", "iframe", "link", "object", "base", "form"} & set(reader.tags)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name == "style"]
    assert "<b>j" not in text
    assert json.dumps(HOSTILE[0])[1:-1] in shown
    assert "\\u202e" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


async def test_a_page_asks_for_nothing_and_its_policy_allows_only_what_is_in_it(health):
    text = page(health, journal="j.db")
    reader = _Reader(text)
    (policy,) = [value for tag, name, value in reader.attributes if name == "content" and "default-src" in value]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]

    def named(content):
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    assert not [each for each in reader.attributes if each[1] == "src"]
    assert all(value.startswith("#") for _, name, value in reader.attributes if name == "href")
    assert "url(" not in style
    assert "@import" not in style
    assert unescape(policy).startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    assert f"style-src {named(style)}" in policy
    assert f"script-src {named(script)}" in policy
    assert "unsafe" not in policy


async def test_accounts_that_do_not_balance_are_the_first_thing_said(health):
    first, *rest = health.books.companies
    wrong = replace(first, accepted=Sum(first.accepted.count, first.accepted.amount + Decimal("0.01")))
    health = replace(health, books=replace(health.books, companies=(wrong, *rest)))

    assert verdict(health).tone is Tone.BAD
    assert "do not balance" in verdict(health).headline
    assert page(health, journal="j.db").count("✗ differ") == 1


async def test_a_bound_hides_nothing_from_the_counts_and_reaches_every_company(journal, health):
    bounded = await _health(journal, bounds=Bounds(a_company=1, syncs=30, inputs=1, runs=1))

    assert bounded.causes == health.causes
    assert bounded.troubles.total == health.troubles.total
    assert {each.company_id for each in bounded.troubles.shown} == {each.company_id for each in health.troubles.shown}
    assert (bounded.syncs.left_out, bounded.inputs.left_out) == (health.syncs.total - 30, 2)
    # What did not go well is never what a bound leaves out.
    well = {sync for sync in health.syncs.shown if sync.state is SyncState.JUDGED and sync.code in {2000, 2040}}
    assert set(health.syncs.shown) - well <= set(bounded.syncs.shown)
    assert "are counted above and not listed here" in page(bounded, journal="j.db")


async def test_what_is_listed_is_what_is_counted(health):
    counted = {}
    for each in health.troubles.shown:
        key = (each.about, each.state, each.code)
        counted[key] = counted.get(key, 0) + 1

    assert counted == {(cause.about, cause.state, cause.code): cause.number for cause in health.causes}
    for state in (ExpenseState.IN_DOUBT, ExpenseState.FAILED):
        assert sum(
            n for (about, s, _), n in counted.items() if about == "expense" and s == state
        ) == health.books.count(state)


async def test_an_empty_journal_has_a_page_too(tmp_path):
    write(tmp_path / "empty.db", companies=0, nights=0)
    health = await _health(tmp_path / "empty.db")

    assert "Nothing has been read yet." in page(health, journal="empty.db")


# ---- one company's page ----


async def test_a_letter_holds_nothing_of_any_other_company(journal):
    text = letter(await _health(journal, TROUBLED))

    assert TROUBLED in text
    for number in range(1, COMPANIES):
        assert company_id(number) not in text.lower()
    assert OTHER in text
    # Neither how large a shared file is, nor what the runs did.
    assert "48,000" not in text
    assert "9,431" not in text


async def test_a_letter_counts_the_company_alone(journal, health):
    own = await _health(journal, TROUBLED)
    whole = [each for each in health.books.companies if each.company_id == TROUBLED]

    assert own.books.companies == tuple(whole)
    assert [hold.company_id for hold in own.books.holds] == [TROUBLED]
    assert {each.company_id for each in own.troubles.shown} == {TROUBLED}
    assert own.troubles.total == len([each for each in health.troubles.shown if each.company_id == TROUBLED])
    assert {sync.company_id for sync in own.syncs.shown} == {TROUBLED}
    assert own.books.total == sum(each.accepted.count for each in whole) + 1


async def test_a_letter_speaks_plainly_names_the_purchase_and_runs_nothing(journal):
    text = letter(await _health(journal, TROUBLED))
    visible = re.sub(r"<(style|head).*?</\1>", "", text, flags=re.DOTALL)

    assert "script" not in _Reader(text).tags
    for word in ("expense-runner", "`", "journal", "Codat", "--"):
        assert word not in re.sub(r"<[^>]*>", "", visible.replace("Codat refused", "")), word
    assert "Merchant" in visible
    assert "2026-11-03" in visible


def test_every_code_has_plain_words():
    for about, entries in (("expense", catalog.EXPENSES), ("receipt", catalog.RECEIPTS), ("company", catalog.HOLDS)):
        for code in entries:
            assert not re.search(r"`|--|journal|expense-runner|dataset", plain.happened(about, code)), (about, code)
            assert not re.search(r"`|--|journal|expense-runner|dataset", plain.to_do(about, code)), (about, code)


async def test_a_company_that_is_not_in_the_journal_has_no_facts(journal):
    with reading(journal, FakeClock()) as opened:
        assert await opened.health.of("nobody") is None


async def test_short_ids_are_hidden_where_they_stand_alone_and_not_inside_of_words(health):
    trouble = health.troubles.shown[0]._replace(message="acme says no, acmeist", file="acme.csv", company_id="me")
    facts = replace(health, company="me", troubles=replace(health.troubles, shown=(trouble,)))
    (found,) = without_others(facts, ["acme", "me"]).troubles.shown

    assert (found.message, found.file) == (f"{OTHER} says no, acmeist", f"{OTHER}.csv")


# ---- without what the reader is not to see ----


async def test_a_redacted_report_has_no_amounts_files_or_texts_in_any_form(health):
    bare = redacted(health)
    for text in (page(bare, journal="j.db"), json.dumps(structured(bare, journal="j.db"))):
        assert HIDDEN in text
        assert "The period is closed" not in text
        assert ".csv" not in text.replace("CORRECTED.csv", "").replace("FILE.csv", "")
        assert "receipts/" not in text
        assert not re.search(r"[0-9]\.[0-9]{2} [A-Z]{3}|\"amount\": \"", text)
    assert verdict(bare) == verdict(health)


# ---- JSON ----


async def test_the_json_says_the_same_as_the_journal(health):
    said = json.loads(json.dumps(structured(health, journal="j.db")))

    assert said["expenses"]["total"] == sum(sum(each["expenses"].values()) for each in said["companies"])
    assert sum(each["expenses"] for each in said["posted"]) == said["expenses"]["posted"]
    assert said["balanced"] is True
    for line in said["currencies"]:
        assert sum(map(Decimal, line["amounts"].values())) == Decimal(line["accepted"]["amount"])
    assert said["receipts"]["missing"] == sum(each["receipts_missing"] for each in said["companies"]) > 0
    assert {each["sha256"] for each in said["inputs"]} == {f"{number:064x}" for number in (1, 2, 3)}


async def test_every_key_of_the_json_is_documented(journal):
    reference = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    own = reference.split("### `report` as JSON\n")[1].split("\n### ")[0]
    rows = [row.split(" | ") for row in own.splitlines() if row.startswith("| `")]
    described = {key: " ".join(row[1:]) for row in rows for key in re.findall("`([a-z_]+)`", row[0])}
    said = structured(await _health(journal), journal="j.db")

    assert set(described) == set(said)
    for key in ("verdict", "currencies", "causes", "companies", "attention", "syncs", "inputs", "runs", "posted"):
        first = said[key][0] if isinstance(said[key], list) else said[key]
        assert set(first) - {"at", "holds"} <= set(re.findall("`([a-z_0-9]+)`", described[key])), key


# ---- the parts ----


@pytest.mark.parametrize(
    "span", [0, 1, 59, 61, 3_601, 86_400, 86_400 * 59, 86_400 * 400, 86_400 * 4_000], ids=lambda each: f"{each} s"
)
def test_a_chart_has_few_steps_and_loses_nothing(span):
    seconds = sorted({0, span // 3, span // 2, span})
    at = [(BEGIN + timedelta(seconds=s)).isoformat()[:19] for s in seconds]
    (chart,) = charts(Times(tuple((each, 7) for each in at), ((at[0], 2),)), (), now=at[-1])

    assert len(chart.posted) <= MOST
    assert sum(chart.posted) == 7 * len(at)
    assert sum(chart.attached) == 2
    assert chart.posted[0]
    assert chart.posted[-1]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [("1234.5", "EUR", "1,234.50"), ("2001", "JPY", "2,001"), ("1.234567", "USD", "1.234567"), ("-3", "KWD", "-3.000")],
)
def test_amounts_have_the_digits_of_their_currency_and_are_never_rounded(amount, currency, written):
    assert money(Decimal(amount), currency) == written


def test_a_command_quotes_what_a_shell_would_take_apart():
    command = next_command("expense", "failed", "push_error", journal="my; rm x.db", company="a b")

    assert shlex.split(command)[2:] == ["--journal", "my; rm x.db", "--company", "a b", "--code", "push_error"]


def test_every_state_of_a_receipt_that_needs_somebody_has_a_command_or_a_person():
    for code, entry in catalog.RECEIPTS.items():
        states = {ReceiptState.REJECTED: None, ReceiptState.IN_DOUBT: "resolve", ReceiptState.WAITING: "run"}
        for state, word in states.items():
            command = next_command("receipt", state, code, journal="j.db")
            assert entry.way_out
            assert (word in command) if word else command is None
