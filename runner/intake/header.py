"""The header line: which delimiter, which columns, and what is missing."""

import csv
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.domain.ids import CompanyId, is_company_id, normal_company
from runner.intake.added import ADDED, KEY
from runner.intake.codes import Code, Fault, cut
from runner.intake.text import FileFault

COLUMNS: Final = (
    "company_id",
    "id",
    "type",
    "issue_date",
    "currency",
    "currency_rate",
    "merchant_name",
    "contact_id",
    "bank_account_id",
    "reference",
    "notes",
    "net_amount",
    "tax_amount",
    "account_id",
    "tax_rate_id",
    "tracking_ids",
    "invoice_to_id",
    "receipts",
)
REQUIRED: Final = ("type", "issue_date", "currency", "net_amount", "account_id")
DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
MAX_COLUMNS: Final = 200
_DAY: Final = re.compile(
    r"(?:[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|[0-9]{1,2}[. -]{1,2}[^\W\d_]{3,10}[., -]{1,2}[0-9]{2,4}|[^\W\d_]{3,10}\.? [0-9]{1,2},? [0-9]{4})(?:[T ].{4,20})?"
)
_SIGN: Final = r"(?:[£$€]|[A-Z]{3})"
_NUMBER: Final = re.compile(
    rf"[-\u2212+(]?(?:{_SIGN} ?)?[-\u2212+]?[0-9][0-9.,'\u2019 ]*\)?[-\u2212]?(?: ?{_SIGN})?(?: ?(?:CR|DR))?"
)
_BETWEEN_WORDS: Final = str.maketrans("", "", " _-.")


@dataclass(frozen=True, slots=True)
class Header:
    """What the header line says."""

    unknown: tuple[str, ...]
    """Columns that are not read, as written."""
    width: int
    """Cells of a full row."""
    places: tuple[int, ...]
    """For each of `COLUMNS` its index in a row; `width` for a column that the file does not have."""
    company: CompanyId | None
    """The company that the file's name stands for, where there is no company_id column."""


def is_day(text: str) -> bool:
    """Say whether a cell looks like a day, in any of the ways to write one."""
    return bool(_DAY.fullmatch(" ".join(text.split())))


def looks_like_a_row(cells: Sequence[str]) -> bool:
    """Say whether what should name columns has values in them: a day in one cell, and a number in another."""
    texts = [" ".join(cell.split()) for cell in cells]
    others = [text for text in texts if not _DAY.fullmatch(text)]
    return len(others) < len(texts) and any(map(_NUMBER.fullmatch, others))


def shown_row(cells: Sequence[str]) -> str:
    """Return the beginning of a row, fit to be shown."""
    return cut(", ".join(text for cell in cells[:20] if (text := cell.strip())))


def company_of(path: Path | None) -> CompanyId | None:
    """Return the company that a file is named after, None where the name cannot be a company's id."""
    if path is None or not is_company_id(path.stem):
        return None
    return normal_company(path.stem)


def detect_delimiter(line: str) -> str:
    """Return the delimiter under which a header line shows most columns, known ones before any others."""

    def shown(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            # A name that spans lines, or a broken one: the real reading will tell.
            cells = line.split(delimiter)
        return sum(_normal(cell) in COLUMNS for cell in cells), len(cells)

    return max(DELIMITERS, key=shown)


def read_header(cells: list[str], *, line: int, named: CompanyId | None) -> Header:
    """Make sense of the header's cells; raises `FileFault` where they cannot be used.

    `named` is the company that the file is named after.
    """
    if len(cells) > MAX_COLUMNS:
        fault = Fault(Code.TOO_MANY_COLUMNS, None, str(len(cells)), f"at most {MAX_COLUMNS} columns")
        raise FileFault(fault, line=line)
    names = [_normal(cell) for cell in cells]
    if looks_like_a_row(cells) and not any(name in REQUIRED for name in names):
        expected = "a first line that names the columns; for a file without one, map init writes a mapping profile"
        raise FileFault(Fault(Code.NO_HEADER, None, shown_row(cells), expected), line=line)
    for index, name in enumerate(names):
        if name and name in names[:index]:
            fault = Fault(Code.COLUMN_REPEATED, None, cut(name), "each column once")
            raise FileFault(fault, line=line)
    added = ADDED if KEY in names else ()
    unknown = tuple(
        cut(cell.strip()) or f"(column {number}, without a name)"
        for number, (cell, name) in enumerate(zip(cells, names, strict=True), start=1)
        if name not in COLUMNS and name not in added
    )
    missing = [name for name in REQUIRED if name not in names]
    if "company_id" not in names and (named is None or any(map(_names_company, names))):
        # A column of companies that is left unread for its spelling must not give them all to the file's name.
        missing.insert(0, "company_id")
    if missing:
        raise FileFault(_missing(missing, unknown), line=line)
    return Header(
        unknown=unknown,
        width=len(cells),
        places=tuple(names.index(name) if name in names else len(cells) for name in COLUMNS),
        company=None if "company_id" in names else named,
    )


def _names_company(name: str) -> bool:
    return name.translate(_BETWEEN_WORDS) == "companyid"


def _missing(missing: list[str], unknown: tuple[str, ...]) -> Fault:
    expected = "a header line with the column " + ", ".join(missing)
    if len(missing) > 1:
        expected = "a header line with the columns " + ", ".join(missing)
    if missing[0] == "company_id":
        expected += "; for one company the file may be named <company id>.csv instead of having company_id"
    alike = {_normal(name).replace(" ", "_").replace("-", "_"): name for name in unknown}
    close = [alike[match] for name in missing for match in difflib.get_close_matches(name, alike, n=1, cutoff=0.75)]
    if close:
        expected += "; was it meant by " + ", ".join(repr(name) for name in close) + "?"
    expected += "; for a file with other columns: expense-runner map init FILE"
    return Fault(Code.COLUMN_MISSING, None, None, expected)


def _normal(cell: str) -> str:
    # Marks that nobody sees (a second byte order mark, a space without width) do not make another column.
    text = cell.strip().lower()
    return text if text.isprintable() else "".join(filter(str.isprintable, text)).strip()
