"""The API key is in nothing that a run writes, whatever goes wrong."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.command import QUICK, Command, Ended
from tests.acceptance.expenses import Expenses
from tests.acceptance.simulated import Simulator

RAW = "raw-Key-9c2d41aa7be0"
READY_MADE = "Basic cmVhZHktbWFkZS1LZXktNTE3Zg=="
FAULTS = [
    ("POST", "expense-transactions$", "lost"),
    ("GET", "status$", "cut"),
    ("GET", "status$", "html"),
    ("GET", "transactions$", "truncated"),
    ("GET", "transactions$", "garbage"),
    ("POST", "syncs$", "redirect"),
    ("POST", "attachments$", "error"),
    ("POST", "attachments$", "lost"),
]


def secrets(key: str) -> list[bytes]:
    """Return everything that would give the key away."""
    bare = key.removeprefix("Basic ")
    found = {key, bare, base64.b64encode(key.encode()).decode(), base64.b64encode(bare.encode()).decode()}
    if bare != key:
        found.add(base64.b64decode(bare).decode())
    return [each.rstrip("=").encode() for each in found]


@pytest.mark.parametrize(("key", "logs"), [(RAW, "console"), (READY_MADE, "json")])
def test_the_key_is_nowhere_in_what_a_run_under_faults_writes(
    key: str, logs: str, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=3, each=4, receipt_every=1)
    lines = "".join(
        f'[[fault]]\nmethod = "{method}"\npath = "{path}"\nkind = "{kind}"\ntimes = 1\n'
        for method, path, kind in FAULTS
    )
    simulator = own_simulator(scenario=lines)
    folder = expenses.folder.parent
    command = Command(folder, simulator.url, environment={"CODAT_API_KEY": key})

    ended = command.call("--debug", "--log-format", logs, "run", *QUICK, "--quiescence", "0.5", str(expenses.folder))

    assert ended.code in {0, 3, 4, 7, 75}, ended
    assert "lost" in ended.err
    look_everywhere(key, ended, folder)


def test_the_key_is_nowhere_in_a_crash_of_the_journal_with_tracebacks(
    own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator()
    expenses = write()
    folder = expenses.folder.parent
    command = Command(folder, simulator.url, environment={"CODAT_API_KEY": RAW})
    command.journal.write_bytes(b"no journal at all " * 100)

    ended = command.call("--debug", "run", *QUICK, str(expenses.folder))

    assert ended.code == 1, ended
    assert "Traceback" in ended.err
    look_everywhere(RAW, ended, folder)


@pytest.mark.parametrize("text", ["two\nlines-of-Key", "Ключ-secret-text", "\x07bell-Key"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    text: str, tmp_path: Path, simulator: Simulator
) -> None:
    ended = Command(tmp_path, simulator.url, environment={"CODAT_API_KEY": text}).run().expect(78)

    assert "characters that a key cannot have" in ended.err
    for part in text.split():
        assert part not in ended.err


def test_a_key_in_a_file_is_read_from_there(
    tmp_path: Path, own_simulator: Callable[..., Simulator], write: Callable[..., Expenses]
) -> None:
    simulator = own_simulator(behaviour='sync_seconds = [0.01, 0.04]\nlimits = false\napi_keys = ["from-a-file"]')
    expenses = write()
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    environment = {"CODAT_API_KEY": "", "CODAT_API_KEY_FILE": str(file)}

    Command(tmp_path, simulator.url, environment=environment).run(expenses.folder).expect(0)


def test_a_key_in_the_configuration_file_is_refused_without_being_shown(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "expense-runner.toml").write_text(f'api_key = "{RAW}"\n')

    ended = Command(tmp_path, simulator.url).run().expect(78)

    assert "does not belong into a file" in ended.err
    assert RAW not in ended.err


def look_everywhere(key: str, ended: Ended, folder: Path) -> None:
    """Look for the key in both streams and in every file that lies around afterwards."""
    written = {"stdout": ended.out.encode(), "stderr": ended.err.encode()}
    written |= {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    for where, content in written.items():
        for secret in secrets(key):
            assert secret not in content, where
