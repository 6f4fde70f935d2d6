"""`plan` as a process of its own: what it predicts is what the run then reports."""

from collections.abc import Callable

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses
from tests.acceptance.simulated import Simulator


def test_a_plan_needs_no_key_and_says_what_the_run_then_reports(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(receipt_every=2)
    keyless = Command(command.folder, "http://127.0.0.1:9", environment={"CODAT_API_KEY": ""})

    planned = keyless.call("plan", "--json", str(expenses.folder)).expect(0).report
    assert simulator.ledger().postings(expenses.companies) == {}
    assert not command.journal.exists()
    ended = command.run(expenses.folder).expect(0).report

    assert planned["requests"]["predicted"] == ended["requests"]["predicted"]
    assert planned["receipts"]["to_attach"] == ended["receipts"]["attached"]
    assert planned["to_send"]["EUR"]["count"] == ended["expenses"]["posted"]
    again = keyless.call("plan", "--json", str(expenses.folder)).expect(0).report
    assert again["requests"]["predicted"] == 0
    assert again["posted"] == planned["to_send"]
