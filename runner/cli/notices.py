"""`expense-runner notify`: try the channels of notices, or tell what is new beside the runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.notice_options import channel_options, notice_options, read_notices
from runner.cli.options import journal_option
from runner.errors import ConfigurationWrong, ExitCode

if TYPE_CHECKING:
    from runner.notices import Telling


@click.group(name="notify")
def notify() -> None:
    """Try how notices leave, or tell what is new without a run."""


@notify.command(name="test", epilog="Example: `expense-runner notify test --notify-command './mail-us'`")
@journal_option
@channel_options
def test(journal: Path, **options: Any) -> int:
    """Send a sample through every way out that is set up.

    Nothing is remembered, and no journal is needed. Exit code 0 if all took it, else 1.
    """
    notices = _required(options, journal)
    delivered = notices.sample()
    if delivered:
        click.echo(f"Delivered through {', '.join(channel.shown for channel in notices.channels)}.")
    return int(ExitCode.OK if delivered else ExitCode.INTERNAL)


@notify.command(
    epilog="Example, every hour from cron: `expense-runner notify check --notify-stale 26h --notify-command ./mail-us`"
)
@journal_option
@notice_options
def check(journal: Path, **options: Any) -> int:
    """Tell what is new, by the journal alone.

    Also that no run has come, which no run can tell. Exit code 0; 1 if what there was to tell could not be delivered.
    """
    return int(ExitCode.OK if _required(options, journal).now() else ExitCode.INTERNAL)


def _required(options: dict[str, Any], journal: Path) -> "Telling":
    notices = read_notices(options, journal=journal)
    if notices is None:
        raise ConfigurationWrong(
            "There is no way out for notices.",
            hint="Set command, webhook or file in the table [notify] of expense-runner.toml, or --notify-… here.",
        )
    return notices
