"""Every exit code, reached by the situation that it stands for, with a sentence that a person can act on.

8 is in test_one_journal, 130 and 143 are in test_signals, and 1 after a failing disk is in test_system_calls.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import KEYS, Command, Ended
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled
from tests.acceptance.simulated import QUICK, Simulator

SECOND_POSTS = '[[fault]]\nkind = "error"\nmethod = "POST"\npath = "/syncs$"\nstatus = {}\nwhen = "before"\n'


def consistent(ended: Ended) -> dict[str, Any]:
    """Assert what must hold of every report, and return it."""
    report = ended.report
    assert report.keys() - {"stop", "resume_at"} == KEYS
    assert report["exit_code"] == ended.code
    expenses = report["expenses"]
    assert expenses["total"] == sum(count for state, count in expenses.items() if state != "total")
    receipts = report["receipts"]
    assert receipts["total"] == sum(count for state, count in receipts.items() if state != "total")
    return report


def test_0_for_an_empty_journal_and_nothing_to_do(command: Command, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("company_id,type,issue_date,currency,net_amount,account_id\n", encoding="utf-8")

    assert consistent(command.run(empty).expect(0))["expenses"]["total"] == 0
    assert consistent(command.run().expect(0))["expenses"]["total"] == 0


@pytest.mark.parametrize("arguments", [["run"], ["verify"], ["retry"]])
def test_6_where_there_is_no_journal_to_go_on_with(command: Command, arguments: list[str]) -> None:
    ended = command.call(*arguments).expect(6)

    assert "There is no journal at" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--no-such-option"], "--no-such-option"),
        (["run", "--concurrency", "none"], "'none' is not a valid integer"),
        (["run", "--wait", "soon"], "'soon' is no duration"),
        (["no-such-command"], "No such command"),
        (["check"], "Missing argument"),
    ],
)
def test_2_for_a_command_line_that_cannot_be_understood(command: Command, arguments: list[str], said: str) -> None:
    ended = command.call(*arguments).expect(2)

    assert said in ended.err
    assert ended.out == ""


def test_3_for_a_row_that_is_wrong_and_the_others_are_posted(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1)
    (company,) = expenses.companies
    with (expenses.folder / f"{company}.csv").open("a") as file:
        file.write("wrong,Payment,2026-13-01,EUR,1.00,0,acc-1,,\n")

    ended = command.run(expenses.folder).expect(3)

    assert consistent(ended)["outcomes"] == ["rejected"]
    assert_all_posted_once(expenses, simulator.ledger())
    shown = command.call("status").expect(0)
    assert f"{company}.csv" in shown.out
    assert "line 5 (id 'wrong'), issue_date '2026-13-01': expected a date" in shown.out


def test_3_for_an_expense_that_codat_rejects(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1)
    bad = min(expense for _, expense in expenses.gross)
    simulator = own_simulator(
        scenario=f'[[expense]]\nid = "{bad}"\noutcome = "validation_error"\nmessage = "The account is archived."\n'
    )
    command = Command(expenses.folder.parent, simulator.url)

    report = consistent(command.run(expenses.folder).expect(3))

    assert (report["expenses"]["posted"], report["expenses"]["rejected"]) == (2, 1)
    shown = command.call("status").expect(0)
    assert "The account is archived." in shown.out
    assert bad in shown.out


def test_4_for_a_held_company_and_the_next_run_goes_on_once_it_is_well(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2)
    sick = min(expenses.companies)
    simulator = own_simulator(
        scenario=f'[[fault]]\nkind = "sync_code"\ncompany = "{sick}"\ncode = 4000\npart = 0.0\ntimes = 1\n'
    )
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder).expect(4)

    report = consistent(ended)
    assert (report["expenses"]["posted"], report["expenses"]["held"]) == (3, 3)
    assert report["resume"] == f"expense-runner run --journal {command.journal}"
    assert sick in command.call("status").expect(0).out
    command.run().expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_5_once_more_expenses_are_rejected_than_allowed(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1, each=200)
    simulator = own_simulator(scenario='[[fault]]\nkind = "validation_error"\n')
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(
        expenses.folder, options=["--max-errors", "10", "--drafts-a-sync", "1", "--syncs-in-flight", "1"]
    ).expect(5)

    report = consistent(ended)
    assert report["stop"]["code"] == "max_errors"
    assert report["expenses"]["rejected"] == 50
    assert report["expenses"]["staged"] == 150
    assert "More than 10 expenses were rejected" in ended.err


def test_6_where_strict_meets_a_wrong_row_and_nothing_is_sent(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1)
    with next(expenses.folder.glob("*.csv")).open("a") as file:
        file.write("wrong,Payment,2026-03-01,EUR,twelve,0,acc-1,,\n")

    ended = command.run(expenses.folder, options=["--strict"]).expect(6)

    assert "1 error in the input, and --strict sends nothing" in ended.err
    assert "expense-runner check" in ended.err
    assert simulator.ledger().postings(expenses.companies) == {}


def test_6_where_the_input_does_not_exist(command: Command) -> None:
    ended = command.run("nowhere.csv").expect(6)

    assert "nowhere.csv" in ended.err


def test_7_for_an_expense_of_which_codat_does_not_tell(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1)
    silent = min(expense for _, expense in expenses.gross)
    simulator = own_simulator(scenario=f'[[expense]]\nid = "{silent}"\noutcome = "unknown"\n')
    command = Command(expenses.folder.parent, simulator.url)

    report = consistent(command.run(expenses.folder).expect(7))

    assert report["outcomes"][0] == "in_doubt"
    assert (report["expenses"]["posted"], report["expenses"]["in_doubt"]) == (2, 1)
    assert silent in command.call("status").expect(0).out
    posts = simulator.posts()
    command.run(expenses.folder).expect(7)
    assert simulator.posts() == posts
    assert_nothing_doubled(expenses, simulator.ledger())


def test_75_where_codat_asks_for_a_pause_that_is_too_long(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2, receipt_every=3)
    simulator = own_simulator(
        scenario='[[fault]]\nkind = "rate_limited"\nmethod = "POST"\npath = "/syncs$"\nseconds = 7200.0\ntimes = 1\n'
    )
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder).expect(75)

    report = consistent(ended)
    assert report["stop"]["code"] == "budget_reached"
    assert "Run again at" in ended.err
    assert report["resume_at"] in ended.err
    command.run().expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_75_where_the_daily_quota_is_used_up(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=1, each=400)
    simulator = own_simulator(behaviour=f"{QUICK.replace('limits = false', '')}\n[behaviour.limits]\na_day = 8\n")
    command = Command(expenses.folder.parent, simulator.url, options=("--poll-interval", "0.05"))

    ended = command.run(expenses.folder, options=["--drafts-a-sync", "1"]).expect(75)

    report = consistent(ended)
    assert report["stop"]["code"] == "budget_reached"
    assert "T00:00:00" in report["resume_at"]
    assert simulator.requests() <= 17
    assert_nothing_doubled(expenses, simulator.ledger())


def test_77_for_a_key_that_codat_refuses_and_the_next_run_with_the_right_one_finishes(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write()
    simulator = own_simulator(behaviour=f'{QUICK}\napi_keys = ["the-right-key"]')
    folder = expenses.folder.parent
    wrong = Command(folder, simulator.url)

    ended = wrong.run(expenses.folder).expect(77)

    report = consistent(ended)
    assert report["stop"]["code"] == "key_refused"
    assert "key" in ended.err
    assert report["expenses"]["staged"] == 6
    assert simulator.ledger().entries == []
    Command(folder, simulator.url, environment={"CODAT_API_KEY": "the-right-key"}).run().expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CODAT_API_KEY": ""}, "No API key"),
        ({"CODAT_BASE_URL": "http://codat.example"}, "must be https"),
        ({"EXPENSE_RUNNER_CONFIG": "absent.toml"}, "There is no configuration file"),
    ],
)
def test_78_for_a_setting_that_cannot_work(
    tmp_path: Path, simulator: Simulator, environment: dict[str, str], said: str
) -> None:
    command = Command(tmp_path, simulator.url, environment=environment)
    empty = tmp_path / "empty.csv"
    empty.write_text("company_id,type,issue_date,currency,net_amount,account_id\n", encoding="utf-8")

    ended = command.run(empty).expect(78)

    assert said in ended.err


@pytest.mark.parametrize("status", [402])
def test_an_account_that_has_reached_its_limit_stops_the_run(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses], status: int
) -> None:
    expenses = write()
    simulator = own_simulator(scenario=SECOND_POSTS.format(status))
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder).expect(75)

    assert consistent(ended)["stop"]["code"] == "account_limited"
    assert simulator.ledger().entries == []
