"""Which profile is for which file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath

from runner.intake.mapping.load import load_profile
from runner.intake.mapping.profile import Profile
from runner.intake.mapping.translate import Canonical, Skipped
from runner.intake.sources import Source

Watch = Callable[[int, Sequence[str], Canonical | Skipped], None]
"""Told of each row: its line, its cells, and what becomes of them."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """Profiles with the file patterns that they are for; the first that fits counts, one without a pattern last."""

    rules: tuple[tuple[str | None, Profile], ...]
    limit: int | None = None
    """Rows to read of each file; None reads all."""
    watch: Watch | None = None

    def profile_for(self, source: Source) -> Profile | None:
        """Return the profile of a file; None where it has canonical columns."""
        for pattern, profile in sorted(self.rules, key=lambda rule: rule[0] is None):
            if pattern is None or _fits(pattern, source.name):
                return profile
        return None


def read_mappings(arguments: Sequence[str]) -> Mappings | None:
    """Return what `PROFILE` and `PATTERN=PROFILE` arguments mean; raises `ConfigurationWrong`.

    A pattern such as `cards-*.csv` is compared with a file's name, one with a slash with its path as given.
    """
    rules: list[tuple[str | None, Profile]] = []
    for argument in arguments:
        pattern, equals, named = argument.rpartition("=")
        rules.append((pattern if equals else None, load_profile(named)))
    return Mappings(tuple(rules)) if rules else None


def _fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name if "/" in pattern else PurePath(name).name, pattern)
