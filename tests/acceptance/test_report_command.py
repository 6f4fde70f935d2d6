"""`report` and `serve` as they are given."""

import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.errors import ConfigurationWrong, RefusedToStart
from tests.many_outcomes import company_id, write


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    path = tmp_path_factory.mktemp("command") / "j.db"
    write(path, companies=20, nights=1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE input SET name = ?", (f"in/{company_id(7)}.csv",))
    connection.close()
    return path


def ask(*arguments):
    return CliRunner().invoke(cli, [str(each) for each in arguments], standalone_mode=False)


def test_a_report_is_written_whole_for_its_owner_alone_and_replaces_the_last_one(journal, tmp_path):
    out = tmp_path / "report.html"
    for _ in range(2):
        ended = ask("report", "--journal", journal, "--out", out)
        assert ended.exception is None
        assert out.read_text().startswith("<!doctype html>")
        assert out.read_text().endswith("</html>\n")
        assert out.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [out]
    assert ended.stdout == ""
    assert "in doubt" in ended.stderr


@pytest.mark.parametrize(("arguments", "begins"), [
    (["--out", "r.json"], "{"), (["--out", "r.txt"], "<!doctype"),
    (["--format", "json", "--out", "r.txt"], "{"),
])  # fmt: skip
def test_the_format_is_the_one_asked_for_or_that_of_the_name(journal, tmp_path, monkeypatch, arguments, begins):
    monkeypatch.chdir(tmp_path)
    assert ask("report", "--journal", journal, *arguments).exception is None
    assert (tmp_path / arguments[-1]).read_text().startswith(begins)


def test_without_a_file_the_report_is_the_result_and_standard_output_holds_nothing_else(journal):
    ended = ask("report", "--journal", journal, "--format", "json", "--company", company_id(5))
    assert json.loads(ended.stdout)["company_id"] == company_id(5)
    assert ended.stderr == ""


def test_details_bounds_what_is_listed_and_not_what_is_counted(journal):
    few, all_ = (
        json.loads(ask("report", "--journal", journal, "--format", "json", *more).stdout)
        for more in (["--details", 1], [])
    )
    assert few["expenses"] == all_["expenses"]
    assert few["attention_left_out"] == len(all_["attention"]) - len(few["attention"]) > 0


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_companys_report_names_no_other_company_even_where_a_file_does(journal, form):
    said = ask("report", "--journal", journal, "--format", form, "--company", company_id(5)).stdout

    assert company_id(5) in said
    assert "(another company)" in said
    assert [number for number in range(1, 21) if company_id(number) in said] == [5]


def test_a_company_that_is_not_known_is_refused(journal):
    assert isinstance(
        ask("report", "--journal", journal, "--company", "nobody", "--format", "json").exception, RefusedToStart
    )


def test_a_report_never_replaces_a_journal(journal):
    before = journal.read_bytes()
    assert isinstance(ask("report", "--journal", journal, "--out", journal).exception, RefusedToStart)
    assert journal.read_bytes() == before


def test_a_report_is_read_beside_a_run_that_writes(journal):
    with sqlite3.connect(journal) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE expense SET retries = retries + 1")
        assert ask("report", "--journal", journal, "--format", "json").exception is None
        writer.rollback()
    writer.close()


def test_only_the_command_line_may_open_the_report_to_others(journal, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[serve]\nhost = "0.0.0.0"\n')
    assert isinstance(ask("--config", config, "serve", "--journal", journal).exception, ConfigurationWrong)


def test_serve_answers_from_the_journal_as_it_is_and_ends_in_good_order(journal):
    command = [sys.executable, "-m", "runner", "serve", "--port", "0", "--journal", str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1].rstrip("/")

        def get(path):
            with urllib.request.urlopen(url + path, timeout=20) as answer:
                return answer.headers["Content-Type"], answer.read().decode()

        try:
            kind, text = get("/metrics")
            assert kind == "text/plain; version=0.0.4; charset=utf-8"
            assert "\nexpense_runner_unbalanced 0\n" in text
            assert get("/")[1].startswith("<!doctype html>")
            assert json.loads(get("/report.json")[1])["balanced"] is True
            assert company_id(5) in get(f"/company/{company_id(5)}")[1]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.communicate()
