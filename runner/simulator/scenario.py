"""Scenarios: a TOML file that says how the simulated Codat behaves, whom it knows, and what goes wrong.

- `[behaviour]`: the fields of `Behaviour`; `[behaviour.limits]` those of `Limits`, `false` switches one off.
- `[[company]]`: `id`, `name`, `platform`, `status`, `config` (`{}` for none), `accounts`, `tax_rates` and
  `tracking` (ids, or tables of what mappingOptions lists), `sync_seconds`; `[[company.fault]]` only for it.
- `[[expense]]`: `id` or `reference` (a part of its reference or merchant name), and its `outcome`.
- `[[fault]]`: `name` as on the command line, or `kind` with the other fields of `Fault`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec

from runner.simulator.behaviour import Behaviour, Limits
from runner.simulator.companies import TYPES, CompanySpec, Options
from runner.simulator.faults import OF_EXPENSES, Fault, FaultKind, parse_faults

_OUTCOMES = sorted(kind.value for kind in OF_EXPENSES)
_STATUSES = ("Linked", "Unlinked", "PendingAuth", "Deauthorized", "Deleted")


class ScenarioError(ValueError):
    """The scenario cannot be used; the message names the table, the key and what would be right."""


def load_scenario(path: Path) -> tuple[Behaviour, tuple[Fault, ...]]:
    """Read a scenario file. Raises `ScenarioError` where it cannot be read or understood."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    try:
        return read_scenario(text)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def read_scenario(text: str) -> tuple[Behaviour, tuple[Fault, ...]]:
    """Read the text of a scenario: tables behaviour, company, expense and fault.

    Raises `ScenarioError` where it cannot be understood.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(str(error)) from error
    except RecursionError as error:
        raise ScenarioError("it is nested too deep") from error
    _only(document, ("behaviour", "company", "expense", "fault"), "the file")
    faults: list[Fault] = []
    companies: list[CompanySpec] = []
    for table in _tables(document, "company"):
        companies.append(_company(table))
        own = [_fault(each) for each in _tables(table, "fault")]
        faults.extend(replace(each, company=companies[-1].id) for part in own for each in part)
    faults.extend(_expense(table) for table in _tables(document, "expense"))
    for table in _tables(document, "fault"):
        faults.extend(_fault(table))
    behaviour = _behaviour(document.get("behaviour", {}), tuple(companies))
    return behaviour, tuple(faults)


def read_faults(value: object) -> tuple[Fault, ...]:
    """Read faults from plain values: preset names as text, one fault as a mapping, or a list of either.

    Raises `ScenarioError` where they cannot be understood.
    """
    if isinstance(value, str):
        return _presets(value)
    if isinstance(value, Mapping):
        return _fault(value)
    if isinstance(value, list):
        return tuple(each for part in value for each in read_faults(part))
    raise ScenarioError("a fault is a name or a table with a kind")


def _presets(names: str) -> tuple[Fault, ...]:
    try:
        return parse_faults(names)
    except ValueError as error:
        raise ScenarioError(str(error)) from error


def _fault(table: Mapping[str, Any]) -> tuple[Fault, ...]:
    if "name" in table:
        _only(table, ("name",), "fault")
        return _presets(str(table["name"]))
    _only(table, [each.name for each in fields(Fault)], "fault")
    fault: Fault = _convert(table, Fault, "fault")
    try:
        fault.check()
    except ValueError as error:
        raise ScenarioError(f"fault: {error}") from error
    return (fault,)


def _expense(table: Mapping[str, Any]) -> Fault:
    _only(table, ("id", "reference", "company", "outcome", "times", "nth", "lands", "message"), "expense")
    if "id" not in table and "reference" not in table:
        raise ScenarioError("expense: say which one, by id or by reference")
    if table.get("outcome") not in _OUTCOMES:
        raise ScenarioError(f"expense: outcome must be one of {', '.join(_OUTCOMES)}")
    named = {key: value for key, value in table.items() if key not in {"id", "outcome"}}
    values = {**named, "expense": table.get("id"), "kind": FaultKind(table["outcome"])}
    fault: Fault = _convert(values, Fault, "expense")
    return fault


def _company(table: Mapping[str, Any]) -> CompanySpec:
    known = ("id", "name", "platform", "status", "config", "accounts", "tax_rates", "tracking")
    _only(table, (*known, "sync_seconds", "fault"), "company")
    if not isinstance(table.get("id"), str) or not table["id"]:
        raise ScenarioError("company: id is missing")
    if table.get("status", "Linked") not in _STATUSES:
        raise ScenarioError(f"company: status must be one of {', '.join(_STATUSES)}")
    values = {key: table[key] for key in ("id", "name", "platform", "status", "sync_seconds") if key in table}
    if "config" in table:
        values["config"] = {
            key: value if isinstance(value, dict) else {"id": value} for key, value in table["config"].items()
        }
    for key in ("accounts", "tax_rates", "tracking"):
        if key in table:
            values[key] = _options(table[key], f"company: {key}")
    spec: CompanySpec = _convert(values, CompanySpec, "company")
    _check_seconds(spec.sync_seconds, "company")
    return spec


def _options(values: Iterable[Any], where: str) -> Options:
    """Read mapping options: each an id, or a table of what the API lists for it."""
    options: list[Mapping[str, Any]] = []
    for value in values:
        table = {"id": value} if isinstance(value, str) else value
        if not isinstance(table, dict) or not isinstance(table.get("id"), str):
            raise ScenarioError(f"{where}: each is an id or a table with an id")
        options.append({"name": table["id"], "validTransactionTypes": list(TYPES), **table})
    return tuple(options)


def _behaviour(table: Mapping[str, Any], companies: tuple[CompanySpec, ...]) -> Behaviour:
    _only(table, [each.name for each in fields(Behaviour) if each.name != "companies"], "behaviour")
    values = dict(table)
    limits = values.pop("limits", {})
    if limits is False:
        limits = {"a_day": False, "in_flight": False, "a_minute": False}
    _only(limits, [each.name for each in fields(Limits)], "behaviour.limits")
    # TOML has no null: false switches a limit off.
    switched = {
        key: None if value is False and key != "retry_after_as_date" else value for key, value in limits.items()
    }
    behaviour: Behaviour = _convert(values, Behaviour, "behaviour")
    if behaviour.epoch.tzinfo is None:
        raise ScenarioError("behaviour: epoch must say its offset, such as 2026-01-01T00:00:00Z")
    _check_seconds(behaviour.sync_seconds, "behaviour")
    checked: Limits = _convert(switched, Limits, "behaviour.limits")
    return replace(behaviour, limits=checked, companies=companies)


def _check_seconds(seconds: tuple[float, float] | None, where: str) -> None:
    if seconds is not None and not 0 <= seconds[0] <= seconds[1]:
        raise ScenarioError(f"{where}: sync_seconds is the shortest and the longest, such as [2.0, 10.0]")


def _tables(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ScenarioError(f"{key}: write [[{key}]]")
    return found


def _only(table: object, known: Sequence[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise ScenarioError(f"{where} must be a table")
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ScenarioError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(known)}")


def _convert(values: Mapping[str, Any], kind: type, where: str) -> Any:  # noqa: ANN401 - it is of the kind asked for
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{where}: {error}") from error
