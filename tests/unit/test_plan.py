"""`plan`: what a run would do, and then does."""

import asyncio
import json
from decimal import Decimal

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.app import App
from runner.cli import _defaults, cli
from runner.clock import SystemClock
from runner.codat.credential import Credential
from runner.codat.draining import Draining
from runner.codat.flows import Flow
from runner.domain.states import ExpenseState
from runner.intake.sources import find_sources
from runner.journal.journal import writing
from runner.journal.lock import Lock
from runner.progress import Notes, Progress
from runner.settings import RunSettings
from runner.simulator import NO_LIMITS, Behaviour, Service
from runner.simulator.http import serve

HEADER = "company_id,id,type,issue_date,currency,net_amount,tax_amount,account_id,receipts"


class Log:
    """Takes every event, and says nothing."""

    def __getattr__(self, _name):
        return lambda *_args, **_facts: None


class Desk:
    """A folder with a file, a journal, and a Codat that answers at once."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "expenses.csv"
        self.journal = folder / "j.db"
        self.service = Service(Behaviour(sync_seconds=(0.0, 0.0), limits=NO_LIMITS))

    def write(self, rows):
        self.file.write_text("\n".join([HEADER, *rows]) + "\n")

    def plan(self, *arguments, named=True, text=False, code=0):
        files = [str(self.file)] if named else []
        given = ["plan", "--journal", str(self.journal), *arguments, *([] if text else ["--json"]), *files]
        result = CliRunner().invoke(cli, given, standalone_mode=False)
        assert result.exception is None, result.exception
        assert result.return_value == code, result.output
        return result.stdout if text else json.loads(result.stdout)

    def run(self, *, named=True, **chosen):
        return asyncio.run(self._run(named, chosen))

    async def _run(self, named, chosen):
        app = App(clock=SystemClock(), notes=Notes(Log(), Progress()), draining=Draining())
        async with await serve(self.service) as server:
            given = {"poll_interval": 0.01, "max_rpm": 0, **chosen}
            settings_ = RunSettings(credential=Credential("k"), journal=self.journal, base_url=server.url, **given)
            return await app.run(settings_, find_sources([str(self.file)]) if named else [])


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def rows(count, *, company="acme", start=0, receipts=0):
    return [
        f"{company},e{n},Payment,2026-03-01,EUR,{n + 1}.50,0.10,400,{f'r{n}.pdf' if n < receipts else ''}"
        for n in range(start, start + count)
    ]


# ---- the same figures as the run ----


@pytest.mark.parametrize("flow", list(Flow))
def test_a_plan_predicts_what_the_run_predicts_and_then_sends(desk, flow):
    for n in range(3):
        (desk.folder / f"r{n}.pdf").write_bytes(b"x" * 1_000)
    desk.write([*rows(120, receipts=3), *rows(10, company="other")])

    planned = desk.plan("--flow", flow.value, "--drafts-a-sync", "2")
    report = desk.run(flow=flow, drafts_a_sync=2)

    assert planned["requests"]["predicted"] == report.predicted
    # One look may see several syncs of a company end.
    assert report.predicted - planned["syncs"] < report.sent <= report.predicted
    assert planned["drafts"] == 4
    assert planned["syncs"] == (3 if flow is Flow.DATASETS else 4)
    assert planned["receipts"] == {"to_attach": 3, "bytes": 3_000}
    assert planned["companies"] == {"total": 2, "open": 2, "held": 0}
    assert planned["to_send"]["EUR"]["count"] == report.books.count(ExpenseState.POSTED) == 130


def test_a_plan_counts_what_is_done_and_leaves_the_journal_as_it_was(desk):
    desk.write(rows(60))
    desk.run()
    before = desk.journal.read_bytes()
    desk.write(rows(130))

    planned = desk.plan()

    assert desk.journal.read_bytes() == before
    assert planned["inputs"][0] | {"file": ""} == {
        "file": "", "rows": 130, "new": 70, "known": 60, "corrected": 0, "errors": 0,
    }  # fmt: skip
    assert planned["posted"]["EUR"]["count"] == 60
    assert planned["to_send"]["EUR"]["count"] == 70
    assert planned["requests"]["predicted"] == desk.run().predicted


def test_a_plan_without_files_is_for_what_the_journal_leaves_open(desk):
    desk.write(rows(120))
    desk.run(max_requests=3, max_rpm=1_000)

    planned = desk.plan(named=False)
    report = desk.run(named=False)

    assert planned["requests"]["predicted"] == report.predicted
    assert report.sent <= report.predicted
    assert report.books.count(ExpenseState.POSTED) == 120


def test_where_everything_is_posted_there_is_nothing_to_plan(desk):
    desk.write(rows(5))
    desk.run()

    assert desk.plan()["requests"]["predicted"] == desk.run().sent == 0
    assert "To send: 0 expenses" in desk.plan(text=True)


AMOUNTS = st.integers(1, 10**7).map(lambda cents: Decimal(cents).scaleb(-2))
EXPENSES = st.lists(
    st.tuples(st.sampled_from(["acme", "beta", "gamma"]), st.sampled_from(["EUR", "USD"]), AMOUNTS, st.integers(1, 3)),
    min_size=1,
    max_size=70,
)


@given(expenses=EXPENSES, drafts_a_sync=st.integers(1, 3), flow=st.sampled_from(list(Flow)))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_totals_of_a_plan_are_those_of_the_run(tmp_path_factory, expenses, drafts_a_sync, flow):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.write(
        f"{company},e{n},Payment,2026-03-01,{currency},{amount},0,{400 + line},"
        for n, (company, currency, amount, lines) in enumerate(expenses)
        for line in range(lines)
    )

    planned = desk.plan("--flow", flow.value, "--drafts-a-sync", str(drafts_a_sync))
    report = desk.run(flow=flow, drafts_a_sync=drafts_a_sync)

    posted = {}
    for each in report.books.companies:
        for state, total in each.by_state.items():
            assert state is ExpenseState.POSTED
            count, amount = posted.get(each.currency, (0, Decimal(0)))
            posted[each.currency] = (count + total.count, amount + total.amount)
    assert {c: (each["count"], Decimal(each["amount"])) for c, each in planned["to_send"].items()} == posted
    assert planned["requests"]["predicted"] == report.predicted


# ---- what it says and needs ----


def test_wrong_rows_are_counted_and_give_3(desk):
    desk.write([*rows(2), "acme,x,Gift,2026-03-01,EUR,1,0,400,"])

    planned = desk.plan(code=3)

    assert planned["exit_code"] == 3
    assert planned["row_errors"] == 1
    assert planned["expenses"]["rejected"] == 1
    assert "expense-runner check" in desk.plan(text=True, code=3)


def test_neither_key_nor_lock_is_needed_and_no_journal_is_made(desk, monkeypatch):
    monkeypatch.delenv("CODAT_API_KEY", raising=False)
    desk.write(rows(2))

    assert desk.plan()["journal"] is None
    assert not desk.journal.exists()
    assert "a run would begin one" in desk.plan(text=True)


def test_a_plan_is_made_beside_a_run_that_holds_the_journal(desk):
    desk.write(rows(2))
    desk.run()
    desk.write(rows(3))

    with Lock(desk.journal, now=SystemClock().now()):
        assert desk.plan()["to_send"]["EUR"]["count"] == 1


def test_held_companies_are_counted_apart_and_their_receipts_left_out(desk):
    (desk.folder / "r0.pdf").write_bytes(b"x" * 10)
    desk.write([*rows(2, receipts=1), *rows(3, company="other", receipts=1)])
    desk.run(max_requests=1, max_rpm=1_000)
    asyncio.run(_hold(desk.journal, "other"))

    planned = desk.plan(named=False)

    assert planned["companies"] == {"total": 2, "open": 1, "held": 1}
    assert planned["to_send"]["EUR"]["count"] == 2
    assert planned["expenses"]["held"] == 3
    assert planned["receipts"] == {"to_attach": 1, "bytes": 10}
    assert planned["quota"]["companies_assumed"] == 1
    assert planned["requests"]["looks"] == 1
    assert "Held: 1 company with 3 expenses" in desk.plan(named=False, text=True)


async def _hold(path, company):
    async with writing(path, SystemClock()) as journal:
        await journal.runs.begin(version="1", flow="datasets")
        await journal.companies.hold(company, code="no_connection", message="It is not linked.", hint=None)


def test_the_days_at_the_quota_and_the_second_address_are_said(desk):
    desk.write(rows(60))

    planned = desk.plan("--source-ip", "127.0.0.1,127.0.0.2", "--reserve", "500", "--max-requests", "2")
    text = desk.plan(text=True)

    assert planned["quota"] == {"companies_assumed": 1, "requests_a_day": 2_000, "reserve": 500, "days": 1}
    assert planned["time"]["requests_a_minute"] == 1_960
    assert planned["source_addresses"]["another_helps"] is False
    assert planned["runs"] == -(-planned["requests"]["predicted"] // 2)
    assert "A second source address (--source-ip) would bring nothing over a whole day" in text
    assert f"expense-runner run --journal {desk.journal}" in text


def test_without_files_and_without_a_journal_there_is_nothing_to_plan(desk):
    result = CliRunner().invoke(cli, ["plan", "--journal", str(desk.journal)], standalone_mode=False)
    assert "There is no journal" in str(result.exception)


def test_what_is_set_for_run_in_the_configuration_counts_for_plan():
    assert _defaults({"max-rpm": 5, "run": {"max-rpm": 100, "wait": 3}})["plan"] == {"max_rpm": 100}
    assert _defaults({"plan": {"max-rpm": 7}, "run": {"max-rpm": 100}})["plan"] == {"max_rpm": 7}
