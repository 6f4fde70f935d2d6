"""The command line: arguments in, exit code out."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from runner import __version__
from runner.cli.check import check
from runner.cli.completion import completion
from runner.cli.demo import demo
from runner.cli.errors import errors
from runner.cli.explain import explain_code
from runner.cli.map import map_
from runner.cli.options import read_config
from runner.cli.retry import retry
from runner.cli.run import run
from runner.cli.show import show
from runner.cli.simulate import simulate
from runner.cli.status import status
from runner.cli.verify import verify
from runner.errors import ConfigurationWrong, ExitCode, RunnerError
from runner.logs import configure

COMMANDS = (demo, check, map_, run, status, errors, explain_code, show, retry, verify, simulate, completion)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 all posted · 3 some rejected · 4 work remains, run again · 6 refused before anything was "
    "sent · 7 something is in doubt · 8 another run holds the journal · 75 budget reached, run again later · "
    "77 key refused · 78 configuration wrong · 130/143 interrupted, drained and recorded. See docs/reference.md.",
)
@click.version_option(__version__, prog_name="expense-runner")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="EXPENSE_RUNNER_CONFIG",
    help="Settings in TOML; default: expense-runner.toml in this folder, if there is one.",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    default="console",
    envvar="EXPENSE_RUNNER_LOG_FORMAT",
    help="Logs on stderr: for a person, or one JSON object a line for a machine.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log every fact, not only what deserves attention.")
@click.option("--debug", is_flag=True, help="Show tracebacks and log every request.")
@click.pass_context
def cli(context: click.Context, config: Path | None, log_format: str, verbose: bool, debug: bool) -> None:  # noqa: FBT001
    """Move the expenses of many companies from CSV files into their books through Codat, each exactly once.

    See it work first, without a key and without any network but this machine's own:

      expense-runner demo

    Then, for your own files:

      expense-runner check expenses/

      CODAT_API_KEY=… expense-runner run expenses/
    """
    configure(
        log_format=log_format, level="debug" if debug else "info" if verbose or log_format == "json" else "warning"
    )
    context.obj = {"debug": debug}
    context.default_map = _defaults(read_config(config))


for command in COMMANDS:
    cli.add_command(command)


def _defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Spread a configuration file's values over the commands; raise `ConfigurationWrong` for one nobody knows."""
    known = {
        command.name or "": {p.name or "": p for p in command.params if isinstance(p, click.Option)}
        for command in COMMANDS
    }
    result: dict[str, dict[str, Any]] = {name: {} for name in known}
    for key, value in values.items():
        if isinstance(value, dict):
            for inner, setting in value.items():
                _spread(result, known, [key], inner, setting)
        else:
            _spread(result, known, list(known), key, value)
    return result


def _spread(
    result: dict[str, dict[str, Any]],
    known: dict[str, dict[str, click.Option]],
    commands: list[str],
    key: str,
    value: Any,  # noqa: ANN401
) -> None:
    name = key.replace("-", "_")
    takers = [command for command in commands if name in known.get(command, {})]
    if not takers or "key" in name:
        raise ConfigurationWrong(
            f"The configuration file sets {key!r}, which "
            + (
                "does not belong into a file: the API key comes from the environment."
                if "key" in name
                else "nothing here knows."
            ),
            hint="See docs/reference.md for the settings, or expense-runner COMMAND --help.",
        )
    for command in takers:
        result[command][name] = value


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code; no traceback unless `--debug` asks for it."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    try:
        code = cli.main(args=given, prog_name="expense-runner", standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = ExitCode.INTERRUPTED
    except RunnerError as error:
        if debug:
            raise
        explain(error)
        code = getattr(error, "exit_code", ExitCode.INTERNAL)
        if "--json" in given:
            # A program that asked for JSON gets its one line, whatever happened before there was anything to report.
            said = {"code": error.code, "message": error.message, "hint": error.hint}
            click.echo(json.dumps({"exit_code": int(code), "outcomes": [], "error": said}))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        code = ExitCode.INTERNAL
    except Exception as error:
        if debug:
            raise
        click.echo(f"Internal error: {type(error).__name__}: {error}", err=True)
        click.echo("  This is a defect. What was recorded is safe; run with --debug for the details.", err=True)
        code = ExitCode.INTERNAL
    sys.exit(int(code or 0))


def explain(error: RunnerError) -> None:
    """Say what went wrong and what a person can do, on stderr."""
    click.echo(f"Error: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    if error.correlation_id:
        click.echo(f"  Codat's correlation id: {error.correlation_id}", err=True)
