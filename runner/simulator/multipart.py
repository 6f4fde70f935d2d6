"""Reading the one file of a multipart/form-data body."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from runner.simulator.values import Refusal

_BOUNDARY = re.compile(r'boundary=(?:"(?P<quoted>[^"]+)"|(?P<bare>[^;\s]+))', re.IGNORECASE)
_PARAMETER = re.compile(r'(?P<name>[a-z]+\*?)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;\s]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FilePart:
    """The part named `file`."""

    name: str
    content_type: str
    content: bytes


def read_file_part(content_type: str, body: bytes) -> FilePart:
    """Return the part named `file`. Raises `Refusal` 415 or 400 where there is none with a file name."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise Refusal(415, "An attachment is sent as multipart/form-data.")
    delimiter = b"--" + (boundary["quoted"] or boundary["bare"]).encode()
    # The first piece stands before the first delimiter; the last begins with the two hyphens of the end.
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refusal(400, "The multipart body is not complete.")
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        part = _file_of(head.decode("utf-8", "replace"), content) if separator else None
        if part is not None:
            return part
    raise Refusal(400, "The multipart body has no part named file with a file name.")


def _file_of(head: str, content: bytes) -> FilePart | None:
    headers = dict(_header(line) for line in head.split("\r\n") if ":" in line)
    disposition = headers.get("content-disposition", "")
    found = {
        match["name"].lower(): match["quoted"] if match["quoted"] is not None else match["bare"]
        for match in _PARAMETER.finditer(disposition)
    }
    extended = found.get("filename*", "")
    name = unquote(extended.rpartition("''")[2]) if extended else unquote(found.get("filename", ""))
    if found.get("name") != "file" or not name:
        return None
    return FilePart(name, headers.get("content-type", "application/octet-stream"), content)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
