"""Any bytes as a file, canonical or read through a profile: no exception, no hang, no amount made up.

    pip install atheris
    python -m fuzz.files -max_total_time=300              # with what atheris finds kept in a folder: append its name

What breaks is written to a file `crash-…`; `python -m fuzz.files crash-…` repeats it.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["runner.intake", "runner.domain"]):
    from runner.intake.mapping.choose import Mappings
    from runner.intake.mapping.load import load_profile
    from runner.intake.mapping.profile import Profile
    from runner.intake.read import Options
    from tests.unit import test_mapping_fuzz as fuzz
    from tests.unit.intake_reading import read_file

CANONICAL = b"company_id,id,type,issue_date,currency,net_amount,tax_amount,account_id,notes,receipts\n"
ROW = b"acme,a,Payment,2024-03-31,EUR,12.50,2.08,400,x,\n"


def profiles(folder: Path) -> list[tuple[Profile | None, bytes]]:
    """Return profiles with the beginning of a file that each can read; the first reads canonical columns."""
    found: list[tuple[Profile | None, bytes]] = [(None, CANONICAL + ROW)]
    for name, text in (("rich", fuzz.RICH), ("legacy", fuzz.LEGACY)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        header = b"Date,Merchant,Amount,VAT,Cat,Ref\n"
        content = header if name == "rich" else header.replace(b",", b";")
        found.append((load_profile(str(folder / f"{name}.toml")), content))
    samples = sorted(fuzz.SAMPLES.iterdir())
    return found + [(load_profile(str(path / "mine.toml")), (path / "sample.csv").read_bytes()) for path in samples]


def main() -> None:
    """Fuzz until told to stop."""
    with tempfile.TemporaryDirectory() as place:
        known = profiles(Path(place))
        file = Path(place, "acme.csv")

        def one(data: bytes) -> None:
            given = atheris.FuzzedDataProvider(data)
            profile, begin = known[given.ConsumeIntInRange(0, len(known) - 1)]
            keep = given.ConsumeIntInRange(0, len(begin))
            file.write_bytes(begin[:keep] + given.ConsumeBytes(given.remaining_bytes()))
            mapping = None if profile is None else Mappings(((None, profile),))
            found = read_file(file, options=Options(mapping=mapping))
            if profile is not None:
                fuzz.check(found)

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
