"""Finding the API key in what others wrote, however they wrote it down."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

HIDDEN: Final = "***"
SHORTEST: Final = 16
"""Characters. A shorter key is none of Codat's; a word like `demo` would be found in ids and in people's words."""

_RUN = re.compile(r"[A-Za-z0-9]+")
_ANCHORED: Final = 4


class Hiding:
    r"""Puts `***` in the place of secrets in texts and bytes.

    A secret is found as it is, and with its marks written as JSON, URLs, HTML and Python write them: `+` is also
    `\u002B`, `%2B`, `&#43;`, `&plus;` and `\x2b`. Nobody escapes letters and digits, so the longest run of them is
    looked for first: of most texts that is all that is done.
    """

    __slots__ = ("_wanted",)

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets`: ASCII texts; those shorter than `SHORTEST` are not looked for."""
        found = {each.rstrip("=") for each in secrets}
        # The longest first: a secret may be a part of another one.
        chosen = sorted((each for each in found if len(each) >= SHORTEST), key=len, reverse=True)
        self._wanted = [(_anchor(each), re.compile(_pattern(each))) for each in chosen]

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        for anchor, pattern in self._wanted:
            if anchor in text:
                text = pattern.sub(HIDDEN, text)
        return text

    def data(self, data: bytes) -> bytes:
        """Return the bytes without the secrets; the rest of them is as it was, whatever it is."""
        if not any(anchor.encode("ascii") in data for anchor, _ in self._wanted):
            return data
        # Latin 1 is any bytes, one character each, and back.
        return self.text(data.decode("latin-1")).encode("latin-1")


def forms_of(key: str) -> Iterator[str]:
    """Yield what gives a key away: the key, what the header carries, and what a ready-made header was made from."""
    scheme, _, rest = key.partition(" ")
    token = rest.strip() if scheme.lower() == "basic" else ""
    if not token:
        yield key
        yield _encoded(key)
        return
    yield token
    try:
        raw = base64.b64decode(token, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return
    yield raw
    # As a user name and an empty password, which is what the header's scheme is made for.
    yield raw.removesuffix(":")


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode("ascii")).decode("ascii")


def _anchor(secret: str) -> str:
    longest = max(_RUN.findall(secret), key=len, default="")
    return longest if len(longest) >= _ANCHORED else ""


def _pattern(secret: str) -> str:
    # Base64 may come without its padding; `=` was taken off above.
    padding = f"(?:{_mark('=')}){{0,2}}"
    return "".join(each if each.isalnum() else f"(?:{_mark(each)})" for each in secret) + padding


def _mark(mark: str) -> str:
    """Return the pattern of a mark as it is and as it is escaped, once or several times over."""
    number = f"{ord(mark):02x}"
    ways = [
        rf"\\*{re.escape(mark)}",
        rf"\\+u00(?i:{number})",
        rf"\\+x(?i:{number})",
        rf"%(?:25)*(?i:{number})",
        rf"&#0*{ord(mark)};",
        rf"&#[xX]0*(?i:{number});",
        "&[a-z]{2,6};",
    ]
    if mark == " ":
        ways.append(r"\+")
    if mark in "+/":
        # The other alphabet of base64, for URLs.
        ways.append("-" if mark == "+" else "_")
    return "|".join(ways)
