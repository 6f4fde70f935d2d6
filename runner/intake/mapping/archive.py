"""What a workbook's archive holds, read with a guard: whatever it unpacks to, memory and time stay bounded.

The library that makes sense of it builds a tree of each row and keeps whatever stands outside rows. So a row may have
so many bytes, a sheet so many rows, the shared texts so many; every other part must be small. The guard counts
in the stream itself, before the library sees it: what the archive claims of its sizes may be wrong.
"""

import re
import zipfile
from typing import IO, Any, BinaryIO, Final, Self

from runner.intake.codes import Code, Fault
from runner.intake.text import FileFault

MAX_UNPACKED: Final = 512 * 1024**2
MAX_READ: Final = 2 * MAX_UNPACKED
"""Bytes that are unpacked in all: parts may be read more than once."""
MAX_STRINGS: Final = 128 * 1024**2
"""Bytes of the workbook's shared texts, which are held in memory."""
MAX_TEXTS: Final = 1_000_000
MAX_SMALL: Final = 8 * 1024**2
"""Bytes of any other part, which is held in memory as a tree."""
MAX_ROW_BYTES: Final = 2 * 1024**2
"""Bytes of a row, and of what stands before and behind all rows."""
MAX_ROWS: Final = 1_048_576
"""Rows that a sheet can have."""
MAX_PARTS: Final = 10_000
MAX_LIST: Final = 4 * 1024**2
"""Bytes of the list of parts."""

_SHEET: Final = re.compile(r"\bworksheets/", re.IGNORECASE)
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["']([^"'>]*)["']""")
_READABLE: Final = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1"})
_DOCTYPE: Final = b"<!DOCTYPE"
_ROOT: Final = re.compile(rb"<([A-Za-z0-9_.-]{1,40}:)?worksheet\b")
_START: Final = 4096
_KEPT: Final = 64
"""Bytes that are looked at again with the piece that follows: what is looked for may be cut in two."""


def unreadable(expected: str) -> Fault:
    """Return what is wrong with a workbook that is not what was expected."""
    return Fault(Code.WORKBOOK_UNREADABLE, None, None, expected)


class Archive(zipfile.ZipFile):
    """A workbook's archive whose parts are guarded while they are read; opening and reading raise `FileFault`."""

    def __init__(self, stream: BinaryIO) -> None:
        # The list of parts is read as a whole by the base, so its size comes first.
        end = zipfile._EndRecData(stream)  # type: ignore[attr-defined] # noqa: SLF001 -- or all of it written again
        if end and end[5] > MAX_LIST:
            raise _refused(f"a workbook with at most {MAX_PARTS:,} parts")
        super().__init__(stream)
        self._left = MAX_READ
        parts = self.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise _refused(f"a workbook that unpacks to at most {MAX_UNPACKED:,} bytes")
        if len({part.filename for part in parts}) < len(parts):
            raise _refused("a workbook with one part of each name")
        if any(part.compress_type not in _METHODS for part in parts):
            raise _refused("a workbook that is packed as spreadsheets pack it")

    def open(self, name: str | zipfile.ZipInfo, *arguments: Any, **options: Any) -> IO[bytes]:
        """Open a part for reading."""
        opened = super().open(name, *arguments, **options)
        return _Guarded(opened, name if isinstance(name, str) else name.filename, self)  # type: ignore[return-value]

    def unpacked(self, size: int) -> None:
        """Note that so many bytes have been unpacked; raises `FileFault` where they become too many."""
        self._left -= size
        if self._left < 0:
            raise _refused(f"a workbook of which at most {MAX_READ:,} bytes must be read")


class _Guarded:
    """One part; reading raises `FileFault`."""

    def __init__(self, stream: IO[bytes], name: str, archive: Archive) -> None:
        self._stream = stream
        self._name = name
        self._archive = archive
        self._texts = name.lower().endswith("sharedstrings.xml")
        self._sheet = bool(_SHEET.search(name)) and not name.lower().endswith(".rels")
        self._limit = MAX_STRINGS if self._texts else MAX_UNPACKED if self._sheet else MAX_SMALL
        self._seen = self._count = self._since = 0
        self._tail = b""
        self._prefix = b""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the part."""
        self.close()

    def close(self) -> None:
        """Close the part."""
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes, or all."""
        if size >= 0:
            return self._looked_at(self._stream.read(size))
        pieces: list[bytes] = []
        while piece := self._looked_at(self._stream.read(1 << 16)):
            pieces.append(piece)
        return b"".join(pieces)

    def _looked_at(self, piece: bytes) -> bytes:
        if not piece:
            return piece
        self._archive.unpacked(len(piece))
        if not self._seen:
            self._begins(piece)
        self._seen += len(piece)
        if self._seen > self._limit:
            raise self._too_large(f"at most {self._limit:,} bytes")
        text = self._tail + piece
        if _DOCTYPE in text:
            raise _refused("a workbook without document type declarations")
        if self._texts:
            self._counted(b"<si", text, MAX_TEXTS, "texts")
        elif self._sheet:
            self._rows(text, len(piece))
        self._tail = text[-_KEPT:]
        return piece

    def _begins(self, piece: bytes) -> None:
        """Look at the first bytes: what is looked for later must be written in ASCII."""
        found = _ENCODING.search(piece[:200])
        known = found is None or found[1].lower() in _READABLE
        if not known or piece[:2] in {b"\xff\xfe", b"\xfe\xff"} or 0 in piece[:200]:
            raise _refused("a workbook whose parts are UTF-8")
        if self._sheet and (root := _ROOT.search(piece[:_START])) is not None:
            self._prefix = root[1] or b""

    def _rows(self, text: bytes, size: int) -> None:
        if self._seen > _START and b"<!" in text[-size:]:
            # They could hold what looks like the end of a row.
            raise _refused("a workbook whose sheets have no comments and no CDATA sections")
        begin, end = b"<" + self._prefix + b"row", b"</" + self._prefix + b"row"
        self._counted(begin, text, MAX_ROWS, "rows")
        at = max(text.rfind(begin), text.rfind(end))
        self._since = self._since + size if at < 0 else len(text) - at
        if self._since > MAX_ROW_BYTES:
            raise self._too_large(f"at most {MAX_ROW_BYTES:,} bytes in a row")

    def _counted(self, mark: bytes, text: bytes, limit: int, what: str) -> None:
        # A mark that stands in the tail as a whole was counted with the piece before.
        self._count += text.count(mark) - self._tail.count(mark)
        if self._count > limit:
            raise self._too_large(f"at most {limit:,} {what}")

    def _too_large(self, wanted: str) -> FileFault:
        return _refused(f"a workbook whose part {self._name[:60]!r} has {wanted}")


def _refused(expected: str) -> FileFault:
    return FileFault(unreadable(expected), line=1)
