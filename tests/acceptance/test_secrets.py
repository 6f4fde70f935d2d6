"""The API key is in nothing that a run writes, whatever goes wrong."""

import asyncio
import base64
import json
import sys
import urllib.parse
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.simulator import NO_LIMITS, Answer, Behaviour, Call, Service
from runner.simulator.faults import Fault, FaultKind
from runner.simulator.http import serve
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

    assert ended.code == 6, ended
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
    file.chmod(0o600)
    environment = {"CODAT_API_KEY": "", "CODAT_API_KEY_FILE": str(file)}

    Command(tmp_path, simulator.url, environment=environment).run(expenses.folder).expect(0)


def test_a_key_in_the_configuration_file_is_refused_without_being_shown(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "expense-runner.toml").write_text(f'api_key = "{RAW}"\n')

    ended = Command(tmp_path, simulator.url).run().expect(78)

    assert "does not belong into a file" in ended.err
    assert RAW not in ended.err


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the content of every file."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def look_everywhere(key: str, ended: Ended, folder: Path) -> None:
    """Look for the key in both streams and in every file that lies around afterwards."""
    written = {"stdout": ended.out.encode(), "stderr": ended.err.encode()}
    written |= files_below(folder)
    for where, content in written.items():
        for secret in secrets(key):
            assert secret not in content, where


# ---- a server that sends back what it was sent ----

MARKED = "Zq+8/kT3x9PzL0aMwB2eR7uY=/+"
_COMMANDS = """
import json, sys
import runner.app
from runner.cli import main

async def crash(self, settings, *_, **__):
    raise RuntimeError(f"{settings.credential.header()} and the raw {RAW}")

for arguments in json.loads(sys.argv[1]):
    if arguments[0] == "crash":
        RAW = __import__("os").environ["CODAT_API_KEY"]
        runner.app.App.run = crash
        continue
    try:
        main(arguments)
    except SystemExit as end:
        print(f"{arguments}: {end.code}", file=sys.stderr)
"""


def written(key: str) -> list[str]:
    """Return the key in the forms in which servers and programs write it."""
    header = base64.b64encode(key.encode()).decode()
    forms = [key, header, header.rstrip("=")]
    for form in (key, header):
        marks = "".join(each if each.isalnum() else f"\\u{ord(each):04x}" for each in form)
        forms += [urllib.parse.quote(form, safe=""), json.dumps(form)[1:-1].replace("/", "\\/"), marks]
        everything = "".join(f"\\u{ord(each):04x}" for each in form)
        percent = "".join(f"%{ord(each):02X}" for each in form)
        forms += [everything, everything.replace("\\", "\\\\"), percent, urllib.parse.quote(percent)]
        forms += [form.encode().hex(), base64.b64encode(f"Basic {form}".encode()).decode().rstrip("=")]
        forms += [marks.replace("\\u002b", "\\u002B").replace("\\u002f", "\\u002F").replace("\\u003d", "\\u003D")]
    return forms


def escaped(text: str) -> bytes:
    """Return a text as JSON may have it, all of it escaped."""
    return "".join(f"\\u{ord(each):04x}" for each in text).encode()


class Echoing(Service):
    """Puts the request's key into every error, every correlation id and every message about a transaction."""

    def handle(self, call: Call, *, now: float) -> Answer:
        answer = super().handle(call, now=now)
        if answer.lost:
            return answer
        header = call.headers["authorization"].removeprefix("Basic ")
        key = base64.b64decode(header).decode()
        echo = " ".join([f"Basic {header}", *written(key)])
        body = answer.body
        if answer.status >= 400:
            # Marks as .NET escapes them, which the JSON of this body does not need.
            body = json.dumps({"error": echo, "correlationId": header, "statusCode": answer.status}).encode()
            body = body.replace(b"+", b"\\u002B")
            if call.method == "POST":
                # Nobody has to escape letters, and whoever reads JSON does not see that somebody did.
                body = b'{"error": "Basic %s", "correlationId": "%s"}' % (escaped(key), escaped(header))
        elif call.path.endswith("/transactions"):
            page = json.loads(body)
            for each in page["results"]:
                each["message"] = echo
            body = json.dumps(page).encode()
        headers = {**answer.headers, "x-correlation-id": f"for {header}", "content-length": str(len(body))}
        return replace(answer, body=body, headers=headers)


async def test_the_key_is_nowhere_though_the_server_sends_it_back_and_the_program_crashes_with_it(
    tmp_path: Path, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=3, each=4, receipt_every=1)
    before = {"kind": FaultKind.ERROR, "when": "before", "times": 1, "cached": False}
    faults = [
        Fault(**before, method="POST", path="expense-transactions$", status=400),
        Fault(**before, method="POST", path="syncs$", status=500),
        Fault(**before, method="GET", path="status$", status=502),
        Fault(FaultKind.LOST, method="POST", path="attachments$", times=1),
        Fault(**before, method="POST", path="attachments$", status=500),
        Fault(FaultKind.VALIDATION_ERROR, probability=0.4),
        # The last one: a run that is refused its key.
        Fault(FaultKind.ERROR, method="GET", path="/companies$", status=401, nth=3, times=1, when="before"),
    ]
    chosen = (*QUICK, "--quiescence", "0.2")
    folder = str(expenses.folder)
    commands = [
        ["--debug", "--log-format", "json", "run", *chosen, folder],
        ["-v", "run", *chosen],
        ["doctor", "--json"],
        ["companies"],
        ["--debug", "companies", "--json"],
        ["status", "--json"],
        ["errors", "--json"],
        ["journal", "export", "--out", "exported"],
        ["journal", "support-bundle", "--out", "bundle.zip", "--yes"],
        ["crash"],
        ["run", *chosen],
        ["--debug", "run", "--json", *chosen],
    ]
    service = Echoing(Behaviour(sync_seconds=(0.01, 0.02), limits=NO_LIMITS), faults=faults)
    async with await serve(service) as server:
        command = Command(tmp_path, server.url, environment={"CODAT_API_KEY": MARKED})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMANDS, json.dumps(commands)),
            cwd=tmp_path,
            env=command.env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()

    everything = {"stdout": out, "stderr": err, **files_below(tmp_path)}
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        everything |= {name: bundle.read(name) for name in bundle.namelist()}
    # What was sent back was kept and shown, but for the key.
    assert b"Basic ***" in command.journal.read_bytes()
    assert b"Basic ***" in err
    assert b"key_refused" in err + out or b"refused the API key (401)" in err
    assert err.count(b"RuntimeError: Basic *** and the raw ***") >= 2, err[-3_000:]
    forms = [each.encode() for each in written(MARKED)]
    for where, content in everything.items():
        for form in forms:
            assert form not in content, (where, form)
