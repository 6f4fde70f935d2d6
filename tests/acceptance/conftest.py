"""One simulator for each worker: companies of different tests have different ids, so they share it."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses, write_expenses
from tests.acceptance.simulated import LISTING, QUICK, Simulator
from tests.acceptance.warm import Warm


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A Codat that honours idempotency keys and speaks both flows."""
    with Simulator(tmp_path_factory.mktemp("simulator"), behaviour=LISTING) as running:
        yield running


@pytest.fixture(scope="session")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A Codat that ignores idempotency keys."""
    behaviour = f'{LISTING}\nidempotency = "ignored"'
    with Simulator(tmp_path_factory.mktemp("forgetful"), behaviour=behaviour) as running:
        yield running


@pytest.fixture
def own_simulator(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Start a simulator of this test's own, with a behaviour and a scenario; it ends with the test."""
    running: list[Simulator] = []

    def begin(*, behaviour: str = QUICK, scenario: str = "", seed: int = 0) -> Simulator:
        folder = tmp_path / f"simulator-{len(running)}"
        folder.mkdir()
        running.append(Simulator(folder, behaviour=behaviour, scenario=scenario, seed=seed).__enter__())
        return running[-1]

    yield begin
    for each in running:
        each.__exit__()


@pytest.fixture
def command(tmp_path: Path, simulator: Simulator) -> Command:
    """The command with a fresh journal and the shared simulator."""
    return Command(tmp_path, simulator.url)


@pytest.fixture
def write(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Expenses]:
    """Write expenses with ids that no other test has."""

    def write_some(companies: int = 2, each: int = 3, *, receipt_every: int = 0, part: str = "input") -> Expenses:
        name = hashlib.sha256(f"{request.node.nodeid}/{part}".encode()).hexdigest()
        return write_expenses(tmp_path / part, name=name, companies=companies, each=each, receipt_every=receipt_every)

    return write_some


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """A process that forks runs of the program without importing it each time."""
    with Warm(tmp_path_factory.mktemp("warm")) as running:
        yield running
