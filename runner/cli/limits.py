"""Options that bound one run: when it ends, how much it sends, and from where."""

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

import click

from runner.cli.options import DURATION

F = TypeVar("F", bound=Callable[..., Any])


def next_moment(text: str, *, now: datetime) -> datetime:
    """Read a time of day (its next occurrence after `now`, on this machine's clock) or a date and time in ISO 8601.

    Aware, in UTC. A date without an offset is this machine's local time. Raises `ValueError` for anything else.
    """
    try:
        of_day = time.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        moments = [moment.astimezone(UTC)] if moment.tzinfo is not None else moments_of(moment)
        return next((moment for moment in moments if moment > now), moments[-1])
    if of_day.tzinfo is not None:
        raise ValueError("a time of day has no offset")
    today = now.astimezone().date()
    # By the calendar, not by 24 hours: a day on which the clocks change is longer or shorter. From yesterday: a time
    # that the clocks have skipped is reached on the other side of midnight where they skip midnight.
    days = (today + timedelta(days=days) for days in range(-1, 3))
    return next(moment for day in days for moment in moments_of(datetime.combine(day, of_day)) if moment > now)


def moments_of(local: datetime) -> list[datetime]:
    """Return when this machine's clock shows a local date and time: in UTC, earliest first.

    Where the clocks go back there are two such moments; where they go forward over it, the one at which they have
    passed it.
    """
    either = sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)})
    shown = [moment for moment in either if _wall_time(moment) == local]
    if shown:
        return shown
    before, after = either[0] - timedelta(hours=1), either[-1] + timedelta(hours=1)
    while after - before > timedelta(milliseconds=1):
        middle = before + (after - before) / 2
        before, after = (before, middle) if _wall_time(middle) >= local else (middle, after)
    return [after.replace(microsecond=0) + timedelta(seconds=round(after.microsecond / 1_000_000))]


def _wall_time(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None, fold=0)


class Moment(click.ParamType[datetime]):
    """A moment to come: `06:00`, or `2026-01-31T06:00:00+01:00`."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401
        """Return it in UTC."""
        text = value.isoformat() if isinstance(value, datetime | time) else str(value).strip()
        now = datetime.now(UTC)
        try:
            moment = next_moment(text, now=now)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time: write 06:00, or a date such as 2026-01-31T06:00.", param, ctx)
        if moment <= now:
            self.fail(f"{text} is over.", param, ctx)
        return moment


class Addresses(click.ParamType[tuple[str, ...]]):
    """IP addresses, separated by commas."""

    name = "addresses"

    def convert(  # noqa: D102 - click's own
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        texts = value if isinstance(value, list | tuple) else str(value).split(",")
        found: list[str] = []
        for text in texts:
            try:
                found.append(str(ipaddress.ip_address(str(text).strip())))
            except ValueError:
                self.fail(f"{text!r} is no IP address.", param, ctx)
        if len(set(found)) < len(found):
            self.fail("the same address is named twice.", param, ctx)
        return tuple(found)


def limit_options(command: F) -> F:
    """Add the options that bound one run; each ends it in good order, with exit code 75."""
    options = [
        click.option(
            "--until",
            type=Moment(),
            default=None,
            metavar="TIME",
            envvar="EXPENSE_RUNNER_UNTIL",
            help="End the run in good order (exit 75) at this time of day, local time, or at a full date and time.",
        ),
        click.option(
            "--max-duration",
            type=DURATION,
            default=None,
            metavar="SECONDS",
            envvar="EXPENSE_RUNNER_MAX_DURATION",
            help="End the run in good order (exit 75) after so long; such as 2h.",
        ),
        click.option(
            "--max-requests",
            type=click.IntRange(1),
            default=None,
            envvar="EXPENSE_RUNNER_MAX_REQUESTS",
            help="End the run in good order (exit 75) before it sends more requests than this.",
        ),
        click.option(
            "--max-in-flight",
            type=click.IntRange(1, 1000),
            default=64,
            show_default=True,
            envvar="EXPENSE_RUNNER_MAX_IN_FLIGHT",
            help="Requests under way at the same time, over all companies (at most 8 of each).",
        ),
        click.option(
            "--source-ip",
            "source_ips",
            type=Addresses(),
            default=(),
            metavar="ADDRESS,...",
            envvar="EXPENSE_RUNNER_SOURCE_IP",
            help="Send from these addresses of this machine, each with --max-rpm of its own. Only for users whose "
            "agreement with Codat allows it: Codat may block an address without warning.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
