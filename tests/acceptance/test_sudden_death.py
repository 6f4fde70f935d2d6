"""`kill -9` at moments drawn by chance, ten times in a row: then one undisturbed run."""

from collections.abc import Callable
from random import Random

import pytest

from tests.acceptance.command import Command, kill, look_until
from tests.acceptance.expenses import Expenses, assert_all_posted_once, assert_nothing_doubled, in_doubt
from tests.acceptance.simulated import Simulator
from tests.acceptance.warm import Warm

DEATHS = 10
LIVELY = "sync_seconds = [0.05, 0.3]\nlimits = false"


@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_ten_deaths_of_the_command_lose_and_double_nothing(
    flow: str, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour=LIVELY)
    expenses = write(companies=4, each=120, receipt_every=12)
    command = Command(expenses.folder.parent, simulator.url)
    options = ["--flow", flow, "--drafts-a-sync", "1"]

    def live(moment: int) -> bool:
        process = command.start_run(expenses.folder, options=options)
        look_until(lambda: simulator.requests() >= moment, process=process)
        return kill(process).code == -9

    die_often(live, simulator, expenses, random=Random(flow))
    command.run(expenses.folder, options=options).expect(0)

    assert_all_posted_once(expenses, simulator.ledger())


@pytest.mark.parametrize("flow", ["datasets", "direct"])
def test_ten_deaths_lose_and_double_nothing_where_idempotency_keys_are_ignored(
    flow: str, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses], warm: Warm
) -> None:
    simulator = own_simulator(behaviour=f'{LIVELY}\nidempotency = "ignored"')
    expenses = write(companies=4, each=120, receipt_every=12)
    command = Command(expenses.folder.parent, simulator.url)
    # Long enough for anything that is under way on loopback: this Codat is never late.
    options = ["--flow", flow, "--drafts-a-sync", "1", "--quiescence", "2"]

    def live(moment: int) -> bool:
        life = warm.start(command, command.arguments(expenses.folder, options=options))
        look_until(lambda: simulator.requests() >= moment, process=life)
        life.kill()
        return warm.finish(life).code == -9

    die_often(live, simulator, expenses, random=Random(flow))
    ended = command.run(expenses.folder, options=options)

    # An upload that was cut off cannot be asked about: it is said, and not repeated.
    receipts = ended.report["receipts"]
    ended.expect(7 if receipts["in_doubt"] else 0)
    assert receipts["attached"] + receipts["in_doubt"] == receipts["total"]
    assert_all_posted_once(expenses, simulator.ledger(), receipts_in_doubt=in_doubt(command, expenses))


def die_often(live: Callable[[int], bool], simulator: Simulator, expenses: Expenses, *, random: Random) -> None:
    """Live until ten lives have ended in death, each a few requests after its beginning.

    A moment is a number of requests: it comes on a slow machine as it does on a fast one.
    """
    deaths = 0
    for _ in range(3 * DEATHS):
        deaths += live(simulator.requests() + random.randint(0, 14))
        assert_nothing_doubled(expenses, simulator.ledger())
        if deaths == DEATHS:
            return
    raise AssertionError(f"only {deaths} deaths")
