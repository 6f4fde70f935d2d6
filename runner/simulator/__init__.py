"""An honest Codat on loopback, for rehearsals, the demo and the tests.

It imports nothing else of the program: as an independent judge it must not share the program's mistakes.
"""

from runner.simulator.behaviour import NO_LIMITS, Behaviour, Limits
from runner.simulator.companies import CompanySpec
from runner.simulator.faults import Fault, FaultKind, parse_faults, preset_names
from runner.simulator.ledger import Ledger, LedgerEntry, StoredAttachment, ledger_csv, ledger_json
from runner.simulator.scenario import ScenarioError, load_scenario, read_scenario
from runner.simulator.service import RequestRecord, Service
from runner.simulator.values import LOST, Answer, Call

__all__ = [
    "LOST",
    "NO_LIMITS",
    "Answer",
    "Behaviour",
    "Call",
    "CompanySpec",
    "Fault",
    "FaultKind",
    "Ledger",
    "LedgerEntry",
    "Limits",
    "RequestRecord",
    "ScenarioError",
    "Service",
    "StoredAttachment",
    "ledger_csv",
    "ledger_json",
    "load_scenario",
    "parse_faults",
    "preset_names",
    "read_scenario",
]
