"""What differs between two wire forms of one expense, in words."""

from collections.abc import Iterator
from typing import Any

import msgspec

_SHOWN = 60


def differences(before: bytes, after: bytes) -> list[str]:
    """Name each field in which two transactions differ, with both values: `lines[0].netAmount 12.5 -> 13`.

    Amounts are compared as written numbers: `12.50` and `12.5` are the same.
    """
    old, new = (msgspec.json.decode(each, type=dict[str, Any], strict=False) for each in (before, after))
    return list(_walk("", old, new))


def _walk(place: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key != "id" or place:
                yield from _walk(f"{place}.{key}" if place else key, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _walk(f"{place}[{index}]", one, other)
    elif old != new:
        yield f"{place} {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"{len(value)} entries"
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
