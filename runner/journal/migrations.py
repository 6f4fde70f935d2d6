"""The journal's schema over time: `migrations/NNNN_name.sql`, forward only, each in one transaction."""

import re
import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from runner.errors import JournalUnusable
from runner.journal.copying import write_copy

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


def require_released(connection: sqlite3.Connection, path: Path | None) -> None:
    """Refuse a journal from before the first release, which told rows apart in another way.

    Raises `JournalUnusable`.
    """
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'input_row'").fetchone()
    if not tables:
        raise JournalUnusable(
            f"{path} was written before the first release of expense-runner, which tells rows apart in another way.",
            hint="Keep it, name another file with --journal, and begin that one with: "
            "expense-runner verify --rebuild FILE…",
        )


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
    if version:
        require_released(connection, path)
    if 0 < version < len(migrations) and path is not None:
        write_copy(connection, path.with_name(f"{path.name}.v{version}.bak"), finish=lambda _: None)
    for migration in migrations[version:]:
        # executescript would commit behind our back: the statements run inside one explicit transaction.
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{migration.script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {migration.version};\nCOMMIT;"
        )
