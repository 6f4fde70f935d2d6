"""Rejects over real HTTP: half of them mended, fed back, until every line of the first file is told and posted once."""

import csv
import io
import json
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.acceptance.command import Command
from tests.acceptance.simulated import Simulator
from tests.unit.council import UNKNOWN, write_council
from tests.unit.test_mapping_council import decide

HEADER = "company_id;id;type;issue_date;currency;net_amount;tax_amount;account_id;merchant_name;notes\n"
ACME, BRAVO = "11111111-aaaa-4aaa-8aaa-00000000000a", "11111111-aaaa-4aaa-8aaa-00000000000b"
SCENARIO = """
[[expense]]
reference = "Refused"
outcome = "validation_error"
message = "The account is archived."
"""

Row = dict[str, str]


def row(
    net: str, merchant: str, *, company: str = ACME, own_id: str = "", notes: str = "", date: str = "2026-03-01"
) -> str:
    return f"{company};{own_id};Payment;{date};EUR;{net};0.50;400;{merchant};{notes}\n"


def read(path: Path, *, delimiter: str = ";", encoding: str = "utf-8") -> list[Row]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))


def write(path: Path, rows: list[Row], *, encoding: str = "utf-8", delimiter: str = ";") -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))


def results(command: Command, *files: str) -> dict[int, Row]:
    command.call("results", "--out", "results.csv", *files).expect(0)
    found = read(command.folder / "results.csv", delimiter=",")
    lines = {int(each["_line"]): each for each in found}
    assert len(lines) == len(found)
    return lines


def amounts(simulator: Simulator) -> list[Decimal]:
    return sorted(Decimal(each["net"]) + Decimal(each["tax"]) for each in simulator.ledger().entries)


def test_half_of_the_rejects_and_then_the_other_half_come_back_and_every_line_is_told(
    own_simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = own_simulator(scenario=SCENARIO)
    command = Command(tmp_path, simulator.url)
    lines = [
        row("10.00", "Cafe"), row("10.00", "Cafe"), row("1O.00", "Cafe"), row("20.00", "Refused", notes="=1+1"),
        row("20.00", "Refused", notes="=1+1"), row("1.00", "Lines", own_id="L"), row("2.00", "Lines", own_id="L"),
        row("x", "Lines", own_id="L"), row("30.00", "Refused", company=BRAVO), row("40.00", "Fine", company=BRAVO),
    ]  # fmt: skip
    file = tmp_path / "expenses.csv"
    file.write_text(HEADER + "".join(lines), encoding="utf-8")
    command.run(file).expect(3)

    said = command.call("errors", "--out", "rejects.csv", "--json").expect(3).report["rejects"]
    assert said["files"][0]["rows"] == 7
    assert stat.S_IMODE((tmp_path / "rejects.csv").stat().st_mode) == 0o600
    rows = read(tmp_path / "rejects.csv")
    assert [each["_line"] for each in rows] == ["4", "5", "6", "7", "8", "9", "10"]
    assert {each["_code"] for each in rows} == {"amount_unreadable", "validation_error"}
    assert [each["notes"] for each in rows if each["_line"] in "56"] == ["'=1+1", "'=1+1"]
    per_company = command.call("errors", "--out", "of.csv", "--per-company", "--json").expect(3).report["rejects"]
    assert {(each["company_id"], each["rows"]) for each in per_company["files"]} == {(ACME, 6), (BRAVO, 1)}

    # Half of them: the third cup of coffee, one of the two that were refused. The rest comes back as it is.
    rows[0]["net_amount"] = "10.00"
    rows[1]["merchant_name"] = "Taken"
    write(tmp_path / "rejects.csv", rows)
    command.run("rejects.csv").expect(3)
    told = results(command, str(file))
    states = {line: each["_state"] for line, each in told.items()}
    assert states == {
        2: "posted", 3: "posted", 4: "posted", 5: "posted", 6: "rejected", 7: "wrong", 8: "wrong", 9: "wrong",
        10: "rejected", 11: "posted",
    }  # fmt: skip
    assert told[4]["_corrected_in"] == "rejects.csv:2"
    assert told[3]["_corrected_in"] == ""

    # The other half, written again under the same name.
    command.call("errors", "--out", "rejects.csv").expect(3)
    rest = read(tmp_path / "rejects.csv")
    assert [each["_line"] for each in rest] == ["6", "7", "8", "9", "10"]
    for each in rest:
        each["merchant_name"] = each["merchant_name"].replace("Refused", "Taken")
        each["net_amount"] = each["net_amount"].replace("x", "3.00")
    write(tmp_path / "rejects.csv", rest)
    command.run("rejects.csv").expect(0)
    assert {each["_state"] for each in results(command, str(file)).values()} == {"posted"}
    assert set(results(command)) == set(range(2, 12))
    expected = sorted(map(Decimal, ("10.50", "10.50", "10.50", "20.50", "20.50", "7.50", "30.50", "40.50")))
    assert amounts(simulator) == expected
    ids = [each["expense"] for each in simulator.ledger().entries]
    assert len(set(ids)) == len(ids)

    # All files again, in any order, say nothing new.
    posts = simulator.posts()
    command.run("rejects.csv", file).expect(0)
    command.run(file, "rejects.csv").expect(0)
    assert simulator.posts() == posts


def test_a_council_file_is_mended_until_every_penny_is_in_the_books(
    own_simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = own_simulator()
    command = Command(tmp_path, simulator.url)
    council = write_council(rows=130)
    (tmp_path / "cards.csv").write_bytes(council.content)
    command.call("map", "init", "cards.csv", "--out", "council.toml").expect(0)
    profile = tmp_path / "council.toml"
    profile.write_text(decide(profile.read_text(encoding="utf-8")), encoding="utf-8")
    mapped: dict[str, Any] = {"options": ["--map", "council.toml"]}
    command.run("cards.csv", **mapped).expect(3)
    command.call("errors", "--out", "rejects.csv").expect(3)
    form = {"delimiter": ",", "encoding": "cp1252"}
    rows = read(tmp_path / "rejects.csv", **form)
    assert {int(each["_line"]) for each in rows} == council.wrong
    for each in rows:
        each["Trans Date"] = each["Trans Date"].replace("31/04/2017", "30/04/2017")
        each["VAT Code"] = each["VAT Code"].replace("Q", "Z")
        each["Directorate"] = each["Directorate"].replace(UNKNOWN, "Adult Social Care")
    write(tmp_path / "rejects.csv", rows, **form)
    command.run("rejects.csv", **mapped).expect(0)
    told = results(command, "cards.csv")
    assert {line for line, each in told.items() if each["_state"] == "posted"} == set(council.gross)
    assert {each["_state"] for each in told.values()} == {"posted", "skipped"}
    assert {line for line, each in told.items() if each["_corrected_in"]} == council.wrong
    assert len(simulator.ledger().entries) == len(council.gross)
    assert sum(amounts(simulator)) == sum(abs(gross) for _, gross in council.gross.values())


def test_a_lost_journal_that_is_rebuilt_from_the_mended_original_sends_nothing_twice(
    own_simulator: Callable[..., Simulator], tmp_path: Path
) -> None:
    simulator = own_simulator(behaviour="sync_seconds = [0.0, 0.05]\nlimits = false")
    command = Command(tmp_path, simulator.url)
    wrong = HEADER + row("1.00", "A") + row("2.00", "B", date="01.03.2026") + row("3.00", "C")
    (tmp_path / "cards.csv").write_text(wrong)
    command.run("cards.csv").expect(3)
    command.call("errors", "--out", "rejects.csv").expect(3)
    write(tmp_path / "rejects.csv", [each | {"issue_date": "2026-03-01"} for each in read(tmp_path / "rejects.csv")])
    command.run("rejects.csv").expect(0)
    posted = amounts(simulator)

    def lose_the_journal() -> None:
        for file in tmp_path.glob(f"{command.journal.name}*"):
            file.unlink()

    lose_the_journal()
    (tmp_path / "mended.csv").write_text(wrong.replace("01.03.2026", "2026-03-01"))
    told = command.call("verify", "--rebuild", "--json", "--quiescence", "2", "mended.csv").expect(7)
    assert [each["code"] for each in json.loads(told.out)["holds"]] == ["unexplained"]
    command.run().expect(4)
    # On top of it, the right files are a question, and not the same purchase once more.
    command.call("verify", "--rebuild", "--quiescence", "2", "cards.csv", "rejects.csv").expect(7)
    command.run().expect(3)
    assert amounts(simulator) == posted

    lose_the_journal()
    command.call("verify", "--rebuild", "--quiescence", "2", "cards.csv", "rejects.csv").expect(0)
    command.run().expect(0)
    assert amounts(simulator) == posted
