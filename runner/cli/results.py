"""`expense-runner results`: one line for each row of the files that were read, with what became of it."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

import click

from runner.cli.options import journal_option
from runner.cli.written import Growing
from runner.clock import SystemClock
from runner.errors import ExitCode, RefusedToStart
from runner.intake.sources import STDIN, Source, find_sources
from runner.journal.journal import Journal, reading
from runner.report.cells import csv_lines
from runner.results import COLUMNS, Results, Values, results_of
from runner.stage import Unread, unread_inputs

_TOGETHER: Final = 500


@click.command(epilog="Example: `expense-runner results --out results.csv` after any run, for all files that it read.")
@click.argument("inputs", nargs=-1, metavar="[FILE|FOLDER]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    show_default=True,
    help="The CSV file to write; - is stdout. A file that is none of results is not replaced.",
)
@journal_option
def results(inputs: tuple[str, ...], out: Path, journal: Path) -> int:
    """Write one line for each row of the files that were read, in order, with what became of it.

    Without files it is all that the journal has read. Rows that were corrected in a file of rejects are told where
    they first stood. Exit code 6 where rows of a file are missing: it was refused as a whole, has not been read to its
    end, or its rows have been pruned.
    """
    sources = find_sources(inputs) if inputs else None
    told = Results()
    with reading(journal, SystemClock()) as opened:
        asyncio.run(_write(opened, sources, out, told))
        unread = Unread() if sources else asyncio.run(unread_inputs(opened))
    for name, reason in told.unreadable.items():
        named = "Standard input" if name == STDIN else name
        click.echo(f"{named} cannot be told row by row: {reason}.", err=True)
    for words in unread.words:
        click.echo(words, err=True)
    if str(out) != "-":
        click.echo(f"{out}: {told.lines:,} lines")
    return int(ExitCode.REFUSED if told.unreadable or unread.lost or unread.waiting else ExitCode.OK)


def _print_bytes(data: bytes) -> None:
    """Write bytes of UTF-8 as they are, and to a terminal as text: what it shows must be what is there."""
    if sys.stdout.isatty():
        sys.stdout.write(data.decode("utf-8", "replace"))
    else:
        sys.stdout.buffer.write(data)


async def _write(journal: Journal, sources: Sequence[Source] | None, out: Path, told: Results) -> None:
    if str(out) == "-":
        await _write_texts(journal, sources, told, to=_print_bytes)
        sys.stdout.flush()
        return
    _refuse_to_replace(out)
    growing = Growing(out)
    try:
        await _write_texts(journal, sources, told, to=partial(growing.add, out))
        growing.finish({out: out})
    finally:
        growing.close()


async def _write_texts(
    journal: Journal, sources: Sequence[Source] | None, told: Results, *, to: Callable[[bytes], object]
) -> None:
    to("".join(csv_lines(COLUMNS, ())).encode())
    page: list[Values] = []
    async with aclosing(results_of(journal, sources, told)) as rows:
        async for row in rows:
            page.append(row)
            if len(page) == _TOGETHER:
                to(_without_header(csv_lines(COLUMNS, page)))
                page.clear()
    to(_without_header(csv_lines(COLUMNS, page)))


def _without_header(texts: Iterator[str]) -> bytes:
    return "".join(texts).split("\r\n", 1)[1].encode()


def _refuse_to_replace(out: Path) -> None:
    """Refuse to replace a file that is none of results: a slip must not cost anybody's expenses."""
    if not out.exists():
        return
    with out.open("rb") as file:
        begins = file.read(len(",".join(COLUMNS)))
    if begins != ",".join(COLUMNS).encode():
        raise RefusedToStart(f"{out} exists and is no file of results.", hint="Name another file with --out.")
