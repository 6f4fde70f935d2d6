"""`expense-runner check`: what is wrong with these files? No network, no journal."""

import json
from pathlib import Path

import click

from runner.app import App
from runner.cli.options import input_options, json_option
from runner.cli.session import conduct
from runner.clock import SystemClock
from runner.errors import ExitCode
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Options
from runner.intake.sources import Source, find_sources
from runner.journal.journal import scratch
from runner.journal.records import Books, OpenRowError
from runner.report.summary import companies_json, company_lines, row_error_lines
from runner.stage import StagedInput

Checked = tuple[list[StagedInput], Books, list[OpenRowError]]


@click.command(epilog="Example: `expense-runner check expenses/` names every wrong row and what is expected instead.")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|FOLDER|-...")
@input_options
@json_option
def check(
    inputs: tuple[str, ...],
    receipts_dir: Path | None,
    mapping: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
) -> int:
    """Read CSV files as a run would, and say what is wrong with them: nothing is sent, nothing is kept.

    Exit code 0 if every row is right, 3 if any is wrong.
    """
    sources = find_sources(inputs)
    options = Options(receipts_dir=receipts_dir, mapping=read_mappings(mapping))
    staged, books, errors = conduct(lambda app: _check(app, sources, options), quiet=as_json)
    code = ExitCode.REJECTED if errors else ExitCode.OK
    if as_json:
        click.echo(json.dumps(_json(staged, books, errors, code)))
        return int(code)
    for each in staged:
        click.echo(f"{each.name}: {each.rows:,} rows, {each.accepted:,} expenses, {each.errors:,} errors")
        click.echo(f"  delimiter {_delimiter(each.delimiter)}, encoding {each.encoding}")
        if each.unknown:
            click.echo(f"  columns not read: {', '.join(each.unknown)}")
        if each.mapping:
            click.echo(f"  read by the mapping profile {each.mapping}")
        for rule, count in each.skipped:
            click.echo(f"  {count:,} rows skipped by the rule in {rule}")
        if each.repeated:
            click.echo(f"  {each.repeated:,} expenses stand in an earlier file as well; they count once")
    for line in company_lines(books):
        click.echo(line)
    if errors:
        click.echo("\nRows that are wrong:")
        for line in row_error_lines(errors, total=len(errors)):
            click.echo(line)
    else:
        click.echo("\nEvery row is right.")
    return int(code)


async def _check(app: App, sources: list[Source], options: Options) -> Checked:
    with scratch(SystemClock()) as journal:
        staged = await app.check(sources, options, journal)
        return staged, await journal.accounts.books(), await journal.staging.open_row_errors()


def _json(staged: list[StagedInput], books: Books, errors: list[OpenRowError], code: ExitCode) -> dict[str, object]:
    return {
        "exit_code": int(code),
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
                "mapping": each.mapping,
                "skipped": [{"rule": rule, "rows": count} for rule, count in each.skipped],
            }
            for each in staged
        ],
        "companies": companies_json(books),
        "errors": [
            {
                "file": e.file,
                "line": e.line,
                "column": e.column,
                "value": e.value,
                "expected": e.expected,
                "code": e.code,
                "company_id": e.company_id,
            }
            for e in errors
        ],
    }


def _delimiter(delimiter: str) -> str:
    if not delimiter:
        return "none (a workbook)"
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}.get(delimiter, repr(delimiter))
