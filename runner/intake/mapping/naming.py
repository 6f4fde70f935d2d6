"""Names for the columns of a file without a header, by what they hold."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from runner.intake.currencies import spendable
from runner.intake.header import REQUIRED, is_day, looks_like_a_row
from runner.intake.mapping.finding import MAX_COLUMNS, MAX_TITLE_ROWS
from runner.intake.mapping.guess import amounts_of, header_place
from runner.intake.mapping.problem import fold
from runner.intake.mapping.sample import Sample
from runner.intake.mapping.words import WORDS

_NAMES: Final = frozenset(WORDS["issue_date"]) | frozenset(REQUIRED)
_WORD: Final = re.compile(r"[^\W\d_]{3}")
_CENTS: Final = re.compile(r"[.,][0-9]{2}\b")


def with_names(sample: Sample) -> Sample | None:
    """Return what was seen of a file without a header with names above its rows; None for one that has a header."""
    place = header_place(sample.rows)
    header = [name for cell in sample.rows[place][0] if (name := fold(cell))]
    if not _NAMES.isdisjoint(header):
        return None
    # A single cell is a title, and names no columns: there is no header above the rows at all.
    above = sample.rows[: place + 1] if len(header) > 1 else sample.rows[:MAX_TITLE_ROWS]
    first = next((at for at, (cells, _) in enumerate(above) if looks_like_a_row(cells)), None)
    if first is None:
        return None
    rows = sample.rows[first:]
    width = min(max(len(cells) for cells, _ in rows), MAX_COLUMNS)
    columns = [[cells[at].strip() for cells, _ in rows if at < len(cells)] for at in range(width)]
    names = _named([[text for text in column if text] for column in columns])
    return replace(sample, rows=[(names, 0), *rows], columns=tuple(names))


def _named(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return a name for each column, blank for one without a value; where two may be the same, neither is named so."""
    filled = [at for at, texts in enumerate(columns) if texts]
    days = [at for at in filled if _all(map(is_day, columns[at]))]
    numbers = [at for at in filled if at not in days and _numbers(columns[at])]
    codes = [at for at in filled if _all(text in spendable() for text in columns[at])]
    words = [at for at in filled if at not in {*days, *numbers, *codes} and _says_something(columns[at])]
    cents = [at for at in numbers if _all(_CENTS.search(text) is not None for text in columns[at])]
    # A number beside it may be the amount as well, of whole euros or before a fee.
    amounts = cents if len(numbers) == 1 else []
    found = {"Date": days, "Amount": amounts, "Currency": codes, "Description": words}
    known = {places[0]: name for name, places in found.items() if len(places) == 1}
    return [known.get(at, f"Column {at + 1}") if texts else "" for at, texts in enumerate(columns)]


def _says_something(texts: Sequence[str]) -> bool:
    """Say whether there are words in these that are not the same in every row."""
    return len({text for text in texts if _WORD.search(text)}) > 1


def _all(found: Iterable[bool]) -> bool:
    """Say whether nearly all of these are so, and there are any."""
    told = list(found)
    return bool(told) and sum(told) * 10 >= len(told) * 9


def _numbers(texts: Sequence[str]) -> bool:
    return amounts_of([text for text in texts if len(text) <= 64]).count * 10 >= len(texts) * 9
