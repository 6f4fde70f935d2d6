"""A command that is told: the JSON on its standard input, the words in its environment, and no shell."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Final

from runner.delivery.message import Message, NotDelivered

SUMMARY: Final = "EXPENSE_RUNNER_NOTICE_SUMMARY"
TEXT: Final = "EXPENSE_RUNNER_NOTICE_TEXT"
_SAID: Final = 300
"""Bytes of what a failing command said last that are repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCommand:
    """Starts a command for each message."""

    words: tuple[str, ...] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    """Its environment, without secrets."""
    timeout: float
    """Seconds."""
    name: str = "command"

    @property
    def shown(self) -> str:
        """The program alone: arguments may hold a password."""
        return f"the command {self.words[0]}"

    def deliver(self, message: Message) -> None:
        """Start the command and wait for its end; raise `NotDelivered` unless that comes in time and is 0."""
        # Files and no pipes: a command that never reads, or a child of its that never ends, keeps nobody waiting.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(message.json + b"\n")
            given.seek(0)
            code = self._run(message, given, said)
            if code != 0:
                said.seek(max(0, said.seek(0, os.SEEK_END) - _SAID))
                words = _printable(said.read())
                raise NotDelivered(f"It ended with {code}." + (f" It said: {words!r}." if words else ""))

    def _run(self, message: Message, given: IO[bytes], said: IO[bytes]) -> int:
        environ = {**self.environ, SUMMARY: message.summary, TEXT: message.text}
        try:
            process = subprocess.Popen(  # noqa: S603 - a list of words and no shell
                self.words, stdin=given, stdout=subprocess.DEVNULL, stderr=said, env=environ, start_new_session=True
            )
        except OSError as error:
            raise NotDelivered(f"It could not be started: {error.strerror or error}.") from error
        try:
            return process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise NotDelivered(f"It did not end within {self.timeout:g} s and was killed.") from None
        finally:
            if process.poll() is None:
                # With all that it has started.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _printable(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace").strip()
    return "".join(each if each.isprintable() else " " for each in text)
