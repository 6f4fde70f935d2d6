"""Where expenses are read from: files, folders, standard input."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import RefusedToStart

STDIN = "-"

_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STREAMS: Final = frozenset({Path("/dev/fd"), Path("/proc/self/fd"), Path("/dev")})
"""Where a shell's own pipes stand, as in `check <(zcat cards.csv.gz)`, and devices: refused, `-` is the way."""
_MOUNTS: Final = Path("/proc/self/mountinfo")
_OF_THE_KERNEL: Final = frozenset(
    {"proc", "sysfs", "debugfs", "tracefs", "securityfs", "configfs", "cgroup", "cgroup2", "bpf", "pstore", "efivarfs"}
)
"""File systems whose files look regular and are none: reading one may wait for ever, or take something away."""


@dataclass(frozen=True, slots=True)
class Source:
    """One CSV file, or standard input."""

    name: str
    """As shown to people: the path as given, or `-`."""
    path: Path | None
    """None is standard input."""


def find_sources(arguments: Sequence[str]) -> list[Source]:
    """Return the CSV files that the arguments mean, each once, in the order given.

    A folder means every `*.csv` below it, sorted by path; hidden files and folders are left out.
    Raises `RefusedToStart` where a path does not exist or may not be read, or a folder has no CSV file.
    """
    if not arguments:
        raise RefusedToStart(
            "No input was named.", hint="Name a CSV file, a folder with CSV files, or - for standard input."
        )
    found: list[Source] = []
    seen: set[tuple[int, int]] = set()
    for argument in arguments:
        for source in _sources(argument):
            identity = _identity(source)
            if identity not in seen:
                seen.add(identity)
                found.append(source)
    return found


def _sources(argument: str) -> list[Source]:
    if argument == STDIN:
        return [Source(STDIN, None)]
    path = Path(argument)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be opened: {error}"
        raise RefusedToStart(f"{argument!r} {reason}.", hint="Check the path; nothing was read or sent.") from None
    if not path.is_dir():
        return [_readable(path)]
    files = sorted(_csv_below(path))
    if not files:
        raise RefusedToStart(
            f"The folder {argument!r} has no CSV file.",
            hint="Files count whose name ends in .csv and is not hidden.",
        )
    return [_readable(file) for file in files]


def find_workbooks(arguments: Sequence[str]) -> list[str]:
    """Return the workbooks below folders, which `find_sources` leaves out, sorted; not those named themselves.

    Raises `RefusedToStart` where a folder may not be read.
    """
    from runner.intake.mapping.workbook import SUFFIXES  # noqa: PLC0415 - brings half of the mapping with it

    folders = [Path(argument) for argument in arguments if argument != STDIN and Path(argument).is_dir()]
    named = {Path(argument).absolute() for argument in arguments}
    found = (file for folder in folders for file in _below(folder, SUFFIXES))
    # What begins so is no workbook: Office leaves it beside one that is open.
    return sorted({str(file) for file in found if file.absolute() not in named and not file.name.startswith("~$")})


def _csv_below(folder: Path) -> Iterator[Path]:
    return _below(folder, (".csv",))


def _below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for here, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            file = Path(here, name)
            if name.lower().endswith(suffixes) and not name.startswith(".") and file.is_file():
                yield file


def _refuse(error: OSError) -> None:
    # A folder that cannot be listed may hide expenses: leaving it out silently would lose them.
    raise RefusedToStart(f"The folder {error.filename!r} cannot be read: {error.strerror}.") from None


def _readable(path: Path) -> Source:
    if _UNSHOWN.search(str(path)):
        raise RefusedToStart(
            f"The name of the file {str(path)!r} has characters that no journal and no report can show.",
            hint="Rename it; nothing was read or sent.",
        )
    if not path.is_file() or path.absolute().parent in _STREAMS:
        # Opening a pipe would wait for ever for somebody who writes to it, and what came of it cannot be read again.
        raise RefusedToStart(
            f"{str(path)!r} is no file but a pipe or a device.",
            hint="Let it come by standard input, such as: zcat cards.csv.gz | expense-runner check -",
        )
    if path.stat().st_dev in kernel_devices():
        raise RefusedToStart(
            f"{str(path)!r} is no file on a disk: the system makes it up when it is read.",
            hint="Name a CSV file, a folder with CSV files, or - for standard input.",
        )
    if not os.access(path, os.R_OK):
        raise RefusedToStart(f"{str(path)!r} may not be read.", hint="Check its owner and permissions.")
    return Source(str(path), path)


def kernel_devices(table: str | None = None) -> frozenset[int]:
    """Return the device numbers of the kernel's own file systems; `table` is the system's list of mounts."""
    if table is None:
        try:
            table = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        except OSError:
            # Not Linux: such file systems are not mounted there.
            return frozenset()
    found: set[int] = set()
    for line in table.splitlines():
        mount, _, kind = line.partition(" - ")
        fields = mount.split()
        if kind.split(" ")[0] in _OF_THE_KERNEL and len(fields) > 2:
            major, _, minor = fields[2].partition(":")
            found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)


def _identity(source: Source) -> tuple[int, int]:
    if source.path is None:
        return (-1, -1)
    status = source.path.stat()
    return (status.st_dev, status.st_ino)
