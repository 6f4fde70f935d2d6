"""Every harm that a network can do to an exchange, at every endpoint, then clean runs: nothing lost or doubled."""

import re
from pathlib import Path

import pytest

from tests.acceptance.command import Command
from tests.acceptance.expenses import assert_all_posted_once, assert_nothing_doubled, in_doubt, write_expenses
from tests.acceptance.proxy import Harm, Plan, Proxy
from tests.acceptance.simulated import Simulator
from tests.acceptance.warm import Warm

ENDPOINTS = {
    "create": ("POST", re.compile(r"/expense-transactions$"), "datasets"),
    "initiate": ("POST", re.compile(r"/syncs$"), "datasets"),
    "create_directly": ("POST", re.compile(r"/expense-transactions$"), "direct"),
    "status": ("GET", re.compile(r"/status$"), "datasets"),
    "transactions": ("GET", re.compile(r"/transactions$"), "datasets"),
    "attach": ("POST", re.compile(r"/attachments$"), "datasets"),
}
DELIVERED = [(harm, endpoint) for harm in Harm for endpoint in ENDPOINTS]


@pytest.mark.parametrize(("harm", "endpoint"), DELIVERED, ids=[f"{h}-{e}" for h, e in DELIVERED])
def test_one_harm_to_one_exchange_loses_and_doubles_nothing(
    harm: Harm, endpoint: str, tmp_path: Path, simulator: Simulator, warm: Warm
) -> None:
    method, path, flow = ENDPOINTS[endpoint]
    expenses = write_expenses(tmp_path / "input", name=f"harm/{harm}/{endpoint}", companies=2, each=3, receipt_every=3)
    options = ["--flow", flow, "--request-timeout", "0.5", "--quiescence", "1"]
    with Proxy(simulator.url, Plan(harm, method, path)) as proxy:
        command = Command(tmp_path, proxy.url)
        ended = warm.run(command, expenses.folder, options=options)

        assert proxy.plan is not None
        assert proxy.plan.done, "the exchange never came"
        assert "Traceback" not in ended.err, ended.err
        assert ended.code in allowed(harm, endpoint), ended
        assert_nothing_doubled(expenses, simulator.ledger())
        # Every effect that left had an intention.
        intended = {key for (key,) in command.query("SELECT idempotency_key FROM attempt")}
        assert set(proxy.keys) <= intended

        if ended.code == 7:
            # An answer came and says nothing of the upload: it may have been attached, and is listed, not repeated.
            assert_all_posted_once(expenses, simulator.ledger(), receipts_in_doubt=in_doubt(command, expenses))
            return
        if ended.code != 0:
            again = warm.run(command, options=options)
            assert again.code == 0, again
        assert_all_posted_once(expenses, simulator.ledger())
        if harm is Harm.LATE:
            # What was begun in an earlier life arrives now: its key lets it have no second effect.
            assert proxy.release() == 1
            assert warm.run(command, expenses.folder, options=options).code == 0
            assert_all_posted_once(expenses, simulator.ledger())


def allowed(harm: Harm, endpoint: str) -> set[int]:
    """Return the exit codes that the first run may end with."""
    if harm is Harm.LONG_PAUSE:
        return {75}
    if endpoint == "attach" and harm in {Harm.REDIRECT, Harm.HTML}:
        return {7}
    return {0, 4}
