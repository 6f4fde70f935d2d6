"""What every test begins with."""

from collections.abc import Iterator

import pytest

from runner import logs


@pytest.fixture(autouse=True)
def logging_as_imported() -> Iterator[None]:
    """Undo the set-up of logging that a command run in this process leaves behind."""
    yield
    logs.configure(log_format="console", level="warning")
    logs.hide_with(lambda text: text)
