"""Options that several commands share, and where their values come from: flag, environment, file, default."""

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.codat.credential import Credential
from runner.codat.flows import Flow
from runner.codat.transport import BASE_URL
from runner.errors import ConfigurationWrong

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("expense-runner.toml")
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
    return click.option(
        "--receipts-dir",
        type=click.Path(file_okay=False, exists=True, path_type=Path),
        envvar="EXPENSE_RUNNER_RECEIPTS_DIR",
        help="What receipt paths are relative to; default: the folder of the CSV file. They may not leave it.",
    )(command)


def codat_options(command: F) -> F:
    """Add the options that say how Codat is spoken to."""
    options = [
        click.option(
            "--base-url",
            default=BASE_URL,
            envvar=["CODAT_BASE_URL", "EXPENSE_RUNNER_BASE_URL"],
            show_default=True,
            show_envvar=True,
            help="Codat, or a simulator on this machine.",
        ),
        click.option(
            "--flow",
            type=click.Choice([flow.value for flow in Flow]),
            default=Flow.DATASETS.value,
            envvar="EXPENSE_RUNNER_FLOW",
            show_default=True,
            help="Which of Codat's two APIs your account speaks: datasets (clients since before April 2024) or direct.",
        ),
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


def read_credential() -> Credential:
    """Return the API key from the environment or a file; never from an argument, which others could see."""
    text = os.environ.get("CODAT_API_KEY")
    if text:
        return Credential(text)
    named = os.environ.get("CODAT_API_KEY_FILE")
    if named:
        try:
            return Credential(Path(named).read_text(encoding="ascii", errors="replace"))
        except OSError as error:
            raise ConfigurationWrong(
                f"The API key's file {named} cannot be read: {error.strerror}.",
                hint="Check CODAT_API_KEY_FILE.",
            ) from error
    raise ConfigurationWrong(
        "No API key: CODAT_API_KEY is not set.",
        hint="Set CODAT_API_KEY to the key from Codat's portal (Developers > API keys), or CODAT_API_KEY_FILE to "
        "a file that holds it.",
    )


def read_config(path: Path | None) -> dict[str, Any]:
    """Return the configuration file's values by command; raise `ConfigurationWrong` where it cannot be used.

    The default file may be absent; one that is named must be there. Values under `[run]`, `[check]` … are
    for that command, values above them for every command that has such an option.
    """
    file = path or DEFAULT_CONFIG
    if path is None and not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationWrong(f"There is no configuration file {file}.", hint="Check --config.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationWrong(f"The configuration file {file} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationWrong(f"The configuration file {file} is not valid TOML: {error}.") from error
