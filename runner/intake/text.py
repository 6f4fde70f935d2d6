"""Bytes to lines of text: UTF-8, any line ending, bounded memory, exact line numbers for what is wrong."""

import codecs
import hashlib
import io
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final

from runner.intake.codes import Code, Fault

CHUNK: Final = 1 << 16
MAX_ROW: Final = 1 << 20
"""Characters of one row: hundreds of times the longest honest one."""
SAMPLE: Final = 1 << 14
"""Bytes from the first wrong one on from which the encoding is guessed."""

_LEGACY: Final = ["cp1252", "cp1250", "cp1251", "iso8859_15", "mac_roman", "cp437", "shift_jis"]
_RELATIVES: Final = frozenset({"cp1250", "mac_roman", "cp437", "iso8859_15"})
_NAMES: Final = {
    "cp1252": "windows-1252",
    "cp1250": "windows-1250",
    "cp1251": "windows-1251",
    "iso8859_15": "iso-8859-15",
}
_OTHER_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE_AS = (
    'a file saved as UTF-8 (in Excel: "Save as", type "CSV UTF-8"; in LibreOffice: character set "Unicode (UTF-8)")'
)


class FileFault(Exception):
    """The file as a whole cannot be used: what, and on which line it shows."""

    def __init__(self, fault: Fault, *, line: int) -> None:
        super().__init__(fault.expected)
        self.fault = fault
        self.line = line


class RowTooLong(Exception):
    """More than `MAX_ROW` characters have been given out or are about to be, and still no row has ended."""


class Lines:
    """The lines of a file, line ends included, as `csv.reader` wants them.

    `row_size` counts the characters given out; whoever puts rows together sets it to zero at each row's end.
    Iterating raises `FileFault` for bytes that are not UTF-8, a NUL and a failing disk, and `RowTooLong`.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._whole = False
        self._seen = 0
        self.row_size = 0
        self.encoding = "utf-8"

    @property
    def sha256(self) -> str | None:
        """Hex digest of the file's bytes; None unless it has been read to its end."""
        return self._hash.hexdigest() if self._whole else None

    def __iter__(self) -> Iterator[str]:
        """Yield line after line."""
        # Chained in C: a generator of single lines would cost more than parsing them.
        return chain.from_iterable(map(separate, self.blocks()))

    def blocks(self) -> Iterator[str]:
        """Yield many whole lines at a time; only the last one of all may lack its end."""
        tail = ""
        for text in self._texts():
            block = tail + text
            # A CR that is the very last character may be half of a line end.
            end = max(block.rfind("\n"), block.rfind("\r", 0, -1)) + 1
            block, tail = block[:end], block[end:]
            self.row_size += len(text)
            yield block
            # Only now is it known whether a row has ended in what was given out.
            if self.row_size > MAX_ROW or len(tail) > MAX_ROW:
                raise RowTooLong
        if tail:
            yield tail

    def _texts(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        counted = 0
        first = True
        last = ""
        while True:
            chunk = self._read()
            self._hash.update(chunk)
            if first:
                chunk = self._without_bom(chunk)
                first = False
            if last == "\r" and chunk.startswith(b"\n"):
                counted -= 1  # the CR in the chunk before was the first half of this line end
            try:
                text = decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                raise self._not_utf8(error, line=counted + 1) from None
            if "\0" in text:
                line = counted + 1 + _line_ends(text[: text.index("\0")])
                fault = Fault(Code.NUL_CHARACTER, None, None, "a text file, saved as CSV in UTF-8")
                raise FileFault(fault, line=line)
            counted += _line_ends(text)
            last = text[-1:]
            self._seen = counted - (last == "\r")  # whose LF may follow
            if text:
                yield text
            if not chunk:
                break
        self._whole = True

    def _read(self) -> bytes:
        try:
            return self._stream.read(CHUNK)
        except OSError as error:
            fault = Fault(Code.FILE_UNREADABLE, None, None, f"a file that can be read ({error.strerror})")
            raise FileFault(fault, line=self._seen + 1) from None

    def _without_bom(self, chunk: bytes) -> bytes:
        if chunk.startswith(codecs.BOM_UTF8):
            self.encoding = "utf-8-sig"
            chunk = chunk[len(codecs.BOM_UTF8) :] or self._more()
        for mark, name in _OTHER_BOMS:
            if chunk.startswith(mark):
                raise FileFault(_wrong_encoding(name), line=1)
        # UTF-16 without its mark: Latin text has a NUL in every second byte.
        if chunk[:SAMPLE].count(0) * 3 > len(chunk[:SAMPLE]):
            raise FileFault(_wrong_encoding("UTF-16"), line=1)
        return chunk

    def _more(self) -> bytes:
        chunk = self._read()
        self._hash.update(chunk)
        return chunk

    def _not_utf8(self, error: UnicodeDecodeError, *, line: int) -> FileFault:
        before = error.object[: error.start]
        rest = bytes(error.object[error.start :])
        name = guessed_encoding(rest if len(rest) >= SAMPLE else rest + self._read())
        return FileFault(_wrong_encoding(name), line=line + _line_ends(before.decode("utf-8", "replace")))


def guessed_encoding(text: bytes) -> str:
    """Return the likeliest encoding, as a profile names it, of a text whose first byte is the first wrong one."""
    # Here, because files that are not UTF-8 are rare, and this takes longer to load than most of the program.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    text = text[:SAMPLE]
    best = from_bytes(text, cp_isolation=_LEGACY).best()
    guessed = "cp1252" if best is None else best.encoding
    if guessed in _RELATIVES and _decodes(text, "cp1252"):
        # In exports of western office software it is by far the most frequent.
        guessed = "cp1252"
    return _NAMES.get(guessed, guessed.replace("_", "-"))


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def separate(block: str) -> list[str]:
    """Return the lines of a text, line ends included."""
    # Only CR, LF and CRLF end a line (str.splitlines knows more): StringIO is the C code that does.
    return list(io.StringIO(block, newline=""))


def _wrong_encoding(name: str | None) -> Fault:
    return Fault(Code.NOT_UTF8, None, None if name is None else f"it seems to be {name}", _SAVE_AS)


def _line_ends(text: str) -> int:
    ends = text.count("\n")
    return ends + text.count("\r") - text.count("\r\n") if "\r" in text else ends
