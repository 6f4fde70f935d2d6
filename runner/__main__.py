"""Where the process begins, as `expense-runner` or `python -m runner`: nobody who interrupts it sees a traceback."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends the process with 130."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        # That one would raise wherever the interpreter is, in the middle of an import as well.
        signal.signal(signal.SIGINT, _leave)
    try:
        from runner.cli import main as command_line  # noqa: PLC0415 - the first tenth of a second goes into this
    finally:
        signal.signal(signal.SIGINT, usual)
    command_line()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.stderr.write("Interrupted.\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
