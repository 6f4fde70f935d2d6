"""Receipts on disk: found safely when staged, opened safely again when sent.

A path comes out of a CSV file and is hostile. It is walked one component at a time from the receipts folder's
own descriptor, no link followed at any step, so nothing that happens to the folders meanwhile can lead
outside.
"""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

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

    def find(self, written: str) -> Receipt:
        """Return the receipt that a cell names; raises `ReceiptRefused`."""
        parts = _parts(written)
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._root, _FOLDER_FLAGS)
            descriptor = _open_below(self._descriptor, parts)
        except (OSError, ValueError) as error:
            raise ReceiptRefused(_fault_of(error, written, self._root)) from None
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self._check(status, written)
        return Receipt(root=self._root, path="/".join(parts), size=status.st_size)

    def _check(self, status: os.stat_result, written: str) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise _refused(Code.RECEIPT_NOT_A_FILE, written, "a plain file")
        if status.st_size == 0:
            raise _refused(Code.RECEIPT_EMPTY, written, "a file with content")
        if status.st_size > self._max_bytes:
            raise _refused(
                Code.RECEIPT_TOO_LARGE,
                written,
                f"at most {self._max_bytes:,} bytes, this file has {status.st_size:,}",
            )

    def close(self) -> None:
        """Let the folder go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def open_receipt(receipt: Receipt) -> BinaryIO:
    """Open a staged receipt for reading; the caller closes it.

    Raises `ReceiptUnusable` where it is missing, not a plain file, or not of the size it was staged with.
    """
    name = f"The receipt {cut(receipt.path)!r} below {receipt.root!r}"
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
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size == receipt.size:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ReceiptUnusable(f"{name} is no plain file any more.", code=Code.RECEIPT_NOT_A_FILE)
    raise _changed(name, receipt, status.st_size)


def read_receipt(receipt: Receipt) -> bytes:
    """Return a staged receipt's content; raises `ReceiptUnusable` as `open_receipt` does."""
    with open_receipt(receipt) as stream:
        # One byte more than it should have: a file that grows meanwhile is noticed and never read whole.
        try:
            content = stream.read(receipt.size + 1)
        except OSError as error:
            raise ReceiptUnusable(f"The receipt {cut(receipt.path)!r} cannot be read: {error.strerror}.") from None
    if len(content) != receipt.size:
        raise _changed(f"The receipt {cut(receipt.path)!r}", receipt, len(content))
    return content


def load_receipt(receipt: Receipt) -> ReceiptFile:
    """Return a staged receipt ready to be attached; raises `ReceiptUnusable` as `open_receipt` does."""
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


def _changed(name: str, receipt: Receipt, size: int) -> ReceiptUnusable:
    return ReceiptUnusable(
        f"{name} has changed since it was staged: {receipt.size:,} bytes then, {size:,} now.",
        hint="Put the original file back, or stage the expense again.",
        code="receipt_changed",
    )
