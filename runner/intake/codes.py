"""Every way in which a file or a row can be wrong: stable words, and what each of them means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

SHOWN = 60
"""Characters of a wrong value that are shown."""


class Code(StrEnum):
    """Stable words for causes; scripts and reports rely on them."""

    FILE_UNREADABLE = "file_unreadable"
    NOT_UTF8 = "not_utf8"
    NUL_CHARACTER = "nul_character"
    NO_HEADER = "no_header"
    COLUMN_MISSING = "column_missing"
    COLUMN_REPEATED = "column_repeated"
    TOO_MANY_COLUMNS = "too_many_columns"
    QUOTING_BROKEN = "quoting_broken"
    FIELD_TOO_LONG = "field_too_long"
    ROW_TOO_LONG = "row_too_long"

    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    VALUE_MISSING = "value_missing"
    COMPANY_ID_MALFORMED = "company_id_malformed"
    TYPE_UNKNOWN = "type_unknown"
    TYPE_NOT_ACCEPTED = "type_not_accepted"
    DATE_UNREADABLE = "date_unreadable"
    CURRENCY_UNKNOWN = "currency_unknown"
    AMOUNT_UNREADABLE = "amount_unreadable"
    RATE_UNREADABLE = "rate_unreadable"
    TOO_MANY_TRACKING_IDS = "too_many_tracking_ids"
    TEXT_TOO_LONG = "text_too_long"
    CONTROL_CHARACTER = "control_character"

    TOO_MANY_RECEIPTS = "too_many_receipts"
    RECEIPT_PATH_REFUSED = "receipt_path_refused"
    RECEIPT_KIND_REFUSED = "receipt_kind_refused"
    RECEIPT_MISSING = "receipt_missing"
    RECEIPT_NOT_A_FILE = "receipt_not_a_file"
    RECEIPT_UNREADABLE = "receipt_unreadable"
    RECEIPT_EMPTY = "receipt_empty"
    RECEIPT_TOO_LARGE = "receipt_too_large"

    LINES_DISAGREE = "lines_disagree"
    TOO_MANY_LINES = "too_many_lines"
    LINES_UNCERTAIN = "lines_uncertain"

    ENCODING_WRONG = "encoding_wrong"
    WORKBOOK_UNREADABLE = "workbook_unreadable"
    FORMULA_UNSAVED = "formula_unsaved"
    LOOKUP_UNKNOWN = "lookup_unknown"
    DATE_AMBIGUOUS = "date_ambiguous"
    AMOUNT_TOO_FINE = "amount_too_fine"
    AMOUNTS_DISAGREE = "amounts_disagree"
    NEGATIVE_REFUSED = "negative_refused"
    CURRENCY_DIFFERS = "currency_differs"

    ROW_KEY_WRONG = "row_key_wrong"
    ROW_KEY_REPEATED = "row_key_repeated"
    LINE_REPEATED = "line_repeated"
    POSSIBLE_DUPLICATE = "possible_duplicate"


MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Code.FILE_UNREADABLE: "The file could not be opened, or not read to its end; none of it was used.",
        Code.NOT_UTF8: "The file is not UTF-8 text; nothing of it was used.",
        Code.NUL_CHARACTER: "The file contains a NUL character, as no text file does; none of it was used.",
        Code.NO_HEADER: "The file has no header line; nothing of it was used.",
        Code.COLUMN_MISSING: "The header lacks a column that every expense needs; none of the file was used.",
        Code.COLUMN_REPEATED: "The header names a column twice; nothing of the file was used.",
        Code.TOO_MANY_COLUMNS: "The header has more columns than any expense file can need.",
        Code.QUOTING_BROKEN: "A quotation mark is not closed, or closed in the wrong place; from there on "
        "the file cannot be read, so nothing of it was used.",
        Code.FIELD_TOO_LONG: "One cell is longer than 128 kB, mostly a sign of a quotation mark that is "
        "never closed; nothing of the file was used.",
        Code.ROW_TOO_LONG: "One row is longer than 1 MB, mostly a sign that this is no CSV file; nothing of "
        "it was used.",
        Code.TOO_MANY_CELLS: "The row has more cells than the header has columns, mostly because of a "
        "separator inside a value that is not quoted.",
        Code.TOO_FEW_CELLS: "The row ends before the last column that is read: it may have been cut off, or lack a "
        "separator, so that every cell may stand in another column.",
        Code.VALUE_MISSING: "A cell that every expense needs is blank.",
        Code.COMPANY_ID_MALFORMED: "The company's id has characters that no company id has.",
        Code.TYPE_UNKNOWN: "The type is not one of the four that exist.",
        Code.TYPE_NOT_ACCEPTED: "Transfers and adjustments are refused by Codat's expenses since 2024.",
        Code.DATE_UNREADABLE: "The date is not written as expected; another order is never guessed.",
        Code.CURRENCY_UNKNOWN: "The currency is not an ISO 4217 code of money, or was none on that day.",
        Code.AMOUNT_UNREADABLE: "The amount is not a plain decimal number.",
        Code.RATE_UNREADABLE: "The exchange rate is not a plain decimal number above zero.",
        Code.TOO_MANY_TRACKING_IDS: "The line has more tracking ids than Codat takes.",
        Code.TEXT_TOO_LONG: "The text is longer than 5,000 characters.",
        Code.CONTROL_CHARACTER: "The text contains a character that cannot be printed.",
        Code.TOO_MANY_RECEIPTS: "The row names more than 100 receipts.",
        Code.RECEIPT_PATH_REFUSED: "The receipt's path is not a relative path below the receipts folder.",
        Code.RECEIPT_KIND_REFUSED: "The receipt is not of a kind that accounting software takes.",
        Code.RECEIPT_MISSING: "The receipt is not there.",
        Code.RECEIPT_NOT_A_FILE: "The receipt is a folder, a link or a device, not a plain file.",
        Code.RECEIPT_UNREADABLE: "The receipt is there but may not be read.",
        Code.RECEIPT_EMPTY: "The receipt is an empty file.",
        Code.RECEIPT_TOO_LARGE: "The receipt is larger than allowed.",
        Code.LINES_DISAGREE: "Rows of one expense say different things about what all its lines share.",
        Code.TOO_MANY_LINES: "The expense has more rows than Codat takes lines.",
        Code.LINES_UNCERTAIN: "Another row with this id cannot be read well enough to tell whether it is a "
        "line of this expense, which may therefore be incomplete.",
        Code.ENCODING_WRONG: "The file is not in the encoding that the mapping profile states; none of it was used.",
        Code.WORKBOOK_UNREADABLE: "The workbook could not be read; nothing of it was used.",
        Code.FORMULA_UNSAVED: "The cell is a formula, and the workbook was saved without the value that it makes.",
        Code.LOOKUP_UNKNOWN: "The mapping profile's table has no entry for the value.",
        Code.DATE_AMBIGUOUS: "The date can be read as two different days; which one is never guessed.",
        Code.AMOUNT_TOO_FINE: "The amount has more digits behind the point than its currency, so that the point "
        "may be meant to separate thousands.",
        Code.AMOUNTS_DISAGREE: "The row's amounts contradict one another.",
        Code.NEGATIVE_REFUSED: "The amount is below zero, which the mapping profile does not allow.",
        Code.CURRENCY_DIFFERS: "The amount carries the sign of another currency than its row.",
        Code.ROW_KEY_WRONG: "The row's _row_key is damaged, or belongs to an expense of another company or id.",
        Code.ROW_KEY_REPEATED: "Several rows have the same _row_key: one of them is a copy.",
        Code.LINE_REPEATED: "The same row stands twice under one id, cell by cell: meant twice, or copied.",
        Code.POSSIBLE_DUPLICATE: "The row may be a purchase that is known already from another file: rows without ids "
        "of their own cannot say it themselves.",
    }
)


OF_FILES: Final = frozenset(
    {
        Code.FILE_UNREADABLE, Code.NOT_UTF8, Code.NUL_CHARACTER, Code.NO_HEADER, Code.COLUMN_MISSING,
        Code.COLUMN_REPEATED, Code.TOO_MANY_COLUMNS, Code.QUOTING_BROKEN, Code.FIELD_TOO_LONG, Code.ROW_TOO_LONG,
        Code.ENCODING_WRONG, Code.WORKBOOK_UNREADABLE,
    }
)  # fmt: skip
"""Codes with which a file is refused as a whole: none of its rows is at fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell, before it is known which row of which file it stands in."""

    code: Code
    column: str | None
    value: str | None
    expected: str


def cut(text: str) -> str:
    """Return a value fit to be shown: at most 60 characters, everything unprintable escaped."""
    short = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    if short.isprintable():
        return short
    safe = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in short)
    return safe if len(safe) <= SHOWN else safe[: SHOWN - 1] + "…"
