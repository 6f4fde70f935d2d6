"""Printing how a run ended: stdout for results, with the command that goes on."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from runner.app import RunReport
from runner.cli.inbox import inbox_json, inbox_lines
from runner.cli.options import given_account_options
from runner.domain.states import ExpenseState
from runner.errors import BudgetReached, ExitCode
from runner.intake.codes import cut
from runner.report.result_types.acts import RunResult
from runner.report.summary import (
    company_lines,
    expenses_json,
    hold_lines,
    next_steps,
    receipts_json,
    requests_json,
    requests_words,
    row_error_lines,
    standing_lines,
    totals_lines,
)
from runner.report.words import counted
from runner.stage import StagedInput

_RUN_AGAIN = {
    ExitCode.WORK_REMAINS,
    ExitCode.MAX_ERRORS,
    ExitCode.IN_DOUBT,
    ExitCode.BUDGET,
    ExitCode.KEY_REFUSED,
    ExitCode.CONFIGURATION,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.INTERNAL,
}


def resume_command(report: RunReport, journal: Path | None) -> str | None:
    """Return the command that goes on; None where running again has nothing to do, or no journal was kept."""
    open_states = (ExpenseState.STAGED, ExpenseState.SENT, ExpenseState.HELD, ExpenseState.IN_DOUBT)
    open_work = any(report.books.count(state) for state in open_states) or report.books.attachable
    if journal is None or (not open_work and report.exit_code not in _RUN_AGAIN):
        return None
    return shlex.join(["expense-runner", "run", "--journal", str(journal), *given_account_options()])


def report_json(report: RunReport, journal: Path | None) -> RunResult:
    """Return the run's one line of JSON; its keys are a contract with scripts."""
    line: RunResult = {
        "exit_code": int(report.exit_code),
        "outcomes": report.outcomes,
        "expenses": expenses_json(report.books),
        "receipts": receipts_json(report.books),
        "requests": {**requests_json(report.requests), "this_run": report.sent, "predicted": report.predicted},
        "seconds": round(report.seconds, 3),
        "resume": resume_command(report, journal),
    }
    if report.inbox is not None:
        line["inbox"] = inbox_json(report.inbox)
    if report.stop is not None:
        line["stop"] = {"code": report.stop.code, "message": report.stop.message, "hint": report.stop.hint}
        if isinstance(report.stop, BudgetReached) and report.stop.resume_at:
            line["resume_at"] = report.stop.resume_at
    return line


def print_report(report: RunReport, *, journal: Path | None, as_json: bool) -> None:
    """Print how the run ended; no `journal` means that it was not kept."""
    if report.stop is not None:
        click.echo(f"Stopped: {report.stop.message}", err=True)
        if report.stop.hint:
            click.echo(f"  {report.stop.hint}", err=True)
        if isinstance(report.stop, BudgetReached) and report.stop.resume_at:
            click.echo(f"  Run again at {report.stop.resume_at}.", err=True)
    if as_json:
        click.echo(json.dumps(report_json(report, journal)))
        return
    for line in _lines(report, journal):
        click.echo(line)
    command = resume_command(report, journal)
    if command is not None:
        mend_first = report.exit_code in {ExitCode.CONFIGURATION, ExitCode.KEY_REFUSED}
        click.echo(f"\nTo go on{', once that is mended' if mend_first else ''}: {command}")


def _read_lines(staged: StagedInput) -> Iterator[str]:
    """Yield what came of one file."""
    said = f"Read {staged.name}: {counted(staged.rows, 'row')}, {staged.accepted:,} new "
    said += "expense" if staged.accepted == 1 else "expenses"
    said += f", {staged.repeated:,} known before" if staged.repeated else ""
    said += f", {staged.corrected:,} corrected" if staged.corrected else ""
    said += f", {staged.asked:,} to be asked about" if staged.asked else ""
    said += f", {counted(staged.errors, 'error')}" if staged.errors else ""
    yield said
    if staged.changing is not None:
        yield f"  nothing was taken: {staged.changing}"
    if staged.noted:
        yield f"  {staged.noted:,} of the known would read otherwise today, and are past changing"
    if staged.unknown:
        yield f"  columns not read: {', '.join(staged.unknown)}"
    if staged.unread_sheets:
        yield f"  sheets not read: {', '.join(map(cut, staged.unread_sheets))}"
    if staged.accepted:
        for odd in staged.odd:
            row = odd.examples[0]
            yield f"  look at {counted(odd.count, 'row')} ({odd.oddity}), such as line {row.line}: {cut(row.value)}"


def _lines(report: RunReport, journal: Path | None) -> list[str]:
    lines = [line for staged in report.inputs for line in _read_lines(staged)]
    lines += report.unread.words
    lines += () if report.inbox is None else inbox_lines(report.inbox)
    lines += ["", *totals_lines(report.books), *company_lines(report.books)]
    if report.row_errors:
        lines += ["", "Rows that are wrong (nothing of them was sent):"]
        lines += row_error_lines(report.row_errors, total=report.books.row_errors - report.books.dismissed.row_errors)
    if report.attention:
        lines += ["", "Expenses that need attention:", *standing_lines(report.attention, total=report.attention_total)]
    if report.books.holds:
        lines += ["", "Companies that are held:", *hold_lines(report.books.holds)]
    if journal is not None and (steps := list(next_steps(report.books, journal=str(journal)))):
        lines += ["", *steps]
    if report.left:
        left = "company was left as it is" if report.left == 1 else "company were left as they are"
        lines += [
            "",
            f"{counted(report.left, left)} for now, the last one because: {report.left_because}",
        ]
    said = f"{requests_words(report.requests)}; "
    if report.predicted is not None:
        said += f"{report.sent:,} in this run, {report.predicted:,} predicted; "
    if report.split:
        said += f"{counted(report.split, 'draft')} more to isolate what was refused; "
    said += f"this run took {report.seconds:.1f} s. Exit code {int(report.exit_code)}."
    return [*lines, "", said]
