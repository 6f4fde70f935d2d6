"""Files that are written whole, or not at all: mode 0600 unless said otherwise, on disk before they get their names."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.errors import NotWritten, RefusedToStart

_HINT = "Nothing else has changed. Make room, or name another place, then give the same command again."


def write_file(path: Path, content: bytes, *, force: bool = False, mode: int = 0o600) -> None:
    """Write a file; raise `RefusedToStart` where it exists and `force` is not given, `NotWritten` on a full disk."""
    if path.exists() and not force:
        raise RefusedToStart(f"{path} exists.", hint="Name another file.")
    partial: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent)
        partial = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        partial.rename(path)
        partial = None
        _sync(path.absolute().parent)
    except OSError as error:
        raise NotWritten(f"{path} could not be written: {error.strerror}.", hint=_HINT) from error
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write files into; it gets its name when the block ends well, and is gone otherwise.

    Raises `RefusedToStart` where there is something of that name other than an empty folder, `NotWritten` where the
    disk is full.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RefusedToStart(f"{path} exists and is not an empty folder.", hint="Name another one with --out.")
    partial: Path | None = None
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent))
        yield partial
        for each in (*partial.iterdir(), partial):
            _sync(each)
        partial.rename(path)
        partial = None
        _sync(path.absolute().parent)
    except OSError as error:
        raise NotWritten(f"{path} could not be written: {error.strerror}.", hint=_HINT) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def require_no_database(path: Path, *, option: str) -> None:
    """Refuse to write over a database: a slip of the hand must not cost what protects from doubling.

    Raises `RefusedToStart`.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(15) == b"SQLite format 3":
                raise RefusedToStart(
                    f"{path} is a database, perhaps a journal.", hint=f"Name another file with {option}."
                )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
