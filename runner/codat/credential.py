"""The API key, wrapped so that it cannot be printed by accident."""

import base64
from collections.abc import Awaitable, Callable

from runner.codat.hiding import HIDDEN, Hiding, forms_of
from runner.errors import ConfigurationWrong

_READY_MADE = "basic "


class Credential:
    """Codat's API key; whatever prints, logs or formats it shows `***`.

    Takes the raw key, or the ready-made value of the Authorization header (`Basic …`). Everything that does
    not begin with `Basic ` is a raw key, even if it happens to be valid base64.

    `source` says in words where it came from, for people: never the key itself. `again` reads it there once more,
    for a key that is changed while a run is under way; None where that can find nothing new.

    Raises `ConfigurationWrong` for an empty key and for one that no header can carry.
    """

    __slots__ = ("_hiding", "_known", "_text", "again", "source")

    def __init__(
        self, text: str, *, source: str = "", again: Callable[[], Awaitable["Credential"]] | None = None
    ) -> None:
        self._text = _checked(text)
        self._known = [self._text]
        self._hiding = Hiding(forms_of(self._text))
        self.source = source
        self.again = again

    def header(self) -> str:
        """Return the value of the Authorization header."""
        if self._text.lower().startswith(_READY_MADE):
            return "Basic " + self._text[len(_READY_MADE) :].strip()
        return "Basic " + base64.b64encode(self._text.encode("ascii")).decode("ascii")

    def is_same_as(self, other: "Credential") -> bool:
        """Say whether both make the same header: a raw key and its ready-made value are one key."""
        return self.header() == other.header()

    def renew(self, other: "Credential") -> bool:
        """Take the other's key from now on, and say whether it is another one; the old one stays hidden."""
        if self.is_same_as(other):
            return False
        self._text = other._text  # noqa: SLF001 - of the same class
        self._known.append(self._text)
        self._hiding = Hiding(form for text in self._known for form in forms_of(text))
        return True

    def hidden(self, text: str) -> str:
        """Return a text without the key, however it is written there."""
        return self._hiding.text(text)

    def hidden_data(self, data: bytes) -> bytes:
        """Return bytes without the key, however it is written there."""
        return self._hiding.data(data)

    def __repr__(self) -> str:
        return f"Credential({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)


def _checked(text: str) -> str:
    text = text.strip()
    if not text or text.lower() == _READY_MADE.strip():
        raise ConfigurationWrong(
            "The Codat API key is empty.", hint="Set CODAT_API_KEY to the key from Codat's portal."
        )
    if not (text.isascii() and text.isprintable()):
        raise ConfigurationWrong(
            "The Codat API key contains characters that a key cannot have.",
            hint="Copy it again from Codat's portal, as one line.",
        )
    return text
