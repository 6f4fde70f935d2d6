"""A first profile read back and tried on its file before anybody sees it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from runner import toml
from runner.domain.expense import RowError
from runner.errors import ConfigurationWrong
from runner.intake.codes import OF_FILES, cut
from runner.intake.mapping.choose import Mappings
from runner.intake.mapping.load import check_profile
from runner.intake.mapping.places import Places
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.raw import Raw, Table
from runner.intake.mapping.sample import MAX_ROWS
from runner.intake.mapping.sketch import Sketch
from runner.intake.read import Options, Reading
from runner.intake.sources import Source

_NAME: Final = "the profile"
_SHOWN: Final = 5
_STAND_INS: Final[Mapping[str, str]] = {
    "company_id": "company",
    "type": "Payment",
    "issue_date": "2024-01-01",
    "currency": "EUR",
    "account_id": "account",
}
"""What stands for a field that is left to a person: it says nothing of the file, and must not make a row wrong."""
_ROLES: Final = frozenset({"gross", "net", "money_out"})
_RECEIPTS: Final = "receipt_"
"""What the codes of receipts begin with: where they lie is no matter of the profile."""


def try_sketch(made: Sketch, source: Source) -> list[str]:
    """Return what is to be said of a first profile: that it cannot be used, or which rows it would refuse, if any.

    What is left to a person is filled in for the trial alone. Without a column of an amount nothing can be tried.
    """
    values = toml.parse(made.tried, _NAME, parse_float=Decimal)
    if not _ROLES & values.get("amounts", {}).keys() or '= "…"' in made.tried:
        return []
    _fill(values, toml.parse(made.text, _NAME, parse_float=Decimal))
    try:
        profile = check_profile(Raw(_NAME, _NAME, values, Places(made.tried)))
    except ConfigurationWrong as error:
        return [f"This profile cannot be used as it is: {' '.join(error.message.split())}"]
    return _refused(profile, source)


def _fill(values: Table, shown: Table) -> None:
    fields: dict[str, Any] = values.get("fields", {})
    for name, table in shown.get("fields", {}).items():
        if "to_do" in table and name in _STAND_INS and "format" not in fields[name]:
            fields[name] = {"constant": _STAND_INS[name]}


def _refused(profile: Profile, source: Source) -> list[str]:
    errors: dict[int, RowError] = {}
    with Reading(source, Options(mapping=Mappings(((None, profile),), limit=MAX_ROWS))) as reading:
        for batch in reading.batches():
            for error in batch.errors:
                if not error.code.startswith(_RECEIPTS):
                    errors.setdefault(error.line, error)
    if not errors:
        return []
    count = "1 row" if len(errors) == 1 else f"{len(errors):,} rows"
    if any(error.code in OF_FILES for error in errors.values()):
        count = "the whole file"
    return [
        f"Tried on up to {MAX_ROWS:,} rows, this profile would refuse {count}:",
        *[f"  {_said(error)}" for error in list(errors.values())[:_SHOWN]],
        *(["  …"] if len(errors) > _SHOWN else []),
    ]


def _said(error: RowError) -> str:
    where = f"{cut(error.column)}: " if error.column else ""
    found = f"{error.value!r}: " if error.value else ""
    text = f"line {error.line}: {where}{found}expected {error.expected} [{error.code}]"
    return "".join(each if each.isprintable() else " " for each in text)
