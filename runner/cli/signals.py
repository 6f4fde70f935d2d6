"""Which signals ask a process to end in good order."""

import os
import signal
from collections.abc import Iterable


def ending_signals() -> tuple[signal.Signals, ...]:
    """Return them; a lost terminal counts as one, unless whoever began the process had it ignored, as `nohup` does."""
    hangup = signal.SIGHUP
    return signal.SIGINT, signal.SIGTERM, *(() if signal.getsignal(hangup) is signal.SIG_IGN else (hangup,))


def open_terminals() -> tuple[int, ...]:
    """Return which of standard output and standard error is a terminal."""
    return tuple(number for number in (1, 2) if os.isatty(number))


def silence_lost(terminals: Iterable[int]) -> None:
    """Let what goes to a lost terminal go nowhere: failing to say something must not keep a run from its end."""
    for number in terminals:
        if not os.isatty(number):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
