"""What `journal check` found, in words and as JSON."""

from collections.abc import Iterator, Sequence

from runner.journal.integrity import RULES, SHOWN, Violation
from runner.journal.records import Books
from runner.report.result_types.acts import JournalCheckResult
from runner.report.words import counted

MEANINGS = {
    **RULES,
    "file": "The file is damaged.",
    "foreign_keys": "Something refers to what is not there.",
    "accounts": "Not every expense that was accepted stands in exactly one state, in count and in money.",
}
"""Every rule that can be broken, in plain words."""

_NAMED = 3


def soundness_lines(violations: Sequence[Violation], books: Books | None, *, full: bool) -> Iterator[str]:
    """Return what a person reads."""
    how = "every page and index" if full else "every page"
    what = "" if books is None else f", {counted(books.total - books.broken, 'expense')}"
    if not violations:
        yield f"Sound{what}: the file ({how}), its references, its accounts and {len(RULES)} rules of its own."
        return
    yield f"{counted(len(violations), 'rule')} broken{what}:"
    for each in violations:
        yield f"  {each.rule}: {MEANINGS[each.rule]} {counted(each.count, 'time')}."
        yield from (f"    {subject}" for subject in each.subjects[:_NAMED])
        if each.count > _NAMED:
            yield f"    and {each.count - _NAMED:,} more; --json names up to {SHOWN}"


def soundness_json(
    violations: Sequence[Violation], books: Books | None, *, full: bool, exit_code: int
) -> JournalCheckResult:
    """Return what a program reads; its keys are a contract with scripts."""
    return {
        "exit_code": exit_code,
        "sound": not violations,
        "full": full,
        "expenses": None if books is None else books.total - books.broken,
        "violations": [
            {"rule": each.rule, "meaning": MEANINGS[each.rule], "count": each.count, "subjects": list(each.subjects)}
            for each in violations
        ],
    }
