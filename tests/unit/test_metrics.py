"""Metrics: true numbers under names that stay, in Prometheus's text format."""

import re
from decimal import Decimal
from pathlib import Path

from runner.domain.money import Sum
from runner.domain.states import ExpenseState, ReceiptState
from runner.journal.health_records import RunFacts
from runner.journal.records import Books, CompanyBooks, Hold, RequestTotals
from runner.report.metrics import MOST_COMPANIES, families, textfile

SAMPLE = re.compile(r'^(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (?P<value>-?[0-9.]+)$')
RUN = RunFacts(2, "run", "2026-01-05T09:00:00+00:00", "2026-01-05T09:10:00.5+00:00", 3, "0.1.0", "direct", 10, 1, 0)


def books(companies=2, *, name="company"):
    lines = tuple(
        CompanyBooks(
            f"{name}-{number}",
            "EUR",
            {ExpenseState.POSTED: Sum(3, Decimal("0.30")), ExpenseState.FAILED: Sum(number, Decimal(number))},
            Sum(3 + number, number + Decimal("0.3")),
        )
        for number in range(1, companies + 1)
    )
    return Books(lines, {ReceiptState.IN_DOUBT: 2}, 1, 4, 5, 6, (Hold("company-1", "forbidden", "no", None, "now"),))


def written(found, *, runs=(RUN,)):
    text = textfile(families(found, runs=runs, requests=RequestTotals(100, 7, 2, 3)))
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            samples[line.rpartition(" ")[0]] = match["value"]
    return text, samples


def test_the_numbers_are_those_of_the_books():
    text, samples = written(books())

    assert samples['expense_runner_expenses{state="posted",currency="EUR"}'] == "6"
    assert samples['expense_runner_money{state="posted",currency="EUR"}'] == "0.6"
    assert samples['expense_runner_expenses{state="held",currency="EUR"}'] == "0"
    assert samples['expense_runner_receipts{state="in_doubt"}'] == "2"
    assert samples["expense_runner_requests_total"] == "100"
    assert samples["expense_runner_run_exit_code"] == "3"
    assert samples["expense_runner_run_end_time_seconds"] == "1767604200.5"
    assert samples["expense_runner_run_active"] == "0"
    assert samples["expense_runner_unbalanced"] == "0"
    assert samples['expense_runner_held_companies{code="forbidden"}'] == "1"
    assert "# TYPE expense_runner_requests_total counter\n" in text
    assert len(set(re.findall("# TYPE .*", text))) == text.count("# TYPE") == text.count("# HELP")


def test_companies_are_capped_at_those_with_most_that_is_open():
    _, samples = written(books(MOST_COMPANIES + 50))
    series = [key for key in samples if key.startswith("expense_runner_company_open_expenses")]

    assert len(series) == MOST_COMPANIES
    assert 'expense_runner_company_open_expenses{company="company-150",state="failed"}' in series
    assert 'expense_runner_company_open_expenses{company="company-1",state="failed"}' not in series


def test_a_label_cannot_end_its_quotes():
    _, samples = written(books(1, name='a"} 1\n#\\'))

    assert 'expense_runner_company_open_expenses{company="a\\"} 1\\n#\\\\-1",state="failed"}' in samples


def test_a_run_at_work_is_active_and_the_one_before_it_is_the_last_that_ended():
    at_work = RUN._replace(no=3, ended_at=None, exit_code=None, started_at="2026-01-06T09:00:00+00:00")
    _, samples = written(books(), runs=(at_work, RUN))

    assert samples["expense_runner_run_active"] == "1"
    assert samples["expense_runner_run_start_time_seconds"] == "1767690000"
    assert samples["expense_runner_run_exit_code"] == "3"


def test_every_metric_is_documented_with_its_labels():
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(expense_runner_[a-z_]+)` \| (.*?) \|", page, re.MULTILINE)
    existing = {}
    for family in families(books(), runs=(RUN,), requests=RequestTotals(1, 1, 1, 1)):
        labels = [key for key, _ in family.samples[0][0]]
        existing[family.name] = labels

    assert {name: re.findall("`([a-z]+)`", labels) for name, labels in rows} == existing


def test_a_journal_without_runs_has_no_run_to_speak_of():
    _, samples = written(books(), runs=())

    assert not [key for key in samples if "run_e" in key or "run_start" in key]
