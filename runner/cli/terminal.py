"""What reaches a terminal: nothing that turns the reading direction or breaks a line behind a reader's back."""

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

_HIDDEN = re.compile("[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls of one byte's upper half, marks of direction, separators of lines: the names of files and the texts of rows
may hold them, and what they show is then not what is there."""


def visible(text: str) -> str:
    """Return the text with such characters written out, as JSON does."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Terminal:
    """A text stream to a terminal, in front of the real one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text so that it shows as what it is."""
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)


def guard_terminal() -> None:
    """Let what is printed pass a `Terminal` where it is read on one."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream.isatty() and not isinstance(stream, Terminal):
            setattr(sys, name, Terminal(stream))
