"""Where expenses are read from: files, folders, standard input."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import RefusedToStart

STDIN = "-"


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


def _csv_below(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            file = Path(here, name)
            if name.lower().endswith(".csv") and not name.startswith(".") and file.is_file():
                yield file


def _refuse(error: OSError) -> None:
    # A folder that cannot be listed may hide expenses: leaving it out silently would lose them.
    raise RefusedToStart(f"The folder {error.filename!r} cannot be read: {error.strerror}.") from None


def _readable(path: Path) -> Source:
    if not os.access(path, os.R_OK):
        raise RefusedToStart(f"{str(path)!r} may not be read.", hint="Check its owner and permissions.")
    return Source(str(path), path)


def _identity(source: Source) -> tuple[int, int]:
    if source.path is None:
        return (-1, -1)
    status = source.path.stat()
    return (status.st_dev, status.st_ino)
