"""Where a journal lies and by which names: what cannot be trusted is refused before anything is made there."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from runner.errors import JournalUnusable

_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "afs", "ceph", "fuse.glusterfs"})
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def mount_table() -> str:
    """Return the system's mounts, as `/proc/mounts` gives them; empty where there is no such thing."""
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def require_good_place(path: Path, mounts: str) -> None:
    """Refuse a journal on a network file system, that has several names, or is a mount point of its own.

    `path` is resolved. Raises `JournalUnusable`.
    """
    kind = _file_system(path, mounts)
    if kind in _NETWORK:
        raise JournalUnusable(
            f"The journal {path} would lie on a network file system ({kind}), where locks cannot be trusted.",
            hint="Put it on a local disk with --journal.",
        )
    if (reason := several_names(path, mounts)) is not None:
        raise JournalUnusable(
            f"{reason} Under another name its log and its lock are not found, so that two runs could work at once.",
            hint="Give a container the whole folder of the journal, not the one file; remove further hard links.",
        )


def several_names(path: Path, mounts: str) -> str | None:
    """Return why the file may be reached under another name; None where it has this one alone."""
    if any(folder == path for folder, _ in _mounted(mounts)):
        return f"The journal {path} is mounted as a single file."
    links = 0
    with suppress(OSError):
        links = path.stat().st_nlink
    return f"The journal {path} has {links} names (hard links)." if links > 1 else None


def _file_system(path: Path, mounts: str) -> str | None:
    """Return the kind of file system that the path lies on, from a text like that of `/proc/mounts`."""
    place = path.absolute().parent.resolve()
    best, kind = -1, None
    for folder, fs in _mounted(mounts):
        if place.is_relative_to(folder) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fs
    return kind


def _mounted(mounts: str) -> list[tuple[Path, str]]:
    """Return each mount point with its kind; the table writes spaces and the like in octal digits."""
    found = []
    for mount in mounts.splitlines():
        _, point, kind, *_ = mount.split(" ")
        name = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 8)), point)
        found.append((Path(os.fsdecode(name.encode("utf-8", "surrogateescape"))), kind))
    return found
