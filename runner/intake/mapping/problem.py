"""What is wrong with one foreign cell, before it is known in which column it stands."""

from dataclasses import dataclass

from runner.intake.codes import Code


@dataclass(frozen=True, slots=True)
class Problem:
    """A cause and what would have been right, as an instruction."""

    code: Code
    expected: str


def fold(text: str) -> str:
    """Return a text as it is compared: case, kinds of white space and their number do not matter."""
    return " ".join(text.split()).casefold()
