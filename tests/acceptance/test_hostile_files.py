"""Files that mean harm, given to the real program: each costs little and is refused by its name."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.simulated import clean_environment
from tests.unit.intake_reading import HEADER, ROW, rows

MAX_RSS: Final = 200 << 20
MAX_CPU: Final = 5
GOOD: Final = rows(ROW.format(id="a", net="1"))

Make = Callable[[Path], object]


def _repeated(piece: bytes, size: int, *, begin: bytes = b"") -> Make:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(begin)
            block = piece * max(1, (1 << 20) // len(piece))
            while file.tell() < size:
                file.write(block)

    return make


def _hole(begin: bytes) -> Make:
    def make(path: Path) -> None:
        path.write_bytes(begin)
        os.truncate(path, 1 << 30)

    return make


TOML: Final[dict[str, Make]] = {
    "fifo": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "huge": _hole(b"# "),
    "deep": lambda path: path.write_bytes(b"x = " + b"[" * 100_000 + b"]" * 100_000),
    "deep-tables": lambda path: path.write_bytes(b"x = " + b"{a=" * 100_000 + b"1" + b"}" * 100_000),
    "dotted": lambda path: path.write_bytes(b".".join([b"a"] * 100_000) + b" = 1\n"),
    "dotted-long": lambda path: path.write_bytes(b".".join([b'"' + b"a" * 150 + b'"'] * 6_000) + b" = 1\n"),
    "dotted-escaped": lambda path: path.write_bytes(b".".join([rb'"\""'] * 100_000) + b" = 1\n"),
    "dotted-spaced": lambda path: path.write_bytes((b" " * 12 + b".").join([b"a"] * 60_000) + b" = 1\n"),
    "many-dotted": lambda path: path.write_bytes(b"".join(b"a%d.b = 1\n" % each for each in range(70_000))),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 100),
}
CSV: Final[dict[str, Make]] = {
    "fifo": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "endless-line": _repeated(b"x", 1 << 30),
    "endless-cell": _repeated(b"x", 500 << 20, begin=HEADER.encode() + b'\nacme,"'),
    "endless-blank-cell": _repeated(b"\n", 500 << 20, begin=HEADER.encode() + b'\nacme,"'),
    "nul": _hole(HEADER.encode() + b"\n"),
    "only-nul": _hole(b""),
    "separators": _repeated(b",", 500 << 20, begin=HEADER.encode() + b"\nacme"),
}


_MEASURED: Final = f"""
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_CPU, ({MAX_CPU}, {MAX_CPU}))
code = subprocess.run([sys.executable, "-m", "runner", *sys.argv[1:]], stderr=subprocess.STDOUT).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
"""Measured from a small process: one that is started begins with the peak of the one that it was forked from."""


def refused(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return exit code and output of a command that may cost no more than is stated."""
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments],
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said, _, last = ended.stdout.rstrip().rpartition("\n")
    code, size = map(int, last.split())
    assert code > 0, f"ended by signal {-code}, or well"
    assert "Traceback" not in said
    assert size < MAX_RSS
    return code, said


@pytest.mark.parametrize("kind", TOML)
@pytest.mark.parametrize("option", ["--map", "--config"])
def test_a_hostile_profile_or_configuration_is_refused_by_its_name(tmp_path: Path, kind: str, option: str) -> None:
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    TOML[kind](tmp_path / "bad.toml")
    before = ["--config", "bad.toml"] if option == "--config" else []
    after = ["--map", "bad.toml"] if option == "--map" else []
    code, said = refused(tmp_path, *before, "check", "good.csv", *after)
    assert code in {2, 78}
    assert "bad.toml" in said or kind == "many-dotted"


@pytest.mark.parametrize("kind", CSV)
@pytest.mark.parametrize("command", [["check"], ["map", "init"]], ids=" ".join)
def test_a_hostile_csv_file_is_refused_by_its_name(tmp_path: Path, kind: str, command: list[str]) -> None:
    CSV[kind](tmp_path / "bad.csv")
    code, said = refused(tmp_path, *command, "bad.csv")
    assert code in {3, 6, 78}
    assert "bad.csv" in said
    (tmp_path / "bad.csv").unlink()
