"""Read a text through a mapping profile, and gather everything that comes out."""

from pathlib import Path

from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Options
from tests.unit.intake_reading import Read, read_file

PROFILE = """
[fields]
company_id = { constant = "acme" }
type = { constant = "Payment" }
issue_date = { column = "Date", format = "day-first" }
currency = { constant = "GBP" }
account_id = { constant = "400" }
merchant_name = { column = "Merchant", optional = true }
[amounts]
gross = "Amount"
thousands = ","
"""


def write_profile(folder: Path, text: str = PROFILE, *, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read_mapped(folder: Path, content: str | bytes, profile: str = PROFILE, *, name: str = "export.csv") -> Read:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    mapping = read_mappings([str(write_profile(folder, profile))])
    return read_file(path, options=Options(mapping=mapping))


def with_amounts(amounts: str, profile: str = PROFILE) -> str:
    """Return the profile with another [amounts] table, which may be followed by further tables."""
    return profile.partition("[amounts]")[0] + "[amounts]\n" + amounts


def with_field(name: str, value: str) -> str:
    """Return the profile with another field."""
    lines = [line for line in PROFILE.splitlines() if not line.startswith(f"{name} =")]
    return "\n".join(lines).replace("[fields]", f"[fields]\n{name} = {value}")
