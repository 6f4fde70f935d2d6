"""Where the header is: below any title rows, known by the columns that the profile reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runner.intake.codes import Code, Fault, cut
from runner.intake.mapping.problem import fold
from runner.intake.mapping.profile import Aliases, Profile

MAX_TITLE_ROWS: Final = 60
MAX_COLUMNS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be the header."""

    cells: list[str]
    row: int
    """Its position among those that were looked at, from 0."""
    delimiter: str
    missing: tuple[Aliases, ...]


def look_at(profile: Profile, cells: list[str], *, row: int, delimiter: str) -> Candidate:
    """Return a row as a candidate, with the columns that it lacks."""
    names = frozenset(map(fold, cells))
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
    return Fault(Code.COLUMN_MISSING, None, cut(", ".join(each[0] for each in best.missing)), expected)


def too_many(cells: Sequence[str]) -> Fault | None:
    """Return what is wrong with a header of more columns than any file can need."""
    if len(cells) <= MAX_COLUMNS:
        return None
    return Fault(Code.TOO_MANY_COLUMNS, None, str(len(cells)), f"at most {MAX_COLUMNS:,} columns")
