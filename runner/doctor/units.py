"""Which systemd units run this program, as far as their files say."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from runner.codat.key_sources import environment_of_children
from runner.doctor.findings import Finding, warning, well

MARK: Final = "# Written by `expense-runner schedule install`"
"""How the units begin that this program writes: see `runner.cli.units`."""

_PATIENCE: Final = 5.0


def usual_folders() -> list[tuple[Path, bool]]:
    """Return the folders of units that systemd reads, and whether they are the system's."""
    settings = os.environ.get("XDG_CONFIG_HOME", "")
    own = Path(settings) if Path(settings).is_absolute() else Path.home() / ".config"
    return [
        (Path("/etc/systemd/system"), True),
        (Path("/run/systemd/system"), True),
        (Path("/usr/lib/systemd/system"), True),
        (own / "systemd" / "user", False),
        (Path("/etc/systemd/user"), False),
    ]


def timers_in(folders: Iterable[tuple[Path, bool]]) -> list[tuple[Path, bool]]:
    """Return the timers that this program wrote, and whether they are the system's."""
    return [
        (file, system)
        for folder, system in folders
        for file in sorted(folder.glob("*.timer"))
        if _text(file).startswith(MARK)
    ]


def units(folders: Sequence[tuple[Path, bool]]) -> Sequence[Finding]:
    """Say which units are installed, and whether their timers are switched on."""
    timers = timers_in(folders)
    if not timers:
        return [well("units", "None are installed; for nightly runs see: expense-runner schedule --help")]
    return [_judged(file, system=system) for file, system in timers]


def _judged(file: Path, *, system: bool) -> Finding:
    scope = [] if system else ["--user"]
    if not file.with_suffix(".service").is_file():
        return warning("units", f"{file} has no service beside it.", "Write both: expense-runner schedule install")
    by_hand = " ".join(["systemctl", *scope, "enable", "--now", file.name])
    match _systemctl([*scope, "is-enabled", file.name]):
        case None:
            return well("units", f"{file}; systemd cannot be asked whether it is switched on.")
        case "enabled" | "enabled-runtime":
            if _systemctl([*scope, "is-active", file.name]) == "inactive":
                return warning("units", f"{file} is enabled, and does not run.", f"Start it with: {by_hand}")
            return well("units", f"{file}, switched on.")
        case state:
            return warning("units", f"{file} is {state}: nothing starts at its time.", f"Switch it on with: {by_hand}")


def _systemctl(arguments: list[str]) -> str | None:
    """Return the first word that systemctl says; None where no systemd answers."""
    program = shutil.which("systemctl")
    # systemctl answers is-enabled from files alone, also where systemd is not what runs this machine.
    if program is None or not Path("/run/systemd/system").is_dir():
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - a list of arguments and no shell
            [program, *arguments],
            env=environment_of_children(os.environ),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.split()[0] if ended.stdout.strip() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
