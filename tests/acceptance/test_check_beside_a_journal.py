"""`check` holds files against the journal: it says what a run would make of them, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.command import Command
from tests.acceptance.simulated import Simulator

HEAD = "company_id,type,issue_date,currency,net_amount,account_id\n"


def rows(*amounts: str) -> str:
    return HEAD + "".join(f"acme,Payment,2026-02-{13 + place},EUR,{net},400\n" for place, net in enumerate(amounts))


def test_check_says_what_is_new_known_and_asked_and_leaves_the_journal_as_it_is(
    tmp_path: Path, own_simulator: Callable[..., Simulator]
) -> None:
    runner = Command(tmp_path, own_simulator().url)
    (tmp_path / "one.csv").write_text(rows("1.00", "2.00", "3.00"), encoding="utf-8")
    runner.run("one.csv").expect(0)
    before = runner.journal.read_bytes()
    (tmp_path / "two.csv").write_text(rows("1.00", "8.00", "9.00", "10.00"), encoding="utf-8")

    both = ("check", "one.csv", "two.csv", "--journal", str(runner.journal))
    told = json.loads(runner.call(*both, "--json").expect(3).out)

    known, mixed = (each["beside_journal"] for each in told["inputs"])
    assert told["journal"] == str(runner.journal)
    assert known == {"known": {"count": 3, "amounts": {"EUR": "6"}}}
    assert mixed == {
        "asked": {"count": 3, "amounts": {"EUR": "18"}},
        "new": {"count": 1, "amounts": {"EUR": "10"}},
    }
    assert runner.journal.read_bytes() == before
    text = runner.call("check", "two.csv", "--journal", str(runner.journal)).expect(3).out
    assert f"beside {runner.journal}: 1 new (10.00 EUR); 3 to be asked about (18.00 EUR)" in text
    alone = json.loads(runner.call("check", "two.csv", "--no-journal", "--json").expect(0).out)
    assert (alone["journal"], alone["inputs"][0]["beside_journal"]) == (None, None)


def test_check_makes_no_journal_and_says_where_one_cannot_be_read(tmp_path: Path) -> None:
    runner = Command(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "one.csv").write_text(rows("1.00"), encoding="utf-8")
    runner.call("check", "one.csv", "--journal", "none.db", "--preflight", "off").expect(0)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "other.db").write_bytes(b"this is no journal, but longer than one hundred bytes are" * 4)
    ended = runner.call("check", "one.csv", "--journal", "other.db", "--preflight", "off").expect(0)
    assert "The files were held against no journal" in ended.err
    assert "Every row is right." in ended.out
