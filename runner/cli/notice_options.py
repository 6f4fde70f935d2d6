"""The options of notices, shared by all commands that tell; in a configuration file the table `[notify]`."""

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.options import DURATION, F, OneOrMore
from runner.cli.whole_file import require_no_database
from runner.clock import SystemClock
from runner.domain.notices import Topic
from runner.errors import ConfigurationWrong
from runner.logs import hidden

if TYPE_CHECKING:
    from runner.delivery.message import Channel
    from runner.notices import Telling

AUTHORIZATION: Final = "EXPENSE_RUNNER_NOTIFY_AUTHORIZATION"
"""The variable with the value of the webhook's Authorization header; never an option."""
_WEBHOOK: Final = "EXPENSE_RUNNER_NOTIFY_WEBHOOK"
_TOPICS: Final = [topic.value.replace("_", "-") for topic in Topic]

_CHANNELS = [
    click.option(
        "--notify-command",
        metavar="COMMAND",
        envvar="EXPENSE_RUNNER_NOTIFY_COMMAND",
        help="Start this command with each notice, as JSON on its standard input; no shell reads it.",
    ),
    click.option(
        "--notify-webhook",
        metavar="URL",
        envvar=_WEBHOOK,
        help="POST each notice as JSON to this URL; others can read arguments, so rather set it elsewhere.",
    ),
    click.option(
        "--notify-file",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="EXPENSE_RUNNER_NOTIFY_FILE",
        help="Append each notice to this file, a line of JSON.",
    ),
    click.option(
        "--notify-timeout",
        type=DURATION,
        default=30.0,
        metavar="SECONDS",
        show_default=True,
        envvar="EXPENSE_RUNNER_NOTIFY_TIMEOUT",
        help="How long command and webhook may take, each.",
    ),
]
_THRESHOLDS = [
    click.option(
        "--notify-about",
        cls=OneOrMore,
        multiple=True,
        type=click.Choice(_TOPICS),
        envvar="EXPENSE_RUNNER_NOTIFY_ABOUT",
        help="Tell of these only; default: all.",
    ),
    click.option(
        "--notify-rejected",
        type=click.FloatRange(0, 100),
        default=5.0,
        metavar="PERCENT",
        show_default=True,
        envvar="EXPENSE_RUNNER_NOTIFY_REJECTED",
        help="Tell when more of the expenses that came in last are rejected.",
    ),
    click.option(
        "--notify-nothing-arrived",
        type=DURATION,
        metavar="DURATION",
        envvar="EXPENSE_RUNNER_NOTIFY_NOTHING_ARRIVED",
        help="Tell when no new expense has come in for so long, such as 3d.",
    ),
    click.option(
        "--notify-stale",
        type=DURATION,
        metavar="DURATION",
        envvar="EXPENSE_RUNNER_NOTIFY_STALE",
        help="Tell when no run has done its work for so long, such as 26h.",
    ),
    click.option(
        "--notify-remind",
        type=DURATION,
        metavar="DURATION",
        envvar="EXPENSE_RUNNER_NOTIFY_REMIND",
        help="Tell again what has stood for so long since it was told; default: never.",
    ),
]


def channel_options(command: F) -> F:
    """Add the options that say how notices leave."""
    return _with(command, _CHANNELS)


def notice_options(command: F) -> F:
    """Add all options of notices."""
    return _with(command, [*_CHANNELS, *_THRESHOLDS])


def _with(command: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def read_notices(options: dict[str, Any], *, journal: Path) -> "Telling | None":
    """Take the options of notices out of a command's; None where there is no way out for them.

    Raises `ConfigurationWrong` where a way out cannot be one.
    """
    own = {name: options.pop(name) for name in [*options] if name.startswith("notify_")}
    if not any(own[f"notify_{name}"] for name in ("command", "webhook", "file")):
        return None
    # Here and below, because most runs tell nobody and need not load it.
    from runner.notices import Telling  # noqa: PLC0415
    from runner.report.notices import Thresholds  # noqa: PLC0415

    channels = _channels(own)
    about = frozenset(Topic(name.replace("-", "_")) for name in own.get("notify_about", ()))
    thresholds = Thresholds(
        about=about or frozenset(Topic),
        rejected_percent=own.get("notify_rejected", 0.0),
        nothing_arrived=_lasting(own.get("notify_nothing_arrived")),
        stale=_lasting(own.get("notify_stale")),
        remind=_lasting(own.get("notify_remind")),
    )
    return Telling(journal=journal.absolute(), channels=channels, thresholds=thresholds, clock=SystemClock(), say=_say)


def _channels(own: dict[str, Any]) -> "tuple[Channel, ...]":
    from runner.delivery.command import ByCommand  # noqa: PLC0415 - as above
    from runner.delivery.file import ToFile  # noqa: PLC0415
    from runner.delivery.webhook import ToWebhook, checked_url  # noqa: PLC0415

    found: list[Channel] = []
    timeout = own["notify_timeout"]
    if timeout <= 0:
        raise ConfigurationWrong("The time that notices may take must be above zero.", hint="Change notify-timeout.")
    if line := own["notify_command"]:
        found.append(ByCommand(words=_words(line), environ=_environment(), timeout=timeout))
    if url := own["notify_webhook"]:
        authorization = os.environ.get(AUTHORIZATION) or None
        found.append(ToWebhook(url=checked_url(url), authorization=authorization, timeout=timeout))
    if file := own["notify_file"]:
        require_no_database(file, option="--notify-file")
        found.append(ToFile(file.absolute()))
    return tuple(found)


def _words(line: str) -> tuple[str, ...]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ConfigurationWrong(
            "The command for notices cannot be read: a quotation mark is not closed.", hint="No shell reads it."
        ) from error
    if not words or shutil.which(words[0]) is None:
        raise ConfigurationWrong(
            f"The command for notices cannot be found: {words[0] if words else 'it is blank'}.",
            hint="Name a program by its path; shell syntax needs: sh -c '…'",
        )
    return tuple(words)


def _environment() -> dict[str, str]:
    """Return this process's environment without what is secret in it."""
    from runner.codat.key_sources import environment_of_children  # noqa: PLC0415 - as above

    ours = environment_of_children(os.environ)
    return {name: value for name, value in ours.items() if name not in {AUTHORIZATION, _WEBHOOK}}


def _lasting(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _say(line: str) -> None:
    click.echo(hidden(line), err=True)
