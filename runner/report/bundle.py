"""The files of a support bundle, rendered from facts; nothing gets into them but by way of `redaction`."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.journal.condition import Condition
from runner.journal.trouble import Cause
from runner.report import redaction
from runner.report.redaction import Pseudonyms

_PURPOSES = ("run", "check", "verify", "rebuild", "retry", "resolve", "prune", "copy")
_FLOWS = ("datasets", "direct")


def as_json(value: object) -> str:
    """Return a file's text."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def journal_json(condition: Condition, tables: Mapping[str, int], rules: Mapping[str, int]) -> dict[str, object]:
    """Return counts and states; `tables` are rows a table, `rules` what `journal check` found broken."""
    states: dict[str, dict[str, int]] = {}
    for of, state, count in condition.states:
        states.setdefault(of, {})[state] = count
    return {
        "schema": condition.schema,
        "sqlite": redaction.version(condition.sqlite),
        "bytes": condition.bytes,
        "free_bytes": condition.free_bytes,
        "rows": dict(tables),
        "states": states,
        "sync_status_codes": {str(code): count for code, count in condition.sync_codes},
        "http_answers": [{"kind": kind, "status": status, "count": count} for kind, status, count in condition.answers],
        "broken_rules": dict(rules),
    }


def runs_json(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the last runs: when, what for, how they ended, what they spent; not where."""
    return [
        {
            **{name: value for name, value in run.items() if value is None or isinstance(value, int)},
            "purpose": redaction.one_of(run["purpose"], _PURPOSES),
            "flow": redaction.one_of(run["flow"], _FLOWS),
            "version": redaction.version(run["version"]),
            "started_at": redaction.moment(run["started_at"]),
            "ended_at": redaction.moment(run["ended_at"]),
        }
        for run in runs
    ]


def errors_json(causes: Sequence[Cause], names: Pseudonyms) -> list[dict[str, Any]]:
    """Return what is wrong, by cause; of each example the company's name here and the message's skeleton."""
    return [
        {
            "about": cause.about,
            "state": cause.state,
            "code": redaction.code(cause.code),
            "count": cause.count,
            "company": None if cause.company_id is None else names.of(cause.company_id),
            "message": redaction.message(cause.example),
        }
        for cause in causes
    ]


def companies_json(condition: Condition, names: Pseudonyms) -> list[dict[str, Any]]:
    """Return the companies that are held or have a sync under way."""
    return [
        {"company": names.of(company), "hold": redaction.code(hold), "expenses": expenses, "syncs": syncs}
        for company, hold, expenses, syncs in condition.companies
    ]


def log_text(lines: Iterable[str], names: Pseudonyms) -> str:
    """Return a log's lines as far as they may be told; of lines that are not JSON only how many there were."""
    kept: list[str] = []
    dropped = Counter[str]()
    for line in lines:
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            facts = None
        if isinstance(facts, dict):
            kept.append(json.dumps(redaction.log_line(facts, names), ensure_ascii=False))
        elif line.strip():
            dropped["lines"] += 1
    if dropped:
        kept.append(f"{dropped['lines']} lines that are not JSON were left out")
    return "\n".join([*kept, ""])
