"""`expense-runner status`: where everything stands, from the journal alone, while a run may be at work."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from runner.cli.options import DURATION, journal_option, json_option
from runner.clock import SystemClock
from runner.errors import ConfigurationWrong, ExitCode, JournalUnusable
from runner.journal.holder import Holder, worker_of
from runner.journal.journal import Journal, reading, require_journal
from runner.journal.records import Books, Life, OpenRowError, RequestTotals, Standing
from runner.outcome import imbalances, outcomes_of
from runner.report.freshness import Freshness, freshness_of
from runner.report.result_types.books import NoJournalResult, StatusResult
from runner.report.summary import (
    companies_json,
    company_lines,
    expenses_json,
    hold_lines,
    holds_json,
    next_steps,
    receipts_json,
    requests_json,
    row_error_lines,
    standing_lines,
    totals_lines,
)
from runner.stage import Unread, unread_inputs

_SHOWN = 20
_LIVES = 100
"""Runs that are looked through for one that did its work: as many as may fail in a row before that is old news."""
_REDRAWN = 2.0
"""Seconds between two looks of `--watch`, at least; a large journal is looked at so rarely that it costs a tenth."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the journal says at one moment."""

    books: Books
    errors: list[OpenRowError]
    attention: list[Standing]
    attention_total: int
    requests: RequestTotals
    lives: list[Life]
    unread: Unread


@click.command(
    epilog="Examples: `expense-runner status --watch` beside a run; `expense-runner status --fail-if-stale 26h` from "
    "monitoring, beside a timer that runs every night."
)
@journal_option
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option(
    "--fail-if-stale",
    type=DURATION,
    default=None,
    metavar="DURATION",
    help="End with exit code 4 unless a run did its work in this time; a journal that does not exist is stale.",
)
@json_option
def status(journal: Path, watch: bool, fail_if_stale: float | None, as_json: bool) -> int:  # noqa: FBT001
    """Say where every expense stands, without network and without disturbing a run."""
    if watch and (as_json or fail_if_stale is not None):
        raise ConfigurationWrong(
            "--watch is for people: it goes with neither --json nor --fail-if-stale.",
            hint="Call status --json as often as the program needs it.",
        )
    if watch:
        _watch(journal)
        return int(ExitCode.OK)
    limit = None if fail_if_stale is None else timedelta(seconds=fail_if_stale)
    if limit is not None:
        missing = _missing(journal)
        if missing is not None:
            # The timer that never ran, and the one that runs somewhere else: both leave no journal here.
            result: NoJournalResult = {"stale": True, "last_run": missing}
            click.echo(json.dumps(result) if as_json else missing)
            return int(ExitCode.WORK_REMAINS)
    facts, fresh = _look(journal, limit)
    if as_json:
        click.echo(json.dumps(_json(facts, fresh)))
    else:
        for line in _lines(facts, fresh, journal):
            click.echo(line)
    return int(ExitCode.WORK_REMAINS if fresh.stale else ExitCode.OK)


def _missing(journal: Path) -> str | None:
    try:
        require_journal(journal)
    except JournalUnusable as error:
        return f"{error.message} No run has ever begun here."
    return None


def _look(journal: Path, limit: timedelta | None) -> tuple[Facts, Freshness]:
    clock = SystemClock()
    worker = worker_of(journal)
    with reading(journal, clock) as opened:
        facts = asyncio.run(_facts(opened, worker))
    return facts, freshness_of(facts.lives, at_work=worker is not None, now=clock.now(), limit=limit)


async def _facts(journal: Journal, worker: Holder | None) -> Facts:
    return Facts(
        await journal.accounts.books(worker=worker),
        await journal.staging.open_row_errors(limit=_SHOWN),
        await journal.accounts.attention(limit=_SHOWN),
        await journal.accounts.count_attention(),
        await journal.runs.request_totals(),
        await journal.runs.lives(limit=_LIVES),
        Unread() if worker else await unread_inputs(journal),
    )


def _json(facts: Facts, fresh: Freshness) -> StatusResult:
    books = facts.books
    last = facts.lives[0] if facts.lives else None
    lost, waiting = facts.unread.lost, facts.unread.waiting
    return {
        "outcomes": outcomes_of(books, stop=None, retries_left=True, unread=bool(waiting), lost=bool(lost)),
        "balanced": not imbalances(books),
        "stale": fresh.stale,
        "last_run": fresh.said,
        "last_run_ended_at": None if last is None or last.ended_at is None else last.ended_at.isoformat(),
        "last_exit_code": None if last is None else last.exit_code,
        "expenses": expenses_json(books),
        "receipts": receipts_json(books),
        "requests": requests_json(facts.requests),
        "companies": companies_json(books),
        "holds": holds_json(books.holds),
        "row_errors": books.row_errors,
        "questions": books.questions,
        "inputs_lost": [each.name for each in lost],
    }


def _lines(facts: Facts, fresh: Freshness, journal: Path) -> Iterator[str]:
    books = facts.books
    yield fresh.said
    yield from totals_lines(books)
    yield from company_lines(books)
    for words in facts.unread.words:
        yield f"\n{words}"
    if facts.errors:
        yield "\nRows that are wrong:"
        yield from row_error_lines(facts.errors, total=books.row_errors - books.dismissed.row_errors)
    if facts.attention:
        yield "\nExpenses that need attention:"
        yield from standing_lines(facts.attention, total=facts.attention_total)
    if books.holds:
        yield "\nCompanies that are held:"
        yield from hold_lines(books.holds)
    for step in next_steps(books, journal=str(journal)):
        yield f"\n{step}"


def _watch(journal: Path) -> None:
    """Show it again and again; on a terminal in place, elsewhere one below the other."""
    with suppress(KeyboardInterrupt):
        while True:
            began = time.monotonic()
            facts, fresh = _look(journal, None)
            lines = [line for text in _lines(facts, fresh, journal) for line in text.split("\n")]
            if sys.stdout.isatty():
                height = max(2, shutil.get_terminal_size().lines - 1)
                click.clear()
                lines = lines if len(lines) <= height else [*lines[: height - 1], "… more: expense-runner status"]
            click.echo("\n".join(lines))
            time.sleep(max(_REDRAWN, 9 * (time.monotonic() - began)))
