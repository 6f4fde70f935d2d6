"""Users know their own ids and references: by them they find an expense, and what is wrong with its row."""

import asyncio
import json
import sqlite3

import pytest

from runner.cli import main
from runner.codat.draining import Draining
from runner.intake.read import Options
from runner.intake.sources import find_sources
from runner.journal.journal import writing
from runner.stage import stage
from tests.clocks import FakeClock

COMPANY = "cafe0000-3333-4c33-8c33-cafe00000003"
HEADER = "company_id,id,type,issue_date,currency,net_amount,account_id,reference\n"


@pytest.fixture
def journal(tmp_path):
    """INV-17 has failed, the row of INV-18 is wrong, and so is one without an id."""
    rows = [("INV-17", "2024-03-31", "R-17"), ("INV-18", "31/04/x", "R-18"), ("", "31/04/x", "")]
    path = tmp_path / "j.db"
    file = tmp_path / "a.csv"
    file.write_text(
        HEADER + "".join(f"{COMPANY},{own},Payment,{day},EUR,12.50,400,{said}\n" for own, day, said in rows)
    )

    async def read():
        async with writing(path, FakeClock()) as opened:
            await opened.runs.begin(version="0", flow="datasets")
            await stage(find_sources([str(file)]), Options(), opened, draining=Draining(), note=lambda *_, **__: None)
            await opened.runs.end(exit_code=3, requests=0, retried=0, rate_limited=0)

    asyncio.run(read())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE expense SET state = 'failed', code = 'push_error', message = 'No answer.'")
    connection.close()
    return str(path)


def ask(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


def test_show_finds_an_expense_by_the_text_of_its_id_column(journal, capsys):
    code, out, _ = ask(capsys, "show", "INV-17", "--company", COMPANY, "--journal", journal)
    assert code == 0
    assert "12.50 EUR" in out
    assert "line 2 (1 row)" in out


def test_show_says_what_is_wrong_with_a_row_that_was_never_let_in(journal, capsys):
    code, _, err = ask(capsys, "show", "INV-18", "--company", COMPANY, "--journal", journal)
    assert code == 6
    assert "because its row is wrong" in err
    assert "line 3 (id 'INV-18'), issue_date '31/04/x'" in err
    assert "[date_unreadable]" in err


def test_show_of_what_nobody_has_seen_says_only_that(journal, capsys):
    code, _, err = ask(capsys, "show", "INV-19", "--company", COMPANY, "--journal", journal)
    assert code == 6
    assert "No expense 'INV-19'" in err
    assert "wrong" not in err
    code, _, err = ask(capsys, "show", "INV-18", "--company", "another", "--journal", journal)
    assert (code, "wrong" in err) == (6, False)


def test_lists_name_an_expense_by_its_reference_and_a_wrong_row_by_its_id(journal, capsys):
    _, status, _ = ask(capsys, "status", "--journal", journal)
    assert "a.csv, line 2, reference R-17)" in status
    assert "line 3 (id 'INV-18'), issue_date" in status
    assert "line 4, issue_date" in status
    _, errors, _ = ask(capsys, "errors", "--journal", journal)
    assert "(reference R-17): No answer." in errors
    assert "line 3: id 'INV-18', issue_date '31/04/x'" in errors


def test_retry_takes_the_users_own_id_as_well(journal, capsys):
    code, _, err = ask(capsys, "retry", "--id", "INV-17", "--journal", journal)
    assert code == 6
    assert "--company" in err
    code, out, _ = ask(capsys, "retry", "--id", "INV-17", "--company", COMPANY, "--json", "--journal", journal)
    assert code == 0
    assert len(json.loads(out)["staged_again"]) == 1


def test_a_list_that_is_cut_says_how_many_are_left_out(tmp_path, capsys):
    path, file = tmp_path / "j.db", tmp_path / "a.csv"
    file.write_text(HEADER + "".join(f"{COMPANY},I{n},Payment,2024-03-31,EUR,1.50,400,\n" for n in range(23)))

    async def read():
        async with writing(path, FakeClock()) as opened:
            await opened.runs.begin(version="0", flow="datasets")
            await stage(find_sources([str(file)]), Options(), opened, draining=Draining(), note=lambda *_, **__: None)

    asyncio.run(read())
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE expense SET state = 'failed', code = 'push_error' WHERE line > 2")
    connection.close()

    _, out, _ = ask(capsys, "status", "--journal", str(path))
    assert out.count("line ") == 20
    assert "  … and 2 more\n" in out


@pytest.mark.parametrize("company", [COMPANY.upper(), COMPANY.title(), f" {COMPANY} "])
@pytest.mark.parametrize(
    "command",
    [("show", "INV-17"), ("report", "--format", "json"), ("retry", "--id", "INV-17")],
    ids=lambda command: command[0],
)
def test_a_company_is_the_same_in_whatever_case(command, company, journal, capsys):
    code, out, err = ask(capsys, *command, "--company", company, "--journal", journal)
    assert code == 0, err
    assert out


@pytest.mark.parametrize("command", [("verify",), ("report", "--format", "json"), ("retry",)], ids=lambda each: each[0])
def test_a_company_that_the_journal_does_not_have_is_refused(command, journal, capsys, monkeypatch):
    monkeypatch.setenv("CODAT_API_KEY", "key")
    code, out, err = ask(capsys, *command, "--company", COMPANY.replace("cafe", "beef"), "--journal", journal)
    assert (code, out) == (6, "")
    assert f"No company {COMPANY.replace('cafe', 'beef')} in this journal." in err
