"""Many companies with receipts: everything in the books once, and a second run sends nothing."""

from collections.abc import Callable

import pytest

from tests.acceptance.command import KEYS, Command
from tests.acceptance.expenses import Expenses, assert_all_posted_once
from tests.acceptance.simulated import Simulator


@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_eight_companies_are_posted_once_with_their_receipts_and_a_second_run_sends_nothing(
    flow: str, tmp_path: object, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator()
    expenses = write(companies=8, each=200, receipt_every=10)
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder, options=["--flow", flow]).expect(0)

    assert_all_posted_once(expenses, simulator.ledger())
    report = ended.report
    assert report.keys() == KEYS
    assert report["exit_code"] == 0
    assert report["outcomes"] == []
    assert report["resume"] is None
    assert report["expenses"] == {
        "total": 1600, "staged": 0, "sent": 0, "posted": 1600, "rejected": 0, "failed": 0, "in_doubt": 0, "held": 0,
        "posted_by_word": 0, "dismissed": 0,
    }  # fmt: skip
    assert report["receipts"] == {"total": 160, "attached": 160, "waiting": 0, "rejected": 0, "in_doubt": 0}
    assert report["requests"].keys() >= {"total", "retried", "rate_limited", "predicted", "this_run"}
    assert report["requests"]["total"] == simulator.requests()

    posts = simulator.posts()
    for inputs in ([expenses.folder], []):
        again = command.run(*inputs, options=["--flow", flow]).expect(0)
        assert again.report["expenses"] == report["expenses"]
    assert simulator.posts() == posts


def test_the_output_for_people_names_the_totals_and_goes_to_stdout(
    command: Command, write: Callable[..., Expenses]
) -> None:
    expenses = write(receipt_every=3)

    ended = command.call("run", "--poll-interval", "0.05", str(expenses.folder)).expect(0)

    assert "6 expenses" in ended.out
    assert "posted" in ended.out
    assert "Exit code 0." in ended.out
    assert "To go on" not in ended.out
