"""Asking what companies accept: nobody is blamed for what Codat does not answer."""

from collections.abc import Awaitable
from typing import TypeVar

from runner.errors import OutcomeUnknown, PreflightUnanswered, Refused, RequestError

T = TypeVar("T")

_NOT_IMPLEMENTED = 501


async def asked(reading: Awaitable[T]) -> T:
    """Return an answer. Raises `Refused`, or `PreflightUnanswered`, which names the way to do without."""
    try:
        return await reading
    except Refused:
        raise
    except RequestError as error:
        raise PreflightUnanswered(
            f"What the company accepts could not be checked, so nothing new was sent for it: {error.message} "
            "(A later run asks again; --preflight off sends without asking.)",
            correlation_id=error.correlation_id,
        ) from error


async def said(reading: Awaitable[T]) -> T | None:
    """Return an answer; None where Codat has none to give. Raises `PreflightUnanswered`."""
    try:
        return await asked(reading)
    except Refused:
        return None
    except PreflightUnanswered as error:
        if isinstance(error.__cause__, OutcomeUnknown) and error.__cause__.status == _NOT_IMPLEMENTED:
            return None
        raise
