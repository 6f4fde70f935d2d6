"""`check`: everything that can be known without sending, by cause, with what is odd."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.cli.summary import _read_lines
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.domain.suspicion import Oddity
from runner.errors import Interrupted
from runner.intake.read import Options
from runner.intake.sources import find_sources
from runner.journal.journal import scratch
from runner.report.catalog import explain
from runner.scrutiny import receipts_of, scrutinize
from runner.stage import stage

HEADER = "company_id,id,type,issue_date,currency,net_amount,tax_amount,account_id,merchant_name,receipts"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Check a file with these rows; returns the exit code, and the JSON or the text."""
    monkeypatch.chdir(tmp_path)

    def do(*rows, text=False):
        (tmp_path / "e.csv").write_text("\n".join([HEADER, *rows]) + "\n")
        result = CliRunner().invoke(cli, ["check", "e.csv", *([] if text else ["--json"])], standalone_mode=False)
        return result.return_value, result.stdout if text else json.loads(result.stdout)

    return do


def row(no, *, date="2026-03-01", currency="EUR", net="10", tax="2", merchant="", receipts="", kind="Payment"):
    return f"acme,E{no},{kind},{date},{currency},{net},{tax},400,{merchant},{receipts}"


def test_errors_are_grouped_by_cause_and_column_with_one_example_and_the_fix(check):
    code, found = check(row(1), row(2, net="ten"), row(3, tax="two"), row(4, net="1,5"), row(5, date="03/04/2026"))

    assert code == found["exit_code"] == 3
    groups = {(each["code"], each["column"]): each for each in found["causes"]}
    assert {key: each["count"] for key, each in groups.items()} == {
        ("amount_unreadable", "net_amount"): 1,
        ("amount_unreadable", "tax_amount"): 1,
        ("too_many_cells", None): 1,
        ("date_unreadable", "issue_date"): 1,
    }
    example = groups["amount_unreadable", "net_amount"]["example"]
    assert (example["file"], example["line"], example["value"]) == ("e.csv", 3, "ten")
    assert groups["amount_unreadable", "net_amount"]["way_out"]


def test_the_most_frequent_cause_comes_first_and_every_error_is_in_the_json(check):
    _, found = check(row(1, date="soon"), *(row(n, net="x") for n in range(2, 40)))

    assert [each["count"] for each in found["causes"]] == [38, 1]
    assert [each["line"] for each in found["errors"]] == list(range(2, 41))


def test_more_errors_than_a_page_holds_come_all_and_in_order(check, monkeypatch):
    monkeypatch.setattr("runner.journal.checking.PAGE", 3)
    _, found = check(*(row(n, net="x", tax="y") for n in range(5)))

    assert [each["line"] for each in found["errors"]] == [2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


def test_a_text_for_people_names_cause_place_value_and_fix_with_right_plurals(check):
    _, text = check(row(1), row(2, net="ten"), text=True)

    assert "e.csv: 2 rows, 1 expense, 1 error" in text
    assert "1 × amount_unreadable in net_amount" in text
    assert "e.csv:3, net_amount 'ten': expected" in text
    assert "such as 1234.56 (id 'E2')\n" in text
    assert "Correct the row" in text
    assert "1 error of 1 kind; 1 expense is wrong." in text
    assert "staged" not in text


def test_right_rows_give_0_and_say_so(check):
    code, text = check(row(1), text=True)

    assert code == 0
    assert "acme  1 expense, 12.00 EUR" in text
    assert text.endswith("Every row is right.\n")


def warnings(found):
    return {each["code"]: each["count"] for each in found["warnings"]}


def test_warnings_do_not_change_the_exit_code(check):
    code, found = check(
        row(1, date="2031-03-01"), row(2, date="1999-03-01"), row(3, net="1"), row(4, net="-5", tax="0")
    )

    assert code == 0
    assert warnings(found) == {
        "date_in_future": 1, "date_long_ago": 1, "tax_above_net": 1, "sign_against_type": 1,
    }  # fmt: skip
    (first, *_) = found["warnings"]
    assert first["examples"][0]["value"] == "2031-03-01"
    assert first["examples"][0]["line"] == 2
    assert first["way_out"]


def test_the_same_purchase_under_two_ids_within_three_days_is_a_near_duplicate(check):
    _, found = check(
        row(1, merchant="Cafe"),
        row(2, merchant=" cafe", date="2026-03-04"),
        row(3, merchant="Cafe", date="2026-03-08"),
        row(4, merchant="Other"),
        row(5, merchant="Cafe", net="11"),
        row(6, merchant="Cafe", currency="USD"),
        row(7, merchant="Cafe", kind="Refund"),
        row(8),
        row(9),
    )

    assert warnings(found)["near_duplicate"] == 1
    (near,) = [each for each in found["warnings"] if each["code"] == "near_duplicate"]
    assert near["examples"][0]["line"] == 3
    assert near["examples"][0]["value"] == "as e.csv:2"


def test_the_same_purchase_in_two_companies_is_none(check):
    _, found = check(row(1, merchant="Cafe"), row(1, merchant="Cafe").replace("acme", "other"))

    assert warnings(found) == {}


def test_a_foreign_currency_without_a_rate_is_said(check):
    _, found = check(row(1), row(2, net="11"), row(3, currency="USD"))

    assert warnings(found) == {"rate_missing": 1}


def test_receipts_are_counted_with_their_size_and_large_ones_warned_of(check, tmp_path):
    (tmp_path / "small.pdf").write_bytes(b"x" * 1_000)
    (tmp_path / "large.pdf").write_bytes(b"x" * 5_000_001)
    rows = row(1, receipts="small.pdf"), row(2, receipts="large.pdf"), row(3, receipts="gone.pdf")
    _, found = check(*rows)

    assert found["receipts"] == {"found": 2, "bytes": 5_001_001, "wrong": 1}
    assert warnings(found) == {"receipt_large": 1}
    assert "Receipts: 2 files found, 5.0 MB, 1 missing or not usable." in check(*rows, text=True)[1]


def test_a_total_and_a_column_of_references_are_warned_of(check):
    rows = [row(number, net=str(number), tax="") for number in (10, 20, 40)]
    _, found = check(*rows, row(4, net="70", tax=""), row(5, net="9", tax="", merchant="Closing balance"))
    assert warnings(found) == {"total_row": 2}
    [warned] = found["warnings"]
    assert [(each["line"], each["column"]) for each in warned["examples"]] == [(5, "net_amount"), (6, "merchant_name")]
    code, text = check(*(row(number, net=str(250_000_000_000_000 + number), tax="") for number in range(30)), text=True)
    assert code == 0
    assert "  30 × suspicious_amount: " in text


def test_a_run_says_it_as_well(tmp_path):
    (tmp_path / "e.csv").write_text("\n".join([HEADER, row(1, net="7654321000000", tax=""), row(2)]) + "\n")
    with scratch(SystemClock()) as journal:
        sources = find_sources([str(tmp_path / "e.csv")])

        async def staged():
            await journal.runs.begin(version="1", flow="datasets", purpose="check")
            return await stage(sources, Options(), journal, draining=Draining(), note=lambda *_args, **_facts: None)

        [found] = asyncio.run(staged())
    assert "  look at 1 row (suspicious_amount), such as line 2: 7654321000000" in list(_read_lines(found))


def test_every_warning_is_explained():
    for oddity in Oddity:
        [(kind, entry)] = explain(oddity)
        assert kind == "warning"
        assert entry.way_out


async def test_a_signal_is_heard_between_two_pages_of_expenses(tmp_path):
    (tmp_path / "e.csv").write_text(f"{HEADER}\n{row(1)}\n")
    draining = Draining()
    with scratch(SystemClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets", purpose="check")
        sources = find_sources([str(tmp_path / "e.csv")])
        await stage(sources, Options(), journal, draining=draining, note=lambda *_args, **_facts: None)
        asyncio.get_running_loop().call_soon(draining.start, Interrupted("It was interrupted."))
        receipts = await receipts_of(journal.checking)
        with pytest.raises(Interrupted):
            await scrutinize(journal.checking, receipts, now=SystemClock().now(), draining=draining)
