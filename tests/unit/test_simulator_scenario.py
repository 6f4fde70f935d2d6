import csv
import io
import json
import re

import pytest

from runner.simulator.behaviour import NO_LIMITS, Limits
from runner.simulator.faults import Fault, FaultKind
from runner.simulator.ledger import ledger_csv, ledger_json
from runner.simulator.scenario import ScenarioError, load_scenario, read_faults, read_scenario
from runner.simulator.service import Service
from tests.simulator_client import Client, attachment, expense, expense_id

SCENARIO = """
[behaviour]
speaks = "datasets"
sync_seconds = [0.5, 2]
duplicate_check = "request"
api_keys = ["secret"]
epoch = 2026-01-01T00:00:00Z

[behaviour.limits]
a_day = false
in_flight = 4

[[company]]
id = "acme"
name = "Acme Ltd"
platform = "Xero"
sync_seconds = [1, 1]
config = { bankAccount = "b", supplier = "s", customer = { id = "c" } }
accounts = ["travel", { id = "meals", name = "Meals", validTransactionTypes = ["Payment"] }]

[[company.fault]]
kind = "dies_half_way"
times = 1

[[company]]
id = "gone"
status = "Unlinked"

[[expense]]
reference = "DEMO-PUSH"
outcome = "push_error"
times = 1

[[fault]]
name = "error_503_before*2"

[[fault]]
kind = "lost"
path = "/syncs$"
nth = 3
"""


def test_scenario_declares_behaviour_companies_and_faults(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    behaviour, faults = load_scenario(path)
    acme, gone = behaviour.companies
    assert behaviour.speaks == "datasets"
    assert behaviour.sync_seconds == (0.5, 2.0)
    assert behaviour.limits == Limits(a_day=None, in_flight=4)
    assert (acme.name, acme.platform, acme.sync_seconds) == ("Acme Ltd", "Xero", (1.0, 1.0))
    assert acme.config == {"bankAccount": {"id": "b"}, "supplier": {"id": "s"}, "customer": {"id": "c"}}
    assert [each["id"] for each in acme.accounts] == ["travel", "meals"]
    assert acme.accounts[0]["validTransactionTypes"]
    assert gone.status == "Unlinked"
    assert faults == (
        Fault(FaultKind.DIES_HALF_WAY, company="acme", times=1),
        Fault(FaultKind.PUSH_ERROR, reference="DEMO-PUSH", times=1),
        Fault(FaultKind.ERROR, status=503, when="before", times=2),
        Fault(FaultKind.LOST, path="/syncs$", nth=3),
    )
    Service(behaviour, faults=faults)


def test_limits_can_be_switched_off_at_once():
    assert read_scenario("[behaviour]\nlimits = false")[0].limits == NO_LIMITS


def test_empty_scenario_is_the_documented_behaviour():
    behaviour, faults = read_scenario("")
    assert (behaviour.open_world, behaviour.speaks, faults) == (True, "both", ())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = ", "end of document"),
        ("[behavior]", "behavior"),
        ("[behaviour]\nspeak = 1", "speak"),
        ('[behaviour]\nspeaks = "french"', "behaviour"),
        ("[behaviour]\nsync_seconds = [5, 1]", "sync_seconds"),
        ("[behaviour]\nepoch = 2026-01-01T00:00:00", "epoch"),
        ("[behaviour]\nlimits = 5", "limits"),
        ("[[company]]\nname = 'x'", "id"),
        ("[[company]]\nid = 'x'\nstatus = 'Broken'", "status"),
        ("[[company]]\nid = 'x'\naccounts = [5]", "accounts"),
        ("[company]\nid = 'x'", "[[company]]"),
        ("[[expense]]\noutcome = 'push_error'", "reference"),
        ("[[expense]]\nid = 'x'\noutcome = 'explodes'", "outcome"),
        ("[[fault]]\nkind = 'lots'", "kind"),
        ("[[fault]]\nname = 'lots'", "lots"),
        ("[[fault]]\nkind = 'lost'\nprobability = 2.0", "probability"),
        ("[[fault]]\nkind = 'lost'\npath = '('", "path"),
        ("[[fault]]\nkind = 'push_error'\npath = 'x'", "path"),
        ("[[fault]]\nkind = 'sync_code'\nreference = 'x'", "reference"),
    ],
)
def test_wrong_scenario_is_refused_by_name(text, named):
    with pytest.raises(ScenarioError, match=re.escape(named)):
        read_scenario(text)


def test_scenario_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"nowhere\.toml"):
        load_scenario(tmp_path / "nowhere.toml")


def test_faults_are_read_from_names_and_tables():
    assert read_faults(["redirect*1", {"kind": "lost", "when": "before"}]) == (
        Fault(FaultKind.REDIRECT, times=1),
        Fault(FaultKind.LOST, when="before"),
    )
    with pytest.raises(ScenarioError):
        read_faults(5)


def test_ledger_is_exported_as_json_and_csv():
    client = Client()
    sync = client.posted(expense(1, reference="=1+1"))
    headers, body = attachment()
    client.send("POST", client.path(f"syncs/{sync}/transactions/{expense_id(1)}/attachments"), body, headers=headers)
    document = json.loads(ledger_json(client.ledger))
    (row,) = csv.DictReader(io.StringIO(ledger_csv(client.ledger)))
    assert document["entries"] == client.ledger.export()
    assert (document["entries"][0]["net"], document["entries"][0]["tax"]) == ("12.50", "2.50")
    assert document["attachments"][0]["name"] == "receipt.pdf"
    assert (row["expense"], row["net"], row["reference"]) == (expense_id(1), "12.50", "'=1+1")
