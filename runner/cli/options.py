"""Options that several commands share, and where their values come from: flag, environment, file, default."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from runner import toml
from runner.codat.address import BASE_URL
from runner.codat.flows import Flow
from runner.domain.preflight import Preflight
from runner.errors import ConfigurationWrong

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("expense-runner.toml")
KEY_COMMAND = "runner.api_key_command"
"""Where a command's context remembers this option, for `runner.cli.keys`."""
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h|d)?")
_UNITS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """Seconds, or a number with a unit: `90`, `1.5s`, `10m`, `2h`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(str(value).strip())
        if match is None:
            self.fail(
                f"{value!r} is no duration: write seconds, or a number with s, m, h or d, such as 10m.", param, ctx
            )
        return float(match["number"]) * _UNITS[match["unit"]]


DURATION = Duration()


def journal_option(command: F) -> F:
    """Add `--journal`."""
    return click.option(
        "--journal",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("expense-runner.db"),
        envvar="EXPENSE_RUNNER_JOURNAL",
        show_default=True,
        show_envvar=True,
        help="The journal: the file that knows everything that was intended and done.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")(
        command
    )


def check_journal_option(command: F) -> F:
    """Add `--check-journal`."""
    return click.option(
        "--check-journal/--no-check-journal",
        default=True,
        show_default=True,
        envvar="EXPENSE_RUNNER_CHECK_JOURNAL",
        help="Examine the journal's file before anything is sent; after a run that was cut off it is in any case.",
    )(command)


class OneOrMore(click.Option):
    """An option that may be given several times, and in a configuration file as one text or a list of them."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:  # noqa: ANN401 -- click's own signature
        """Return a tuple."""
        return super().type_cast_value(ctx, [value] if isinstance(value, str) else value)

    def value_from_envvar(self, ctx: click.Context) -> Any:  # noqa: ANN401 -- click's own signature
        """Return the environment's values, separated as in PATH: they may hold spaces."""
        text = self.resolve_envvar_value(ctx)
        return None if text is None else text.split(os.pathsep)


def input_options(command: F) -> F:
    """Add the options that say how CSV files are read."""
    command = click.option(
        "--map",
        "mapping",
        cls=OneOrMore,
        multiple=True,
        metavar="[PATTERN=]PROFILE",
        envvar="EXPENSE_RUNNER_MAP",
        help="Read files with other columns by a mapping profile: a TOML file, or a ready one's name (see "
        "`expense-runner map list`). With PATTERN= only files whose names fit, such as 'cards-*.csv=ramp'.",
    )(command)
    command = click.option(
        "--overlap",
        type=click.Choice(["yes", "no"]),
        envvar="EXPENSE_RUNNER_OVERLAP",
        help="Whether files with canonical columns and without ids overlap: yes, the same row may stand in several; "
        "no, each brings only new rows. Without it such files are asked about. Profiles say it by [id] overlap.",
    )(command)
    return click.option(
        "--receipts-dir",
        type=click.Path(file_okay=False, exists=True, path_type=Path),
        envvar="EXPENSE_RUNNER_RECEIPTS_DIR",
        help="What receipt paths are relative to; default: the folder of the CSV file. They may not leave it.",
    )(command)


def preflight_option(command: F) -> F:
    """Add `--preflight`."""
    return click.option(
        "--preflight",
        type=click.Choice([level.value for level in Preflight]),
        default=Preflight.ROWS.value,
        envvar="EXPENSE_RUNNER_PREFLIGHT",
        show_default=True,
        help="What is checked at Codat before anything is sent: that the companies are connected and configured, and "
        "also that they have the accounts, tax rates and tracking categories that rows name.",
    )(command)


def _remember_key_command(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    context.meta[KEY_COMMAND] = value


def account_options(command: F) -> F:
    """Add the options that say where Codat is, and where the key is."""
    options = [
        click.option(
            "--base-url",
            default=BASE_URL,
            envvar=["CODAT_BASE_URL", "EXPENSE_RUNNER_BASE_URL"],
            show_default=True,
            show_envvar=True,
            help="Codat, or a simulator on this machine.",
        ),
        # Never the key itself, as others can see arguments.
        click.option(
            "--api-key-command",
            envvar="EXPENSE_RUNNER_API_KEY_COMMAND",
            metavar="COMMAND",
            expose_value=False,
            callback=_remember_key_command,
            help="A command that prints the API key, such as 'pass show codat'; no shell reads it.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def flow_option(command: F) -> F:
    """Add `--flow`."""
    return click.option(
        "--flow",
        type=click.Choice([flow.value for flow in Flow]),
        default=Flow.DATASETS.value,
        envvar="EXPENSE_RUNNER_FLOW",
        show_default=True,
        help="Which of Codat's two APIs your account speaks: datasets (clients since before April 2024) or direct.",
    )(command)


def codat_options(command: F) -> F:
    """Add the options that say how Codat is spoken to."""
    options = [
        account_options,
        flow_option,
        click.option(
            "--create-path",
            type=click.Choice(["expense-transactions", "data/expense-transactions"]),
            default="expense-transactions",
            envvar="EXPENSE_RUNNER_CREATE_PATH",
            show_default=True,
            help="The older path is what Codat's first client used.",
        ),
        click.option(
            "--request-timeout",
            type=DURATION,
            default=60.0,
            envvar="EXPENSE_RUNNER_REQUEST_TIMEOUT",
            metavar="SECONDS",
            show_default=True,
            help="How long one request may take.",
        ),
        click.option(
            "--max-rpm",
            type=click.IntRange(0, 1000),
            default=980,
            envvar="EXPENSE_RUNNER_MAX_RPM",
            show_default=True,
            help="Requests a minute; Codat may block an address above 1,000. 0 is no limit, for a simulator only.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read_config(path: Path | None) -> dict[str, Any]:
    """Return the configuration file's values by command; raise `ConfigurationWrong` where it cannot be used.

    The default file may be absent; one that is named must be there. Values under `[run]`, `[check]` … are
    for that command, values above them for every command that has such an option.
    """
    file = path or DEFAULT_CONFIG
    if path is None and not file.exists():
        return {}
    what = f"configuration file {file}"
    try:
        return toml.parse(toml.read_text(file, what), what)
    except FileNotFoundError as error:
        raise ConfigurationWrong(f"There is no {what}.", hint="Check --config.") from error


def given_account_options() -> list[str]:
    """Return the options of the command line that say which account is spoken to: left out, it may be another."""
    context = click.get_current_context(silent=True)
    given: list[str] = []
    for name in ("base_url", "flow", "create_path", "api_key_command") if context is not None else ():
        if context is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            value = context.params.get(name, context.meta.get(f"runner.{name}"))
            given += [f"--{name.replace('_', '-')}", str(value)]
    return given
