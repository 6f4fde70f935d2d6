"""A council's month of card purchases, from a file that nobody prepared to the books: every penny is accounted for.

What the file says is computed here by a reader of its own: gross in = net and tax in the ledger + rejected, per
department.
"""

import csv
import io
import json
import uuid
from collections import Counter
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.simulated import Ledger, Simulator
from tests.unit.council import CATEGORIES, DEPARTMENTS, VAT, write_council

COMPANIES = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, f"a month of {name}")) for name in DEPARTMENTS}
REFUSING = DEPARTMENTS[0]
REFUSED = "Premier Inn"
SCENARIO = f"""
[[expense]]
reference = "{REFUSED}"
company = "{COMPANIES[REFUSING]}"
outcome = "validation_error"
message = "The account does not accept this tax rate."
"""
MAPPED = ("cards.csv", "--map", "council.toml")
FIRST = 5
"""The line of the first row below title and header."""
REJECTED = """
SELECT line FROM row_error WHERE settled = 0 GROUP BY line
UNION ALL SELECT line FROM expense WHERE state = 'rejected'
"""
Row = dict[str, str]


def rows_of(content: bytes) -> list[Row]:
    """Return the rows of the file, by a reader that shares nothing with the program."""
    lines = content.decode("cp1252").splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("Directorate,"))
    return list(csv.DictReader(io.StringIO("".join(lines[start:]), newline="")))


def pennies(text: str) -> Decimal:
    """Return an amount; what comes back is below zero."""
    back = any(sign in text for sign in ("-", "(", "CR"))
    amount = Decimal("".join(each for each in text if each.isdigit() or each == "."))
    return -amount if back else amount


def parts(row: Row) -> tuple[str, Decimal, Decimal]:
    """Return company, net and tax that a row must have in the books, above zero."""
    gross, rate = abs(pennies(row["Gross Amount (£)"])), VAT[row["VAT Code"]]
    tax = (gross * rate / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return COMPANIES[row["Directorate"]], gross - tax, tax


def decide(runner: Command, profile: Path) -> None:
    """Do what a person does with the first profile: fill in what is blank, and remove the to_do lines."""
    runner.call("map", "init", "cards.csv", "--out", profile.name).expect(0)
    undecided = runner.call("check", *MAPPED).expect(78)
    text = profile.read_text(encoding="utf-8")
    assert undecided.err.count("still to be decided") == text.count("to_do = ") == 4
    blank = [line for line in text.splitlines() if '" = ""' in line]
    assert len(blank) == len(COMPANIES) + len(CATEGORIES) + 1  # a closed department stays blank
    for key, value in (COMPANIES | CATEGORIES).items():
        text = text.replace(f'"{key}" = ""', f'"{key}" = "{value}"')
    text = text.replace('overlap = ""', 'overlap = "no"')
    kept = [line for line in text.splitlines() if not line.startswith("to_do = ")]
    profile.write_text("\n".join(kept), encoding="utf-8")


def total(rows: list[Row], department: str) -> Decimal:
    return sum((pennies(row["Gross Amount (£)"]) for row in rows if row["Directorate"] == department), Decimal(0))


def posted(ledger: Ledger, types: dict[str, str], company: str | None) -> Decimal:
    """Return net and tax that stand in a company's books, refunds being below zero."""
    found = Decimal(0)
    for each in ledger.entries:
        if each["company"] == company:
            gross = Decimal(each["net"]) + Decimal(each["tax"])
            found += -gross if types[each["expense"]] == "Refund" else gross
    return found


def test_gross_in_is_net_and_tax_posted_and_rejected_for_every_department(
    tmp_path: Path, own_simulator: Callable[..., Simulator]
) -> None:
    simulator = own_simulator(scenario=SCENARIO)
    runner = Command(tmp_path, simulator.url)
    council = write_council(rows=300, seed=11)
    (tmp_path / "cards.csv").write_bytes(council.content)
    *rows, last = rows_of(council.content)
    assert last["Supplier"] == "Total"
    assert pennies(last["Gross Amount (£)"]) == sum(pennies(row["Gross Amount (£)"]) for row in rows)

    decide(runner, tmp_path / "council.toml")
    tried = json.loads(runner.call("map", "test", *MAPPED, "--json").expect(0).out)
    assert tried["rows"]
    checked = json.loads(runner.call("check", *MAPPED, "--json").expect(3).out)
    assert {error["line"] for error in checked["errors"]} == council.wrong
    good = [row for number, row in enumerate(rows, start=FIRST) if number not in council.wrong]
    planned = runner.call("plan", *MAPPED, "--json").expect(3).report
    assert planned["to_send"]["GBP"]["count"] == len(good)

    report = runner.run("cards.csv", options=["--map", "council.toml"]).expect(3).report
    refused = [row for row in good if row["Directorate"] == REFUSING and row["Supplier"] == REFUSED]
    assert len(refused) >= 5
    assert report["expenses"]["posted"] == len(good) - len(refused)

    # Each amount in the books, not only their sum; equal purchases as often as they were made.
    ledger = simulator.ledger()
    wanted = Counter(parts(row) for row in good) - Counter(parts(row) for row in refused)
    assert Counter((each["company"], Decimal(each["net"]), Decimal(each["tax"])) for each in ledger.entries) == wanted

    causes = json.loads(runner.call("errors", "--json").expect(3).out)["causes"]
    assert {each["code"] for each in causes} == {"lookup_unknown", "date_unreadable", "validation_error"}
    lines = [line for (line,) in runner.query(REJECTED)]
    assert len(lines) == sum(each["count"] for each in causes) == len(rows) - report["expenses"]["posted"]
    rejected = [rows[line - FIRST] for line in lines]
    types = {
        each["id"]: each["type"] for (body,) in runner.query("SELECT body FROM payload") for each in [json.loads(body)]
    }
    for department in {row["Directorate"] for row in rows}:
        company = COMPANIES.get(department)
        assert total(rows, department) == posted(ledger, types, company) + total(rejected, department), department

    runner.run("cards.csv", options=["--map", "council.toml"]).expect(3)
    runner.run().expect(3)
    assert simulator.ledger().entries == ledger.entries
