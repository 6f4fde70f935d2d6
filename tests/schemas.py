"""The schemas of what `--json` prints, made from the types of the results.

    python -m tests.schemas

writes them to `docs/schemas`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from runner.report.result_types import RESULTS

TITLES = {
    "companies": "One line of expense-runner companies --json",
    "error": "What any command with --json prints where it failed before it had a result",
    "report": "expense-runner report --format json",
    "run": "expense-runner run --json, demo --json",
}
FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def schemas() -> dict[str, str]:
    """Return the text of each schema by the name of its file."""
    return {f"{name}.json": _text(_schema(name)) for name in RESULTS}


def _text(schema: dict[str, Any]) -> str:
    """Return JSON with a line for each property and each part."""
    lines = []
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            parts = ",\n".join(f"    {json.dumps(name)}: {json.dumps(part)}" for name, part in value.items())
            lines.append(f"  {json.dumps(key)}: {{\n{parts}\n  }}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _schema(name: str) -> dict[str, Any]:
    forms, parts = msgspec.json.schema_components(RESULTS[name], ref_template="#/$defs/{name}")
    [form] = forms if len(forms) == 1 else [{"anyOf": list(forms)}]
    if len(forms) == 1 and "$ref" in form:
        form = parts.pop(form["$ref"].rpartition("/")[2])
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": TITLES.get(name, f"expense-runner {name.replace('-', ' ')} --json"),
    }
    return heading | {key: value for key, value in form.items() if key != "title"} | ({"$defs": parts} if parts else {})


def main() -> None:
    """Write every schema; one that no result has any more goes."""
    for file in FOLDER.glob("*.json"):
        file.unlink()
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
