"""`expense-runner plan`: what a run would do. No key, no network, no lock, and nothing is changed."""

import asyncio
import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from runner.cli.options import given_account_options
from runner.cli.run import run
from runner.cli.session import conduct
from runner.clock import SystemClock
from runner.codat.flows import Flow
from runner.domain.allowance import Allowance
from runner.domain.preflight import Preflight
from runner.domain.states import ExpenseState
from runner.errors import ExitCode
from runner.intake.mapping.choose import read_mappings
from runner.intake.read import Options
from runner.intake.sources import Source, find_sources
from runner.journal.journal import Journal, reading, require_journal, scratch
from runner.journal.trial import copied
from runner.planning import Plan, batches_of
from runner.report import planned as report
from runner.report.result_types.files import PlanResult
from runner.report.summary import expenses_json, hold_lines
from runner.report.words import counted
from runner.stage import StagedInput

SHARED: Final = (
    "journal", "flow", "max_rpm", "receipts_dir", "mapping", "overlap", "drafts_a_sync", "receipts_in_doubt",
    "preflight", "reserve", "until", "max_duration", "max_requests", "source_ips", "as_json",
)  # fmt: skip
"""What a plan depends on: these options are those of `run` themselves, so that both always mean the same."""
_SHOWN: Final = 10
"""Held companies that are named; the rest is counted."""
GROWTH: Final = 8
"""Bytes of journal for one of a CSV file, at most: short rows need the most."""


@click.command(
    epilog="Examples: `expense-runner plan expenses/` before the first run; `expense-runner plan` for what the journal "
    "leaves open."
)
@click.argument("inputs", nargs=-1, metavar="[FILE|FOLDER|-]...")
def plan(inputs: tuple[str, ...], *, as_json: bool, **options: Any) -> int:
    """Say what a run would do: expenses, money, requests, time, and days at the daily quota. Nothing is sent.

    What the journal knows counts, and is not changed: it is read, or copied where files are named. Neither a key nor
    the network is needed, and a run may be going on meanwhile. Exit code 0, or 3 if any row is wrong.
    """
    sources = find_sources(inputs) if inputs else []
    path: Path = options["journal"]
    if not sources:
        require_journal(path)
    reads = Options(
        receipts_dir=options["receipts_dir"], mapping=read_mappings(options["mapping"]), overlap=options["overlap"]
    )
    batches = batches_of(
        Flow(options["flow"]), drafts_a_sync=options["drafts_a_sync"], preflight=Preflight(options["preflight"])
    )
    again = options["receipts_in_doubt"] == "retry"
    with _journal(path, sources, change=again) as (journal, changeable):
        found = conduct(
            lambda app: app.plan(sources, reads, batches, journal, changeable=changeable, receipts_in_doubt=again),
            quiet=as_json,
        )
    allowance, bounds = _allowance(found, options), _bounds(options)
    code = ExitCode.REJECTED if found.books.row_errors else ExitCode.OK
    if as_json:
        click.echo(json.dumps(_json(code, found, path, allowance, bounds)))
    else:
        for line in _lines(found, path, inputs, allowance, bounds):
            click.echo(line)
    return int(code)


plan.params += [option for option in run.params if option.name in SHARED]


@contextmanager
def _journal(path: Path, sources: Sequence[Source], *, change: bool) -> Iterator[tuple[Journal, bool]]:
    """Give the journal to plan from, and whether it may be changed: a new one, a copy, or the one that is there."""
    clock = SystemClock()
    if not path.is_file():
        with scratch(clock) as journal:
            yield journal, True
        return
    with reading(path, clock) as journal:
        unfinished = asyncio.run(journal.staging.unfinished_inputs())
        if not (sources or unfinished or change):
            yield journal, False
            return
    files = [*(source.path for source in sources), *(Path(each.path) for each in unfinished if each.path)]
    room = GROWTH * sum(file.stat().st_size for file in files if file is not None and file.is_file())
    with copied(path, clock, room=room) as journal:
        yield journal, True


def _allowance(found: Plan, options: dict[str, Any]) -> Allowance:
    return Allowance(
        companies=found.companies - found.held_companies,
        max_rpm=options["max_rpm"],
        addresses=max(1, len(options["source_ips"])),
        reserve=options["reserve"],
    )


def _bounds(options: dict[str, Any]) -> report.Bounds:
    limits = [] if options["max_duration"] is None else [options["max_duration"]]
    if options["until"] is not None:
        limits.append((options["until"] - datetime.now(UTC)).total_seconds())
    return report.Bounds(max_requests=options["max_requests"], seconds=min(limits, default=None))


def _json(code: ExitCode, found: Plan, path: Path, allowance: Allowance, bounds: report.Bounds) -> PlanResult:
    return {
        "exit_code": int(code),
        "journal": str(path) if path.is_file() else None,
        "inputs": [
            {
                "file": each.name,
                "rows": each.rows,
                "new": each.accepted,
                "known": each.repeated,
                "corrected": each.corrected,
                "errors": each.errors,
            }
            for each in found.inputs
        ],
        "inputs_lost": [each.name for each in found.unread.lost],
        "companies": {"total": found.companies, "open": found.open_companies, "held": found.held_companies},
        "expenses": expenses_json(found.books),
        "to_send": report.money_json(found.money(ExpenseState.STAGED)),
        "posted": report.money_json(found.money(ExpenseState.POSTED)),
        "drafts": _drafts(found),
        "syncs": _syncs(found),
        "open_syncs": found.books.open_syncs,
        "receipts": {"to_attach": found.receipts.count, "bytes": found.receipts.size},
        "row_errors": found.books.row_errors,
        "requests": report.requests_json(found.requests),
        **report.time_json(found.requests.total, allowance, bounds),
    }


def _lines(
    found: Plan, path: Path, inputs: Sequence[str], allowance: Allowance, bounds: report.Bounds
) -> Iterator[str]:
    known = path.is_file()
    yield f"Planned from {path} as it stands." if known else f"There is no journal at {path}: a run would begin one."
    yield from map(_input_line, found.inputs)
    yield from found.unread.words
    yield ""
    yield from _work_lines(found)
    yield ""
    yield from report.request_lines(found.requests)
    yield from report.time_lines(found.requests.total, allowance, bounds)
    yield ""
    named = ["--", *inputs] if any(each.startswith("-") and each != "-" for each in inputs) else list(inputs)
    if found.books.row_errors:
        # Of the journal's errors `check` knows nothing, and of those of files that were not run `errors` does not.
        again = ["check", *named] if any(each.errors for each in found.inputs) else ["errors", "--journal", str(path)]
        yield f"See what is wrong with: {shlex.join(['expense-runner', *again])}"
    if not found.requests.total:
        yield "Nothing was sent, and a run would send nothing."
        return
    command = ["expense-runner", "run", "--journal", str(path), *given_account_options(), *named]
    yield f"Nothing was sent. To do it: {shlex.join(command)}"


def _input_line(each: StagedInput) -> str:
    said = f"Read {each.name}: {counted(each.rows, 'row')}, {counted(each.accepted, 'expense')} new"
    said += f", {each.repeated:,} known before" if each.repeated else ""
    said += f", {each.corrected:,} corrected" if each.corrected else ""
    said += f", {each.asked:,} to be asked about" if each.asked else ""
    return said + (f", {counted(each.errors, 'error')}" if each.errors else "")


def _work_lines(found: Plan) -> Iterator[str]:
    books = found.books
    staged = counted(books.count(ExpenseState.STAGED), "expense")
    yield f"To send: {staged} of {counted(found.open_companies, 'company')}"
    yield from report.money_lines(found.money(ExpenseState.STAGED))
    if _drafts(found) or _syncs(found):
        yield f"  in {counted(_drafts(found), 'draft')} of up to 50 expenses and {counted(_syncs(found), 'sync')}"
    if found.receipts.count:
        yield report.receipts_line(found.receipts.count, found.receipts.size)
    if books.open_syncs:
        yield f"To see through: {counted(books.open_syncs, 'sync')} of an earlier run"
    if books.count(ExpenseState.POSTED):
        yield f"Already in the books: {counted(books.count(ExpenseState.POSTED), 'expense')}"
        yield from report.money_lines(found.money(ExpenseState.POSTED))
    for state in (ExpenseState.FAILED, ExpenseState.IN_DOUBT):
        if count := books.count(state):
            yield f"Left as they are ({state.value}): {counted(count, 'expense')}"
    if rejected := books.count(ExpenseState.REJECTED):
        errors = counted(books.row_errors, "error")
        yield f"Not sent, because wrong: {counted(rejected, 'expense')} ({errors} in the rows)"
    if books.holds:
        held = counted(books.count(ExpenseState.HELD), "expense")
        yield f"Held: {counted(found.held_companies, 'company')} with {held}, unless a look finds them well again"
        yield from hold_lines(books.holds[:_SHOWN])
        if len(books.holds) > _SHOWN:
            yield f"  … and {len(books.holds) - _SHOWN:,} more"


def _drafts(found: Plan) -> int:
    """Return how many drafts are not at Codat yet."""
    return found.requests.creates


def _syncs(found: Plan) -> int:
    """Return how many syncs will be started: in the direct flow each create starts one."""
    return found.requests.starts or found.requests.creates
