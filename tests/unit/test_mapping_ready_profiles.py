"""Each ready profile reads a made-up sample of its product's export, completed as its user would."""

from decimal import Decimal
from pathlib import Path

import pytest

from runner.intake.mapping.choose import read_mappings
from runner.intake.mapping.raw import shipped
from runner.intake.read import Options
from tests.unit.intake_reading import read_file

SAMPLES = Path(__file__).parents[1] / "fixtures" / "profiles"
NAMES = [name for name in shipped() if name != "canonical"]


def test_every_ready_profile_has_a_sample() -> None:
    assert {path.name for path in SAMPLES.iterdir()} >= set(NAMES)
    assert len(NAMES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_profile_reads_its_products_export(name: str, tmp_path: Path) -> None:
    # The company is told by the file's name, as for canonical files.
    file = tmp_path / "acme.csv"
    file.write_bytes((SAMPLES / name / "sample.csv").read_bytes())
    found = read_file(file, options=Options(mapping=read_mappings([str(SAMPLES / name / "mine.toml")])))

    assert found.errors == []
    got = [
        (each.type.value, each.issue_date.date().isoformat(), each.currency, line.net_amount, line.tax_amount,
         line.account_id, each.merchant_name)
        for each in found.expenses
        for line in each.lines
    ]  # fmt: skip
    wanted = []
    for text in (SAMPLES / name / "expected.txt").read_text(encoding="utf-8").splitlines():
        kind, date, currency, net, tax, account, merchant = text.split(" ", 6)
        wanted.append((kind, date, currency, Decimal(net), Decimal(tax), account, merchant))
    assert got == wanted
    assert {each.company_id for each in found.expenses} == {"acme"}
    again = read_file(file, options=Options(mapping=read_mappings([str(SAMPLES / name / "mine.toml")])))
    assert again.ids == found.ids
    assert len(set(found.ids)) == len(found.ids)
