"""The command that a service runs: the arguments of `run` as given, with every path absolute."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

_ENVIRONMENT = ("CODAT_BASE_URL", "EXPENSE_RUNNER_")


@dataclass(frozen=True, slots=True)
class RunCommand:
    """What a service will run."""

    words: list[str]
    """Program and arguments."""
    paths: list[Path]
    """All that it uses."""
    written: list[Path]
    """Folders that it writes to."""
    journal: Path
    request_timeout: float
    """Seconds."""


def program() -> list[str]:
    """Return how this program is started, whatever the folder and PATH are."""
    script = Path(sys.executable).parent / "expense-runner"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "runner"]


def left_behind() -> list[str]:
    """Return the settings of this shell's environment that a service does not get."""
    names = (name for name in os.environ if name.startswith(_ENVIRONMENT))
    return sorted(name for name in names if name not in {"EXPENSE_RUNNER_CONFIG", "EXPENSE_RUNNER_JOURNAL"})


def run_command(
    run: click.Command, arguments: Sequence[str], *, parent: click.Context, config: Path | None, state: Path
) -> RunCommand:
    """Return the command for these arguments of `run`; raises click's errors where `run` would.

    Values are passed on as they were written, since some mean something else each night (`--until 06:00`). A
    journal that nobody named lies in the `state` folder.
    """
    given = [*arguments]
    context = run.make_context("run", [*given], parent=parent)
    if not context.params["inputs"] and not _has_inbox(context):
        raise click.UsageError(
            "Say after -- what to run, such as: expense-runner schedule install -- --inbox /srv/expenses"
        )
    if "-" in context.params["inputs"]:
        raise click.UsageError("A service has no standard input: name files, a folder or --inbox.")
    values, _, order = run.make_parser(context).parse_args(args=[*given])
    words = [*program(), *([] if config is None else ["--config", str(config)]), "run"]
    paths = [Path(words[0]), *([] if config is None else [config])]
    written: list[Path] = []
    if context.get_parameter_source("journal") is not ParameterSource.COMMANDLINE:
        named = context.get_parameter_source("journal") is not ParameterSource.DEFAULT
        values["journal"] = str(context.params["journal"] if named else state / "expense-runner.db")
        order = [*order, _parameter(run, "journal")]
    for parameter in dict.fromkeys(order):
        if isinstance(parameter, click.Option):
            for value in _several(values[parameter.name or ""]):
                words += _option(parameter, value, paths, written)
    for each in context.params["inputs"]:
        paths.append(Path(each).absolute())
        words.append(str(paths[-1]))
    if _has_inbox(context):
        written.append(Path(context.params["inbox"]).absolute())
    journal = Path(values["journal"]).absolute()
    return RunCommand(words, paths, sorted(set(written)), journal, float(context.params["request_timeout"]))


def _has_inbox(context: click.Context) -> bool:
    # One that only this shell's environment names is not the service's.
    named = context.get_parameter_source("inbox") is not ParameterSource.ENVIRONMENT
    return context.params["inbox"] is not None and named


def _option(option: click.Option, value: object, paths: list[Path], written: list[Path]) -> list[str]:
    flag = next(each for each in option.opts if each.startswith("--"))
    if option.is_flag:
        return [flag] if value else list(option.secondary_opts[:1])
    text = str(value)
    if isinstance(option.type, click.Path):
        path = Path(text).absolute()
        paths.append(path)
        if not option.type.exists and option.type.file_okay:
            # A file that need not be there is one that the run writes, with others beside it.
            written.append(path.parent)
        text = str(path)
    elif option.name == "mapping":
        text = _mapping(text, paths)
    return [flag, text]


def _mapping(text: str, paths: list[Path]) -> str:
    pattern, equals, named = text.rpartition("=")
    if not Path(named).is_file():
        return text  # a ready profile's name
    paths.append(Path(named).absolute())
    return f"{pattern}{equals}{paths[-1]}"


def _several(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _parameter(command: click.Command, name: str) -> click.Parameter:
    return next(each for each in command.params if each.name == name)
