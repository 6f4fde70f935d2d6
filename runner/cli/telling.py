"""What a run does at its end, however it ends: tell what is new. It never changes how the run ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from runner.app import RunReport
from runner.errors import ExitCode, RunnerError, RunStopped
from runner.journal.journal import Journal
from runner.logs import hidden

if TYPE_CHECKING:
    from runner.notices import Telling
    from runner.report.notices import RunEnd


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what came of a run, once it is known and while the run still holds its journal."""

    notices: "Telling | None"

    async def at_end(self, journal: Journal, report: RunReport) -> None:
        """Tell it."""
        if self.notices is None:
            return
        stop = "" if report.stop is None else report.stop.code
        with _whatever_happens():
            await self.notices.at_end(journal, _end(report.exit_code, stop), report.books)


@contextmanager
def telling(notices: "Telling | None") -> Iterator[Teller]:
    """Tell what is new: at the end of the run, or the error that ends the block."""
    try:
        yield Teller(notices)
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


def _tell(notices: "Telling | None", exit_code: ExitCode, code: str) -> None:
    if notices is not None:
        with _whatever_happens():
            notices.after_run(_end(exit_code, code))


def _end(exit_code: ExitCode, code: str) -> "RunEnd":
    # Here, because a run without notices need not load it.
    from runner.report.notices import RunEnd  # noqa: PLC0415

    return RunEnd(exit_code, code)


@contextmanager
def _whatever_happens() -> Iterator[None]:
    """Say what went wrong while notices were told: the run ended as it ended."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted while notices were told: the next run tells what is left.", err=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run ended as it ended
        said = error.message if isinstance(error, RunnerError) else f"{type(error).__name__}: {error}"
        click.echo(hidden(f"Notices could not be told: {said}"), err=True)
