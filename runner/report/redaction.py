"""What may leave the house: only what is known to be harmless is let through, everything else is left out.

A list of what is secret would never be complete: merchants, people and amounts stand in messages that Codat and the
accounting software word as they like. So a message keeps the words of a small vocabulary, and nothing else.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from runner.report.catalog import explain

GAP: Final = "…"
OTHER: Final = "(other)"
_LONGEST: Final = 300

_VOCABULARY: Final = """
a able about above accepted account accounts accounting active address after again all allowed already also amount
amounts an and another any api are archived as at attached attachment authorization authorized bank be been before
below between billing body both but by can cannot category characters closed code codes column columns company
completed configuration configured connect connected connection connections contact could create created currency
customer data dataset date dates datasets day days decimal deleted denied did disconnected does duplicate each
either empty error errors exceeded exist existing exists expected expense expenses expired failed field fields file
files for forbidden format found from future gone greater has have id identifier ids in inactive incorrect integer
internal invalid is it item items key large ledger length less limit line lines link linked list locked long longer
lookup many match matched maximum may message minimum missing more must name negative net no not nothing null
number of on one only open or order other package part past payment pending period plan please posted posting
previously process processed processing provided push pushed quota range rate rates read receipt record reference
refund refused rejected request requests required reset response retry row rows same sent server service set should
size software source start status still such supplier support supported sync system tax than that the their there
these this time timeout timed to too tracking transaction transactions try two type types unable unauthorized
unavailable unexpected unknown unlinked unsupported update upload used user valid validation value values was were
when where which while will with within without wrong zero
"""
_WORDS: Final = frozenset(_VOCABULARY.split())
_TOKEN: Final = re.compile(
    r"(?P<word>[^\W\d_]+)|(?P<number>\d[\d.,]*)|(?P<mark>[\s.,:;()/!?'\"-])|(?P<rest>.)", re.DOTALL
)
_VERSION: Final = re.compile(r"[0-9]+(\.[0-9]+)*([a-z0-9.+-]{0,20})")
_EVENT: Final = re.compile(r"[a-z]+(_[a-z]+)*")


def message(text: str) -> str:
    """Return a message's skeleton: known words as they are, numbers as `#`, all else as a gap."""
    parts: list[str] = []
    for match in _TOKEN.finditer(text[: 10 * _LONGEST]):
        kept = _kept(match)
        if kept in {GAP, "#"} and parts and parts[-1] == kept:
            continue
        parts.append(kept)
    return re.sub(rf"({GAP}[\s.,:;()/!?'\"-]*)+{GAP}", GAP, "".join(parts))[:_LONGEST].strip()


def _kept(match: re.Match[str]) -> str:
    if match["mark"] is not None:
        return " " if match["mark"].isspace() else match["mark"]
    if match["number"] is not None:
        return "#"
    return match[0] if match["word"] is not None and match[0].lower() in _WORDS else GAP


def code(text: str | None) -> str | None:
    """Return a code that this program knows; another one could be anybody's words."""
    return text if text is None or explain(text) else OTHER


def moment(text: str | None) -> str | None:
    """Return a time in ISO 8601; anything else is left out."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return OTHER


def version(text: str) -> str:
    """Return a version number; anything else is left out."""
    return text if _VERSION.fullmatch(text) and len(text) <= 30 else OTHER


def one_of(text: str | None, allowed: Iterable[str]) -> str | None:
    """Return a word if it is one of those allowed."""
    return text if text is None or text in allowed else OTHER


class Pseudonyms:
    """Names for companies that are the same throughout one bundle, and say nothing outside of it."""

    def __init__(self, salt: bytes) -> None:
        """`salt`: random bytes that are thrown away with the bundle's making."""
        self._salt = salt

    def of(self, company: str) -> str:
        """Return the company's name within this bundle."""
        return "company-" + hashlib.sha256(self._salt + company.encode()).hexdigest()[:12]


_COUNTED: Final = """
accepted again again_in attempt code companies draft drafts errors expenses in_flight judged ms others posted
rejected repeated requests retry_after rows seconds sent settled split status unclear
"""
_COUNTS: Final = frozenset(_COUNTED.split())


def log_line(facts: Mapping[str, Any], names: Pseudonyms) -> dict[str, Any]:
    """Return what may be told of one line of a log: when, how grave, which event, whole numbers, the company's name."""
    kept: dict[str, Any] = {
        "timestamp": moment(_text(facts.get("timestamp"))),
        "level": one_of(_text(facts.get("level")), {"debug", "info", "warning", "error", "critical"}),
    }
    event = _text(facts.get("event")) or ""
    kept["event"] = event if _EVENT.fullmatch(event) and _is_ours(event) else OTHER
    for name, value in facts.items():
        if name == "company" and isinstance(value, str):
            kept[name] = names.of(value)
        elif name == "code" and isinstance(value, str):
            kept[name] = code(value)
        elif name in {"message", "hint"} and isinstance(value, str):
            kept[name] = message(value)
        elif name in _COUNTS and isinstance(value, int | bool):
            kept[name] = value
    return kept


def _is_ours(event: str) -> bool:
    return all(part in _WORDS or part in _EVENT_WORDS for part in event.split("_"))


_HAPPENINGS: Final = """
absent adopted answer attachment begun check doubt draft drafted dropped ended finished forgotten growing held hold
ignored inbox incomplete input isolated journal judged left looked lost mode moved paused payloads polled preflight
probe progress quota reading rebuild recovered references released resolved retried run settled signal staged
started stored taken tightened unanswered undocumented verified verify waiting waits walked webhook
"""
_EVENT_WORDS: Final = frozenset(_HAPPENINGS.split())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def setting(value: Any, choices: Collection[str] | None) -> Any:  # noqa: ANN401 - whatever TOML can hold
    """Return a setting's value if it is a number, a truth, a length of time or one of an option's choices.

    `choices` is None for a setting that takes texts, which are never told.
    """
    if choices is None:
        return "(left out)"
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and (value in choices or re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h|d)?", value)):
        return value
    return "(left out)"
