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

    ended = command.run(expenses.folder, options=["--flow", wrong])

    assert ended.report["resume"] is not None
    assert_nothing_doubled(expenses, simulator.ledger())
    if wrong == "datasets":
        ended.expect(78)
        assert f'Set flow = "{right}" (or --flow {right})' in ended.err
        assert ended.report["stop"]["code"] == "configuration"
    else:
        # A 400 for every expense is no proof that the flow is wrong: the companies are held, with a hint at it.
        ended.expect(4)
        assert ended.report["expenses"]["held"] == 180
        assert 'set flow = "datasets"' in command.call("status").expect(0).out

    command.run(options=["--flow", right]).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())
    posts = simulator.posts()
    command.run(expenses.folder, options=["--flow", right]).expect(0)
    assert simulator.posts() == posts


def test_the_start_of_a_sync_that_is_not_found_names_the_other_flow(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    fault = '[[fault]]\nkind = "error"\nmethod = "POST"\npath = "/syncs$"\nstatus = 404\nwhen = "before"\ntimes = 2\n'
    simulator = own_simulator(scenario=fault)
    expenses = write()
    command = Command(expenses.folder.parent, simulator.url)

    ended = command.run(expenses.folder).expect(78)

    assert 'Set flow = "direct" (or --flow direct)' in ended.err
    assert simulator.ledger().entries == []
    command.run(options=["--flow", "direct"]).expect(0)
    assert_all_posted_once(expenses, simulator.ledger())
