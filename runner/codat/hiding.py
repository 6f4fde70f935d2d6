"""Finding the API key in what others wrote, however they wrote it down."""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

HIDDEN: Final = "***"
SHORTEST: Final = 16
"""Characters. A shorter key is none of Codat's; a word like `demo` would be found in ids and in people's words."""

_DEEPEST: Final = 8
"""How many times over escaping is undone: nobody escapes an escaped text more often by accident."""
_ESCAPE: Final = re.compile(
    # A run of backslashes is taken from its beginning only, and whole: JSON in JSON doubles them each time.
    r"(?<!\\)\\++(?:u+(?P<json>[0-9a-fA-F]{4})|U0*(?P<python>[0-9a-fA-F]{2})(?![0-9a-fA-F])|x(?P<x>[0-9a-fA-F]{2})"
    r"|(?P<octal>[0-3][0-7]{2})|(?P<mark>[ !-/:-@\[\]-`{-~]))?"
    r"|%(?:(?P<percent>[0-9a-fA-F]{2})|u(?P<wide>[0-9a-fA-F]{4}))"
    r"|&(?:#0*(?P<number>[0-9]{1,6});?|#[xX]0*(?P<hex>[0-9a-fA-F]{1,5});?|(?P<name>[A-Za-z]{2,8});)"
)
_BASES: Final = {"number": 10, "octal": 8}
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_=-]*")
_PADDING: Final = re.compile(r"={0,2}")
_PADDED: Final = re.compile(r"={1,2}\Z")


class _Needle(NamedTuple):
    text: str
    derived: bool
    """It is made from a secret, and may be a part of what a longer text was made into."""


class Hiding:
    r"""Puts `***` in the place of secrets in texts and bytes.

    A secret is found as it is, in hexadecimal, and in base64 wherever it begins there; each of these also with any of
    its characters, or all, escaped as JSON, URLs, HTML and Python do it, once or several times over: `Z` is also
    `\u005a`, `\\u005A`, `%5a`, `%255A`, `&#90;` and `\x5a`. What is no secret stays as it was written.
    """

    __slots__ = ("_needles",)

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets`: ASCII texts; those shorter than `SHORTEST` are not looked for."""
        # Base64 may come without its padding.
        chosen = {_PADDED.sub("", secret) for secret in secrets if len(secret) >= SHORTEST}
        self._needles = tuple(
            {needle.text: needle for secret in sorted(chosen) for needle in reversed([*_needles(secret)])}.values()
        )

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        spans = self._spans(text)
        if not spans:
            return text
        pieces, done = [], 0
        for start, end in spans:
            if start >= done:
                pieces += [text[done:start], HIDDEN]
            done = max(done, end)
        return "".join((*pieces, text[done:]))

    def data(self, data: bytes) -> bytes:
        """Return the bytes without the secrets; the rest of them is as it was, whatever it is."""
        # Latin 1 is any bytes, one character each, and back.
        text = data.decode("latin-1")
        found = self.text(text)
        return data if found is text else found.encode("latin-1")

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return where secrets stand, in order; escaping is undone level by level, and the places are led back."""
        if not self._needles:
            return []
        found: list[tuple[int, int]] = []
        undone: list[_Unescaped] = []
        for _ in range(_DEEPEST):
            for start, end in self._found(text):
                for level in reversed(undone):
                    start, end = level.start(start), level.end(end)  # noqa: PLW2901 - led back to where it was written
                found.append((start, end))
            level = _Unescaped(text)
            if level.text == text:
                break
            undone.append(level)
            text = level.text
        return sorted(found)

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        for needle in self._needles:
            start = text.find(needle.text)
            while start >= 0:
                end = start + len(needle.text)
                # What is left and right of it is of the same base64; a plain secret may have its padding behind it.
                if run := (_ENCODED if needle.derived else _PADDING).match(text, end):
                    end = run.end()
                yield _beginning(text, start) if needle.derived else start, end
                start = text.find(needle.text, end)


def _beginning(text: str, start: int) -> int:
    while start > 0 and _ENCODED.fullmatch(text, start - 1, start):
        start -= 1
    return start


class _Unescaped:
    """A text with one level of escaping undone, and the way back from a place in it to where that was written."""

    __slots__ = ("_made", "_written", "text")

    def __init__(self, text: str) -> None:
        self._made: list[int] = []
        """Where in the new text a character stands that was escaped."""
        self._written: list[tuple[int, int]] = []
        pieces, done, length = [], 0, 0
        for match in _ESCAPE.finditer(text):
            character = _character(match)
            if character is None:
                continue
            start, end = match.span()
            pieces += [text[done:start], character]
            length += start - done
            self._made.append(length)
            self._written.append((start, end))
            length, done = length + 1, end
        self.text = "".join((*pieces, text[done:])) if pieces else text

    def start(self, place: int) -> int:
        """Return where the character at this place begins in the text as it was written."""
        return self._span(place)[0]

    def end(self, place: int) -> int:
        """Return where the character before this place ends in the text as it was written."""
        return self._span(place - 1)[1]

    def _span(self, place: int) -> tuple[int, int]:
        number = bisect_right(self._made, place) - 1
        if number < 0:
            return place, place + 1
        if self._made[number] == place:
            return self._written[number]
        start = self._written[number][1] + place - self._made[number] - 1
        return start, start + 1


def _character(match: re.Match[str]) -> str | None:
    """Return the one character that an escape stands for; None where it is no escape."""
    kind = match.lastgroup
    if kind is None:
        return "\\" if len(match[0]) > 1 else None
    if kind == "mark":
        return match["mark"]
    if kind == "name":
        import html  # noqa: PLC0415 - rare, and its table of names is large

        named = html.unescape(match[0])
        return named if len(named) == 1 else None
    number = int(match[kind], _BASES.get(kind, 16))
    return chr(number) if number < 0x10FFFF else None


def _needles(secret: str) -> Iterator[_Needle]:
    """Yield the texts that a secret is found by, first the plain ones."""
    plain = {secret, secret.replace(" ", "+"), secret.translate(_URLS)}
    unescaped = secret
    for _ in range(_DEEPEST):
        # A secret that looks escaped itself is undone together with the text around it.
        unescaped = _Unescaped(unescaped).text
        plain |= {unescaped, unescaped.replace(" ", "+")} if len(unescaped) >= SHORTEST // 2 else set()
    yield from (_Needle(each, derived=False) for each in sorted(plain))
    first = {*_hexadecimal(secret), *_base64(secret)}
    second = {twice for each in first if " " not in each for twice in (each.encode().hex(), *_base64(each))}
    yield from (_Needle(each, derived=True) for each in sorted(first | second))


_URLS: Final = str.maketrans("+/", "-_")
"""The other alphabet of base64, for URLs."""


def _hexadecimal(secret: str) -> Iterator[str]:
    for separator in ("", ":", "-", " "):
        text = secret.encode().hex(separator) if separator else secret.encode().hex()
        yield from (text, text.upper())


def _base64(secret: str) -> Iterator[str]:
    """Yield what a secret always becomes within a longer text, by how many bytes stand before it, modulo three."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret.encode()).decode("ascii")
        kept = whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield from {kept, kept.translate(_URLS)}


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
