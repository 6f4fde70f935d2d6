"""`expense-runner` for a shell, without the time that Python takes to start: forked off a process that has imported it.

Run as a script this file is that process; `client` is what stands in PATH under the program's name.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.acceptance.simulated import ROOT, clean_environment, end_with_parent

_CLIENT = """#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
said = json.dumps({{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}).encode()
socket.send_fds(line, [said + b"\\n"], [0, 1, 2])
sys.exit(int(line.recv(16) or b"99"))
"""
_LONGEST = 1 << 20
_LOOKS = 1000


class Forked:
    """A folder for PATH whose `expense-runner` costs some hundredths of a second a call."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self._address = folder / "forked.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.bin.mkdir()
        script = self.bin / "expense-runner"
        script.write_text(_CLIENT.format(python=sys.executable, address=str(self._address)), encoding="utf-8")
        script.chmod(0o700)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.forked", str(self._address)],
            cwd=ROOT,
            env=clean_environment(),
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
        )
        for _ in range(_LOOKS):
            if self._address.exists():
                return self
            time.sleep(0.02)
        raise TimeoutError("the process to fork from did not start")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


def _serve(address: str) -> None:
    import aiohttp.web  # noqa: F401, PLC0415 - what most commands load is loaded once, here
    import structlog  # noqa: F401, PLC0415

    from runner.cli import cli  # noqa: PLC0415

    cli.load_all()
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        line, _ = server.accept()
        # One process waits for each command, so that two terminals can be at work.
        if os.fork() == 0:
            server.close()
            _one(line)
        line.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


def _one(line: socket.socket) -> None:
    said, fds, _, _ = socket.recv_fds(line, _LONGEST, 3)
    while not said.endswith(b"\n"):
        said += line.recv(_LONGEST)
    child = os.fork()
    if child == 0:
        line.close()
        _become(json.loads(said), fds)
    _, status = os.waitpid(child, 0)
    line.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
    os._exit(0)


def _become(call: dict[str, Any], fds: list[int]) -> None:
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["env"])
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - kept
    from runner.cli import main  # noqa: PLC0415

    code = 99
    try:
        main(call["argv"])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
