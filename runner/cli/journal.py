"""`expense-runner journal`: looking after the journal over years."""

import asyncio
import json
import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import click

from runner import __version__
from runner.cli.bundle import support_bundle
from runner.cli.lazy import WholeSentences
from runner.cli.options import DURATION, journal_option, json_option
from runner.cli.whole_file import new_folder
from runner.clock import SystemClock
from runner.errors import ExitCode, RefusedToStart
from runner.journal.backup import back_up
from runner.journal.exporting import Contents, Tables, reading_tables
from runner.journal.integrity import Soundness, Violation
from runner.journal.journal import reading
from runner.journal.pruning import Pruned, Pruning, forecast, prune
from runner.outcome import imbalances
from runner.report.cells import csv_lines, json_lines
from runner.report.result_types.acts import JournalBackupResult, JournalPruneResult, PrunedRows
from runner.report.soundness import soundness_json, soundness_lines
from runner.report.words import counted, megabytes


@click.group(name="journal", cls=WholeSentences)
def journal_() -> None:
    """Look after the journal: check it, copy it, make it smaller, read it out."""


@journal_.command(name="check", epilog="Example: `expense-runner journal check --full` once a week.")
@journal_option
@click.option("--full", is_flag=True, help="Also compare every index with its table: slower.")
@json_option
def check(journal: Path, *, full: bool, as_json: bool) -> int:
    """Examine the journal: the file, its references, its accounts, and what must hold between its facts.

    Nothing is changed, and a run may be at work meanwhile. Exit code 0 if it is sound, else 1.
    """
    with reading(journal, SystemClock()) as opened:
        found: Soundness = asyncio.run(opened.integrity.examine(full=full))
    violations = [*found.violations, *_accounts(found)]
    code = ExitCode.INTERNAL if violations else ExitCode.OK
    if as_json:
        click.echo(json.dumps(soundness_json(violations, found.books, full=full, exit_code=int(code))))
        return int(code)
    for line in soundness_lines(violations, found.books, full=full):
        click.echo(line)
    if violations:
        click.echo(
            f"\nSend nothing more from {journal}, and keep it as it is. Put a copy in its place, then: "
            f"{shlex.join(['expense-runner', 'verify', '--rebuild', '--journal', str(journal)])} FILE…",
            err=True,
        )
    return int(code)


def _accounts(found: Soundness) -> Iterator[Violation]:
    unbalanced = [] if found.books is None else imbalances(found.books)
    if unbalanced:
        said = (f"{e.company} {e.currency}: accepted {e.accepted}, standing {e.standing}" for e in unbalanced)
        yield Violation("accounts", len(unbalanced), tuple(said))


@journal_.command(
    name="backup", epilog="Example: `expense-runner journal backup /backup/$(date -I).db` after each run."
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@journal_option
@click.option("--force", is_flag=True, help="Replace the file if it exists; a journal in use is never replaced.")
@json_option
def backup(file: Path, journal: Path, *, force: bool, as_json: bool) -> int:
    """Copy the journal, also while a run is at work; the copy is checked before it gets its name.

    The copy is marked: put in the journal's place, it sends nothing before `verify --rebuild` has learnt from Codat
    what was sent since.
    """
    made = back_up(journal, file, force=force, now=SystemClock().now(), version=__version__)
    if as_json:
        result: JournalBackupResult = {
            "exit_code": 0,
            "file": str(made.path),
            "bytes": made.size,
            "schema": made.schema,
            "expenses": made.expenses,
        }
        click.echo(json.dumps(result))
        return int(ExitCode.OK)
    click.echo(
        f"Copied {journal} to {made.path}: {counted(made.expenses, 'expense')}, {megabytes(made.size)}, checked."
    )
    click.echo(
        "A copy does not know what is sent after it was made. Restored, it sends nothing before this has ended:\n"
        f"  {shlex.join(['expense-runner', 'verify', '--rebuild', '--journal', str(journal)])} FILE…",
        err=True,
    )
    return int(ExitCode.OK)


@journal_.command(name="prune", epilog="Example: `expense-runner journal prune --older-than 400d --dry-run`.")
@journal_option
@click.option(
    "--older-than",
    type=DURATION,
    required=True,
    metavar="DURATION",
    help="Only what nothing has happened to for so long, such as 400d.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option(
    "--vacuum", is_flag=True, help="Rewrite the file to make it smaller: needs twice its size free on the disk."
)
@json_option
def prune_(journal: Path, older_than: float, *, dry_run: bool, vacuum: bool, as_json: bool) -> int:
    """Remove what is old and protects from nothing: wire forms of posted expenses, events, words of old answers.

    Ids, content hashes, states, attempts and paths of receipts are kept for ever: a file from years ago, given again,
    posts nothing. Needs the journal for itself.
    """
    clock = SystemClock()
    try:
        before = clock.now() - timedelta(seconds=older_than)
    except OverflowError:
        raise RefusedToStart(
            "--older-than reaches back before the calendar.", hint="Give less, such as 400d."
        ) from None
    if dry_run:
        done = forecast(journal, before=before)
    else:
        _require(journal)
        done = prune(journal, clock, before=before, version=__version__, vacuum=vacuum)
    if as_json:
        click.echo(json.dumps(_pruning_json(done, dry_run=dry_run)))
        return int(ExitCode.OK)
    verb = "would go" if dry_run else "went"
    click.echo(f"Older than {before:%Y-%m-%d %H:%M} UTC, {verb}:")
    for topic in done.topics:
        click.echo(f"  {topic.rows:>10,}  {_WORDS[topic.topic]} ({megabytes(topic.bytes)})")
    if not dry_run:
        click.echo(f"The file has {megabytes(done.size_after)}, {megabytes(done.free)} of them free for later runs.")
    return int(ExitCode.OK)


_WORDS = {
    "payloads": "wire forms of posted expenses",
    "receipts": "folders of attached receipts",
    "attempts": "words of answers to requests",
    "rows": "groups of rows as they were written, all in the books",
    "errors": "errors of rows that were settled",
    "events": "events of posted expenses",
}


def _pruning_json(done: Pruning, *, dry_run: bool) -> JournalPruneResult:
    def of(topic: Pruned) -> PrunedRows:
        return {"rows": topic.rows, "bytes": topic.bytes}

    return {
        "exit_code": 0,
        "dry_run": dry_run,
        "pruned": {topic.topic: of(topic) for topic in done.topics},
        "bytes_before": done.size_before,
        "bytes_after": done.size_after,
        "bytes_free": done.free,
    }


def _require(journal: Path) -> None:
    """Refuse to make an empty journal where there is none."""
    with reading(journal, SystemClock()):
        pass


@journal_.command(
    name="export", epilog="Example: `expense-runner journal export --out export --tables v_expenses,run`."
)
@journal_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIRECTORY", help="A new folder for the files."
)
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="CSV that is safe to open in a spreadsheet, or one JSON object a line.",
)
@click.option("--tables", metavar="NAME,...", help="Only these tables and views. [default: all tables]")
def export(journal: Path, out: Path, as_format: str, tables: str | None) -> int:
    """Write every table to a file of its own, all of one moment, also while a run is at work.

    The files hold the expenses' content: they are for their owner only (mode 0600).
    """
    with reading_tables(journal) as opened, new_folder(out) as folder:
        for name in _chosen(opened, tables):
            rows = _write(folder / f"{name}.{'csv' if as_format == 'csv' else 'jsonl'}", opened.contents(name))
            click.echo(f"{name}: {counted(rows, 'row')}", err=True)
    click.echo(str(out))
    return int(ExitCode.OK)


def _chosen(opened: Tables, tables: str | None) -> Sequence[str]:
    names, views = opened.names(), opened.views()
    if tables is None:
        return [name for name in names if name not in views]
    chosen = [name.strip() for name in tables.split(",") if name.strip()]
    for name in chosen:
        if name not in names:
            raise RefusedToStart(f"The journal has no table {name!r}.", hint=f"It has: {', '.join(names)}.")
    return list(dict.fromkeys(chosen))


def _write(path: Path, contents: Contents) -> int:
    """Stream a table into a file of its own; return how many rows it has."""
    count = 0

    def counting() -> Iterator[Sequence[str | int | float | None]]:
        nonlocal count
        for row in contents.rows:
            count += 1
            yield row

    render = csv_lines if path.suffix == ".csv" else json_lines
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(render(contents.columns, counting()))
    return count


journal_.add_command(support_bundle)
