"""`expense-runner check`: what is wrong with these files? Without a key no network; a journal is only read."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import click

from runner.app import App
from runner.cli.inspected import inspection_json, inspection_lines, settings_to_ask
from runner.cli.options import codat_options, input_options, json_option, preflight_option
from runner.cli.session import conduct
from runner.clock import SystemClock
from runner.domain.money import canonical
from runner.errors import ExitCode, JournalUnusable
from runner.inspection import Inspection
from runner.intake.codes import cut
from runner.intake.mapping.choose import read_mappings
from runner.intake.mapping.profile import Overlap
from runner.intake.read import Options
from runner.intake.sources import Source, find_sources
from runner.journal.checking import ErrorGroup, Place, ReceiptTotals
from runner.journal.journal import Journal, reading, scratch
from runner.journal.records import Books
from runner.report import checked as report
from runner.report.amounts import money
from runner.report.result_types.files import CheckHead, CheckOutcome
from runner.report.summary import companies_json
from runner.report.words import counted
from runner.scrutiny import Warned, receipts_of, scrutinize, seen_in
from runner.settings import RunSettings
from runner.stage import Foreseen, StagedInput


@dataclass(frozen=True, slots=True)
class Checked:
    """What reading the files found; the single row errors stay in the scratch journal."""

    inputs: list[StagedInput]
    books: Books
    groups: list[ErrorGroup]
    warnings: list[Warned]
    receipts: ReceiptTotals
    inspection: Inspection | None
    """What Codat said; None where it was not asked."""
    journal: Path | None = None
    """The journal that the files were held against; None where there is none."""
    foreseen: Sequence[Foreseen | None] = ()
    """What each of them would be beside it."""

    @property
    def exit_code(self) -> ExitCode:
        """Return 3 where any row is wrong or would be asked about, 4 where only companies are not well.

        A warning is a matter of opinion.
        """
        found = self.inspection
        kept_out = any(each.kept_out for each in self.foreseen if each is not None)
        if kept_out or self.groups or (found is not None and found.rejected):
            return ExitCode.REJECTED
        return ExitCode.OK if found is None or found.finds_nothing else ExitCode.WORK_REMAINS


@click.command(epilog="Example: `expense-runner check expenses/` says what is wrong by cause, and how to mend it.")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|FOLDER|-...")
@input_options
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("expense-runner.db"),
    envvar="EXPENSE_RUNNER_JOURNAL",
    show_default=True,
    help="The journal to hold the files against, if it is there: it is only read, and never made.",
)
@click.option("--no-journal", is_flag=True, help="Hold the files against no journal.")
@preflight_option
@codat_options
@json_option
def check(
    inputs: tuple[str, ...],
    receipts_dir: Path | None,
    mapping: tuple[str, ...],
    overlap: Overlap | None,
    journal: Path,
    no_journal: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    **codat: Any,
) -> int:
    """Read CSV files as a run would, and say what is wrong with them and what is odd: nothing is sent, nothing is kept.

    With an API key Codat is asked as well whether it has what the rows name; without one there is no network.
    Exit code 0 if every row is right, 3 if any is wrong or would be asked about, 4 if only companies are not well.
    Warnings do not change it.
    """
    settings = settings_to_ask(codat)
    sources = find_sources(inputs)
    options = Options(receipts_dir=receipts_dir, mapping=read_mappings(mapping), overlap=overlap)
    known = None if no_journal or not journal.is_file() else journal
    with scratch(SystemClock()) as made:
        checked = conduct(lambda app: examine(app, sources, options, made, settings, beside=known), quiet=as_json)
        if as_json:
            asyncio.run(_print_json(checked, made))
        else:
            _print(checked)
    return int(checked.exit_code)


async def examine(
    app: App,
    sources: list[Source],
    options: Options,
    journal: Journal,
    settings: RunSettings | None = None,
    *,
    beside: Path | None = None,
) -> Checked:
    """Stage into the scratch journal and look at what is there; whatever else looks at the rows belongs here."""
    staged = await app.check(sources, options, journal)
    receipts = await receipts_of(journal.checking)
    warnings = await scrutinize(journal.checking, receipts, now=app.clock.now(), draining=app.draining)
    warnings += seen_in((each.name, each.odd) for each in staged)
    books, groups = await journal.accounts.books(), await journal.checking.error_groups()
    inspection = None if settings is None else await app.preflight_check(settings, journal)
    foreseen: Sequence[Foreseen | None] = ()
    if beside is not None:
        try:
            with reading(beside, app.clock, aside=True) as known:
                foreseen = await app.foresee(sources, options, known)
        except JournalUnusable as error:
            # What is wrong with the files can be said all the same.
            click.echo(f"The files were held against no journal: {error.message}", err=True)
            beside = None
    return Checked(staged, books, groups, warnings, receipts, inspection, beside, foreseen)


def _print(checked: Checked) -> None:
    for line in _lines(checked):
        click.echo(line)


def _lines(checked: Checked) -> Iterator[str]:
    foreseen = [*checked.foreseen, *[None] * (len(checked.inputs) - len(checked.foreseen))]
    for each, beside in zip(checked.inputs, foreseen, strict=True):
        yield from _input_lines(each)
        if beside is not None and checked.journal is not None:
            yield f"  beside {checked.journal}: {_beside(beside)}"
    if checked.books.companies:
        yield "\nExpenses whose rows are right:"
    yield from report.right_lines(checked.books)
    yield from report.receipt_lines(checked.receipts, report.receipts_wrong(checked.groups))
    files = report.of_files(checked.groups)
    if files:
        yield "\nFiles that are refused as a whole, by cause, each with its first file:"
        yield from (*report.group_lines(files), *report.fix_lines(files))
    if rows := [group for group in checked.groups if group not in files]:
        yield "\nRows that are wrong, by cause, each with its first row:"
        yield from (*report.group_lines(rows), *report.fix_lines(rows))
    if any(group.count > 1 for group in checked.groups):
        yield "  All of them, row by row: expense-runner check --json …"
    if checked.warnings:
        yield "\nWarnings: right as far as can be told, but odd:"
        for warned in checked.warnings:
            yield from report.warning_lines(warned.oddity, warned.count, _examples(warned))
    yield "\n" + report.verdict(checked.groups, _warnings(checked), checked.books)
    if checked.inspection is not None:
        yield from inspection_lines(checked.inspection)


_OUTCOMES: Final = {
    "new": "new", "known": "known", "noted": "known, and would read otherwise today", "corrected": "to be corrected",
    "asked": "to be asked about", "asked_before": "asked about already", "conflict": "known with other content",
    "repeated_line": "with a row that is repeated", "another": "known as another expense",
}  # fmt: skip


def _beside(found: Foreseen) -> str:
    said = []
    for outcome, words in _OUTCOMES.items():
        if count := found.counts.get(outcome):
            sums = ", ".join(f"{money(amount, of)} {of}" for of, amount in sorted(found.amounts[outcome].items()))
            said.append(f"{count:,} {words} ({sums})")
    return "; ".join(said) or "nothing"


def _foreseen(found: Foreseen) -> dict[str, CheckOutcome]:
    return {
        outcome: {
            "count": count,
            "amounts": {of: canonical(amount) for of, amount in sorted(found.amounts[outcome].items())},
        }
        for outcome, count in sorted(found.counts.items())
    }


def _input_lines(each: StagedInput) -> list[str]:
    errors = counted(each.errors, "error") if each.errors else "no errors"
    if not each.usable:
        return [f"{each.name}: refused as a whole, see below"]
    lines = [
        f"{each.name}: {counted(each.rows, 'row')}, {counted(each.accepted, 'expense')}, {errors}",
        f"  delimiter {_delimiter(each.delimiter)}, encoding {each.encoding}",
    ]
    if each.unknown:
        lines.append(f"  {'column' if len(each.unknown) == 1 else 'columns'} not read: {', '.join(each.unknown)}")
    if each.unread_sheets:
        names = ", ".join(map(cut, each.unread_sheets))
        lines.append(f"  {'sheet' if len(each.unread_sheets) == 1 else 'sheets'} not read: {names}")
    if each.mapping:
        lines.append(f"  read by the mapping profile {each.mapping}")
    lines += [f"  {counted(count, 'row')} skipped by the rule in {rule}" for rule, count in each.skipped]
    if each.repeated:
        verb, count = ("stands", "counts") if each.repeated == 1 else ("stand", "count")
        lines.append(f"  {counted(each.repeated, 'expense')} {verb} in an earlier file as well, and {count} once")
    return lines


async def _print_json(checked: Checked, journal: Journal) -> None:
    """Print one line; the errors, of which there may be millions, are never all in memory."""
    head = json.dumps(_json(checked))
    click.echo(f'{head[:-1]}, "errors": [', nl=False)
    comma = ""
    async with aclosing(journal.checking.errors()) as errors:
        async for error in errors:
            click.echo(comma + json.dumps(report.error_json(error)), nl=False)
            comma = ", "
    click.echo("]}")


def _json(checked: Checked) -> CheckHead:
    return {
        "exit_code": int(checked.exit_code),
        "inputs": [
            {
                "file": each.name,
                "rows": each.rows,
                "expenses": each.accepted,
                "repeated": each.repeated,
                "errors": each.errors,
                "delimiter": each.delimiter,
                "encoding": each.encoding,
                "columns_not_read": list(each.unknown),
                "sheets_not_read": list(each.unread_sheets),
                "mapping": each.mapping,
                "skipped": [{"rule": rule, "rows": count} for rule, count in each.skipped],
                "beside_journal": None if beside is None else _foreseen(beside),
            }
            for each, beside in zip_longest(checked.inputs, checked.foreseen)
        ],
        "journal": None if checked.journal is None else str(checked.journal),
        "companies": companies_json(checked.books),
        "receipts": {
            "found": checked.receipts.count,
            "bytes": checked.receipts.size,
            "wrong": report.receipts_wrong(checked.groups),
        },
        "preflight": inspection_json(checked.inspection),
        "causes": report.groups_json(checked.groups),
        "warnings": [
            report.warning_json(warned.oddity, warned.count, _examples(warned)) for warned in checked.warnings
        ],
    }


def _warnings(checked: Checked) -> int:
    return sum(warned.count for warned in checked.warnings)


def _examples(warned: Warned) -> list[tuple[Place, str, str]]:
    return [(each.place, each.column, each.value) for each in warned.examples]


def _delimiter(delimiter: str) -> str:
    if not delimiter:
        return "none (a workbook)"
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}.get(delimiter, repr(delimiter))
