"""Which signals ask a process to end in good order."""

import signal


def ending_signals() -> tuple[signal.Signals, ...]:
    """Return them; a lost terminal counts as one, unless whoever began the process had it ignored, as `nohup` does."""
    hangup = signal.SIGHUP
    return signal.SIGINT, signal.SIGTERM, *(() if signal.getsignal(hangup) is signal.SIG_IGN else (hangup,))
