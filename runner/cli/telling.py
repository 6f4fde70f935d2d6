"""What a run does when it has ended, however it ended: tell what is new. It never changes how the run ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from runner.app import RunReport
from runner.errors import ExitCode, RunnerError, RunStopped
from runner.journal.records import Books
from runner.logs import hidden

if TYPE_CHECKING:
    from runner.notices import Telling


@dataclass(slots=True)
class Outcome:
    """What came of a run, once it is known."""

    report: RunReport | None = None


@contextmanager
def telling(notices: "Telling | None") -> Iterator[Outcome]:
    """Tell what is new when the block ends, by its report or by the error that ends it."""
    outcome = Outcome()
    if notices is None:
        yield outcome
        return
    try:
        yield outcome
    except RunnerError as error:
        code = error.exit_code if isinstance(error, RunStopped) else ExitCode.INTERNAL
        _tell(notices, code, error.code)
        raise
    except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
        # The command line is wrong, or whoever called has gone: somebody sits there.
        raise
    except Exception:
        _tell(notices, ExitCode.INTERNAL, "internal_error")
        raise
    report = outcome.report
    if report is not None:
        stop = "" if report.stop is None else report.stop.code
        _tell(notices, report.exit_code, stop, report.books)


def _tell(notices: "Telling", exit_code: ExitCode, code: str, books: Books | None = None) -> None:
    # Here, because a run without notices need not load it.
    from runner.report.notices import RunEnd  # noqa: PLC0415

    try:
        notices.after_run(RunEnd(exit_code, code), books)
    except KeyboardInterrupt:
        click.echo("Interrupted while notices were told: the next run tells what is left.", err=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run ended as it ended
        said = error.message if isinstance(error, RunnerError) else f"{type(error).__name__}: {error}"
        click.echo(hidden(f"Notices could not be told: {said}"), err=True)
