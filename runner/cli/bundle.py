"""`expense-runner journal support-bundle`: what a supporter may see, shown before it is written."""

import asyncio
import io
import os
import platform
import secrets
import shutil
import stat
import sys
import zipfile
from collections import deque
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import click

from runner import __version__
from runner.cli.options import Duration, journal_option, read_config
from runner.cli.whole_file import write_file
from runner.clock import SystemClock
from runner.errors import ExitCode, JournalUnusable, RefusedToStart, RunnerError
from runner.journal.condition import Condition
from runner.journal.exporting import reading_tables
from runner.journal.integrity import Violation
from runner.journal.journal import Journal, reading
from runner.journal.trouble import Cause
from runner.outcome import imbalances
from runner.report import redaction
from runner.report.bundle import as_json, companies_json, errors_json, journal_json, log_text, runs_json
from runner.report.redaction import Pseudonyms

LOG_LINES: Final = 500
_PACKAGES: Final = ("aiohttp", "aiosqlite", "click", "structlog", "rich")


@click.command(
    name="support-bundle", epilog="Example: `expense-runner journal support-bundle --out bundle.zip --show`."
)
@journal_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.zip",
    help="Where to write it; an existing file is not overwritten.",
)
@click.option(
    "--log",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A log of a run with --log-format json: the end of it goes in, as far as it may be told.",
)
@click.option("--show", is_flag=True, help="Show every word of it before it is written.")
@click.option("--yes", is_flag=True, help="Write it without asking.")
def support_bundle(journal: Path, out: Path, log: Path | None, *, show: bool, yes: bool) -> int:
    """Gather what a supporter needs to help: versions, counts, states, codes, times, settings.

    It holds no key, names, amounts, notes or files; companies have names that are made up for this bundle. You see
    what is in it, and are asked before it is written.
    """
    if out.exists():
        raise RefusedToStart(f"{out} exists.", hint="Name another file with --out.")
    config = click.get_current_context().find_root().params.get("config")
    files = _files(journal, log, read_config(config))
    click.echo(f"{out} will hold:")
    for name, text in files.items():
        click.echo(f"  {len(text.encode()):>8,} bytes  {name}: {_ABOUT[name]}")
    if show:
        for name, text in files.items():
            click.echo(f"\n---- {name} ----\n{text.rstrip()}")
    else:
        click.echo("Every word of it: the same command with --show.")
    if not yes:
        if not sys.stdin.isatty():
            raise RefusedToStart("Nothing is written: nobody can be asked here.", hint="Look with --show, then --yes.")
        if not click.confirm(f"Write {out}?"):
            click.echo("Nothing is written.")
            return int(ExitCode.OK)
    write_file(out, _zipped(files))
    click.echo(f"Written: {out}")
    return int(ExitCode.OK)


_ABOUT: Final = {
    "program.json": "versions, operating system, room on the disk, file modes",
    "journal.json": "rows, states, codes, broken rules",
    "runs.json": "the last runs: times, exit codes, requests",
    "companies.json": "companies that are held or at work, under made-up names",
    "errors.json": "what is wrong, by code; known words of the messages",
    "settings.json": "settings that are numbers or choices; of others only that they are set",
    "log.txt": "the end of the log, known words only",
}


def _files(journal: Path, log: Path | None, config: Mapping[str, Any]) -> dict[str, str]:
    names = Pseudonyms(secrets.token_bytes(16))
    files = {"program.json": as_json(_program(journal))}
    try:
        with reading_tables(journal) as tables:
            rows = {name: tables.count(name) for name in tables.names() if name not in tables.views()}
        with reading(journal, SystemClock()) as opened:
            condition, causes, violations = asyncio.run(_facts(opened))
    except JournalUnusable as error:
        # Then a bundle is needed most; the message holds the path of the file.
        files["journal.json"] = as_json({"unusable": error.code, "message": redaction.message(error.message)})
    else:
        broken = {each.rule: each.count for each in violations}
        files["journal.json"] = as_json(journal_json(condition, rows, broken))
        files["runs.json"] = as_json(runs_json(condition.runs))
        files["companies.json"] = as_json(companies_json(condition, names))
        files["errors.json"] = as_json(errors_json(causes, names))
    files["settings.json"] = as_json(_settings(config))
    if log is not None:
        files["log.txt"] = log_text(_tail(log), names)
    return files


async def _facts(opened: Journal) -> tuple[Condition, list[Cause], list[Violation]]:
    found = await opened.integrity.examine(full=False)
    violations = list(found.violations)
    if found.books is not None and (unbalanced := imbalances(found.books)):
        violations.append(Violation("accounts", len(unbalanced), ()))
    return await opened.conditions.read(), await opened.trouble.causes(), violations


def _program(journal: Path) -> dict[str, object]:
    files: dict[str, dict[str, object]] = {}
    for beside in ("", "-wal", "-shm", ".lock"):
        path = journal.with_name(f"{journal.name}{beside}")
        if path.exists():
            found = path.stat()
            files[f"journal{beside}"] = {"bytes": found.st_size, "mode": f"{stat.S_IMODE(found.st_mode):04o}"}
    folder = journal.absolute().parent
    return {
        "expense_runner": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "processors": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "files": files,
        "disk_free_bytes": shutil.disk_usage(folder).free if folder.is_dir() else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _settings(config: Mapping[str, Any]) -> dict[str, object]:
    """Return what is set, in the file and in the environment; texts only where they are one of an option's choices."""
    known = _options()
    file: dict[str, object] = {}
    for key, value in config.items():
        within = value.items() if isinstance(value, dict) else [(None, value)]
        for inner, setting in within:
            name = (inner or key).replace("-", "_")
            place = key if inner is None else f"{key}.{inner}"
            if name in known:
                file[place] = redaction.setting(setting, known[name])
    environment = {
        variable: redaction.setting(os.environ[variable], known[name])
        for name, variables in _variables().items()
        for variable in variables
        if variable in os.environ
    }
    keys = {name: name in os.environ for name in ("CODAT_API_KEY", "CODAT_API_KEY_FILE")}
    return {"file": file, "environment": environment, "set": keys}


def _all_options() -> list[click.Option]:
    group = click.get_current_context().find_root().command
    commands: list[click.Command] = [group]
    for command in commands:
        if isinstance(command, click.Group):
            context = click.Context(command)
            commands += [c for name in command.list_commands(context) if (c := command.get_command(context, name))]
    return [param for command in commands for param in command.params if isinstance(param, click.Option)]


def _options() -> dict[str, tuple[str, ...] | None]:
    """Return what may be told of every option, by its name in a configuration file: choices, numbers (an empty tuple).

    None: it takes a text or a path, which could be anybody's, even if it looks like a number.
    """
    return {option.name or "": _tellable(option.type) for option in _all_options()}


def _tellable(kind: object) -> tuple[str, ...] | None:
    if isinstance(kind, click.Choice):
        return tuple(kind.choices)
    numbers = isinstance(kind, Duration | click.types.IntParamType | click.types.BoolParamType)
    return () if numbers else None


def _variables() -> dict[str, list[str]]:
    return {
        option.name or "": [option.envvar] if isinstance(option.envvar, str) else list(option.envvar)
        for option in _all_options()
        if option.envvar
    }


def _tail(log: Path) -> list[str]:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return list(deque(file, LOG_LINES))
    except OSError as error:
        raise RunnerError(f"The log {log} cannot be read: {error.strerror}.") from error


def _zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
