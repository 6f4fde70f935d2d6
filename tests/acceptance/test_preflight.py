"""The preflight over real HTTP: what rows name is found or told, and a company that is not well is sent nothing."""

from collections.abc import Callable
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.simulated import Simulator

WELL, CUT = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"
SCENARIO = f"""
[[company]]
id = "{WELL}"
accounts = [
    {{ id = "acc-1", name = "Travel", nominalCode = "420" }},
    {{ id = "acc-2", name = "Meals", nominalCode = "430", validTransactionTypes = ["Payment"] }},
]
tax_rates = [{{ id = "t-20", name = "20% VAT", code = "INPUT2" }}]

[[company]]
id = "{CUT}"
status = "Unlinked"
"""
HEADER = "company_id,id,type,issue_date,currency,net_amount,tax_amount,account_id,tax_rate_id\n"


def row(company: str, number: int, account: str, *, kind: str = "Payment", rate: str = "") -> str:
    return f"{company},row-{number},{kind},2026-03-0{number},GBP,1{number}.50,0.10,{account},{rate}\n"


def test_names_and_codes_are_resolved_wrong_rows_rejected_and_a_disconnected_company_sent_nothing(
    own_simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = own_simulator(scenario=SCENARIO)
    command = Command(tmp_path, simulator.url)
    file = tmp_path / "rows.csv"
    rows = [
        row(WELL, 1, "travel", rate="20% VAT"),
        row(WELL, 2, "430"),
        row(WELL, 3, "Trvael"),
        row(WELL, 4, "Meals", kind="Refund"),
        row(CUT, 5, "Travel"),
    ]
    file.write_text(HEADER + "".join(rows), encoding="utf-8")

    checked = command.call("check", "--preflight", "rows", str(file)).expect(3)
    assert "Did you mean 'Travel' (code 420, id acc-1)?" in checked.out
    assert "No accounting connection" in checked.out
    assert simulator.posts() == 0

    report = command.run(file).expect(3).report

    states = {state: report["expenses"][state] for state in ("posted", "rejected", "held")}
    assert states == {"posted": 2, "rejected": 2, "held": 1}
    ledger = simulator.ledger()
    assert {each["company"] for each in ledger.entries} == {WELL}
    assert simulator.requests(method="POST", route="expense-transactions") == 1
    assert command.query("SELECT code FROM expense WHERE state = 'rejected' ORDER BY line") == [
        ("account_unknown",),
        ("account_not_for_type",),
    ]
    assert simulator.requests(route="mappingOptions") == 2  # the check's and the run's

    file.write_text(HEADER + "".join([*rows[:2], row(WELL, 3, "420"), row(WELL, 4, "Travel", kind="Refund")]), "utf-8")
    report = command.run(file).expect(4).report
    assert report["expenses"]["posted"] == 4
    assert simulator.requests(route="mappingOptions") == 2
    assert len(simulator.ledger().entries) == 4


def test_check_ends_with_4_where_only_a_company_is_not_well_and_asks_nothing_with_the_preflight_off(
    own_simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = own_simulator(scenario=SCENARIO)
    command = Command(tmp_path, simulator.url)
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + row(CUT, 1, "Travel"), encoding="utf-8")

    command.call("check", "--preflight", "off", str(file)).expect(0)
    assert simulator.requests() == 0
    found = command.call("check", "--json", str(file)).expect(4).report["preflight"]

    assert [each["code"] for each in found["held"]] == ["no_connection"]
    assert found["rejected"] == found["unread"] == []
    assert not command.journal.exists()
