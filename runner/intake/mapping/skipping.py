"""Rows that are no expenses, by the profile's rules: counted by rule, never dropped unseen."""

from collections.abc import Callable, Mapping, Sequence

from runner.intake.mapping.problem import fold
from runner.intake.mapping.profile import SkipRule

Test = Callable[[Sequence[str]], bool]


class Skipping:
    """The skip rules of one profile, bound to one file's columns (folded names to places)."""

    def __init__(self, rules: Sequence[SkipRule], places: Mapping[str, int]) -> None:
        self.counts: dict[str, int] = {}
        """Rows skipped so far, by the rule's file and line."""
        self._over: SkipRule | None = None
        self._places = places
        self._before = [(rule, _tests(rule, places)) for rule in rules if not _looks_at_values(rule)]
        self._after = [(rule, _tests(rule, places)) for rule in rules if _looks_at_values(rule)]
        self.looks_at_values = bool(self._after)

    def before(self, cells: Sequence[str]) -> str | None:
        """Return the rule that skips a row for its cells alone."""
        if self._over is not None:
            return self._count(self._over)
        for rule, tests in self._before:
            if all(test(cells) for test in tests):
                return self._count(rule)
        return None

    def of_short(self, cells: Sequence[str], given: int) -> str | None:
        """Return the rule that skips a row of which only this many cells are there: by a text that is there.

        That a cell is missing is no reason to skip a row: it may have been cut off.
        """
        if self._over is not None:
            return self._count(self._over)
        for rule, tests in self._before:
            told = rule.column == "*" or (rule.column is not None and self._places[rule.column] < given)
            if told and all(test(cells) for test in tests):
                return self._count(rule)
        return None

    def after(self, cells: Sequence[str], *, currency: str, zero: bool, refund: bool) -> str | None:
        """Return the rule that skips a row for what its cells mean."""
        for rule, tests in self._after:
            if (rule.zero and not zero) or (rule.refunds and not refund):
                continue
            if rule.currency_not and (not currency or currency.upper() in rule.currency_not):
                continue
            if all(test(cells) for test in tests):
                return self._count(rule)
        return None

    def _count(self, rule: SkipRule) -> str:
        self.counts[rule.where] = self.counts.get(rule.where, 0) + 1
        if rule.rest:
            self._over = rule
        return rule.where


def _looks_at_values(rule: SkipRule) -> bool:
    return rule.zero or rule.refunds or bool(rule.currency_not)


def _tests(rule: SkipRule, places: Mapping[str, int]) -> list[Test]:
    # What is looked at first should be false for most rows, and cheap.
    tests: list[Test] = [_is_blank(places[name]) for name in rule.blank]
    if rule.column == "*":
        tests.append(lambda cells: any(_matches(rule, fold(cell)) for cell in cells))
    elif rule.column is not None:
        place = places[rule.column]
        tests.append(lambda cells: _matches(rule, fold(cells[place])))
    return tests


def _is_blank(place: int) -> Test:
    return lambda cells: not cells[place].strip()


def _matches(rule: SkipRule, text: str) -> bool:
    if rule.equal and text not in rule.equal:
        return False
    if rule.unequal and text in rule.unequal:
        return False
    if rule.starts and not text.startswith(rule.starts):
        return False
    return not rule.contains or any(part in text for part in rule.contains)
