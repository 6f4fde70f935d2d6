"""Logs on stderr with structlog: console for a person, JSON for machines; never a key, never a payload."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = ("authorization", "api_key", "apikey", "credential", "password", "secret", "token")


def configure(*, log_format: str, level: str) -> None:
    """Set up logging for this process."""
    tty = sys.stderr.isatty()
    renderer: Any = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=tty)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            _escape_control,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    return {name: "***" if any(word in name.lower() for word in _SECRET) else value for name, value in event.items()}


def _escape_control(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    """Keep a text from Codat or a CSV from moving the cursor or forging a log line."""
    return {name: _plain(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
