"""What every test begins with."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_imported() -> Iterator[None]:
    """Undo the set-up of logging that a command run in this process leaves behind."""
    yield
    structlog.reset_defaults()
