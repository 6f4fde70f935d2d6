"""Which SQLite is at work."""

from sqlite3 import sqlite_version, sqlite_version_info
from typing import Final

VERSION: Final = sqlite_version
IS_NEW_ENOUGH: Final = sqlite_version_info >= (3, 37, 0)
"""Whether it has STRICT tables."""
