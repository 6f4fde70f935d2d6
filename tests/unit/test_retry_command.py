"""`retry` of what was rejected, beside what has come in since."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.codat.draining import Draining
from runner.intake.read import Options
from runner.intake.sources import Source
from runner.journal.journal import writing
from runner.stage import stage
from tests.clocks import FakeClock

HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id,merchant_name\n"
ROW = "acme,{},Payment,2024-03-01,EUR,5.00,400,Taxi\n"


def staged(journal_file: Path, *texts: str) -> None:
    """Let files in whose rows each bring a purchase of its own; the first one's is rejected, the others are posted."""

    async def read() -> None:
        async with writing(journal_file, FakeClock()) as journal:
            await journal.runs.begin(version="1", flow="datasets")
            for number, text in enumerate(texts):
                path = journal_file.parent / f"{number}.csv"
                path.write_text(HEADER + text)
                options = Options(overlap="no")
                await stage(
                    [Source(path.name, path)], options, journal, draining=Draining(), note=lambda *_, **__: None
                )
            await journal.runs.end(exit_code=0, requests=0, retried=0, rate_limited=0)

    asyncio.run(read())
    with closing(sqlite3.connect(journal_file)) as connection:
        connection.execute("UPDATE expense SET state = 'rejected', code = 'validation_error' WHERE expense_no = 1")
        connection.execute("UPDATE expense SET state = 'posted' WHERE expense_no > 1")
        connection.commit()


def retry(journal_file: Path, *options: str) -> Any:
    given = ["retry", "--rejected", "--journal", str(journal_file), *options]
    return CliRunner().invoke(cli, given, standalone_mode=False)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [("", "", 1), ("k1", "", 1), ("k1", "k2", 0)],
    ids=["rows without ids", "one with an id", "ids tell them apart"],
)
def test_a_rejected_expense_that_has_come_in_again_since_is_left_alone_until_it_is_named(
    tmp_path: Path, first: str, second: str, left: int
) -> None:
    journal_file = tmp_path / "j.db"
    staged(journal_file, ROW.format(first), ROW.format(second) + ROW.format("").replace("5.00", "6.00"))
    told = json.loads(retry(journal_file, "--json").output)
    assert (len(told["staged_again"]), len(told["came_again"])) == (1 - left, left)
    if left:
        (own,) = told["came_again"]
        said = retry(journal_file).output
        assert f"retry --journal {journal_file} --rejected --id {own}" in said
        assert json.loads(retry(journal_file, "--id", own, "--json").output)["staged_again"] == [own]


def test_an_equal_row_of_the_same_file_is_a_purchase_of_its_own(tmp_path: Path) -> None:
    journal_file = tmp_path / "j.db"
    staged(journal_file, ROW.format("") + ROW.format(""))
    told = json.loads(retry(journal_file, "--json").output)
    assert (len(told["staged_again"]), told["came_again"]) == (1, [])
