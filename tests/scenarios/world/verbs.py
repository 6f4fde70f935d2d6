"""Which of the journal's verbs is writing."""

import sys


def verb_at_work() -> str:
    """Return the verb that waits for the store, as `Class.method`: its coroutine stands among the callers."""
    frame = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_qualname
        journal = frame.f_globals.get("__name__", "").startswith("runner.journal.")
        if journal and name.count(".") == 1 and "._" not in name:
            return name
        frame = frame.f_back
    return "no verb"
