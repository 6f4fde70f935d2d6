"""Putting units where systemd finds them, and taking away only what was put there by this program."""

import difflib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from runner.cli.units import is_edited, is_ours
from runner.errors import RefusedToStart

_PATIENCE: Final = 30.0


class State(StrEnum):
    """What stands where a unit belongs."""

    ABSENT = "absent"
    OURS = "ours"
    EDITED = "edited"
    """Written by this program, and changed by somebody since."""
    FOREIGN = "foreign"
    """Somebody else's unit of the same name: never touched."""


@dataclass(frozen=True, slots=True)
class Units:
    """The folder of units that systemd reads, and how to speak to the systemd that reads it."""

    folder: Path
    system: bool
    asked: bool
    """Whether systemctl may be called: not for a root folder that is no machine's."""

    def path(self, name: str) -> Path:
        """Return the file of a unit."""
        return self.folder / name

    def state(self, name: str) -> State:
        """Say whose unit of that name there is."""
        text = self.read(name)
        if text is None:
            return State.ABSENT
        if not is_ours(text):
            return State.FOREIGN
        return State.EDITED if is_edited(text) else State.OURS

    def read(self, name: str) -> str | None:
        """Return the text of a unit; None if there is none. Raises `RefusedToStart` where it cannot be read."""
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RefusedToStart(f"{self.path(name)} cannot be read: {error.strerror}.") from None

    def drop_ins(self, name: str) -> list[str]:
        """Return the files with which somebody changed a unit."""
        return sorted(str(path) for path in self.path(f"{name}.d").glob("*.conf"))

    def systemctl(self, *arguments: str) -> str | None:
        """Return what systemctl says; None where it is not there, or no systemd answers it."""
        program = shutil.which("systemctl") if self.asked else None
        if program is None:
            return None
        try:
            ended = subprocess.run(  # noqa: S603 - a list of arguments and no shell
                [program, *self._scope, *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return ended.stdout if ended.returncode == 0 else None

    def by_hand(self, *arguments: str) -> str:
        """Return the same as a line to type."""
        return " ".join(["systemctl", *self._scope, *arguments])

    @property
    def _scope(self) -> list[str]:
        return [] if self.system else ["--user"]


def units_in(*, system: bool, root: Path | None) -> Units:
    """Return where units belong: the system's, or the user's; below `root` if that is given."""
    place = Path("/etc/systemd/system")
    if not system:
        settings = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        place = (settings if settings.is_absolute() else Path.home() / ".config") / "systemd" / "user"
    return Units(place if root is None else root / place.relative_to("/"), system, asked=root is None)


def differences(units: Units, texts: Mapping[str, str]) -> dict[str, str]:
    """Return, for each unit that stands there with another text, what writing it would change."""
    found = {}
    for name, text in texts.items():
        here = units.read(name)
        if here is not None and here != text:
            path = str(units.path(name))
            lines = difflib.unified_diff(here.splitlines(), text.splitlines(), path, "new", lineterm="", n=1)
            found[name] = "\n".join(lines)
    return found


def write(units: Units, texts: Mapping[str, str]) -> list[str]:
    """Write the units that are not there yet as they should be; return their names. Each is whole, or as it was."""
    written = []
    try:
        units.folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            if units.read(name) != text:
                _write(units.path(name), text)
                written.append(name)
    except OSError as error:
        raise RefusedToStart(
            f"The units cannot be written to {units.folder}: {error.strerror}.",
            hint="System units need root: use sudo, or leave out --system for units of your own.",
        ) from None
    return written


def _write(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # Units are read by everybody, and hold no secret: the key is named by its file.
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).rename(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove(units: Units, names: Sequence[str]) -> None:
    """Delete units; the caller has seen that they are ours."""
    try:
        for name in names:
            units.path(name).unlink(missing_ok=True)
    except OSError as error:
        raise RefusedToStart(
            f"{error.filename} cannot be removed: {error.strerror}.", hint="System units need root: use sudo."
        ) from None
