"""What a file of rejects has beside the user's own columns, and cells that a spreadsheet shows and never runs."""

import re
from typing import Final

KEY: Final = "_row_key"
COMPANY: Final = "_company_id"
FILE, LINE = "_file", "_line"
ADDED: Final = (
    FILE, LINE, "_stage", "_class", "_code", "_message", "_how_to_fix", "_correlation_id", COMPANY, KEY,
)  # fmt: skip
"""The columns that a file of rejects has behind the user's own."""

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_STRIPPED: Final = re.compile(r"'+[=+\-@\t\r\n]")
_NUMBER: Final = re.compile(
    r"[+-][ \u00a0]?[£$€¥]?[ \u00a0]?[0-9](?:[0-9.,'\u2019 \u00a0]*[0-9])?[ \u00a0]?(?:[£$€¥%]|[A-Z]{2,3})?"
)


def escape(cell: str) -> str:
    """Return a cell with an apostrophe before what a spreadsheet would run; plain numbers stay as they are."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def restore(cell: str) -> str:
    """Return the cell that `escape` was given."""
    return cell[1:] if cell.startswith("'") and _STRIPPED.match(cell) else cell
