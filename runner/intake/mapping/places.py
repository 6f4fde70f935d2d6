"""Where the keys of a TOML text stand: its parser does not tell, and a person wants the line."""

import re
from typing import Final

_BARE: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED: Final = rf"{_BARE}(?:[ \t]*\.[ \t]*{_BARE})*"
_TABLE: Final = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]\]?[ \t]*(?:#.*)?")
_KEY: Final = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_PART: Final = re.compile(_BARE)

Path = tuple[str, ...]


class Places:
    """The line numbers of a TOML text's tables and keys; entries of an array of tables count from 0."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        many: dict[Path, int] = {}
        inside = ""
        for number, line in enumerate(text.split("\n"), start=1):
            if inside:
                inside = "" if inside in line else inside
                continue
            if found := _TABLE.fullmatch(line.rstrip("\r")):
                table = _parts(found[2])
                if found[1] == "[[":
                    many[table] = many.get(table, -1) + 1
                    table = (*table, str(many[table]))
                self._lines.setdefault(table, number)
            elif found := _KEY.match(line):
                self._lines.setdefault((*table, *_parts(found[1])), number)
            inside = next((quote for quote in ('"""', "'''") if line.count(quote) % 2), "")

    def exactly(self, path: Path) -> int | None:
        """Return the line of this very key, None where the text has no such key on a line of its own."""
        return self._lines.get(path)

    def near(self, path: Path) -> int | None:
        """Return the line of this key, or of the innermost table or key around it that has one."""
        for length in range(len(path), 0, -1):
            if (line := self._lines.get(path[:length])) is not None:
                return line
        return None


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
