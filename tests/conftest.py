"""What every test begins with."""

from collections.abc import Iterator

import pytest

from runner import logs
from tests.scenarios.world.coverage import COVERAGE


@pytest.fixture(autouse=True)
def logging_as_imported() -> Iterator[None]:
    """Undo the set-up of logging that a command run in this process leaves behind."""
    yield
    logs.configure(log_format="console", level="warning")
    logs.hide_with(lambda text: text)


# ---- how many histories ran, and what they covered: told at the end, also of the workers' ----


def pytest_sessionfinish(session):
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["histories"] = COVERAGE.rows()


class FromWorkers:
    """Known to pytest only where pytest-xdist is."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        COVERAGE.merge(getattr(node, "workeroutput", {}).get("histories", []))


def pytest_configure(config):
    config.pluginmanager.register(FromWorkers(), "histories-of-workers")


def pytest_terminal_summary(terminalreporter):
    lines = COVERAGE.lines()
    if lines:
        terminalreporter.section("histories")
        for line in lines:
            terminalreporter.write_line(line)
