"""Codat gives an id twice: one company is held with what was seen, the others go on, and a later run settles it."""

import json
from collections.abc import Callable

import pytest

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled
from tests.acceptance.simulated import Simulator


@pytest.mark.parametrize(
    ("flow", "path", "exit_code"),
    [("datasets", "/syncs$", 7), ("datasets", "/expense-transactions$", 4), ("direct", "/expense-transactions$", 7)],
)
def test_an_id_that_is_given_twice_holds_one_company_and_nothing_is_doubled(
    flow: str, path: str, exit_code: int, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    fault = f'[[fault]]\nkind = "repeated_id"\nmethod = "POST"\npath = "{path}"\nnth = 2\n'
    simulator = own_simulator(scenario=fault)
    expenses = write(companies=3, each=4)
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder, options=["--flow", flow, "--concurrency", "1"])

    ended.expect(exit_code)
    (hold,) = json.loads(command.call("status", "--json").out)["holds"]
    assert hold["code"] == "id_repeated"
    assert ended.report["expenses"]["posted"] == 8
    assert "goes on by itself" in command.call("errors").out
    assert_nothing_doubled(expenses, simulator.ledger())
    command.run(options=["--flow", flow, "--quiescence", "1"]).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())
