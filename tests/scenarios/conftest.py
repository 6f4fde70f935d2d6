"""Tells at the end of a session how many histories ran, and what they covered."""

import pytest

from tests.scenarios.world.coverage import COVERAGE


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
