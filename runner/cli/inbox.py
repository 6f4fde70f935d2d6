"""Options for an inbox, and how a run says what came of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.cli.options import DURATION
from runner.inbox import Came, InboxReport, Taken
from runner.report.result_types.acts import RunInbox, TakenFile

F = TypeVar("F", bound=Callable[..., Any])


def inbox_options(command: F) -> F:
    """Add the options for an inbox."""
    command = click.option(
        "--inbox-settle",
        type=DURATION,
        default=10.0,
        metavar="SECONDS",
        show_default=True,
        envvar="EXPENSE_RUNNER_INBOX_SETTLE",
        help="How long a file in the inbox must not have changed before it is read.",
    )(command)
    return click.option(
        "--inbox",
        type=click.Path(file_okay=False, path_type=Path),
        default=None,
        metavar="FOLDER",
        envvar="EXPENSE_RUNNER_INBOX",
        help="Take the files in this folder that have stopped growing, and move each to done/ or failed/ in it, with "
        "its result beside it.",
    )(command)


def inbox_json(report: InboxReport) -> RunInbox:
    """Return what came of an inbox; its keys are a contract with scripts."""
    return {
        "folder": str(report.folder),
        "taken": [_taken_json(each) for each in report.taken],
        "growing": list(report.growing),
        "ignored": list(report.ignored),
    }


def _taken_json(each: Taken) -> TakenFile:
    staged = each.staged
    return {
        "file": staged.name,
        "outcome": each.came.value,
        "reason": each.reason,
        "moved_to": each.moved_to,
        "not_moved": each.why,
        "rows": staged.rows,
        "accepted": staged.accepted,
        "repeated": staged.repeated,
        "corrected": staged.corrected,
        "rejected": each.wrong,
        "known_from": None if each.known_from is None else {"file": each.known_from[0], "run": each.known_from[1]},
        "sha256": staged.sha256,
    }


def inbox_lines(report: InboxReport) -> Iterator[str]:
    """Say what came of an inbox."""
    if not report.taken and not report.growing:
        yield f"The inbox {report.folder} holds nothing new."
    for each in report.taken:
        name = Path(each.staged.name).name
        if each.came is Came.REFUSED:
            yield f"{name} was refused as a whole: {each.reason}"
        elif each.came is Came.KNOWN and each.known_from is not None:
            yield f"{name} holds nothing new: run {each.known_from[1]} read the same content as {each.known_from[0]}."
        if each.moved_to is not None:
            yield f"Moved {name} to {Path(each.moved_to).relative_to(report.folder)}"
        else:
            yield f"{name} stays in the inbox, though its rows are known now: {each.why}"
    for name in report.growing:
        yield f"{Path(name).name} changed just now, or is still being written: a later run takes it."
    for name in report.ignored:
        yield f"{name} is no CSV file or workbook that can be read, and stays where it is."
