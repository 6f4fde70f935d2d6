"""Profiles as TOML: found by path or name, parsed, laid over the one that they extend."""

import difflib
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from runner import toml
from runner.errors import ConfigurationWrong
from runner.intake.mapping.places import Places

MAX_DEPTH: Final = 5

Table = dict[str, Any]

_SOURCES: Final = frozenset({"column", "columns", "constant"})
_TABLES: Final = frozenset({"lookup", "lookup_file", "lookup_columns"})
_RATES: Final = frozenset({"tax", "tax_rate", "tax_rates", "tax_rates_file"})
_AMOUNTS: Final = frozenset({"net", "gross", "money_out", "money_in"})
_IDS: Final = frozenset({"column", "columns"})


@dataclass(frozen=True, slots=True)
class Raw:
    """A profile's tables, and where everything in them stands."""

    name: str
    named: str
    values: Table
    places: Places
    base: "Raw | None" = field(default=None)

    def where(self, *path: str) -> str:
        """Return file and line of a key for people."""
        if self.base is not None and self.places.exactly(path) is None and self.base.places.exactly(path) is not None:
            return self.base.where(*path)
        line = self.places.near(path)
        return self.name if line is None else f"{self.name}, line {line}"


def profiles_folder() -> Path:
    """Return the folder of the ready profiles."""
    return Path(str(files("runner"))) / "profiles"


def shipped() -> list[str]:
    """Return the names of the ready profiles."""
    return sorted(path.stem for path in profiles_folder().glob("*.toml"))


def read_raw(named: str, *, beside: Path | None = None, depth: int = 0) -> Raw:
    """Return the profile of this path or name; raises `ConfigurationWrong`.

    A path is relative to the profile that names it (`beside` is its folder), or to the current folder.
    """
    if depth > MAX_DEPTH:
        raise ConfigurationWrong(f"The mapping profile {named!r} extends itself, or too many others.")
    path, name = _find(named, beside)
    what = f"mapping profile {name}"
    try:
        text = toml.read_text(path, what)
    except FileNotFoundError as error:
        raise ConfigurationWrong(f"The {what} cannot be read: {error.strerror}.") from None
    values = toml.parse(text, what, parse_float=Decimal)
    _resolve_files(values, path.parent)
    extends = values.pop("extends", None)
    if extends is None:
        return Raw(name, _again(path), values, Places(text))
    if not isinstance(extends, str):
        raise ConfigurationWrong(f"The mapping profile {name}: extends is the name or path of another profile.")
    base = read_raw(extends, beside=path.parent, depth=depth + 1)
    return Raw(name, _again(path), _laid_over(base.values, values), Places(text), base)


def _again(path: Path) -> str:
    return path.stem if path.parent == profiles_folder() else str(path.absolute())


def is_file(path: Path) -> bool:
    """Say whether there is a plain file; a path that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _find(named: str, beside: Path | None) -> tuple[Path, str]:
    for folder in ([beside] if beside is not None else []) + [Path()]:
        path = folder / named
        if is_file(path):
            return path, str(path)
    known = shipped()
    if named in known:
        return profiles_folder() / f"{named}.toml", f"{named} (a ready profile)"
    close = difflib.get_close_matches(named, known, n=1)
    raise ConfigurationWrong(
        f"There is no mapping profile {named[:200]!r}: no such file, and no ready profile of that name.",
        hint=(f"Was it meant to be {close[0]}? " if close else "")
        + "Ready profiles: "
        + ", ".join(known)
        + ". To write one: expense-runner map init FILE",
    )


def _resolve_files(values: Table, folder: Path) -> None:
    """Make the files that a profile names relative to the profile itself."""
    fields = values.get("fields")
    tables = [each for each in fields.values() if isinstance(each, dict)] if isinstance(fields, dict) else []
    for table, key in [(each, "lookup_file") for each in tables] + [(values.get("amounts"), "tax_rates_file")]:
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = str(folder / table[key])


def _laid_over(base: Table, own: Table) -> Table:
    result = {**base, **{key: value for key, value in own.items() if key not in {"fields", "skip"}}}
    for key, groups in (("id", [_IDS]), ("amounts", [_AMOUNTS, _RATES]), ("file", [])):
        if isinstance(own.get(key), dict) and isinstance(base.get(key), dict):
            result[key] = _merged(base[key], own[key], groups)
    if own.get("skip") and isinstance(own["skip"], list) and isinstance(base.get("skip"), list):
        result["skip"] = [*own["skip"], *base["skip"]]
    elif "skip" in own:
        result["skip"] = own["skip"]
    fields = own.get("fields", {})
    if isinstance(fields, dict) and isinstance(base.get("fields", {}), dict):
        merged = dict(base.get("fields", {}))
        for name, table in fields.items():
            known = merged.get(name)
            if isinstance(known, dict) and isinstance(table, dict):
                merged[name] = _merged(known, table, [_SOURCES, _TABLES])
            else:
                merged[name] = table
        result["fields"] = merged
    else:
        result["fields"] = fields
    return result


def _merged(base: Table, own: Table, groups: list[frozenset[str]]) -> Table:
    """Lay one table over another: what says the same thing in another way is replaced, what was undecided too."""
    dropped = {"to_do"}
    for group in groups:
        if group & own.keys():
            dropped |= group
    if "constant" in own:
        dropped |= _TABLES | {"default", "otherwise", "format", "separator", "optional"}
    return {key: value for key, value in base.items() if key not in dropped} | own
