"""Where the header is: below any title rows, known by the columns that the profile reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runner.intake.codes import Code, Fault, cut
from runner.intake.header import looks_like_a_row, shown_row
from runner.intake.mapping.problem import fold
from runner.intake.mapping.profile import Aliases, Profile
from runner.intake.text import FileFault

MAX_TITLE_ROWS: Final = 60
MAX_COLUMNS: Final = 2_000
_NAME_THEM: Final = (
    'a line that names the columns; for a file without one the mapping profile names them: [file] columns = ["…", …]'
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be the header."""

    cells: list[str]
    row: int
    """Its position among those that were looked at, from 0."""
    delimiter: str
    missing: tuple[Aliases, ...]


def names_of(profile: Profile, cells: Sequence[str]) -> list[str]:
    """Return the names of a header's columns as they are compared; one without a name is `#` and its place.

    There are at least as many as the profile reads by their places.
    """
    padded = [*cells, *[""] * (profile.reach - len(cells))]
    return [fold(cell) or f"#{place}" for place, cell in enumerate(padded, start=1)]


def given_names(profile: Profile, cells: Sequence[str]) -> list[str] | None:
    """Return the names that a profile gives to the columns of a file without a header, whose first row this is.

    None where the row is a header all the same, as that of a file of rejects: it has every name that is read.
    """
    if not profile.columns:
        return None
    names = names_of(profile, cells)
    if all(set(each) & set(names) for each in profile.needed):
        return None
    return [*profile.columns, *[""] * (profile.reach - len(profile.columns))]


def require_names(profile: Profile, cells: Sequence[str], *, line: int) -> None:
    """Raise `FileFault` where a row that is taken for names looks like one of a file without a header."""
    read = {name for each in profile.needed for name in each}
    if looks_like_a_row([cell for cell in cells if fold(cell) in read]):
        raise FileFault(Fault(Code.NO_HEADER, None, shown_row(cells), _NAME_THEM), line=line)


def look_at(profile: Profile, cells: list[str], *, row: int, delimiter: str) -> Candidate:
    """Return a row as a candidate, with the columns that it lacks."""
    names = frozenset(names_of(profile, cells))
    missing = tuple(each for each in profile.needed if names.isdisjoint(each))
    return Candidate(cells, row, delimiter, missing)


def better(one: Candidate | None, other: Candidate) -> Candidate:
    """Return the one that lacks less; the earlier of equals."""
    return other if one is None or len(other.missing) < len(one.missing) else one


def not_found(profile: Profile, best: Candidate | None) -> Fault:
    """Return what is wrong with a file that has no row with all the columns that the profile reads."""
    if best is None or not any(cell.strip() for cell in best.cells):
        return Fault(Code.NO_HEADER, None, None, "a line that names the columns")
    wanted = ", ".join(" or ".join(map(repr, each)) for each in best.missing[:10])
    known = len(profile.needed) - len(best.missing)
    has = ", ".join(cut(cell.strip()) for cell in best.cells[:12] if cell.strip())
    found = f"; the line most like it has {has}" if known else ""
    expected = (
        f"a header within the first {MAX_TITLE_ROWS} lines that has the column {wanted}, which the mapping profile "
        f"{profile.name} reads{found}"
    )
    if looks_like_a_row(best.cells):
        return Fault(Code.NO_HEADER, None, shown_row(best.cells), f"{_NAME_THEM}; {expected}")
    expected += "".join(
        f"; {each[0]} is for a column without a name, and column {each[0][1:]} has one: {cut(best.cells[place])!r}"
        for each in best.missing
        if (place := place_of(each[0])) is not None and place < len(best.cells)
    )
    return Fault(Code.COLUMN_MISSING, None, cut(", ".join(each[0] for each in best.missing)), expected)


def place_of(name: str) -> int | None:
    """Return the place, from 0, that stands for a column without a name; None for any other name."""
    digits = name.removeprefix("#")
    return int(digits) - 1 if digits != name and digits.isdecimal() and 0 < int(digits[:5]) <= MAX_COLUMNS else None


def too_many(cells: Sequence[str]) -> Fault | None:
    """Return what is wrong with a header of more columns than any file can need."""
    if len(cells) <= MAX_COLUMNS:
        return None
    return Fault(Code.TOO_MANY_COLUMNS, None, str(len(cells)), f"at most {MAX_COLUMNS:,} columns")
