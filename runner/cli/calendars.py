"""What systemd makes of a calendar expression: whether it understands it, and when it comes next."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an expression; nothing where systemd could not be asked."""

    wrong: str | None
    """Why it is none."""
    next_run: str | None
    """In systemd's words."""


_NOT_ASKED: Final = Answer(None, None)


def ask(expression: str) -> Answer:
    """Ask `systemd-analyze` where it is installed; the rules of systemd.time(7) are its own business."""
    program = shutil.which("systemd-analyze")
    if not expression.strip():
        # In a unit it would take away the other times.
        return Answer("It is empty.", None)
    if program is None:
        return _NOT_ASKED
    asked = [program, "calendar", "--", expression]
    try:
        # A list of arguments and no shell: the expression is nothing but one argument.
        ended = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return _NOT_ASKED
    if ended.returncode:
        return Answer((ended.stderr.strip() or "systemd does not understand it").splitlines()[0], None)
    found = re.search(r"^ *Next elapse: (?P<when>.+)$", ended.stdout, re.MULTILINE)
    return Answer(None, found["when"].strip() if found else "never")
