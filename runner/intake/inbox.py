"""A folder that files are dropped into: found once they have stopped growing, put away once they are staged.

No journal in here: who calls makes the file's rows durable first, and moves it afterwards. So at every moment
a file is either in the inbox, where the next run stages it again and finds its rows known, or put away.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from runner.errors import RefusedToStart, RunnerError
from runner.intake.mapping.workbook import is_workbook
from runner.intake.receipts import CONTENT_TYPES
from runner.intake.sources import Source

DONE: Final = "done"
FAILED: Final = "failed"
RESULT: Final = ".result.json"
PARTIAL: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", "~")
"""What names of files that are still being written end in."""


class FileChanged(RunnerError):
    """The file is no longer the one that was read: it stays in the inbox, and the next run reads it again."""

    code = "file_changed"


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells a file from itself a moment later."""

    inode: int
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file in the inbox that has stopped growing."""

    source: Source
    path: Path
    seen: Seen


@dataclass(frozen=True, slots=True)
class Look:
    """What lay in an inbox at one moment; names without the folder."""

    files: Mapping[str, Seen]
    ignored: tuple[str, ...]
    """Neither an input, nor a receipt, nor on its way: somebody may have meant it to be read."""


@dataclass(frozen=True, slots=True)
class Found:
    """What two looks at an inbox found."""

    folder: Path
    """Absolute."""
    ready: tuple[Dropped, ...]
    growing: tuple[str, ...]
    """Full names of files that changed in between: a later run takes them."""
    ignored: tuple[str, ...]

    @property
    def sources(self) -> list[Source]:
        """Return all inputs in it, those too that still grow: reading one of these would cut off its last row."""
        return [each.source for each in self.ready] + [Source(name, Path(name)) for name in self.growing]


def look_into(folder: Path) -> Look:
    """Return the files that may be read, by name; raises `RefusedToStart` where the folder cannot be read.

    Only plain files right in the folder: its subfolders may hold receipts, and what was put away. Links are not
    followed: moving one would leave behind what it points to.
    """
    files: dict[str, Seen] = {}
    ignored: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_unfinished(entry.name) or entry.is_dir(follow_symlinks=False):
                    continue
                status = _status(Path(entry.path))
                if status is None:
                    continue
                if _is_input(entry.name) and stat.S_ISREG(status.st_mode):
                    files[entry.name] = _seen(status)
                elif _is_input(entry.name) or not _is_receipt(entry.name):
                    ignored.append(entry.name)
    except OSError as error:
        raise RefusedToStart(
            f"The inbox {str(folder)!r} cannot be read: {error.strerror}.",
            hint="Check the path and its permissions; nothing was read or sent.",
        ) from None
    return Look(files, tuple(sorted(ignored)))


def settled(folder: Path, before: Look, now: Look) -> Found:
    """Return what two looks, some time apart, say: a file that is as it was has stopped growing."""
    here = folder.absolute()
    ready = tuple(
        Dropped(Source(str(here / name), here / name), here / name, seen)
        for name, seen in sorted(now.files.items())
        if before.files.get(name) == seen
    )
    growing = tuple(str(here / name) for name, seen in sorted(now.files.items()) if before.files.get(name) != seen)
    return Found(here, ready, growing, now.ignored)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file may be put away, with its result beside it."""

    file: Path

    @property
    def result(self) -> Path:
        """The result's file."""
        return self.file.with_name(self.file.name + RESULT)

    def is_free(self, sha256: str | None) -> bool:
        """Say whether nothing lies here; a result of the same content is that of a move that was cut off."""
        if os.path.lexists(self.file):
            return False
        return not os.path.lexists(self.result) or self.is_begun(sha256)

    def is_begun(self, sha256: str | None) -> bool:
        """Say whether an earlier life wrote the result of this content, and then did not come to move the file."""
        try:
            written = json.loads(self.result.read_bytes())
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(written, dict) and "sha256" in written and written["sha256"] == sha256


def places(folder: Path, name: str) -> Iterator[Place]:
    """Yield where a file may be put away: `cards.csv`, then `2/cards.csv`, and so on.

    The name itself stays: it may say the company, or which mapping profile it is read by.
    """
    yield Place(folder / name)
    number = 2
    while True:
        yield Place(folder / str(number) / name)
        number += 1


def write_result(place: Place, result: Mapping[str, object]) -> None:
    """Write what came of a file, durably and for its owner only; raises `OSError`.

    One that an earlier life wrote of the same content stays: it knows what was new then.
    """
    if place.is_begun(_text(result.get("sha256"))):
        return
    place.file.parent.mkdir(parents=True, exist_ok=True)
    draft = place.result.with_name(f".{place.result.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(place.result)
    _sync(place.file.parent)
    _sync(place.file.parent.parent)


def check_unchanged(dropped: Dropped) -> None:
    """Raise `FileChanged` where the file is no longer the one that was found."""
    if not _is_as_seen(dropped.path, dropped.seen):
        raise FileChanged(f"{dropped.path} changed while it was read.", hint="The next run reads it again.")


def move(dropped: Dropped, place: Place) -> None:
    """Move a file to its place, durably; raises `FileChanged`, or `OSError` where it cannot be moved.

    Somebody who still has it open may have written to it up to the last moment: then it goes back.
    """
    check_unchanged(dropped)
    if os.path.lexists(place.file):
        raise FileExistsError(17, "another file has that name", str(place.file))
    dropped.path.rename(place.file)
    if not _is_as_seen(place.file, dropped.seen) and not os.path.lexists(dropped.path):
        place.file.rename(dropped.path)
        place.result.unlink(missing_ok=True)
        _sync(dropped.path.parent)
        check_unchanged(dropped)
    _sync(place.file.parent)
    _sync(dropped.path.parent)


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "~")) or name.lower().endswith(PARTIAL)


def _is_input(name: str) -> bool:
    # A workbook without the extra would end the run of all the others.
    return name.lower().endswith(".csv") or (is_workbook(Path(name)) and find_spec("openpyxl") is not None)


def _is_receipt(name: str) -> bool:
    extension = name.rpartition(".")[2].lower()
    return extension in CONTENT_TYPES and not is_workbook(Path(name))


def _seen(status: os.stat_result) -> Seen:
    return Seen(status.st_ino, status.st_size, status.st_mtime_ns)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        # Whoever wrote it has just given it another name.
        return None


def _is_as_seen(path: Path, seen: Seen) -> bool:
    status = _status(path)
    return status is not None and _seen(status) == seen


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
