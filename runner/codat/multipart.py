"""A receipt as a multipart/form-data body, byte for byte the same for the same key."""

import hashlib
import re
import unicodedata

from runner.domain.ids import IdempotencyKey
from runner.domain.remote import ReceiptFile

MAX_FILENAME_BYTES = 200

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}", re.ASCII)
_ANY_CONTENT = "application/octet-stream"
_UNNAMED = "receipt"


def encode_file(file: ReceiptFile, *, key: IdempotencyKey) -> tuple[str, bytes]:
    """Return (value of the Content-Type header, body) with the file as the one part, named `file`.

    The boundary comes from the key: a replay under the key must carry the same bytes, or it is a 422.
    """
    boundary = _boundary(file.content, key)
    media_type = file.content_type if _MEDIA_TYPE.fullmatch(file.content_type) else _ANY_CONTENT
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{safe_filename(file.filename)}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n"
    body = b"".join((head.encode("utf-8"), file.content, tail.encode("ascii")))
    return f"multipart/form-data; boundary={boundary}", body


def safe_filename(name: str) -> str:
    """Return the last component of the name without anything that could end the header or the parameter.

    Quotes, and characters of the control, format and surrogate kinds, become `_`; so do `%` and `;`, which
    some readers unescape or split at. Other letters stay, in UTF-8: RFC 7578 forbids `filename*`. At most 200
    bytes, the extension kept.
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join("_" if _is_unsafe(each) else each for each in last).strip(" .")
    if not plain:
        return _UNNAMED
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension.encode()) > 20:
        return _cut(plain, MAX_FILENAME_BYTES)
    ending = dot + extension
    return _cut(stem, MAX_FILENAME_BYTES - len(ending.encode())) + ending


def _is_unsafe(character: str) -> bool:
    return character in "\"'%;" or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8")[:size].decode("utf-8", errors="ignore")


def _boundary(content: bytes, key: IdempotencyKey) -> str:
    seed = key
    while True:
        boundary = "expense-runner-" + hashlib.sha256(seed.encode()).hexdigest()[:40]
        if boundary.encode("ascii") not in content:
            return boundary
        seed = IdempotencyKey(seed + "+")
