"""Receipts on disk: found safely when staged, opened safely again when sent.

A path comes out of a CSV file and is hostile. It is walked one component at a time from the receipts folder's
own descriptor, no link followed at any step, so nothing that happens to the folders meanwhile can lead
outside.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runner.domain.expense import Receipt
from runner.domain.remote import ReceiptFile
from runner.errors import ReceiptUnusable
from runner.intake.codes import Code, Fault, cut

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "gif": "image/gif",
        "tif": "image/tiff",
        "tiff": "image/tiff",
        "bmp": "image/bmp",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv",
        "txt": "text/plain",
    }
)
MAX_PATH = 1024

_CHUNK: Final = 1024 * 1024
_KEPT: Final = 4096
"""Files whose hashes are kept while rows are read: many rows may name one file."""

_NO_PLAIN_FILE = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.EMLINK}

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK opening a pipe would wait for its writer for ever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ReceiptRefused(Exception):
    """A path that is no usable receipt; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.expected)
        self.fault = fault


class ReceiptFolder:
    """The folder that receipts are relative to, held open while rows are read."""

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self._root = os.path.realpath(root)
        self._max_bytes = max_bytes
        self._descriptor: int | None = None
        self._hashed: dict[tuple[int, ...], tuple[int, bytes]] = {}

    def find(self, written: str) -> Receipt:
        """Return the receipt that a cell names, with the hash of its content; raises `ReceiptRefused`."""
        parts = _parts(written)
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._root, _FOLDER_FLAGS)
            descriptor = _open_below(self._descriptor, parts)
        except (OSError, ValueError) as error:
            raise ReceiptRefused(_fault_of(error, written, self._root)) from None
        try:
            size, sha256 = self._hash(descriptor, written)
        except OSError as error:
            raise ReceiptRefused(_fault_of(error, written, self._root)) from None
        finally:
            os.close(descriptor)
        return Receipt(root=self._root, path="/".join(parts), size=size, sha256=sha256)

    def _hash(self, descriptor: int, written: str) -> tuple[int, bytes]:
        """Return size and SHA-256 of an open file, as far as it may be read at all."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(Code.RECEIPT_NOT_A_FILE, written, "a plain file")
        self._check(status.st_size, written)
        mark = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if mark not in self._hashed:
            if len(self._hashed) == _KEPT:
                del self._hashed[next(iter(self._hashed))]
            self._hashed[mark] = _digest(descriptor, self._max_bytes)
        # A file may grow while it is read, and some have no size before they are.
        self._check(self._hashed[mark][0], written)
        return self._hashed[mark]

    def _check(self, size: int, written: str) -> None:
        if size == 0:
            raise _refused(Code.RECEIPT_EMPTY, written, "a file with content")
        if size > self._max_bytes:
            expected = f"at most {self._max_bytes:,} bytes, this file has {size:,}"
            raise _refused(Code.RECEIPT_TOO_LARGE, written, expected)

    def close(self) -> None:
        """Let the folder go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read_receipt(receipt: Receipt) -> bytes:
    """Return a staged receipt's content, held against its hash: what is returned is what was staged.

    Raises `ReceiptUnusable` where the file is missing, not plain, cannot be read, or is not what it was.
    """
    descriptor = _open_again(receipt)
    # One byte more than it should have: a file that grew is noticed and never read whole.
    try:
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(receipt.size + 1)
    except OSError as error:
        raise ReceiptUnusable(f"{_named(receipt)} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).digest() != receipt.sha256:
        raise ReceiptUnusable(
            f"{_named(receipt)} is not the file any more that it was when it was staged.",
            hint="Look which file is the right one, put it under the same name and run with the CSV again.",
            code="receipt_changed",
        )
    return content


def _open_again(receipt: Receipt) -> int:
    """Return a descriptor of a staged receipt's file, which is a plain one; raises `ReceiptUnusable`."""
    name = _named(receipt)
    try:
        root = os.open(receipt.root, _FOLDER_FLAGS)
        try:
            descriptor = _open_below(root, _parts(receipt.path))
        finally:
            os.close(root)
    except ReceiptRefused as refused:
        raise ReceiptUnusable(f"{name} cannot be used: expected {refused.fault.expected}.") from None
    except (OSError, ValueError) as error:
        fault = _fault_of(error, receipt.path, receipt.root)
        raise ReceiptUnusable(
            f"{name} cannot be opened any more.", hint=f"Expected {fault.expected}.", code=fault.code
        ) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise ReceiptUnusable(f"{name} is no plain file any more.", code=Code.RECEIPT_NOT_A_FILE)


def _named(receipt: Receipt) -> str:
    return f"The receipt {cut(receipt.path)!r} below {receipt.root!r}"


def load_receipt(receipt: Receipt) -> ReceiptFile:
    """Return a staged receipt ready to be attached; raises `ReceiptUnusable` as `read_receipt` does."""
    return ReceiptFile(
        filename=receipt.path.rpartition("/")[2],
        content_type=content_type(receipt.path),
        content=read_receipt(receipt),
    )


def content_type(path: str) -> str:
    """Return the media type that a file name's extension stands for."""
    return CONTENT_TYPES.get(_extension(path), "application/octet-stream")


def _extension(path: str) -> str:
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem else ""


def _parts(written: str) -> list[str]:
    """Take a path apart; raises `ReceiptRefused` unless it is relative, plain and of a known kind of file."""
    if "\\" in written:
        raise _refused(Code.RECEIPT_PATH_REFUSED, written, "a path with / between folders, not \\")
    if written.startswith("/") or len(written) > MAX_PATH:
        raise _refused(
            Code.RECEIPT_PATH_REFUSED,
            written,
            "a path relative to the receipts folder, such as 2024/taxi.pdf",
        )
    parts = [part for part in written.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or written.endswith("/"):
        raise _refused(
            Code.RECEIPT_PATH_REFUSED,
            written,
            "the path of a file that stays inside the receipts folder (no ..)",
        )
    if _extension(parts[-1]) not in CONTENT_TYPES:
        raise _refused(Code.RECEIPT_KIND_REFUSED, written, "one of " + ", ".join(CONTENT_TYPES))
    return parts


def _open_below(folder: int, parts: list[str]) -> int:
    """Open a file below an open folder without following any link; the caller closes the descriptor."""
    opened: list[int] = []
    here = folder
    try:
        for part in parts[:-1]:
            here = os.open(part, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=here)
            opened.append(here)
        return os.open(parts[-1], _FILE_FLAGS, dir_fd=here)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _fault_of(error: OSError | ValueError, written: str, root: str) -> Fault:
    match error:
        case FileNotFoundError():
            return _fault(Code.RECEIPT_MISSING, written, f"an existing file below {root}")
        case PermissionError():
            return _fault(Code.RECEIPT_UNREADABLE, written, "a file that you may read")
        case OSError() if error.errno in _NO_PLAIN_FILE:
            return _fault(Code.RECEIPT_NOT_A_FILE, written, "a plain file in plain folders (links are not followed)")
        case OSError():
            return _fault(Code.RECEIPT_UNREADABLE, written, f"a file that can be read ({error.strerror})")
        case _:
            return _fault(Code.RECEIPT_PATH_REFUSED, written, "a path without special characters")


def _fault(code: Code, written: str, expected: str) -> Fault:
    return Fault(code, "receipts", cut(written), expected)


def _refused(code: Code, written: str, expected: str) -> ReceiptRefused:
    return ReceiptRefused(_fault(code, written, expected))


def _digest(descriptor: int, limit: int) -> tuple[int, bytes]:
    """Return how many bytes a file has and their SHA-256; what is beyond the limit is not read to its end."""
    digest, size = hashlib.sha256(), 0
    while size <= limit and (chunk := os.read(descriptor, _CHUNK)):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.digest()
