"""`expense-runner schedule`: runs at set times, by systemd."""

import json
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.cli.calendars import ask
from runner.cli.installing import State, Units, differences, remove, units_in, write
from runner.cli.lazy import WholeSentences
from runner.cli.options import DURATION, json_option
from runner.cli.unit_command import RunCommand, left_behind, run_command
from runner.cli.units import CREDENTIAL, Plan, check_name, render
from runner.errors import ConfigurationWrong, ExitCode, RefusedToStart
from runner.report.result_types.acts import ScheduleShowResult, UnitState

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_TIMES = ("*-*-* 01:30:00",)
_ASKED = {
    "timer": ("LoadState", "ActiveState", "NextElapseUSecRealtime", "LastTriggerUSec"),
    "service": ("ActiveState", "Result", "ExecMainStatus", "ExecMainExitTimestamp", "StatusText"),
}


def _place_options(command: F) -> F:
    for option in (
        click.option("--name", default="expense-runner", show_default=True, help="The units' name."),
        click.option(
            "--root",
            type=click.Path(file_okay=False, path_type=Path),
            default=None,
            help="A folder that stands for / , such as an image that is being built: systemd is not spoken to.",
        ),
        click.option("--system", is_flag=True, help="Units of the system, which need root; without it: your own."),
    ):
        command = option(command)
    return command


@click.group(cls=WholeSentences)
def schedule() -> None:
    """Run at set times: a systemd service and its timer, hardened, written for the arguments that you give.

    Without --system they are units of your own, and need no root.
    """


@schedule.command(
    epilog="Example: `expense-runner schedule install --credential ~/.config/expense-runner/key -- --inbox "
    "~/expenses`. What follows -- are the arguments of `expense-runner run`; paths are made absolute."
)
@_place_options
@click.option("--print", "only_print", is_flag=True, help="Show the units and write nothing.")
@click.option(
    "--on-calendar",
    "on_calendar",
    multiple=True,
    metavar="WHEN",
    help="When to run, as in systemd.time(7); may be given several times. [default: every day at 01:30]",
)
@click.option(
    "--random-delay",
    type=DURATION,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Begin up to so much later, so that not everybody asks Codat at the same moment.",
)
@click.option(
    "--credential",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="The file that holds the API key; systemd hands it to the run alone.",
)
@click.option(
    "--encrypted-credential",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help=f"The same, encrypted with `systemd-creds encrypt --name={CREDENTIAL}`.",
)
@click.option("--run-as", metavar="ACCOUNT", default=None, help="The account that runs; needed with --system.")
@click.option("--on-failure", metavar="UNIT", default=None, help="A unit to start when a run fails.")
@click.option(
    "--watchdog",
    type=DURATION,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="End a run that shows no sign of life for so long; 0 never does.",
)
@click.option("--force", is_flag=True, help="Replace units of ours that differ, also such as were edited.")
@click.option("--no-start", is_flag=True, help="Write the units, and leave it to you to start the timer.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- [RUN ARGUMENTS]...")
@click.pass_context
def install(context: click.Context, /, arguments: tuple[str, ...], **options: Any) -> int:
    """Write a service and its timer, and start the timer.

    A unit that is not ours is never replaced; one of ours that differs only with --force, after its differences
    were shown.
    """
    units = units_in(system=options["system"], root=options["root"])
    plan, command = _plan(context, arguments, options)
    texts = render(plan)
    coming = _check_times(plan)
    if options["only_print"]:
        for name, text in texts.items():
            click.echo(f"# {units.path(name)}\n{text}")
        _tell(command, plan, coming)
        return ExitCode.OK
    _refuse_to_replace(units, texts, force=options["force"])
    if not plan.system and units.asked:
        _make_folder(command.journal.parent)
    written = write(units, texts)
    for name in texts:
        click.echo(f"{'Wrote' if name in written else 'Unchanged:'} {units.path(name)}")
    _tell(command, plan, coming)
    return _start(units, plan, start=not options["no_start"])


def _plan(context: click.Context, arguments: tuple[str, ...], options: Mapping[str, Any]) -> tuple[Plan, RunCommand]:
    # Here, because showing and removing units need nothing of what a run is made of.
    from runner.cli.run import run  # noqa: PLC0415

    system, name = bool(options["system"]), str(options["name"])
    check_name(name)
    if system and not options["run_as"]:
        raise click.UsageError("A system unit needs --run-as ACCOUNT: one that may read the inputs, and not root.")
    if not system and options["run_as"]:
        raise click.UsageError("--run-as is for --system: units of your own run as you.")
    credential = options["credential"] or options["encrypted_credential"]
    if options["credential"] and options["encrypted_credential"]:
        raise click.UsageError("Give either --credential or --encrypted-credential.")
    if options["on_failure"] and "." not in options["on_failure"]:
        raise click.UsageError("--on-failure names a unit with its kind, such as tell-me.service.")
    config = _config(context)
    state = _state_folder(name, system=system)
    command = run_command(run, arguments, parent=context.find_root(), config=config, state=state)
    folder = Path.cwd() if config is not None else None if system else command.journal.parent
    touched = [*command.paths, *([] if credential is None else [credential.absolute()])]
    plan = Plan(
        name=name,
        system=system,
        account=options["run_as"],
        command=command.words,
        folder=folder,
        # The state folder is systemd's business.
        written=[each for each in command.written if not (system and each == state)],
        touched=touched,
        credential=None if credential is None else credential.absolute(),
        encrypted=options["encrypted_credential"] is not None,
        on_calendar=options["on_calendar"] or _DEFAULT_TIMES,
        random_delay=options["random_delay"],
        watchdog=options["watchdog"],
        request_timeout=command.request_timeout,
        on_failure=options["on_failure"],
    )
    return plan, command


def _config(context: click.Context) -> Path | None:
    from runner.cli.options import DEFAULT_CONFIG  # noqa: PLC0415

    given: Path | None = context.find_root().params.get("config")
    here = given or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    return None if here is None else here.absolute()


def _state_folder(name: str, *, system: bool) -> Path:
    if system:
        return Path("/var/lib") / name
    # Not StateDirectory: where it lies for a user's units has changed between systemd's versions, and a journal
    # that is lost after an update of the machine would be a disaster.
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / name


def _check_times(plan: Plan) -> list[str]:
    """Return what is known of the next run at each time; raises `ConfigurationWrong`."""
    coming = []
    for each in plan.on_calendar:
        answer = ask(each)
        if answer.wrong is not None:
            raise ConfigurationWrong(
                f"--on-calendar {each!r}: {answer.wrong}",
                hint="Such as '*-*-* 01:30' or 'Mon..Fri 22:00'; see systemd.time(7).",
            )
        coming.append(
            answer.next_run or f"{each} (no systemd here to say whether it is understood, and when that is next)"
        )
    return coming


def _refuse_to_replace(units: Units, texts: Mapping[str, str], *, force: bool) -> None:
    for name in texts:
        if units.state(name) is State.FOREIGN:
            raise RefusedToStart(
                f"{units.path(name)} is not ours, and is left as it is.", hint="Choose another name with --name."
            )
    found = differences(units, texts)
    for shown in found.values():
        click.echo(shown, err=True)
    if found and not force:
        raise RefusedToStart(
            f"{' and '.join(found)} would change as shown above; nothing was written.",
            hint="Write them all the same with --force.",
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RefusedToStart(
            f"The journal's folder {folder} cannot be made: {error.strerror}.", hint="Name another with --journal."
        ) from None


def _tell(command: RunCommand, plan: Plan, coming: list[str]) -> None:
    click.echo(f"Journal: {command.journal}", err=True)
    here = Path("expense-runner.db")
    if here.is_file() and here.absolute() != command.journal:
        click.echo(
            f"Warning: there is a journal {here.absolute()} too. Companies that it knows must go on with it:\n"
            f"  put --journal {here} after -- if these are the same companies.",
            err=True,
        )
    if plan.credential is None:
        click.echo("Warning: no --credential. The run must find its API key in another way.", err=True)
    elif not plan.credential.is_file():
        click.echo(f"Warning: there is no file {plan.credential} yet that could hold the API key.", err=True)
    if names := left_behind():
        click.echo(f"Warning: the service does not get this shell's {', '.join(names)}.", err=True)
    if plan.account is not None and not _is_account(plan.account):
        click.echo(f"Warning: there is no account {plan.account} on this machine.", err=True)
    for each in coming:
        click.echo(f"Next run: {each}, and up to {plan.random_delay:.0f} s later", err=True)


def _is_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _start(units: Units, plan: Plan, *, start: bool) -> int:
    steps = [("daemon-reload",), ("enable", "--now", plan.timer)]
    if not units.asked:
        return ExitCode.OK
    if start and all(units.systemctl(*step) is not None for step in steps):
        click.echo(f"Started {plan.timer}. Look at it with: {_again('show', plan.name, system=plan.system)}")
        if not plan.system and not Path("/var/lib/systemd/linger", _me()).exists():
            click.echo(f"It runs while you are logged in. For nights without you: loginctl enable-linger {_me()}")
        return ExitCode.OK
    if start:
        click.echo("No systemd answered: the timer is not started. By hand:", err=True)
    else:
        click.echo("The timer is not started. By hand:", err=True)
    for step in steps:
        click.echo(f"  {units.by_hand(*step)}", err=True)
    return ExitCode.WORK_REMAINS if start else ExitCode.OK


def _me() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _again(command: str, name: str, *, system: bool) -> str:
    words = ["expense-runner", "schedule", command, *(["--system"] if system else [])]
    return " ".join([*words, *([] if name == "expense-runner" else ["--name", name])])


@schedule.command()
@_place_options
@json_option
def show(name: str, root: Path | None, system: bool, as_json: bool) -> int:  # noqa: FBT001
    """Say what is installed, when it runs next, and how the last run ended. Exit code 4 if nothing is installed."""
    check_name(name)
    units = units_in(system=system, root=root)
    files = [f"{name}.service", f"{name}.timer"]
    states = {each: units.state(each) for each in files}
    facts = {kind: _ask(units, f"{name}.{kind}", kind) for kind in _ASKED}
    installed = State.ABSENT not in states.values()
    if as_json:
        said: dict[str, UnitState] = {
            each: {"file": str(units.path(each)), "state": state.value} for each, state in states.items()
        }
        drop_ins = [path for each in files for path in units.drop_ins(each)]
        result: ScheduleShowResult = {
            "installed": installed,
            "units": said,
            "drop_ins": drop_ins,
            "systemd": {"timer": facts["timer"], "service": facts["service"]},
        }
        click.echo(json.dumps(result))
        return ExitCode.OK if installed else ExitCode.WORK_REMAINS
    for each, state in states.items():
        click.echo(f"{units.path(each)}: {_SAID[state]}")
        for path in units.drop_ins(each):
            click.echo(f"  with {path}")
    for line in _facts_lines(facts, units, files):
        click.echo(line)
    return ExitCode.OK if installed else ExitCode.WORK_REMAINS


_SAID = {
    State.ABSENT: "not there",
    State.OURS: "installed",
    State.EDITED: "installed, and edited since",
    State.FOREIGN: "not ours",
}


def _ask(units: Units, unit: str, kind: str) -> dict[str, str] | None:
    said = units.systemctl("show", unit, *(f"--property={each}" for each in _ASKED[kind]))
    if said is None:
        return None
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def _facts_lines(facts: Mapping[str, dict[str, str] | None], units: Units, files: list[str]) -> list[str]:
    timer, service = facts["timer"], facts["service"]
    if timer is None or service is None:
        ask_for = units.by_hand("status", *files)
        return [] if not units.asked else [f"No systemd answered. Where one runs, ask it with: {ask_for}"]
    lines = [f"Timer: {timer.get('ActiveState')}, next run {timer.get('NextElapseUSecRealtime') or 'not planned'}"]
    if ended := service.get("ExecMainExitTimestamp"):
        code = service.get("ExecMainStatus")
        lines.append(f"Last run: ended {ended} with exit code {code} ({service.get('Result')})")
        lines.append(f"  {service.get('StatusText')}" if service.get("StatusText") else "")
    elif service.get("ActiveState") in {"active", "activating"}:
        lines.append(f"Running: {service.get('StatusText')}")
    else:
        lines.append("Last run: none since the machine started")
    return [line for line in lines if line]


@schedule.command("remove")
@_place_options
@click.option("--force", is_flag=True, help="Remove units of ours that somebody edited as well.")
def remove_units(name: str, root: Path | None, system: bool, force: bool) -> int:  # noqa: FBT001
    """Stop the timer and delete the units that this program wrote. Journal and inbox stay."""
    check_name(name)
    units = units_in(system=system, root=root)
    states = {each: units.state(each) for each in (f"{name}.timer", f"{name}.service")}
    for each, state in states.items():
        if state is State.FOREIGN:
            raise RefusedToStart(f"{units.path(each)} is not ours; nothing was removed.")
        if state is State.EDITED and not force:
            raise RefusedToStart(
                f"{units.path(each)} was edited since; nothing was removed.", hint="Remove it too with --force."
            )
    ours = [each for each, state in states.items() if state is not State.ABSENT]
    if not ours:
        click.echo(f"There is nothing to remove in {units.folder}.")
        return ExitCode.OK
    # Before the files go, because systemd cannot disable what it no longer finds. A run under way comes to its end.
    stopped = f"{name}.timer" not in ours or units.systemctl("disable", "--now", f"{name}.timer") is not None
    remove(units, ours)
    for each in ours:
        click.echo(f"Removed {units.path(each)}")
    reloaded = units.systemctl("daemon-reload") is not None
    if units.asked and not (stopped and reloaded):
        click.echo("No systemd answered. Where one runs:", err=True)
        click.echo(f"  {units.by_hand('stop', f'{name}.timer')}\n  {units.by_hand('daemon-reload')}", err=True)
    return ExitCode.OK
