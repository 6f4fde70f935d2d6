"""The strangers, and a virtual environment for each: what they need must not mix with what the project needs."""

import hashlib
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 300


class NotReadyError(Exception):
    """Something around the strangers is missing: nothing can be said about them."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A client that somebody else wrote, in the version that was verified."""

    package: str
    version: str
    flow: str
    """Which of Codat's two flows it speaks: datasets or direct."""
    program: Path
    """Runs in the stranger's own environment: a job in on stdin, a report out on stdout."""
    requirements: Path
    """Everything its environment holds, pinned: figures of two days are to be about the same code."""
    names_content_type: bool
    """Whether it says of which type an attached file is."""


STRANGERS = (
    Stranger(
        package="codat-sync-for-expenses-version-1",
        version="0.5.0",
        flow="datasets",
        program=HERE / "version_1.py",
        requirements=HERE / "version_1.txt",
        names_content_type=False,
    ),
    Stranger(
        package="codat-sync-for-expenses",
        version="9.0.0",
        flow="direct",
        program=HERE / "current.py",
        requirements=HERE / "current.txt",
        names_content_type=True,
    ),
)


def default_folder() -> Path:
    """Return where the environments are kept between two runs."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "expense-runner-strangers"


def prepare(stranger: Stranger, folder: Path) -> Path:
    """Return the interpreter of the stranger's environment in a folder; it is made where there is none.

    Raises `NotReadyError` where the environment cannot be made or the packages cannot be installed.
    """
    pinned = hashlib.sha256(stranger.requirements.read_bytes()).hexdigest()[:12]
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = folder / f"{stranger.package}-{stranger.version}-{python}-{pinned}"
    interpreter = home / "bin" / "python"
    # Written last: an environment that was interrupted half way is made again.
    complete = home / "complete"
    if complete.exists():
        return interpreter
    print(f"Installing {stranger.package} {stranger.version} into {home}", file=sys.stderr, flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(home)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotReadyError(f"no environment could be made in {home}: {error}") from error
    # Wheels only: strangers are installed without running any code of theirs. No dependencies: the list is complete.
    _pip(interpreter, "install", "--only-binary", ":all:", "--no-deps", "-r", str(stranger.requirements))
    _pip(interpreter, "check")
    complete.touch()
    return interpreter


def _pip(interpreter: Path, *arguments: str) -> None:
    command = [str(interpreter), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotReadyError(f"pip {arguments[0]} did not end within {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        raise NotReadyError(f"pip {arguments[0]} failed:\n{done.stderr or done.stdout}")
