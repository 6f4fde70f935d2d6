"""Logs on stderr with structlog: console for a person, JSON for machines; never a key, never a payload."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from functools import cached_property
from typing import Any, Protocol

_SECRET = ("authorization", "api_key", "apikey", "credential", "password", "secret", "token")


class Log(Protocol):
    """What the program asks of a logger; those of structlog have it."""

    def bind(self, **facts: Any) -> "Log":
        """Return a logger that says these facts with every event."""
        ...

    def debug(self, event: str, **facts: Any) -> Any:  # noqa: ANN401
        """Say what only helps to find a fault."""
        ...

    def info(self, event: str, **facts: Any) -> Any:  # noqa: ANN401
        """Say what happened."""
        ...

    def warning(self, event: str, **facts: Any) -> Any:  # noqa: ANN401
        """Say what deserves attention."""
        ...


class _Writing:
    """How and where lines are written; structlog is imported for the first of them.

    Most lives of the process write no line at all, and structlog brings rich along: a third of the start-up time.
    """

    def __init__(self, log_format: str, level: int) -> None:
        self.level = level
        self._format = log_format

    @cached_property
    def log(self) -> Any:  # noqa: ANN401 - a class that structlog makes at run time
        """The logger of structlog's."""
        import structlog  # noqa: PLC0415 - see the class

        stream: Any = _Stderr()
        renderer: Any = (
            structlog.processors.JSONRenderer()
            if self._format == "json"
            else structlog.dev.ConsoleRenderer(colors=stream.isatty())
        )
        return structlog.wrap_logger(
            structlog.PrintLogger(file=stream),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _hide_secrets,
                _hide_known,
                _escape_control,
                renderer,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(self.level),
        )


def _as_it_is(text: str) -> str:
    return text


class _State:
    writing = _Writing("console", logging.WARNING)
    hidden: Callable[[str], str] = staticmethod(_as_it_is)


class _Stderr:
    """Whatever stderr is at the moment of a line: a display on a terminal puts a stand-in there."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


class _LateLog:
    __slots__ = ("_facts",)

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def bind(self, **facts: Any) -> "_LateLog":
        return _LateLog({**self._facts, **facts})

    def debug(self, event: str, **facts: Any) -> None:
        if _State.writing.level <= logging.DEBUG:
            _State.writing.log.debug(event, **self._facts, **facts)

    def info(self, event: str, **facts: Any) -> None:
        if _State.writing.level <= logging.INFO:
            _State.writing.log.info(event, **self._facts, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        if _State.writing.level <= logging.WARNING:
            _State.writing.log.warning(event, **self._facts, **facts)


def get_log() -> Log:
    """Return a logger that writes as `configure` says at the time of the event."""
    return _LateLog({})


def configure(*, log_format: str, level: str) -> None:
    """Set up logging for this process: "console" or "json", on stderr, from `level` on."""
    _State.writing = _Writing(log_format, getattr(logging, level.upper()))


def hide_with(hidden: Callable[[str], str]) -> None:
    """Let everything that is logged from now on, and what passes `hidden`, go through this function."""
    _State.hidden = staticmethod(hidden)


def hidden(text: str) -> str:
    """Return a text without the API key, once that is known: for what is written beside the logs, such as tracebacks.

    A last net: nothing that comes from Codat holds the key any more (`runner.codat.transport`).
    """
    return _State.hidden(text)


def _hide_known(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    return {name: _State.hidden(value) if isinstance(value, str) else value for name, value in event.items()}


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    return {name: "***" if any(word in name.lower() for word in _SECRET) else value for name, value in event.items()}


def _escape_control(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    """Keep a text from Codat or a CSV from moving the cursor or forging a log line."""
    return {name: _plain(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
