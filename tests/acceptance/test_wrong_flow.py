"""An account that speaks the other flow: the run says which setting to change, and nothing is lost or doubled."""

from collections.abc import Callable

import pytest

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled
from tests.acceptance.simulated import QUICK, Simulator


@pytest.mark.parametrize(("wrong", "right"), [("datasets", "direct"), ("direct", "datasets")])
def test_the_wrong_flow_names_the_setting_and_the_right_one_finishes(
    wrong: str, right: str, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour=f'{QUICK}\nspeaks = "{right}"')
    expenses = write(companies=3, each=60, receipt_every=10)
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder, options=["--flow", wrong]).expect(78)

    assert f'Set flow = "{right}" (or --flow {right})' in ended.err
    report = ended.report
    assert report["stop"]["code"] == "configuration"
    assert report["resume"] is not None
    assert_nothing_doubled(expenses, simulator.ledger())

    command.run(options=["--flow", right]).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())
    posts = simulator.posts()
    command.run(expenses.folder, options=["--flow", right]).expect(0)
    assert simulator.posts() == posts
