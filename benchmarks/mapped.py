"""What a mapping profile costs: the same expenses as a canonical file and as a foreign export, read and checked.

    python -m benchmarks.mapped                           # 50,000 and 300,000 rows
    python -m benchmarks.mapped --sizes 20000 --rounds 1  # quick

The export has departments for companies, categories for accounts, days as dd/mm/yyyy, gross amounts with thousands and
a currency sign, and a tax code; net and tax are made of these. Both are read with and without ids. `reading` is all
of the intake, up to the expenses; `check` is the whole command.
"""

import argparse
import contextlib
import io
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measuring import Cost, Stopwatch, alone, in_turns, machine, table, write_expenses

CANONICAL = "canonical"
HEADER = "Directorate,Trans Date,Supplier,Reference,Description,Category,Gross Amount (£),VAT Code"
PROFILE = """
[fields]
company_id = { column = "Directorate", lookup_file = "departments.csv" }
type = { constant = "Payment" }
issue_date = { column = "Trans Date", format = ["day-first", "excel"] }
currency = { constant = "GBP" }
merchant_name = { column = "Supplier" }
reference = { column = "Reference" }
notes = { column = "Description" }
[fields.account_id]
column = "Category"
lookup_file = "accounts.csv"
[amounts]
gross = "Gross Amount (£)"
thousands = ","
tax_code = "VAT Code"
tax_rates = { S = 20, R = 5, Z = 0 }
[id]
column = "Trans No"
optional = true
[[skip]]
column = "Directorate"
starts_with = "Total"
blank = "Trans Date"
"""


def main() -> None:
    """Measure all sizes and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="50000,300000", help="rows, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="expense-runner-mapped-") as place:
        for size in map(int, given.sizes.split(",")):
            for ids in (True, False):
                _compare(Path(place), size, ids=ids, rounds=given.rounds)


def _compare(folder: Path, size: int, *, ids: bool, rounds: int) -> None:
    canonical = write_expenses(folder / "canonical.csv", rows=size, ids=ids)
    export = write_export(folder / "export.csv", rows=size, ids=ids)
    profile = write_profile(folder)
    named = "with ids" if ids else "without ids"
    for what, work in (("reading", reading), ("check", check)):
        contestants = {
            CANONICAL: partial(alone, work, canonical, None, size),
            "mapped": partial(alone, work, export, profile, size),
        }
        medians = table(
            f"{what}, {size:,} rows {named}", in_turns(contestants, rounds=rounds), unit="rows", ours=CANONICAL
        )
        print(f"  mapped : canonical = {_ratio(medians):.2f} times the CPU")


def _ratio(medians: dict[str, Cost]) -> float:
    return medians["mapped"].micros / medians[CANONICAL].micros


def reading(file: Path, profile: Path | None, rows: int) -> tuple[int, Stopwatch]:
    """Read the file to the last expense."""
    from runner.cli.session import collect_rarely  # noqa: PLC0415 - a process of its own
    from runner.intake.mapping.choose import read_mappings  # noqa: PLC0415
    from runner.intake.read import Options, Reading  # noqa: PLC0415
    from runner.intake.sources import Source  # noqa: PLC0415

    collect_rarely()
    with Stopwatch() as watch:
        options = Options(mapping=None if profile is None else read_mappings([str(profile)]))
        with Reading(Source(str(file), file), options) as found:
            expenses = sum(len(batch.expenses) for batch in found.batches())
    _expect(expenses, rows)
    return rows, watch


def check(file: Path, profile: Path | None, rows: int) -> tuple[int, Stopwatch]:
    """Run `expense-runner check`."""
    from runner.cli import main as command  # noqa: PLC0415 - a process of its own

    mapping = [] if profile is None else ["--map", str(profile)]
    said = io.StringIO()
    with Stopwatch() as watch, contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        command(["check", str(file), "--json", *mapping])
    _expect(f'"expenses": {rows}' in said.getvalue() or f'"expenses":{rows}' in said.getvalue(), True)
    return rows, watch


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{found!r} instead of {wanted!r}: this measures nothing")


def write_export(path: Path, *, rows: int, companies: int = 20, ids: bool = True) -> Path:
    """Write what `write_expenses` writes as an export with other columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("Purchase cards of a made-up borough\n")
        print(HEADER + (",Trans No" if ids else ""), file=file)
        for row in range(rows):
            gross, day = 100 + row * 7 % 149_900, 1 + row % 28
            amount = f"£{gross // 100:,}.{gross % 100:02}"
            file.write(
                f"Department {row * companies // rows},{day:02}/03/2024,Merchant {row % 997},REF-{row},"
                f"Made up for measuring,Category {row % 20},{_quoted(amount)},{'SSRZ'[row % 4]}"
                f"{f',E{row:09}' if ids else ''}\n"
            )
    return path


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def write_profile(folder: Path, *, companies: int = 20) -> Path:
    """Write the export's profile and its tables."""
    departments = [f"Department {number},company-{number}" for number in range(companies)]
    accounts = [f"Category {number},{400 + number}" for number in range(20)]
    for name, pairs in (("departments.csv", departments), ("accounts.csv", accounts)):
        (folder / name).write_text("\n".join(["name,id", *pairs, ""]), encoding="utf-8")
    path = folder / "profile.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
