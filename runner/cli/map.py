"""`expense-runner map`: mapping profiles for files with other columns: a first one, a trial, the ready ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from runner.cli.lazy import WholeSentences
from runner.cli.options import OneOrMore, json_option
from runner.codat.payload import encode_expense
from runner.domain.expense import RowError
from runner.errors import ConfigurationWrong, ExitCode, RefusedToStart
from runner.intake.codes import cut
from runner.intake.header import COLUMNS, shown_row
from runner.intake.mapping.choose import Mappings, read_mappings
from runner.intake.mapping.load import undecided
from runner.intake.mapping.naming import with_names
from runner.intake.mapping.raw import read_raw, shipped
from runner.intake.mapping.sample import is_canonical, look, require_table
from runner.intake.mapping.sketch import sketch
from runner.intake.mapping.translate import Canonical, Skipped
from runner.intake.read import Options, Parsed, Reading
from runner.intake.sources import find_sources
from runner.intake.text import FileFault
from runner.intake.trial import try_sketch
from runner.report.result_types.files import MapTestResult, ProfileLine, TriedError, TriedRow

MAX_ROWS: Final = 10_000


@click.group(name="map", cls=WholeSentences)
def map_() -> None:
    """Read files with other columns: write, try and list mapping profiles."""


@map_.command(
    name="init", epilog="Example: `expense-runner map init cards.csv --out cards.toml`, then edit cards.toml."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it; default: standard output."
)
def init(file: Path, out: Path | None) -> int:
    """Look at a CSV file or workbook and write a first profile for it, with what it could not decide marked.

    Only the beginning and the end of the file are read, and nothing is sent.
    """
    if out is not None and out.exists():
        raise RefusedToStart(f"{out} exists, and may hold somebody's work.", hint="Name another file with --out.")
    # Where a run would refuse the file, there is nothing to look at either.
    (source,) = find_sources([str(file)])
    try:
        seen = look(file)
        require_table(seen)
    except OSError as error:
        raise RefusedToStart(f"{str(file)!r} cannot be read: {error.strerror}.") from None
    except FileFault as found:
        raise RefusedToStart(f"{str(file)!r} cannot be read: expected {found.fault.expected}.") from None
    named = with_names(seen)
    if named is not None:
        cells, line = named.rows[1]
        click.echo(f"{file} has no header: line {line} looks like a row ({shown_row(cells)}).", err=True)
        click.echo("The profile names its columns by what they hold, in [file] columns: look at these.", err=True)
        seen = named
    if is_canonical(seen, file):
        click.echo(f"{file} has the canonical columns: it needs no mapping profile, and none is written.", err=True)
        click.echo(f"Check it with: expense-runner check {file}", err=True)
        return int(ExitCode.OK)
    made = sketch(seen, file)
    remarks = try_sketch(made, source)
    text = "".join(f"# {remark}\n" for remark in remarks) + made.text
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
    for remark in remarks:
        click.echo(remark, err=True)
    where = "the profile" if out is None else str(out)
    if made.undecided:
        left = "1 decision is" if made.undecided == 1 else f"{made.undecided} decisions are"
        click.echo(f"{left} left to you: look for to_do in {where}.", err=True)
    click.echo(f"Try it with: expense-runner map test {file} --map {out or 'PROFILE'}", err=True)
    return int(ExitCode.OK)


@map_.command(name="list")
@json_option
def list_(as_json: bool) -> int:  # noqa: FBT001 -- click passes what is declared
    """List the ready profiles, and what each leaves to you."""
    profiles = [(name, str(read_raw(name).values.get("about", "")), undecided(name)) for name in shipped()]
    if as_json:
        lines: list[ProfileLine] = [{"name": name, "about": about, "to_do": left} for name, about, left in profiles]
        click.echo(json.dumps(lines))
        return int(ExitCode.OK)
    for name, about, left in profiles:
        click.echo(f"{name}: {about}")
        for each in left:
            click.echo(f"    {each.partition(': ')[2]}")
    click.echo('\nComplete one in a profile of your own that begins with: extends = "NAME"')
    return int(ExitCode.OK)


@dataclass(slots=True)
class _Trial:
    rows: list[tuple[int, list[str], Canonical | Skipped]] = field(default_factory=list)
    expenses: dict[int, Parsed] = field(default_factory=dict)
    errors: dict[int, list[RowError]] = field(default_factory=dict)


@map_.command(name="test", epilog="Example: `expense-runner map test cards.csv --map cards.toml --rows 5`.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--map", "mapping", cls=OneOrMore, required=True, multiple=True, metavar="PROFILE", envvar="EXPENSE_RUNNER_MAP",
    help="The profile: a TOML file, or a ready one's name.",
)  # fmt: skip
@click.option("--rows", type=click.IntRange(1, MAX_ROWS), default=10, show_default=True, help="How many rows to show.")
@json_option
def test(file: str, mapping: tuple[str, ...], rows: int, as_json: bool) -> int:  # noqa: FBT001
    """Show a file's first rows before and after a profile, and the JSON that a run would send for them.

    Exit code 0 if every row shown is right, 3 if any is wrong. An expense whose rows stand further down is shown
    with those that were read.
    """
    trial = _try(file, mapping, rows)
    if as_json:
        click.echo(json.dumps(_json(trial)))
    else:
        _print(trial)
    return int(ExitCode.REJECTED if trial.errors else ExitCode.OK)


def _try(file: str, mapping: Sequence[str], rows: int) -> _Trial:
    trial = _Trial()
    chosen = read_mappings(mapping)
    (source,) = find_sources([file])
    if chosen is None or chosen.profile_for(source) is None:
        raise ConfigurationWrong(f"No profile given with --map is for {file}.")

    def watch(line: int, cells: Sequence[str], became: Canonical | Skipped) -> None:
        trial.rows.append((line, list(cells), became))

    options = Options(mapping=Mappings(chosen.rules, limit=rows, watch=watch))
    with Reading(source, options) as reading:
        for batch in reading.batches():
            trial.expenses.update((parsed.line, parsed) for parsed in batch.expenses)
            for error in batch.errors:
                trial.errors.setdefault(error.line, []).append(error)
    return trial


def _before(cells: Sequence[str]) -> str:
    return " | ".join(cut(cell.strip()) for cell in cells)


def _print(trial: _Trial) -> None:
    shown = set()
    for line, cells, became in trial.rows:
        shown.add(line)
        click.echo(f"line {line}: {_before(cells)}")
        if isinstance(became, Skipped):
            click.echo(f"    skipped by the rule in {became.where}\n")
            continue
        for name, text in zip(COLUMNS, became.texts, strict=True):
            if text:
                click.echo(f"    {name:<16} {cut(text)}")
        for error in trial.errors.get(line, []):
            _print_error(error)
        if line in trial.expenses:
            click.echo(f"    -> {encode_expense(trial.expenses[line].expense).decode()}")
        click.echo()
    for line, errors in trial.errors.items():
        if line not in shown:
            click.echo(f"line {line}:")
            for error in errors:
                _print_error(error)
    wrong = len(trial.errors)
    click.echo(f"{len(trial.rows):,} rows, {len(trial.expenses):,} expenses, {wrong:,} rows wrong")


def _print_error(error: RowError) -> None:
    where = f"{error.column}: " if error.column else ""
    found = f"{error.value!r}: " if error.value else ""
    click.echo(f"    WRONG {where}{found}expected {error.expected} [{error.code}]")


def _json(trial: _Trial) -> MapTestResult:
    rows: list[TriedRow] = [
        {
            "line": line,
            "before": cells,
            "skipped": became.where if isinstance(became, Skipped) else None,
            "after": {}
            if isinstance(became, Skipped)
            else {name: text for name, text in zip(COLUMNS, became.texts, strict=True) if text},
            "expense": json.loads(encode_expense(trial.expenses[line].expense), parse_float=str)
            if line in trial.expenses
            else None,
        }
        for line, cells, became in trial.rows
    ]
    errors: list[TriedError] = [
        {"line": e.line, "column": e.column, "value": e.value, "expected": e.expected, "code": e.code}
        for found in trial.errors.values()
        for e in found
    ]
    return {"rows": rows, "errors": errors}
