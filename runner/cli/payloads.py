"""The option that says what becomes of wire forms once they are in the books."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def payloads_option(command: F) -> F:
    """Add `--payloads`."""
    return click.option(
        "--payloads",
        type=click.Choice(["keep", "hash"]),
        default="keep",
        show_default=True,
        envvar="EXPENSE_RUNNER_PAYLOADS",
        help="What the journal keeps of an expense that is posted: the JSON as it was sent, or only its hash.",
    )(command)
