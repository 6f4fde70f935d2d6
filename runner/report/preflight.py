"""What the codes of the preflight mean: rows that name what their company does not have."""

from collections.abc import Iterator
from typing import Final

from runner.domain.mapping_options import FAULT_CODES, NAMES, Kind
from runner.report.entry import Entry, Who

_AGAIN = "`expense-runner retry --rejected --code {code}`, then run"


def _entry(kind: Kind, cause: str, code: str) -> Entry:
    what, again = NAMES[kind], _AGAIN.format(code=code)
    match cause:
        case "unknown":
            return Entry(
                f"The company has no {what} of the id, code or name that the row gives; nothing was sent.",
                Who.FIX_MAPPING,
                f"Correct the row or its mapping and run again; or create the {what} in the books, {again}.",
            )
        case "ambiguous":
            return Entry(
                f"Several of the company's {_PLURALS[kind]} have the code or name that the row gives.",
                Who.FIX_DATA,
                "Give the id, which the message lists, and run again.",
            )
        case "not_leaf":
            return Entry(
                f"The {what} that the row names has others below it, and only those can be used; nothing was sent.",
                Who.FIX_DATA,
                "Give one of those below it, which the message lists, and run again.",
            )
        case _:
            return Entry(
                f"The {what} that the row names does not take expenses of this type; nothing was sent.",
                Who.FIX_MAPPING,
                f"Give another {what} or another type and run again; or allow it in the books, {again}.",
            )


_PLURALS: Final = {Kind.ACCOUNT: "accounts", Kind.TAX_RATE: "tax rates", Kind.TRACKING: "tracking categories"}


def _entries() -> Iterator[tuple[str, Entry]]:
    for (kind, cause), code in FAULT_CODES.items():
        yield code, _entry(kind, cause, code)


PREFLIGHT: Final = dict(_entries())
