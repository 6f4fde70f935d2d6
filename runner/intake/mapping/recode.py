"""Bytes of any stated encoding as UTF-8, with exact line numbers for what cannot be decoded."""

import codecs
import hashlib
import io
from typing import BinaryIO, Final

from runner.intake.codes import Code, Fault
from runner.intake.text import FileFault

CHUNK: Final = 1 << 16


def known_encoding(name: str) -> bool:
    """Say whether there is a text encoding of this name that can be read piece by piece."""
    try:
        found = codecs.lookup(name)
        # Codecs such as hex turn bytes into bytes; and some cannot work on pieces.
        return found.name != "idna" and isinstance(codecs.getincrementaldecoder(name)("strict").decode(b"", True), str)
    except (LookupError, TypeError, ValueError, AssertionError):
        return False


class Recoded(io.RawIOBase):
    """A stream of UTF-8 made from one of another encoding; reading raises `FileFault` where that is not it."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._hash = hashlib.sha256()
        self._rest = b""
        self._lines = 1
        self._whole = False
        self._first = True

    @property
    def sha256(self) -> str | None:
        """Hex digest of the bytes before they were recoded; None unless they were read to the end."""
        return self._hash.hexdigest() if self._whole else None

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        wanted = CHUNK if size < 0 else size
        while not self._rest and not self._whole:
            self._rest = self._next()
        given, self._rest = self._rest[:wanted], self._rest[wanted:]
        return given

    def _next(self) -> bytes:
        chunk = self._stream.read(CHUNK)
        self._hash.update(chunk)
        try:
            text = self._decoder.decode(chunk, not chunk)
            recoded = text.encode("utf-8")
        except UnicodeError as error:
            raise self._fault(error) from None
        self._whole = not chunk
        self._lines += text.count("\n")
        if self._first and text:
            self._first = False
            recoded = text.removeprefix("\ufeff").encode("utf-8")
        return recoded

    def _fault(self, error: UnicodeError) -> FileFault:
        # What is at fault may have begun in the chunk before: the error holds all that the decoder had.
        if isinstance(error, UnicodeEncodeError):
            # It decodes to something that is no character: half of a pair.
            before, after = (
                each.encode("utf-8", "surrogatepass")
                for each in (error.object[: error.start], error.object[error.start : error.start + 4])
            )
        elif isinstance(error, UnicodeDecodeError):
            before, after = error.object[: error.start], error.object[error.start : error.start + 4]
        else:
            before = after = b""
        line = self._lines + before.count(b"\n")
        wanted = f"text in {self._encoding}, as the mapping profile says"
        found = after.hex(" ")
        return FileFault(Fault(Code.ENCODING_WRONG, None, f"the bytes {found}", wanted), line=line)
