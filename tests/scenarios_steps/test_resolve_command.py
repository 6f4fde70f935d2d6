"""`expense-runner resolve` as it is typed: what is named, what is asked, and what is refused."""

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.clock import SystemClock
from runner.codat.draining import Draining
from runner.errors import ExitCode, RefusedToStart
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import writing
from runner.stage import stage
from tests.filing import begin, file_in
from tests.scenarios_steps.walking import staged
from tests.simulator_client import COMPANY, expense_id


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.db"
    asyncio.run(_fill(path))
    return path


async def _fill(path):
    async with writing(path, SystemClock()) as journal:
        await journal.runs.begin(version="test", flow="datasets")
        await file_in(journal, [staged(each) for each in range(1, 5)], name="in.csv")
        await begin(
            journal, "gone.csv", path=str(path.parent / "gone.csv"), sha256=hashlib.sha256(b"it is back").hexdigest()
        )

        def states(connection):
            for number, (state, code) in enumerate(
                [("in_doubt", "unknown"), ("failed", "push_error"), ("rejected", "invalid")], start=1
            ):
                connection.execute("UPDATE expense SET state = ?, code = ? WHERE expense_no = ?", (state, code, number))

        await journal.runs._context.store.write(states)
        await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)


@pytest.fixture
def resolve(path):
    def resolve(*words, answer=None):
        return CliRunner().invoke(cli, ["resolve", *words, "--journal", str(path)], standalone_mode=False, input=answer)

    return resolve


def test_without_a_terminal_and_without_yes_nothing_is_changed(resolve):
    result = resolve(expense_id(1), "--posted")

    assert isinstance(result.exception, RefusedToStart)
    assert "1 expense" in result.exception.message
    assert "15.00 GBP" in result.exception.message
    assert resolve(expense_id(1), "--posted", "--yes").return_value == 0


def test_what_cannot_be_said_is_told_with_its_reason_and_the_rest_is_taken(resolve):
    every = [expense_id(each) for each in range(1, 5)]
    result = resolve(*every, "--posted", "--yes", "--note", "looked up", "--json")
    told = json.loads(result.output)

    assert [each["id"] for each in told["resolved"]] == every[:2]
    assert told["amounts"] == {"GBP": "30"}
    assert ["rejected" in each["reason"] or "not sent" in each["reason"] for each in told["refused"]] == [True, True]
    assert result.return_value == ExitCode.WORK_REMAINS
    assert resolve(*every, "--posted", "--yes").return_value == ExitCode.REFUSED


def test_ids_come_from_a_file_as_well(resolve, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text(f"{expense_id(1)}\n\n{expense_id(2)}\n", encoding="utf-8")

    told = json.loads(resolve("--file", str(ids), "--posted", "--yes", "--json").output)
    assert len(told["resolved"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("x", "--posted", "--absent"),
        ("x",),
        ("x", "--attached"),
        ("x", "--receipts", "--posted"),
        ("--input", "gone.csv"),
        ("--input", "gone.csv", "--posted"),
        ("q3", "--same"),
        (expense_id(1), "--other"),
        ("q3.17", "--same", "--other"),
        ("x", "--dismiss"),
    ],
)
def test_one_answer_that_fits_must_be_given(resolve, words):
    assert type(resolve(*words, "--yes").exception).__name__ == "UsageError"


def test_nothing_named_is_nothing_meant(resolve):
    assert isinstance(resolve("--posted", "--yes").exception, RefusedToStart)


def test_an_input_that_is_lost_is_dropped_and_one_that_is_there_is_not(resolve, path):
    file = path.parent / "gone.csv"
    file.write_text("it is back", encoding="utf-8")
    assert resolve("--input", "gone.csv", "--dropped", "--yes").return_value == ExitCode.REFUSED
    file.unlink()

    assert resolve("--input", "gone.csv", "--dropped", "--yes").return_value == 0
    assert resolve("--input", "gone.csv", "--dropped", "--yes").return_value == ExitCode.REFUSED


def test_show_and_status_tell_what_was_said(resolve, path):
    resolve("--company", COMPANY, "--posted", "--code", "unknown", "--yes", "--note", "in Xero")
    shown = CliRunner().invoke(cli, ["show", expense_id(1), "--journal", str(path)], standalone_mode=False).output
    assert "says: posted, was in_doubt (unknown) (in Xero)" in shown
    told = CliRunner().invoke(cli, ["status", "--journal", str(path)], standalone_mode=False).output
    assert "of the posted by somebody's word (15.00 GBP)" in told


def test_questions_are_answered_by_row_and_by_file(resolve, path, tmp_path):
    head = "company_id,type,issue_date,currency,net_amount,account_id\n"
    row = "acme,Payment,2026-01-02,EUR,{},400\n"
    files = {"one.csv": ("1.00", "2.00"), "two.csv": ("1.00", "7.00", "8.00")}

    async def read():
        async with writing(path, SystemClock()) as journal:
            await journal.runs.begin(version="test", flow="datasets")
            for name, amounts in files.items():
                (tmp_path / name).write_text(head + "".join(map(row.format, amounts)), encoding="utf-8")
                source = Source(name, tmp_path / name)
                (found,) = await stage([source], Options(), journal, draining=Draining(), note=lambda *_, **__: None)
            return found

    found = asyncio.run(read())
    assert (found.accepted, found.asked) == (0, 3)
    told = json.loads(resolve(f"q{found.number}.2", "--same", "--yes", "--json").output)
    assert told["resolved"] == [
        {"kind": "question", "id": f"q{found.number}.2 (two.csv, line 2)", "company_id": "acme"}
    ]
    refused = json.loads(resolve("--input", "two.csv", "--same", "--yes", "--json").output)["refused"]
    assert ["say --other" in each["reason"] for each in refused] == [True, True]
    told = json.loads(resolve("--input", "two.csv", "--other", "--yes", "--json").output)
    assert (len(told["resolved"]), told["amounts"]) == (2, {"EUR": "15"})
    assert resolve(f"q{found.number}.2", "--other", "--yes").return_value == ExitCode.REFUSED
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM row_error WHERE settled = 0").fetchone() == (0,)
        (staged,) = connection.execute("SELECT count(*) FROM v_expenses WHERE company_id = 'acme'").fetchone()
    assert staged == 4
