"""TOML that a person wrote: read with limits, so that whatever lies there costs little and is refused by its name."""

import os
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.errors import ConfigurationWrong

MAX_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 50
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_ENDLESS: Final = re.compile(rf"""(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}""")


def read_text(path: Path, what: str) -> str:
    """Return the text of a small plain file; raises `ConfigurationWrong`, and `FileNotFoundError`.

    `what` names it for people: "configuration file runner.toml".
    """
    try:
        # Not blocking: a pipe without a writer would wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ConfigurationWrong(f"The {what} cannot be read: it is no plain file.")
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationWrong(f"The {what} cannot be read: {reason}.") from None
    if len(content) > MAX_BYTES:
        raise ConfigurationWrong(f"The {what} is larger than {MAX_BYTES:,} bytes.")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigurationWrong(f"The {what} is not UTF-8 text.") from None


def parse(text: str, what: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return the values of a text; raises `ConfigurationWrong`."""
    if _ENDLESS.search(text):
        # Its parser takes time with the square of their number.
        raise ConfigurationWrong(f"The {what} has a key of more than {MAX_PARTS} parts.")
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise ConfigurationWrong(f"The {what} is nested too deep.") from None
    except ValueError as error:
        raise ConfigurationWrong(f"The {what} is not valid TOML: {error}.") from None
