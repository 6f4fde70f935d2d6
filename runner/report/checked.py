"""What a check found, in words and as JSON: pure rendering."""

from collections.abc import Iterable, Iterator, Sequence

from runner.domain.states import ExpenseState
from runner.intake.codes import OF_FILES
from runner.journal.checking import ErrorGroup, Place, ReceiptTotals
from runner.journal.records import Books, OpenRowError
from runner.report.catalog import ROWS, WARNINGS, entry_of
from runner.report.result_types.files import CheckCause, CheckWarning
from runner.report.result_types.parts import ReportedRowError
from runner.report.words import counted, megabytes, plural

_SHOWN = 20
"""Companies that are named; the rest is counted."""
_VALUE = 60
"""Characters of a value."""


def group_lines(groups: Sequence[ErrorGroup]) -> Iterator[str]:
    """Say what is wrong, by cause: how often, where for example, and what to do."""
    for group in groups:
        entry, example = entry_of(ROWS, group.code), group.example
        column = f" in {group.column}" if group.column else ""
        yield f"  {group.count:,} × {group.code}{column}: {entry.meaning}"
        value = f" {_short(example.value)!r}" if example.value else ""
        own = "" if example.own_id is None else f" (id {_short(example.own_id)!r})"
        yield f"      {example.file}:{example.line}{_column(example)}{value}: expected {example.expected}{own}"


def fix_lines(groups: Sequence[ErrorGroup]) -> Iterator[str]:
    """Say what to do about the groups: each way out once, because most share one."""
    for way_out in dict.fromkeys(entry_of(ROWS, group.code).way_out for group in groups):
        yield f"  {way_out}"


def warning_lines(code: str, count: int, examples: Sequence[tuple[Place, str, str]]) -> Iterator[str]:
    """Say what is odd about how many expenses, where for example, and what to do."""
    entry = entry_of(WARNINGS, code)
    yield f"  {count:,} × {code}: {entry.meaning}"
    for place, column, value in examples[:1]:
        yield f"      {place.file}:{place.line}, {column}: {_short(value)}"
    yield f"      {entry.way_out}"


def right_lines(books: Books) -> Iterator[str]:
    """Say how many expenses of each company are right, in count and in money."""
    shown = books.companies[:_SHOWN]
    for each in shown:
        right = each.by_state.get(ExpenseState.STAGED)
        said = "no expense" if right is None else f"{counted(right.count, 'expense')}, {right.amount:,.2f}"
        yield f"  {each.company_id}  {said} {each.currency}"
    if len(books.companies) > len(shown):
        # Each of these is a company with one of its currencies.
        yield f"  … and {len(books.companies) - len(shown):,} more"


def receipt_lines(receipts: ReceiptTotals, missing: int) -> Iterator[str]:
    """Say how many receipts were found and how large they are; nothing where no row names any."""
    if not receipts.count and not missing:
        return
    wrong = f", {missing:,} missing or not usable" if missing else ""
    yield f"Receipts: {counted(receipts.count, 'file')} found, {megabytes(receipts.size)}{wrong}."


def receipts_wrong(groups: Iterable[ErrorGroup]) -> int:
    """Return how many row errors are about receipts."""
    return sum(group.count for group in groups if group.code.startswith("receipt_"))


def of_files(groups: Iterable[ErrorGroup]) -> list[ErrorGroup]:
    """Return the causes for which files are refused as a whole."""
    return [group for group in groups if group.code in OF_FILES]


def verdict(groups: Sequence[ErrorGroup], warnings: int, books: Books) -> str:
    """Say in one line how it stands."""
    errors = sum(group.count for group in groups)
    odd = f"; {counted(warnings, 'warning')}" if warnings else ""
    if errors:
        # A file that is refused has one error, and is counted in the books as one expense.
        files = sum(group.count for group in of_files(groups))
        told = ((files, "file", "refused as a whole"), (books.broken - files, "expense", "wrong"))
        without = ", ".join(
            f"{counted(count, noun)} {'is' if count == 1 else plural('is')} {what}"
            for count, noun, what in told
            if count
        )
        return f"{counted(errors, 'error')} of {counted(len(groups), 'kind')}; {without}{odd}."
    return f"Every row is right{odd}."


def groups_json(groups: Iterable[ErrorGroup]) -> list[CheckCause]:
    """Return the causes with counts, one example each, and the way out."""
    return [
        {
            "code": group.code,
            "column": group.column,
            "count": group.count,
            "meaning": entry_of(ROWS, group.code).meaning,
            "who": entry_of(ROWS, group.code).who.value,
            "way_out": entry_of(ROWS, group.code).way_out,
            "example": error_json(group.example),
        }
        for group in groups
    ]


def error_json(error: OpenRowError) -> ReportedRowError:
    """Return one row error."""
    return {
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "value": error.value,
        "expected": error.expected,
        "code": error.code,
        "company_id": error.company_id,
        "id": error.own_id,
    }


def warning_json(code: str, count: int, examples: Sequence[tuple[Place, str, str]]) -> CheckWarning:
    """Return one kind of warning with its first expenses."""
    entry = entry_of(WARNINGS, code)
    return {
        "code": code,
        "count": count,
        "meaning": entry.meaning,
        "who": entry.who.value,
        "way_out": entry.way_out,
        "examples": [
            {
                "file": place.file,
                "line": place.line,
                "company_id": place.company_id,
                "expense_id": place.expense_id,
                "column": column,
                "value": value,
            }
            for place, column, value in examples
        ],
    }


def _column(error: OpenRowError) -> str:
    return f", {error.column}" if error.column else ""


def _short(value: str) -> str:
    return value if len(value) <= _VALUE else f"{value[: _VALUE - 1]}…"
