"""The worked example of docs/mapping.md: its file, its profile, and what the page says of them."""

import re
from decimal import Decimal
from pathlib import Path

from runner.intake.mapping.choose import read_mappings
from runner.intake.mapping.sample import look
from runner.intake.mapping.sketch import sketch
from runner.intake.read import Options
from tests.unit.intake_reading import read_file

ROOT = Path(__file__).parents[2]
COUNCIL = ROOT / "docs" / "examples" / "council"
PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")


def test_the_example_accounts_for_every_penny_of_its_total() -> None:
    found = read_file(COUNCIL / "cards.csv", options=Options(mapping=read_mappings([str(COUNCIL / "council.toml")])))
    assert [(error.line, error.code, error.value) for error in found.errors] == [
        (11, "lookup_unknown", "Parks (closed)")
    ]
    spent = sum((-each.gross if each.type == "Refund" else each.gross for each in found.expenses), Decimal(0))
    assert spent + Decimal("12.50") == Decimal("1317.05")
    assert sum(count for _, count in found.described.skipped) == 1
    assert len(set(found.ids)) == 6
    for said in ("1,317.05", "1,304.55", "12.50"):
        assert said in PAGE


def test_what_the_page_shows_of_the_first_profile_is_what_map_init_writes() -> None:
    first = sketch(look(COUNCIL / "cards.csv"), COUNCIL / "cards.csv")
    assert first.undecided == 4
    shown = re.search(r"<!-- first profile -->\n\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    for line in shown[1].splitlines():
        assert line in first.text.splitlines()


def test_a_supplier_that_is_called_total_is_not_taken_for_a_total() -> None:
    first = sketch(look(COUNCIL / "cards.csv"), COUNCIL / "cards.csv").text
    assert '"Fuel" = ""  # 1 rows' in first
    assert 'starts_with = "total"' in first
