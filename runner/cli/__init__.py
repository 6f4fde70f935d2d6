"""The command line: arguments in, exit code out."""

import json
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from runner import __version__
from runner.cli.lazy import LazyGroup
from runner.cli.options import read_config
from runner.cli.terminal import guard_terminal
from runner.errors import ConfigurationWrong, ExitCode, RunnerError
from runner.logs import configure, hidden

COMMANDS: Final = {
    "demo": "runner.cli.demo:demo",
    "check": "runner.cli.check:check",
    "plan": "runner.cli.plan:plan",
    "map": "runner.cli.map:map_",
    "run": "runner.cli.run:run",
    "status": "runner.cli.status:status",
    "errors": "runner.cli.errors:errors",
    "results": "runner.cli.results:results",
    "explain": "runner.cli.explain:explain_code",
    "show": "runner.cli.show:show",
    "report": "runner.cli.report:report",
    "serve": "runner.cli.serve:serve",
    "retry": "runner.cli.retry:retry",
    "resolve": "runner.cli.resolve:resolve",
    "verify": "runner.cli.verify:verify",
    "companies": "runner.cli.companies:companies",
    "doctor": "runner.cli.doctor:doctor",
    "journal": "runner.cli.journal:journal_",
    "schedule": "runner.cli.schedule:schedule",
    "notify": "runner.cli.notices:notify",
    "simulate": "runner.cli.simulate:simulate",
    "completion": "runner.cli.completion:completion",
}
"""Every command by its name, and where it stands. It is imported when it is named: see `LazyGroup`."""


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
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


def _defaults(values: dict[str, Any]) -> dict[str, Any]:
    """Spread a configuration file's values over the commands; raise `ConfigurationWrong` for one nobody knows."""
    if not values:
        return {}
    # A name that is wrong in any part of the file is refused, so here all commands are needed.
    known = {
        name: {p.name or "": p for p in command.params if isinstance(p, click.Option)}
        for name, command in _by_words(cli.load_all())
    }
    result: dict[str, dict[str, Any]] = {name: {} for name in known}
    # A plan is that of a run: what is set for `run` is set for it as well, unless its own table says otherwise.
    for key, value in sorted(values.items(), key=lambda item: item[0] == "plan"):
        if isinstance(value, dict) and key == "notify":
            # One table for all commands that tell: `command` in it is their `--notify-command`.
            for inner, setting in value.items():
                _spread(result, known, list(known), f"notify-{inner}", setting)
        elif isinstance(value, dict):
            within = [name for name in known if name == key or name.startswith(f"{key} ")]
            within += ["plan"] if key == "run" else []
            for inner, setting in value.items():
                _spread(result, known, within, inner, setting)
        else:
            _spread(result, known, list(known), key, value)
    for name in [name for name in result if " " in name]:
        group, _, own = name.partition(" ")
        result[group][own] = result.pop(name)
    return result


def _by_words(commands: Iterable[click.Command]) -> Iterator[tuple[str, click.Command]]:
    """Give every command with what is typed for it: a group's own ones with two words."""
    for command in commands:
        yield command.name or "", command
        if isinstance(command, click.Group):
            yield from ((f"{command.name} {own.name}", own) for own in command.commands.values())


def _spread(
    result: dict[str, dict[str, Any]],
    known: dict[str, dict[str, click.Option]],
    commands: list[str],
    key: str,
    value: Any,  # noqa: ANN401
) -> None:
    name = key.replace("-", "_")
    takers = [command for command in commands if name in known.get(command, {})]
    is_a_key = "key" in name and name != "api_key_command"
    if not takers or is_a_key:
        raise ConfigurationWrong(
            f"The configuration file sets {key!r}, which "
            + (
                "does not belong into a file: see docs/operations.md for where the API key may be."
                if is_a_key
                else "nothing here knows."
            ),
            hint="See docs/reference.md for the settings, or expense-runner COMMAND --help.",
        )
    for command in takers:
        result[command][name] = value


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code; no traceback unless `--debug` asks for it."""
    given = sys.argv[1:] if arguments is None else arguments
    guard_terminal()
    debug = "--debug" in given
    try:
        _refuse_keys(given)
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
            _show_traceback()
        say_what_went_wrong(error)
        code = getattr(error, "exit_code", ExitCode.INTERNAL)
        if "--json" in given:
            # A program that asked for JSON gets its one line, whatever happened before there was anything to report.
            said = {"code": error.code, "message": hidden(error.message), "hint": error.hint}
            click.echo(json.dumps({"exit_code": int(code), "outcomes": [], "error": said}))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        code = ExitCode.INTERNAL
    except Exception as error:  # noqa: BLE001 - the last border: whatever it is, it is said without the key
        if debug:
            _show_traceback()
        click.echo(hidden(f"Internal error: {type(error).__name__}: {error}"), err=True)
        click.echo("  This is a defect. What was recorded is safe; run with --debug for the details.", err=True)
        code = ExitCode.INTERNAL
    sys.exit(int(code or 0))


def _refuse_keys(arguments: list[str]) -> None:
    """Raise `ConfigurationWrong` for an option that would hold the API key, without repeating what it was given."""
    if any(re.match(r"--(codat-)?(api-)?key(=|$)", each) for each in arguments):
        raise ConfigurationWrong(
            "The API key is never an argument: every user of this machine can read those.",
            hint="Put it into a file that only you can read and name that in CODAT_API_KEY_FILE, and make a new key "
            "in Codat's portal: this one may be known by now.",
        )


def _show_traceback() -> None:
    """Print the traceback of what is being handled, without the API key."""
    click.echo(hidden(traceback.format_exc()), err=True)


def say_what_went_wrong(error: RunnerError) -> None:
    """Say what went wrong and what a person can do, on stderr."""
    click.echo(f"Error: {hidden(error.message)}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    if error.correlation_id:
        click.echo(f"  Codat's correlation id: {error.correlation_id}", err=True)
