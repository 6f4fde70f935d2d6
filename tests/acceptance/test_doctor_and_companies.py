"""What a person sees who asks whether everything is in place."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses
from tests.acceptance.simulated import Simulator

ORDER = ["versions", "extras", "key", "api", "key_accepted", "clock", "companies", "flow"]
JOURNAL = ["journal", "lock", "integrity", "disk", "units", "last_run"]
COMPANY = '[[company]]\nid = "{id}"\nstatus = "{status}"\nname = "Acme \\u001b[31m"\n'


def test_before_the_first_run_and_after_it(
    tmp_path: Path, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(
        scenario=COMPANY.format(id="acme", status="Linked") + COMPANY.format(id="bolt", status="Deauthorized")
    )
    command = Command(tmp_path, simulator.url)

    first = command.call("doctor", "--json").expect(0).report["checks"]
    command.run(write(companies=1, each=1).folder).expect(0)
    posts = simulator.posts()
    after = command.call("doctor").expect(0)
    companies = command.call("companies", "--json", "--linked").expect(0)
    unlinked = command.call("companies", "--unlinked").expect(0)

    assert [each["check"] for each in first] == [*ORDER, "journal", "disk", "units"]
    assert [each["check"] for each in first if each["level"] != "ok"] == ["journal"]
    assert [line.split()[1] for line in after.out.splitlines() if line.startswith("ok")] == ORDER + JOURNAL
    assert after.out.endswith("Nothing stands in the way of a run.\n")
    assert simulator.posts() == posts + 1
    listed = [json.loads(line) for line in companies.out.splitlines()]
    assert [each["in_journal"] for each in listed] == [False, True]
    assert unlinked.out.split()[:2] == ["bolt", "Deauthorized"]
    assert "\x1b" not in unlinked.out
    assert unlinked.err == "1 company: 1 Deauthorized\n"


def test_without_a_key_without_a_journal_and_without_codat_everything_else_is_looked_at(tmp_path: Path) -> None:
    command = Command(tmp_path, "http://127.0.0.1:9", environment={"CODAT_API_KEY": ""})

    said = command.call("doctor", "--json").expect(78).report

    assert [(each["check"], each["exit_code"]) for each in said["checks"] if each["level"] == "problem"] == [
        ("key", 78),
        ("api", 4),
    ]
    assert {"versions", "extras", "journal", "disk", "units"} <= {each["check"] for each in said["checks"]}
    assert not command.journal.exists()
