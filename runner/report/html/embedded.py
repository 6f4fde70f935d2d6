"""The report as the page's script reads it: the same JSON as `report --format json`, safe inside of an element."""

import json

from runner.journal.health_records import Health
from runner.report.structured import structured


def embedded(health: Health, *, journal: str) -> str:
    """Return the data of the page's tables."""
    return escaped(json.dumps(structured(health, journal=journal), ensure_ascii=False, separators=(",", ":")))


def escaped(text: str) -> str:
    """Return JSON in which nothing can end the element it stands in."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
