"""The journal's schema over time: `migrations/NNNN_name.sql`, forward only, each in one transaction."""

import os
import re
import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from runner.errors import JournalUnusable

APPLICATION_ID = 0x45585052
"""`EXPR`: tells a journal from any other SQLite file."""

_FILE = re.compile(r"(?P<version>[0-9]{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    script: str


def available() -> list[Migration]:
    """Return every migration, in order: from the installed package, or from the checkout beside it."""
    packaged = Path(str(files("runner"))) / "migrations"
    folder = packaged if packaged.is_dir() else packaged.parent.parent / "migrations"
    found = [
        Migration(int(match["version"]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.iterdir())
        if (match := _FILE.fullmatch(path.name))
    ]
    if [each.version for each in found] != list(range(1, len(found) + 1)):
        raise JournalUnusable(f"The migrations in {folder} are not numbered 1, 2, 3 …: the installation is damaged.")
    return found


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring the journal to the newest schema; an older file is copied to `<name>.v<N>.bak` before.

    Raises `JournalUnusable` for a file that is no journal, or one from a newer version of this program.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise JournalUnusable(
            f"{path} is an SQLite file, but not a journal of expense-runner.",
            hint="Name another file with --journal.",
        )
    migrations = available()
    if version > len(migrations):
        raise JournalUnusable(
            f"{path} was written by a newer expense-runner (schema {version}; this one knows {len(migrations)}).",
            hint="Use the newer version: an older one could not know what the journal protects from.",
        )
    if 0 < version < len(migrations) and path is not None:
        back_up(connection, path.with_name(f"{path.name}.v{version}.bak"))
    for migration in migrations[version:]:
        # executescript would commit behind our back: the statements run inside one explicit transaction.
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{migration.script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {migration.version};\nCOMMIT;"
        )


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy a journal so that the copy is either whole and on disk or absent; mode 0600."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
        (answer,) = copy.execute("PRAGMA quick_check").fetchone()
    finally:
        copy.close()
    if answer != "ok":
        raise JournalUnusable(f"The copy of the journal at {partial} is damaged: {answer}")
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or creation in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
