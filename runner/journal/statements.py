"""The journal's SQL: named statements in `.sql` files beside this one, read once."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)\n", re.MULTILINE)


def load(topic: str) -> Mapping[str, str]:
    """Return the statements of `sql/<topic>.sql` by name.

    Each begins with a line `-- name: <name>`; comments below it belong to it.
    """
    text = files("runner.journal").joinpath("sql", f"{topic}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
